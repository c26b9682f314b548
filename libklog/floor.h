/* klog-clean --min-free: a floor of free disk, kept by the oldest data of all
 * topics. */
#ifndef KLOG_FLOOR_H
#define KLOG_FLOOR_H

#include "cluster.h"

/* As klog_clean_free and klog_disk of klog.h. */
int klog_floor_keep(struct klog_cluster *cluster, int64_t least, bool dry_run,
	struct klog_clean_report *report, int64_t *freed, struct klog_err *err);
int klog_floor_disk(struct klog_cluster *cluster, int64_t *free_bytes,
	int64_t *all_bytes, struct klog_err *err);

#endif
