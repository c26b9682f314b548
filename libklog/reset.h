/* Setting what a group has committed, and taking that back: which changes make
 * the operation (operation.h). */
#ifndef KLOG_RESET_H
#define KLOG_RESET_H

#include "cluster.h"
#include "err.h"

int klog_dir_group_reset(struct klog_cluster *cluster, const char *group,
	struct klog_group_change *changes, size_t count, bool dry_run,
	size_t *wrong, struct klog_err *err);
int klog_dir_group_undo(struct klog_cluster *cluster, const char *group,
	const char *const *topics, size_t topic_count, bool dry_run,
	struct klog_group_change **changes, size_t *count,
	struct klog_err *err);

#endif
