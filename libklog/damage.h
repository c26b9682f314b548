/*
 * What a damaged batch is, and how far the damage reaches: up to the next
 * whole, clean batch.  Looked for byte by byte, since no length is to be
 * trusted.
 */
#ifndef KLOG_DAMAGE_H
#define KLOG_DAMAGE_H

#include "segment.h"

#define KLOG_DAMAGE_CHUNK ((size_t)256 * 1024) /* read at once */

struct klog_damage {
	struct klog_scan *scan; /* of the .log; where it is then is lost */
	int64_t base, next;     /* of the segment, and of the one behind it */
	int64_t end;            /* of the file, as it was */
	int64_t expected;       /* an offset below it was before */
	int64_t *budget;        /* bytes of checksums to spend */
};

/*
 * The next good batch behind `from`: *to, or `end`.  Every byte is looked at
 * once, and few places cost a checksum; a file that is made to cost many runs
 * out of the budget, and then all of the rest counts as damaged.
 */
int klog_damage_end(const struct klog_damage *d, int64_t from, int64_t *to,
	struct klog_err *err);

/* Whether a good batch is at `position` after all: 1, 0, -1. */
int klog_damage_good_at(
	const struct klog_damage *d, int64_t position, struct klog_err *err);

/* Whether all up to `end` is a batch but for the length that its header says:
 * then nothing is missing. */
int klog_damage_is_length(const struct klog_damage *d, int64_t position,
	bool *length, struct klog_err *err);

/* Whether all up to `end` is zeros. */
int klog_damage_is_zeros(const struct klog_damage *d, int64_t position,
	bool *zeros, struct klog_err *err);

#endif
