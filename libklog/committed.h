/*
 * A group's offset in one partition: the file groups/GROUP/N below the topic.
 * Its owner holds a lock on it for as long as the partition is its own; it is
 * never removed while the topic lives, else there would be two owners (G2).
 *
 * Two lines of text, at 0 and at 4096, the older overwritten in place (G1):
 *
 *	klog-offset SEQUENCE GENERATION OFFSET EPOCH TIME SINCE PID MEMBER
 *	HOST CRC
 *
 * one blank between two words, filled up with blanks to 512 bytes.  Times are
 * in ms since 1970; "-" is no member, or a host without a name.  The CRC-32C is
 * that of what comes before it.  A slot is a sector, which a device writes as
 * a whole: two are for a process that is killed while it writes one, and so
 * that a commit that is not synced yet does not cost the one before.
 */
#ifndef KLOG_COMMITTED_H
#define KLOG_COMMITTED_H

#include "bytes.h"
#include "err.h"

#define KLOG_MEMBER_NAME 64
#define KLOG_HOST_NAME 65

struct klog_committed {
	uint64_t sequence;
	int64_t generation; /* raised by each take-over and reset */
	int64_t offset;     /* the next one to read; -1: no commit */
	int32_t epoch;      /* leader epoch of the record before it, or -1 */
	int64_t time_ms;    /* of the commit */
	int64_t since_ms;   /* since when the owner has the partition */
	int32_t pid;        /* of the owner, 0: none */
	char member[KLOG_MEMBER_NAME];
	char host[KLOG_HOST_NAME];
};

/* What stands in a file: the newest slot, and what is left of the other. */
struct klog_commits {
	struct klog_committed now;
	struct klog_committed before;
	bool has_before;
	bool torn; /* a slot has bytes, and is not whole */
};

/*
 * Reads both slots: 1, 0 the file is empty, so that nobody committed (*commits
 * is zeroed, offsets are -1), -1; KLOG_ECORRUPT when there are bytes and no
 * whole slot.
 */
int klog_commits_read(int fd, struct klog_commits *commits, const char *name,
	struct klog_err *err);

/*
 * Writes commits->now over the older slot, with the next sequence.  It is
 * durable on return only with `sync`.
 */
int klog_commits_write(int fd, struct klog_commits *commits, bool sync,
	const char *name, struct klog_err *err);

/* A line as a slot: its sum, and blanks behind it.  It must fit. */
#define KLOG_COMMITS_SLOT 512
void klog_commits_slot(char slot[KLOG_COMMITS_SLOT], const char *line);

/* This machine's name, of the characters that a slot may have. */
void klog_host_name(char host[KLOG_HOST_NAME]);

#endif
