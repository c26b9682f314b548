/*
 * The cluster: a directory with a directory per topic.  One broker today,
 * which is this directory.
 */
#ifndef KLOG_CLUSTER_H
#define KLOG_CLUSTER_H

#include "config.h"
#include "err.h"
#include "io.h"

#define KLOG_TOPIC_YAML "topic.yaml"
#define KLOG_TOPIC_DEPTH 4 /* of directories: TOPIC/groups/GROUP/members */

struct klog_cluster {
	char path[4096]; /* as given, for messages */
	char real[4096]; /* absolute: the caller may go elsewhere */
	int dir;
	bool is_new; /* nothing was in it */
	struct klog_say say;
	int64_t lock_timeout_ms;
};

/* Opens the first of the directories in a comma-separated list that is
 * there.  KLOG_ENOTFOUND says how to make one. */
int klog_cluster_open(struct klog_cluster *cluster, const char *list,
	const struct klog_options *options, struct klog_err *err);

/* The same, but a first directory that is missing is made, parents too, and
 * one that is empty becomes a cluster once the lock is taken, which is said
 * ("new cluster in DIR").  KLOG_EREFUSED when it holds other things. */
int klog_cluster_make(struct klog_cluster *cluster, const char *list,
	const struct klog_options *options, struct klog_err *err);
void klog_cluster_close(struct klog_cluster *cluster);

/*
 * The cluster that the topic at an absolute path is in, with the options of
 * `like`; *name is the path's last component, borrowed.
 */
int klog_cluster_around(struct klog_cluster *cluster,
	const struct klog_cluster *like, const char *topic_path,
	const char **name, struct klog_err *err);

/*
 * The partition directories TOPIC-N of a Kafka, one at a time: 1 with name and
 * number, 0 at the end, -1.  The list is the caller's to close.
 */
int klog_cluster_kafka(struct klog_cluster *cluster, struct klog_list *list,
	const char **name, int32_t *partition, struct klog_err *err);

/* The names of the topics, sorted; *names is one malloc'ed block. */
int klog_cluster_topics(struct klog_cluster *cluster, char ***names,
	size_t *count, struct klog_err *err);

/* The metadata lock (M1): byte 0 of the cluster's own lock file. */
int klog_cluster_lock(
	struct klog_cluster *cluster, int *fd, struct klog_err *err);
void klog_cluster_unlock(int *fd);

/* Under the lock: removes what killed makers and deleters left. */
void klog_cluster_tidy(struct klog_cluster *cluster);

#endif
