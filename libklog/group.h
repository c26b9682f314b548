/*
 * A consumer group in one topic: the directory groups/GROUP with a file for
 * each partition (committed.h), members/ (members.h), and what a commit has to
 * do first.
 */
#ifndef KLOG_GROUP_H
#define KLOG_GROUP_H

#include "committed.h"
#include "topic.h"

#define KLOG_GROUPS_DIR "groups"

/*
 * Opens the group's directory, or members/ in it.  With `make` they are made
 * when missing, which is durable on return; else KLOG_ENOTFOUND names group
 * and topic.  Only a topic of klog can have groups: KLOG_EUSAGE.  What any of
 * the three opens is the caller's to close.
 */
int klog_group_open(const struct klog_topic *topic, const char *group,
	bool make, struct klog_err *err);
int klog_group_open_members(int group_dir, bool make, struct klog_err *err);

/*
 * Opens a partition's file; with `make` for writing, made when it is missing:
 * its name is durable with the next klog_sync_dir of the group's directory.
 */
int klog_group_open_file(
	int group_dir, int32_t partition, bool make, struct klog_err *err);

/* "group billing: access/0", for messages. */
#define KLOG_GROUP_LABEL 600
void klog_group_label(char label[KLOG_GROUP_LABEL], const char *group,
	const struct klog_topic *topic, int32_t partition);

/*
 * A commit never outlives its records (G3): makes everything before *offset
 * durable, of which the last record was read in leader epoch `epoch` (-1: not
 * known).  Where that epoch ended before, *offset becomes its end.
 */
int klog_group_secure(struct klog_topic *topic, struct klog_cluster *cluster,
	int32_t partition, int64_t *offset, int32_t epoch,
	struct klog_err *err);

#endif
