/*
 * Making topics and partitions: whole or not at all, and durable on return
 * (M4).
 */
#ifndef KLOG_CREATE_H
#define KLOG_CREATE_H

#include "topic.h"

/* How a partition is to be. */
struct klog_making {
	struct klog_topic_config config;
	int64_t mode; /* of the directories; -1: as the umask and parent say */
	bool give;    /* to `group` */
	uint32_t group;
	bool sync_each; /* file by file; else the caller syncs all at once */
};

/* Makes a topic (klog.h, klog_topic_create). */
int klog_topic_make(struct klog_cluster *cluster, const char *name,
	const struct klog_create *create, struct klog_err *err);

/* Makes an empty partition as the directory `name`, in a topic's directory. */
int klog_partition_make(int topic_dir, const char *name,
	const struct klog_making *how, struct klog_err *err);

#endif
