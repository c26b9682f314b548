/*
 * Changing a topic (M1): settings and more partitions, under the metadata
 * lock.  topic.yaml is replaced first, durably; then the generation is raised
 * in every partition, by which running writers learn of it.
 */
#ifndef KLOG_ALTER_H
#define KLOG_ALTER_H

#include "topic.h"

/* Changes a topic (klog.h, klog_topic_alter). */
int klog_topic_change(struct klog_cluster *cluster, const char *operand,
	const struct klog_alter *alter, struct klog_err *err);

/* Puts `text` in the place of the topic.yaml that was `was`
 * (klog.h, klog_topic_yaml_set). */
int klog_topic_put_text(struct klog_cluster *cluster, const char *operand,
	struct klog_slice was, struct klog_slice text, struct klog_err *err);

#endif
