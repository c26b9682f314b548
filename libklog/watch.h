/*
 * Waiting for changes of files: by inotify, and by looking every so often
 * where that is not to be had.  Costs nothing at rest.
 */
#ifndef KLOG_WATCH_H
#define KLOG_WATCH_H

#include "err.h"

#define KLOG_WATCH_EVENTS 4096 /* bytes that are read at once */

struct klog_watch {
	int fd;          /* -1: no inotify, look around instead */
	uint8_t *events; /* read, and not taken yet: at..have */
	size_t at, have;
	int32_t *owner; /* of each watch descriptor, what it was added for */
	size_t owners;
};

#define KLOG_WATCH_POLL_MS 100

/* Begins; without inotify it says so at level 1 and polls. */
void klog_watch_open(struct klog_watch *w, const struct klog_say *say);
void klog_watch_close(struct klog_watch *w);

/*
 * Watches the file or directory behind an open descriptor for writing, new
 * names and its own end, on behalf of `owner` (any number).  When it cannot,
 * the whole watch falls back to polling.
 */
void klog_watch_add(struct klog_watch *w, int fd, int32_t owner,
	const struct klog_say *say);

/* The same of a directory, for files in it that are made, removed, or closed
 * by who wrote to them, as by the end of a process. */
void klog_watch_add_ends(struct klog_watch *w, int fd, int32_t owner,
	const struct klog_say *say);

/* Takes one owner with something new off the queue, without waiting: 1, 0
 * none; *owner is -1 when everybody should look. */
int klog_watch_take(struct klog_watch *w, int32_t *owner);

/* Sleeps until there is something to take, hangup_fd (or -1) has an error or
 * hang-up, or timeout_ms (-1: for ever) are over: 1, 0 time over, -1. */
int klog_watch_wait(struct klog_watch *w, int64_t timeout_ms, int hangup_fd,
	struct klog_err *err);

#endif
