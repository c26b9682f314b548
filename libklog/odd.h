/*
 * The leader epochs of batches, as these come by in order, against
 * leader-epoch-checkpoint and the state: where they do not agree, and which of
 * them is wrong.
 */
#ifndef KLOG_ODD_H
#define KLOG_ODD_H

#include "checkpoint.h"
#include "findings.h"
#include "reader.h"

/* Batches in a row whose epoch is not what is said of their offsets. */
struct klog_odd_range {
	int64_t base, position, size, offset;
	int32_t epoch, want;
	int64_t batches;
	bool within; /* an epoch is said to begin inside of one */
	bool last;   /* no other batch has come since */
	bool fits;   /* epochs do not fall with it, nor behind it */
};
#define KLOG_ODD_MAX 8

struct klog_odd {
	/* set by the caller */
	const struct klog_reader *r;
	const struct klog_epochs *epochs; /* NULL: the file is damaged */
	int64_t epochs_size;              /* of the file */
	struct klog_findings *out;
	int32_t seen_epoch; /* of the batch before, -1: none */

	struct klog_odd_range list[KLOG_ODD_MAX];
	size_t count;
};

/* The next good batch of the segment `base`. */
int klog_odd_batch(struct klog_odd *q, int64_t base, const struct klog_batch *b,
	int64_t position, struct klog_err *err);

/* After the last one: whether the checkpoint or the batches are wrong. */
int klog_odd_end(struct klog_odd *q, struct klog_err *err);

#endif
