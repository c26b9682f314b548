/*
 * A partition, open for writing: its in-sync replicas, leader first, and the
 * protocols by which any number of processes append, roll and sync without a
 * daemon.  One replica today; every step walks the replicas, followers first.
 */
#ifndef KLOG_PARTITION_H
#define KLOG_PARTITION_H

#include "config.h"
#include "lock.h"
#include "log.h"

#define KLOG_REPLICAS_MAX 1

struct klog_partition {
	char path[300];                             /* "access/0" */
	struct klog_log replica[KLOG_REPLICAS_MAX]; /* [0] leads */
	int replicas;
	const struct klog_topic_config *config; /* borrowed */
	const struct klog_say *say;
	bool acks_all; /* set by the caller: min.insync.replicas counts */
	struct klog_wait wait;
	sigset_t signals;      /* the mask before the locks were taken */
	struct klog_say later; /* lines wait in `lines` until none is held: */
	struct klog_buf lines; /* whoever reads stderr may be slow */

	/* the next append is followed by a sync: it tries for both bytes, and
	 * its state carries the mark; then the sync byte is held, and signals,
	 * until klog_partition_sync */
	bool sync_next; /* set by the caller */
	bool sync_held;
	bool syncs; /* set by the caller: what it appends it syncs in the end */

	/* what this process appended last: a later epoch that begins at or
	 * before it has cut it (S1) */
	int64_t appended_offset; /* -1: nothing */
	int32_t appended_epoch;
	int64_t synced_offset; /* everything of ours below it is durable */
};

/*
 * Opens for writing.  topic_dir is borrowed for the call; config and say as
 * long as the partition is open.  topic_path is for messages.
 */
int klog_partition_open(struct klog_partition *p, int topic_dir,
	const char *topic_path, int32_t number,
	const struct klog_topic_config *config, const struct klog_say *say,
	int64_t lock_timeout_ms, struct klog_err *err);
void klog_partition_close(struct klog_partition *p);

/*
 * Appends one sealed batch: 0 and the offset of its first record in
 * *base_offset; every reader sees it, and it is durable after the next
 * klog_partition_sync.  1: the config that the partition was opened with is
 * not the one in force (A1): read topic.yaml anew and call again with
 * `reread`, which then decides.  -1: nothing was appended.  With
 * message.timestamp.type=LogAppendTime the batch is stamped with the clock.
 */
int klog_partition_append(struct klog_partition *p, uint8_t *batch, size_t size,
	bool reread, int64_t *base_offset, struct klog_err *err);

/*
 * Makes durable what was appended: 0 only when every record that this
 * process appended is on the device and was not cut since; KLOG_ECUT else.
 * Writers that wait together share one fdatasync.
 */
int klog_partition_sync(struct klog_partition *p, struct klog_err *err);

/*
 * For who commits an offset (G3): makes durable everything before `offset`, of
 * which the last record was read in leader epoch `epoch` (-1: not known).
 * KLOG_ECUT when that epoch ended before it.  Nothing may have been appended
 * through this partition.
 */
int klog_partition_sync_before(struct klog_partition *p, int64_t offset,
	int32_t epoch, struct klog_err *err);

/*
 * For who changes or deletes the topic, under the metadata lock.  `generation`
 * of the settings is in force from here on: writers read topic.yaml anew
 * before their next batch.  Not synced; it is never lowered.
 */
int klog_partition_raise(
	struct klog_partition *p, int64_t generation, struct klog_err *err);

/* The deleted mark, which is never cleared (M4): on return it is durable,
 * and no batch follows. */
int klog_partition_mark_deleted(struct klog_partition *p, struct klog_err *err);

/*
 * For who cleans.  The cleaner's byte is held from klog_partition_clean_begin,
 * which recovers the log first (V), to klog_partition_clean_end; one at a time
 * cleans a partition, writers and readers go on.
 */
int klog_partition_clean_begin(struct klog_partition *p, struct klog_err *err);
void klog_partition_clean_end(struct klog_partition *p);

/* Whether the topic was deleted since it was opened. */
bool klog_partition_is_deleted(struct klog_partition *p);

/* The log start offset, up to the end: durable before any file goes (C1), and
 * so are all records before it, so that no power cut takes the log's end behind
 * its start.  Never lowered. */
int klog_partition_raise_start(
	struct klog_partition *p, int64_t offset, struct klog_err *err);

/* Leader epochs that end before the log start are forgotten; last, since it
 * needs room on the disk. */
int klog_partition_trim_epochs(struct klog_partition *p, struct klog_err *err);

/* Before this offset the log may have gaps, durable before the first segment
 * is replaced (C2); never lowered. */
int klog_partition_raise_dirty(
	struct klog_partition *p, int64_t offset, struct klog_err *err);

/* A new active segment, if the log still ends at this offset (R1): 1 it begins
 * there, 0 somebody has appended meanwhile, -1. */
int klog_partition_roll(
	struct klog_partition *p, int64_t end, struct klog_err *err);

/* Whether the partition's name in topic_dir still leads to the files that are
 * open (K4): 0, or -1 KLOG_EDELETED. */
int klog_partition_still_there(
	struct klog_partition *p, int topic_dir, struct klog_err *err);

#endif
