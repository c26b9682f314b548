/* What klog-inspect lists: topics, their partitions, their settings. */
#ifndef KLOG_DESCRIBE_H
#define KLOG_DESCRIBE_H

#include "cluster.h"
#include "reader.h"

int klog_describe_topics(struct klog_cluster *cluster,
	struct klog_topic_info **list, size_t *count, struct klog_err *err);
int klog_describe_topic(struct klog_cluster *cluster, const char *topic,
	struct klog_partition_info **list, size_t *count, struct klog_err *err);
int klog_describe_settings(struct klog_cluster *cluster, const char *topic,
	struct klog_setting **list, size_t *count, struct klog_err *err);

/* Where a partition starts and ends, and what its .log files take. */
struct klog_extent {
	int64_t start;
	int64_t end;
	int64_t bytes;
};
int klog_describe_extent(struct klog_reader *r, struct klog_extent *extent,
	struct klog_err *err);

#endif
