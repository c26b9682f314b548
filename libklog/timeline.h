/* Records and bytes over time, from the time indexes alone: klog.h,
 * klog_timeline. */
#ifndef KLOG_TIMELINE_H
#define KLOG_TIMELINE_H

#include "topic.h"

int klog_dir_timeline(struct klog_cluster *cluster, const char *operand,
	int32_t partition, size_t most, struct klog_bucket **list,
	size_t *count, struct klog_err *err);

#endif
