/*
 * The sources of a consumer in the order of their timestamps: the next record
 * of each, its head, is compared with those of the others.  A source's own
 * records stay in the order of their offsets.  Of each source one decoded
 * batch is kept in memory.
 *
 * With follow a head is held back while another source has none, until
 * KLOG_MERGE_WAIT_MS after its own source last had none: a backlog is not held
 * up batch by batch.
 */
#ifndef KLOG_MERGE_H
#define KLOG_MERGE_H

#include "source.h"

#define KLOG_MERGE_WAIT_MS 1000

/* Of each source, in the order of klog_sources. */
struct klog_head {
	struct klog_cursor cursor;
	struct klog_buf bytes; /* that the cursor walks */
	struct klog_record rec;
	bool there;           /* rec is to be delivered */
	bool found_end;       /* the source had nothing when last looked at */
	int64_t flowing_tick; /* since when it has */
};

/*
 * Whenever no call is in progress, heap[0, heap_count) are the sources whose
 * head is there, and none goes before its parent.
 */
struct klog_merge {
	struct klog_head *heads;
	size_t count;
	size_t *heap;
	size_t heap_count;
	size_t turn; /* the source of the last run; others keep their heads */
	bool look; /* set by the caller: there are new sources, or woken ones */
	bool failed; /* told with the next call, after the good records */
	struct klog_err err;
};

void klog_merge_init(struct klog_merge *m);
void klog_merge_free(struct klog_merge *m);

/*
 * 1 with up to `max` records that follow one another, all of the source
 * `turn` and of the batch of its cursor, good until the next call.  0 when no
 * source has one, or when they are held back; -1.
 */
int klog_merge_next(struct klog_merge *m, struct klog_sources *all,
	struct klog_decoder *d, struct klog_record *records, size_t max,
	size_t *count, struct klog_err *err);

/* Whether a source has no head, and may yet get one. */
bool klog_merge_waits(
	const struct klog_merge *m, const struct klog_sources *all);

/* How long until what is held back comes, in ms; -1: nothing is. */
int64_t klog_merge_due_ms(
	const struct klog_merge *m, const struct klog_sources *all);

#endif
