/*
 * Byte locks of `.klog.lock`, of the kind that belongs to the open file
 * description (F_OFD_SETLK): dropped by the kernel with the last descriptor,
 * not by an unrelated close().  Order: clean, sync, append, never backwards
 * (L2).  Nobody polls, and nobody holds the append byte while a signal can
 * stop or end the process (L5).
 */
#ifndef KLOG_LOCK_H
#define KLOG_LOCK_H

#include <signal.h>

#include "err.h"

enum {
	KLOG_BYTE_APPEND = 0, /* the log's end, and the state */
	KLOG_BYTE_SYNC = 1,
	KLOG_BYTE_CLEAN = 2
};

struct klog_wait {
	const struct klog_say *say;
	int64_t timeout_ms;      /* -1: for ever */
	const char *what;        /* "access/0", for the messages */
	const sigset_t *blocked; /* signals not to let in while waiting */
	bool no_stop;            /* nor those that stop: a lock is held */
};

/*
 * Takes `count` bytes from `byte`, waiting.  After a second it says once who
 * holds them; after timeout_ms it fails with KLOG_ELOCKED.  Signals that end
 * or stop the process are let in while it waits, if they were before.
 */
int klog_lock(int fd, int byte, int count, const struct klog_wait *wait,
	struct klog_err *err);

/* 1 taken, 0 somebody else has it, -1. */
int klog_lock_try(
	int fd, int byte, int count, const char *what, struct klog_err *err);
void klog_unlock(int fd, int byte, int count);

/*
 * A shared lock on a whole `.log`, held while it is open for writing (S2);
 * klog_lock_alone says whether nobody else holds one: 1 alone, 0 not, -1.
 */
int klog_lock_share(int fd, const char *what, struct klog_err *err);
int klog_lock_alone(int fd, const char *what, struct klog_err *err);

/* Whether nobody else has the byte: 1, 0 somebody, -1.  For this the file may
 * be open for reading only. */
int klog_lock_free(int fd, int byte, const char *what, struct klog_err *err);

/* Whether this process has the byte of the file that fd leads to, as far as
 * /proc shows it; and who has it, in words. */
bool klog_lock_held_by(int fd, int byte, int32_t pid);
#define KLOG_HOLDER_TEXT 80
void klog_lock_holder(int fd, int byte, char text[KLOG_HOLDER_TEXT]);

/* Holds the signals that stop or end, and lets them in again; nests by the
 * saved mask. */
void klog_signals_hold(sigset_t *before);
void klog_signals_release(const sigset_t *before);

#endif
