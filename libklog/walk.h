/*
 * Whether the records of a batch are sound, and nothing else of them: for who
 * looks at all of a log.
 */
#ifndef KLOG_WALK_H
#define KLOG_WALK_H

#include "batch.h"

/* `bytes` is a whole batch with a good checksum; the rest as in
 * klog_batch_open.  0, or -1 as klog_batch_next. */
int klog_walk_records(const struct klog_batch *batch, struct klog_slice bytes,
	struct klog_compressor *c, size_t limit, struct klog_buf *scratch,
	struct klog_err *err);

#endif
