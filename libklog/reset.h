/* Setting what a group has committed, and taking that back: which changes make
 * the operation (operation.h). */
#ifndef KLOG_RESET_H
#define KLOG_RESET_H

#include "cluster.h"
#include "err.h"

/*
 * klog_group_reset and klog_group_undo of klog.h in a cluster that is a
 * directory.  Without topics the undoing looks into those of the cluster that
 * have a journal of the group; one that it may not look into is an error.
 */
int klog_dir_group_reset(struct klog_cluster *cluster, const char *group,
	struct klog_group_change *changes, size_t count, bool dry_run,
	size_t *wrong, struct klog_err *err);
int klog_dir_group_undo(struct klog_cluster *cluster, const char *group,
	const char *const *topics, size_t topic_count, bool dry_run,
	struct klog_group_change **changes, size_t *count,
	struct klog_err *err);

#endif
