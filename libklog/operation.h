/*
 * Changing what a group has committed, by hand: one operation over any number
 * of topics and partitions, with a journal to undo it by (journal.h).
 *
 * Nothing is set before all is known (G5), though directories, the journal and
 * empty offset files may be made: the journals are locked, so that two
 * operations take turns; the offset files are locked, so that no member takes
 * a partition meanwhile; nobody lives; each target is looked up, and what lies
 * before it is durable (G3).  Then the journals are written and synced, then
 * the slots (G6), each with the next generation (G1).
 */
#ifndef KLOG_OPERATION_H
#define KLOG_OPERATION_H

#include <sys/types.h>

#include "group.h"
#include "journal.h"

/* A topic that is touched. */
struct klog_reset_topic {
	const char *operand; /* as the caller named it */
	struct klog_topic topic;
	dev_t device; /* of its directory: what it is, whatever its name */
	ino_t inode;
	int dir;        /* the group's; -1: there is none */
	int journal;    /* locked, but in a dry run */
	bool changed;   /* it has a target */
	int64_t before; /* where the journal ended; -1: not written */
	struct klog_buf lines;
};

/* A partition that is touched. */
struct klog_target {
	struct klog_group_change *change;
	size_t number; /* of the change */
	struct klog_reset_topic *in;
	int fd;       /* locked, but in a dry run; -1: no file */
	bool damaged; /* the file: what was committed is not known */
	bool written;
	struct klog_commits commits;
	int32_t epoch; /* of the record before change->to */
	char label[KLOG_GROUP_LABEL];
};

struct klog_operation {
	struct klog_cluster *cluster;
	const char *group;
	bool dry_run;
	uint64_t id, undoes;
	enum klog_journal_what what;
	struct klog_reset_topic *topics;
	size_t topic_count;
	struct klog_target *targets;
	size_t target_count;
	size_t *wrong; /* the change that is to blame */
};

void klog_operation_begin(struct klog_operation *op,
	struct klog_cluster *cluster, const char *group, bool dry_run);

/* Frees; the locks go with the descriptors, the journals' last. */
void klog_operation_end(struct klog_operation *op);

/* Names the change that is to blame; answers -1. */
int klog_operation_blame(struct klog_operation *op, size_t number);

/* The topic that the caller named so, or NULL; and one more. */
struct klog_reset_topic *klog_operation_find(
	struct klog_operation *op, const char *operand);
int klog_operation_add(
	struct klog_operation *op, const char *operand, struct klog_err *err);

/* Puts the topics into the order in which every operation takes its locks. */
int klog_operation_sort(struct klog_operation *op, struct klog_err *err);

/*
 * Opens the group's directory in a topic, and locks the journal; in a dry run
 * only as far as they are there.  With `make` the directory is made.
 */
int klog_operation_enter(struct klog_operation *op, struct klog_reset_topic *p,
	bool make, struct klog_err *err);

/* A target for each change, of which the topics are there: they no longer
 * move. */
int klog_operation_target(struct klog_operation *op,
	struct klog_group_change *changes, size_t count, struct klog_err *err);

/* Does what the targets say, or in a dry run finds out what that would be. */
int klog_operation_carry_out(struct klog_operation *op, struct klog_err *err);

#endif
