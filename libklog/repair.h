/*
 * What klog_verify finds, mended where that can be done without losing more:
 * what is derived is made anew, a damaged end is cut (F4).  Everything that is
 * cut is first kept, synced, in `.klog.removed`.
 */
#ifndef KLOG_REPAIR_H
#define KLOG_REPAIR_H

#include "topic.h"

#define KLOG_REMOVED_NAME ".klog.removed"

/* klog_repair (klog.h) of a topic or a partition in a directory. */
int klog_dir_repair(struct klog_cluster *cluster, const char *operand,
	int32_t partition, bool dry_run, struct klog_repaired **list,
	size_t *count, struct klog_err *err);

#endif
