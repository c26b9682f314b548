/*
 * The indexes of a segment against its batches, while these come by in order:
 * every entry must name the batch that it points at.  Beside klog's own rule,
 * an entry a batch, a Kafka's are taken, too, which may stand for several
 * batches that were appended at once.
 */
#ifndef KLOG_COLLATE_H
#define KLOG_COLLATE_H

#include "batch.h"
#include "entries.h"
#include "findings.h"

struct klog_collate {
	/* set by the caller */
	int64_t base;
	bool ours;        /* klog wrote it: an entry names its batch alone */
	bool last;        /* the active segment */
	bool zeros;       /* it may end in zeros: a Kafka has it open */
	int64_t interval; /* index.interval.bytes, -1: not known */
	int64_t gaps;     /* offsets below it may have gaps: compacted */
	int64_t least_entries, least_times; /* of the active segment's state */
	struct klog_findings *out;

	char index_name[KLOG_FILE_NAME], time_name[KLOG_FILE_NAME];
	int index_fd, time_fd;
	struct klog_entries index, time;
	int64_t indexed; /* position of the batch last named, or 0 */
	int64_t overdue; /* of the first batch that should be, -1 */
	int64_t pending; /* last offset that an entry names, -1 */
	int64_t pending_at;
	int64_t newest_ms, time_ms; /* of the batches, of the entries */
	bool skipping;            /* entries into a damaged range say nothing */
	bool whole;               /* there was none */
	bool ask;                 /* a missing file is a finding */
	bool index_bad, time_bad; /* an entry was told */
	int64_t lacking; /* entries, for the batches from here on; -1 */
	int64_t lacking_at;
	bool timed; /* there are batches that want a time index */
};

/* Opens both; `ask` whether a missing one is a finding, in the end. */
int klog_collate_open(
	struct klog_collate *c, int dir, bool ask, struct klog_err *err);

/* The next good batch, at `position`. */
int klog_collate_batch(struct klog_collate *c, const struct klog_batch *batch,
	int64_t position, struct klog_err *err);

/* A damaged range was passed over: entries into it say nothing. */
void klog_collate_skip(struct klog_collate *c);

/*
 * All came by, up to the position `end` and before the offset `next`; the .log
 * has `size` bytes by now, so that newer entries may be right.
 */
int klog_collate_end(struct klog_collate *c, int64_t end, int64_t next,
	int64_t size, struct klog_err *err);

void klog_collate_close(struct klog_collate *c);

#endif
