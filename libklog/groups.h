/*
 * The groups of a topic, one after the other: what each has committed, how far
 * it lags, who reads for it.  Implements the walk of engine.h on a directory.
 *
 * The partitions are looked at once, however many groups there are, and what
 * is kept does not grow with the groups but for their names.
 */
#ifndef KLOG_GROUPS_H
#define KLOG_GROUPS_H

#include "cluster.h"
#include "engine.h"

struct klog_groups *klog_dir_groups_open(struct klog_cluster *cluster,
	const char *topic, const char *group, bool times, struct klog_err *err);
int klog_dir_groups_next(struct klog_groups *groups,
	struct klog_group_info *info, struct klog_err *err);
void klog_dir_groups_close(struct klog_groups *groups);

#endif
