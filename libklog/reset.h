/*
 * Changing what a group has committed, by hand: as one operation over any
 * number of topics and partitions, with a journal to undo it by (journal.h).
 *
 * Nothing is written before all is known: the journals are locked, so that two
 * operations take turns; the offset files are locked, so that no member takes
 * a partition meanwhile; nobody lives; each target is looked up, and what lies
 * before it is durable (G3).  Then the journals are written and synced, then
 * the slots, each with the next generation (G1).
 */
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
