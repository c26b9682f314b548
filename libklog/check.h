/*
 * V2: whether everything past the recovery point is whole, clean and in
 * order.  Nothing is written.
 */
#ifndef KLOG_CHECK_H
#define KLOG_CHECK_H

#include "log.h"

struct klog_check {
	struct klog_place end; /* of what is good */
	int64_t torn;          /* bytes behind it in the last segment */
	int32_t epoch;         /* of the last good batch; epochs never fall */
	struct klog_err why;   /* what is wrong with the first torn byte */
};

/*
 * Walks from the recovery point to the end of the last segment, which alone
 * may be torn.  Damage anywhere else, a missing segment, and batches that do
 * not lead up to the recovery point's offset are KLOG_ECORRUPT.
 */
int klog_check_log(
	struct klog_log *log, struct klog_check *out, struct klog_err *err);

/*
 * The same where the state is of today, and says how long the log is: whoever
 * put more behind that, or other offsets before it, was no klog, and nothing
 * is cut for it.
 */
int klog_check_known(
	struct klog_log *log, struct klog_check *out, struct klog_err *err);

/* The scan just took a whole batch that cannot be the next, as one of a leader
 * epoch that never began here: klog did not write it, and does not cut it.
 * Answers -1. */
int klog_check_foreign(
	const struct klog_log *log, int64_t base, struct klog_err *err);

#endif
