/*
 * Compaction: of each key only the last record stays, as Kafka's LogCleaner
 * decides it.  Here are the decisions and the copying; who holds which lock,
 * and how segments are replaced, is clean.c's and swap.c's.
 */
#ifndef KLOG_COMPACT_H
#define KLOG_COMPACT_H

#include "lookup.h"
#include "producers.h"
#include "retention.h"
#include "swap.h"

/* What there is to do in a log. */
struct klog_dirt {
	int64_t from;          /* first dirty offset */
	int64_t to;            /* exclusive: what may be cleaned now */
	int64_t clean, dirty;  /* bytes before and between */
	bool open_transaction; /* that is what `to` lies before */
	bool due;              /* the ratio or the lag says so */
};

/*
 * Looks what is dirty: facts are the segments, the last is active; `stable`
 * the last stable offset.  klog_segment_fact.newest_ms counts against
 * min.compaction.lag.ms; against the largest lag `oldest_ms`, the least of the
 * largest timestamps of the first batches of the dirty segments, or -1 (Kafka's
 * getFirstBatchTimestampForSegments).  What is not due with a stable of
 * INT64_MAX is not due with any.
 */
void klog_compact_look(struct klog_dirt *dirt,
	const struct klog_segment_fact *facts, size_t count,
	int64_t first_dirty, int64_t stable, int64_t oldest_ms,
	const struct klog_settings *settings, int64_t now_ms);

struct klog_compaction {
	/* set by the caller */
	int dir;
	const char *path; /* for messages */
	const struct klog_settings *settings;
	int64_t now_ms;
	struct klog_producers *producers;
	struct klog_decoder *decoder;

	struct klog_keymap map;
	int64_t latest; /* the last offset that is in the map */
	int64_t to;     /* exclusive: of this round */
	struct klog_scan scan;
	struct klog_rebuilt rebuilt;
	struct klog_buf sealed;
	int64_t read, kept; /* records */

	/* the segment that is written */
	int64_t base;
	int fd, index_fd, time_fd;
	struct klog_buf out;
	int64_t length; /* with what is in out */
	int64_t unindexed, newest_ms, newest_offset, time_indexed_ms;
	uint32_t index_entries, time_entries;
};

/* Maps the keys of dirt->from to dirt->to; full, it ends earlier.  The memory
 * is taken here. */
int klog_compact_map(struct klog_compaction *c, const struct klog_dirt *dirt,
	size_t buffer, struct klog_err *err);

/* Which segments become one: rows of neighbours up to segment.bytes.  With more
 * segments than a plan has rows the round ends earlier; plan->to is its end. */
int klog_compact_rows(struct klog_compaction *c,
	const struct klog_segment_fact *facts, size_t count,
	struct klog_plan *plan, struct klog_err *err);

/* Writes what stays of a row as BASE.log.cleaned and its two indexes,
 * synced.  Rows in their order. */
int klog_compact_copy(struct klog_compaction *c,
	const struct klog_swap_row *row, struct klog_err *err);

void klog_compact_free(struct klog_compaction *c);

#endif
