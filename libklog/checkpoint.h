/*
 * Kafka's small text files: a version line "0", a count, an entry a line.
 * Here: leader-epoch-checkpoint of a partition (epoch and start offset,
 * ascending; Kafka's LeaderEpochFileCache), and the look-up of one partition
 * in a broker's checkpoint of offsets.
 */
#ifndef KLOG_CHECKPOINT_H
#define KLOG_CHECKPOINT_H

#include "state.h"

#define KLOG_EPOCH_NAME "leader-epoch-checkpoint"

struct klog_epoch {
	int32_t epoch;
	int64_t start; /* first offset */
};

struct klog_epochs {
	struct klog_epoch *list; /* ascending in both */
	size_t count;
};

/* Reads it; a missing or empty file is no epochs.  KLOG_ECORRUPT with words
 * when it does not parse. */
int klog_epochs_read(int dir, struct klog_epochs *epochs, struct klog_err *err);

/* The same; *exact: the file is, to the byte, what klog and Kafka write. */
int klog_epochs_check(
	int dir, struct klog_epochs *epochs, bool *exact, struct klog_err *err);
int klog_epochs_write(
	int dir, const struct klog_epochs *epochs, struct klog_err *err);

void klog_epochs_free(struct klog_epochs *epochs);

/*
 * Epoch `epoch` begins at `start`: later lines, and lines that begin at or
 * after it, go first, as Kafka does.
 */
int klog_epochs_assign(struct klog_epochs *epochs, int32_t epoch, int64_t start,
	struct klog_err *err);

/* The first offset that does not belong to `epoch` or an earlier one: the
 * start of the next later epoch, or `end`. */
int64_t klog_epochs_end(
	const struct klog_epochs *epochs, int32_t epoch, int64_t end);

/*
 * Where the history of `epoch` ends: the first offset that belongs to a later
 * one, by the file in `dir` and by the state (or NULL), which knows the newest
 * even where the file is lost or damaged; else `end`.
 */
int klog_epoch_end(int dir, const struct klog_state *state, int32_t epoch,
	int64_t end, int64_t *offset, struct klog_err *err);

/* The offset of TOPIC PARTITION in a broker's checkpoint file: 1, 0 when it
 * is not there or cannot be read. */
int klog_checkpoint_find(int dir, const char *file, const char *topic,
	int32_t partition, int64_t *offset);

#endif
