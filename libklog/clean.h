/*
 * klog-clean: which partition is cleaned in which way, and in which order of
 * steps on the disk (C1 to C3).  The decisions are retention.c's and
 * compact.c's.
 */
#ifndef KLOG_CLEAN_H
#define KLOG_CLEAN_H

#include "cluster.h"
#include "config.h"

/* As klog_clean_topic of klog.h. */
int klog_dir_clean(struct klog_cluster *cluster, const char *topic,
	const struct klog_clean *clean, struct klog_clean_report *report,
	struct klog_err *err);

/*
 * Removes the closed segments of a partition that lie before an offset, and
 * nothing else, whatever its settings say; adds to report->removed.
 * KLOG_EDELETED when the topic of that name has another id.
 */
int klog_dir_remove_before(struct klog_cluster *cluster, const char *topic,
	const uint8_t id[KLOG_TOPIC_ID], int32_t partition, int64_t offset,
	struct klog_clean_report *report, struct klog_err *err);

#endif
