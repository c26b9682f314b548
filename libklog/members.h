/*
 * The live members of a group in one topic: a file each in groups/GROUP/
 * members, locked for as long as its process lives.  There are no leases: the
 * kernel drops the lock of a member that died, and a member that was stopped
 * stays one.
 *
 * A file is a line of text:
 *
 *	klog-member PID HOST SINCE STRATEGY TOPIC,TOPIC...
 *
 * SINCE is in ms since 1970; where the host has no name, HOST is "-".
 */
#ifndef KLOG_MEMBERS_H
#define KLOG_MEMBERS_H

#include "committed.h"
#include "settings.h"

#define KLOG_MEMBERS_DIR "members"

struct klog_member {
	char name[KLOG_MEMBER_NAME]; /* of its file; it begins with since_ms,
					so that they sort by age */
	char host[KLOG_HOST_NAME];
	int32_t pid;
	int64_t since_ms;
	enum klog_strategy strategy;
	char *topics; /* that it reads, sorted, commas between; malloc'ed; of
			 one whose file says nothing "" */
};

const char *klog_strategy_name(enum klog_strategy strategy);

struct klog_members {
	struct klog_member *list; /* in the order of their names */
	size_t count;
};

/* A name for a new member of this process, and the rest but for strategy and
 * topics. */
int klog_member_make(struct klog_member *member, struct klog_err *err);

/*
 * Makes the member's file in the directory: it is locked before anybody can
 * see it (G4).  Answers the descriptor that holds the lock, or -1.
 */
int klog_member_join(
	int dir, const struct klog_member *member, struct klog_err *err);

/* Removes the file; the lock goes with the descriptor, which is closed. */
void klog_member_leave(int dir, const struct klog_member *member, int *fd);

/*
 * The live ones.  With `tidy`, which needs the right to write, the files of
 * dead ones are removed.  What is no member's file is passed over.
 */
int klog_members_list(
	int dir, bool tidy, struct klog_members *members, struct klog_err *err);
void klog_members_free(struct klog_members *members);

/* Whether the process behind a member or owner of this host is stopped, by
 * what /proc says; fd is a file that it has locked. */
bool klog_member_stopped(int fd, int32_t pid);

#endif
