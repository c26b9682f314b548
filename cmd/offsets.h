/* What the parts of klog-offsets share: what was asked for, and which topics
 * and partitions it is about. */
#ifndef OFFSETS_H
#define OFFSETS_H

#include "args.h"
#include "cli.h"

struct offsets_topic {
	char *name;
	struct args_list partitions; /* empty: all of them */
};

struct offsets {
	struct cli *cli;
	struct klog *klog;
	const char *group; /* of -g, or NULL */
	struct offsets_topic *topics;
	size_t count;
	bool given; /* they were named; else they are all that there are */
};

/* One more operand, TOPIC or TOPIC:PARTITION. */
int offsets_add(struct offsets *o, const char *operand, struct klog_err *err);

/* Where none was named: all topics of the cluster. */
int offsets_add_all(struct offsets *o, struct klog_err *err);
void offsets_free(struct offsets *o);

/* Whether a partition of the topic was meant; and whether all that were named
 * are there, by the partitions that are: 0 or -1. */
bool offsets_wants(const struct offsets_topic *topic, int32_t partition);
int offsets_check(const struct offsets_topic *topic, size_t partitions,
	struct klog_err *err);

/* The lag of a group in a topic, over the partitions that were meant; -1: of
 * one it is not known. */
int64_t offsets_lag(
	const struct offsets_topic *topic, const struct klog_group_info *info);

/*
 * Says what is wrong with the commits of a group; answers the exit status.
 * What only looks strange is a note.
 */
int offsets_judge(const struct offsets *o, const struct offsets_topic *topic,
	const struct klog_group_info *info);

/* What damage is called: one line, with what to do. */
void offsets_damage(const struct offsets_topic *topic, const char *group,
	int32_t partition, struct klog_err *err);

/* Says that the group is in none of the topics; the exit status. */
int offsets_no_group(const struct offsets *o, const char *topic);

#endif
