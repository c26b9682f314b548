/*
 * Commits of a group whose records go to stdout: an offset is committed only
 * after its record left, and what that means depends on what stdout is.
 *
 *	a regular file		the record is synced there
 *	a pipe or socket	its reader took the record's last byte: what was
 *				written less what the kernel has unread; of TCP
 *				that the other machine's kernel has it
 *	anything else		it was written
 *
 * Committed a second later at the latest, also while a slow reader holds up
 * the rest, before partitions are given up, and at the end.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "inflight.h"
#include "output.h"

enum delivery_kind { TO_NOBODY, TO_FILE, TO_PIPE, TO_SOCKET, TO_DEVICE };

struct delivery {
	enum delivery_kind kind; /* TO_NOBODY: no group, nothing to commit */
	struct klog_consumer *in;
	struct output *out;
	bool news;                /* something is to be committed */
	struct inflight inflight; /* what a reader has not taken */
	int64_t seen;             /* bytes that it had at the last look */
	int64_t look_tick;        /* when it looks again */
};

/*
 * Without a group it does nothing.  A file that does not end as records do,
 * with `end`, ends in one that was not written whole: it is ended first, so
 * that the next one, which is that record again, stands alone.
 */
int delivery_init(struct delivery *d, bool group, struct klog_consumer *in,
	struct output *out, const struct klog_buf *end, struct klog_err *err);

/* How many records to put into the output before the next delivery_took. */
size_t delivery_piece(const struct delivery *d);

/* The first `count` records of a run were put into the output: 0, or -1. */
int delivery_took(struct delivery *d, const struct klog_run *run, size_t count,
	struct klog_err *err);

/* Twice a second for a reader, else once: looks what arrived, and commits it. */
int delivery_step(struct delivery *d, struct klog_err *err);

/* How long until it has to look, in ms; -1: nothing is on its way. */
int64_t delivery_due_ms(const struct delivery *d);

/*
 * Writes what is in the output, waits until it arrived, and commits it.  At
 * the `end` a reader that closes early ends the process by SIGPIPE, and what it
 * did not take, or may not have used, is not committed.  A signal that came
 * bounds the wait.
 */
int delivery_settle(struct delivery *d, bool end, struct klog_err *err);

void delivery_free(struct delivery *d);

#endif
