/*
 * A topic open for writing: its partitions are opened when they are first
 * appended to, and no more at once than descriptors allow.  Keeps the
 * settings fresh (A1) and looks once a second whether the topic's path still
 * leads here (K4).
 */
#ifndef KLOG_WRITER_H
#define KLOG_WRITER_H

#include "partition.h"
#include "topic.h"

struct klog_writer_part {
	struct klog_partition *log; /* NULL: not open */
	int64_t appended;           /* records */
	int64_t synced;
	uint64_t used; /* when it was last appended to */
};

struct klog_writer {
	struct klog_cluster *cluster;
	struct klog_topic topic;
	struct klog_settings settings; /* the topic's, with the overrides */
	struct klog_setting *overrides;
	size_t override_count;
	bool no_sync;
	bool reread;    /* topic.yaml, since the last append (A1) */
	bool then_sync; /* set by the caller: a sync follows the next append */

	struct klog_writer_part *parts;
	int32_t count;
	int32_t open_count, open_max;
	uint64_t clock;
	int64_t look_tick;     /* when K4 is due */
	int64_t unsynced_tick; /* since when something is not synced, or -1 */
	int64_t unsynced;      /* records appended and not synced */
};

int klog_writer_open(struct klog_writer *w, struct klog_cluster *cluster,
	const char *topic, const struct klog_produce *produce,
	struct klog_err *err);
void klog_writer_close(struct klog_writer *w);

/*
 * Appends a sealed batch of `records` records to a partition, after K4's look
 * if the last was a second ago.  1: the topic's
 * settings have changed and were read anew; seal the batch again, and append
 * it.  On -1 nothing was appended, and the same call may be made again.
 */
int klog_writer_append(struct klog_writer *w, int32_t partition, uint8_t *batch,
	size_t size, int64_t records, struct klog_err *err);

/* After each append: a sync when flush.ms or flush.messages says that it is
 * due. */
int klog_writer_after(struct klog_writer *w, struct klog_err *err);

/* Makes everything appended durable; with no_sync nothing. */
int klog_writer_sync(struct klog_writer *w, struct klog_err *err);

/* K4 now: before exit 0. */
int klog_writer_look(struct klog_writer *w, struct klog_err *err);

/* Settings and partitions as topic.yaml has them now. */
int klog_writer_reread(struct klog_writer *w, struct klog_err *err);

/* When a sync is due by flush.ms, as klog_tick_ms; -1: nothing to sync. */
int64_t klog_writer_due(const struct klog_writer *w);

/* The codec and its level that batches are to be sealed with: the topic's,
 * or where that is `producer`, the producer's. */
void klog_writer_codec(
	const struct klog_writer *w, enum klog_codec *codec, int32_t *level);

#endif
