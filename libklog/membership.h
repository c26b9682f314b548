/*
 * A consumer as a member of a group: which partitions are its own, and what it
 * has committed in them.  There is no coordinator: each member computes from
 * the live members what is its own, gives up what is not, and tries for what
 * is, when it is told by inotify that somebody came, went or gave up, and once
 * a second (G4).  Nothing here waits.
 */
#ifndef KLOG_MEMBERSHIP_H
#define KLOG_MEMBERSHIP_H

#include "bounds.h"
#include "cluster.h"
#include "members.h"
#include "topic.h"
#include "watch.h"

/*
 * A partition of the group's topics.  The lock is held from taking to giving;
 * `commits` is what stands in the file since this member wrote it.
 */
struct klog_holding {
	size_t topic;
	int32_t partition;
	int fd;    /* of its offset file, -1: not open */
	bool mine; /* by the rule */
	bool held;
	bool told;            /* who it waits for */
	int64_t waiting_tick; /* since when it is wanted and not held */
	struct klog_commits commits;
	struct klog_reached taken;  /* delivered up to here */
	struct klog_reached marked; /* to be committed */
};

/* Of a topic. */
struct klog_seat {
	int dir, members; /* groups/GROUP, and members/ in it */
	int fd;           /* of our member file, locked */
};

struct klog_membership {
	struct klog_cluster *cluster;
	struct klog_topic **topics; /* borrowed, as the group's name */
	size_t topic_count;
	const char *group;
	struct klog_member self;
	struct klog_seat *seats;
	struct klog_holding *list;
	size_t count;
	bool leaving;      /* it holds what is no longer its own */
	int64_t look_tick; /* when to look again */
	int hurry;         /* how often it looks soon: a lock may come free */
};

/*
 * Joins the group in each of the topics.  KLOG_EREFUSED when its members share
 * by another strategy, and without the right to write.
 */
int klog_membership_join(struct klog_membership *m,
	struct klog_cluster *cluster, struct klog_topic **topics,
	size_t topic_count, const char *group, enum klog_strategy strategy,
	struct klog_err *err);
void klog_membership_leave(struct klog_membership *m);

/* One more partition that is to be shared. */
int klog_membership_add(struct klog_membership *m, size_t topic,
	int32_t partition, struct klog_err *err);

/* Watches for members that come and go, on behalf of `owner`. */
void klog_membership_watch(
	struct klog_membership *m, struct klog_watch *watch, int32_t owner);

/* Something happened: it looks at once, and a few times soon. */
void klog_membership_wake(struct klog_membership *m);

/* If it is time: computes what is its own, and with that `leaving`: 1 looked,
 * 0 it is not, -1. */
int klog_membership_look(struct klog_membership *m, struct klog_err *err);

/* How long until the next look, in ms. */
int64_t klog_membership_due_ms(const struct klog_membership *m);

/*
 * Tries for a partition that is its own: 1 it is held now, and the generation
 * was raised; 0 not yet, since somebody else has it still or its file was
 * replaced; -1, KLOG_ELOCKED after the cluster's lock timeout, KLOG_ECORRUPT
 * when its file is damaged.
 */
int klog_membership_take(struct klog_membership *m, struct klog_holding *h,
	struct klog_err *err);

/* Gives it up; what was not committed is not. */
void klog_membership_give(struct klog_holding *h);

/*
 * Commits what is marked: durable on return, with all the records before it
 * (G3).  KLOG_EREFUSED when the partition was taken over or reset (G1).
 */
int klog_membership_commit(struct klog_membership *m, struct klog_holding *h,
	struct klog_err *err);

#endif
