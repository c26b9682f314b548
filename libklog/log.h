/*
 * One replica of a partition on one disk: its directory, its lock file, its
 * state and the active segment, open for writing.  The mechanism; when what
 * is done under which lock is partition.c's.
 *
 * Once the append byte is taken and klog_recover_tail came back with 0:
 *  1. the .log of the active segment is state.length bytes of whole batches;
 *  2. state.next_offset is the offset behind the last of them;
 *  3. everything before the recovery point is on the device;
 *  4. every segment but the active one is whole and on the device (R1).
 */
#ifndef KLOG_LOG_H
#define KLOG_LOG_H

#include "checkpoint.h"
#include "segment.h"
#include "settings.h"
#include "state.h"

struct klog_log {
	char path[300]; /* "access/0", for messages */
	int32_t broker;
	int dir, lock, state_fd;
	struct klog_stamp today; /* today's */
	struct klog_state state; /* as of the last load or save */

	int64_t open_base; /* of the open active segment, -1: none */
	char open_name[KLOG_FILE_NAME]; /* of its .log, for messages */
	int log_fd;
	bool indexes_open; /* or it was tried */
	int index_fd, time_fd;
	int old_index_fd, old_time_fd; /* of the segment before, to be synced */
	bool suspect; /* the syncing mark goes with the next save (S2) */
	bool epoch_line_known;
	int64_t written_back; /* write-back was begun up to here (R2) */
	struct klog_scan scan;
};

/* A place in the log: an offset and where its bytes are. */
struct klog_place {
	int64_t base;
	int64_t position;
	int64_t offset;
};

/*
 * Opens the replica in `name` below the topic's directory for writing: lock
 * file and state are made when missing.  KLOG_EREFUSED on a network file
 * system, unless KLOG_REMOTE_FS=1 says that this machine alone writes.
 */
int klog_log_open(struct klog_log *log, int topic_dir, const char *name,
	const char *path, int32_t broker, struct klog_err *err);
void klog_log_close(struct klog_log *log);
void klog_log_close_segment(struct klog_log *log);

/* ---- under the append byte ---- */

/* Reads the state: 1, 0 when no slot is whole (T4), -1. */
int klog_log_load(struct klog_log *log, struct klog_err *err);
int klog_log_save(struct klog_log *log, struct klog_err *err);
int klog_log_commit(struct klog_log *log, struct klog_err *err);

/* Writes a stamped batch behind the last, then the indexes (A6).  The state
 * in memory moves on; it is not saved.  On -1 the log is as before. */
int klog_log_write(struct klog_log *log, const struct klog_batch *batch,
	struct klog_slice bytes, const struct klog_settings *settings,
	struct klog_err *err);

/* Takes back a batch that another replica could not write; on -1 it stays, as
 * a killed writer would have left it. */
int klog_log_take_back(struct klog_log *log, const struct klog_state *before,
	struct klog_err *err);

/* Whether the batch must go to a new segment (Kafka's LogSegment.shouldRoll),
 * and that roll, after the old segment was synced: state saved, file made,
 * directory synced.  Also under the sync byte (R1). */
bool klog_log_must_roll(const struct klog_log *log,
	const struct klog_batch *batch, const struct klog_settings *settings);
int klog_log_roll(struct klog_log *log, const struct klog_settings *settings,
	struct klog_err *err);

/* Counts a batch that lies at the end of the state's log: index entries, and
 * the state's fields. */
void klog_log_note(struct klog_log *log, const struct klog_batch *batch,
	const struct klog_settings *settings);

/* Opens the indexes of the open segment, made when missing. */
void klog_log_open_indexes(struct klog_log *log);

/* Opens the segment in the state, made when missing, as S2 demands. */
int klog_log_open_active(struct klog_log *log, struct klog_err *err);

/* The next leader epoch begins at `start`: a random id, committed (T1). */
int klog_log_begin_epoch(
	struct klog_log *log, int64_t start, struct klog_err *err);

/* Adds the state's epoch to leader-epoch-checkpoint, if it is not there; a
 * file that is lost or damaged is made anew from the batches (T1). */
int klog_log_epoch_line(struct klog_log *log, struct klog_err *err);

/* Epochs that ended at or before the log start are forgotten, and the one
 * that holds it begins there, as Kafka's truncateFromStart has it. */
int klog_log_trim_epochs(struct klog_log *log, struct klog_err *err);

/* The leader epochs of the batches, and where each begins. */
int klog_log_find_epochs(
	struct klog_log *log, struct klog_epochs *epochs, struct klog_err *err);

/* The recovery point is moved to the state's end. */
void klog_log_all_durable(struct klog_log *log);

/* ---- without a lock ---- */

/* The indexes of a segment that was just closed. */
void klog_log_sync_old_indexes(struct klog_log *log);

/* The open segment's are ended as those of a closed one, and synced. */
void klog_log_end_indexes(struct klog_log *log);

/* fdatasync of the active segment's .log. */
int klog_log_sync(struct klog_log *log, struct klog_err *err);

/* Begins write-back of what came since, in steps of 8 MiB (R2). */
void klog_log_write_back(struct klog_log *log);

#endif
