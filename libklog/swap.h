/*
 * Segments replaced by one that says the same in less (C2), and what a kill
 * in between left (C3).  Per row of segments:
 *
 *	.cleaned built and synced; renamed to .swap, the directory synced;
 *	the .log.swap over the first segment's .log; the other segments
 *	unlinked, ascending; then the indexes renamed, the time index last.
 *
 * A .cleaned says that the old ones are whole: it is dropped.  A .swap of the
 * time index without one says that the new .log stands, or is about to: the
 * rest is done.  Which segments a row stands for, the plan says, a file that
 * is there before the first .cleaned; after the last row it names none.
 * Where an offset at or past the log start is, there always is a file.
 */
#ifndef KLOG_SWAP_H
#define KLOG_SWAP_H

#include "err.h"

#define KLOG_PLAN_NAME ".klog.clean"
#define KLOG_PLAN_ROWS 100000

/* Segments base..next, next exclusive, become one. */
struct klog_swap_row {
	int64_t base, next;
};

struct klog_plan {
	int64_t from, to; /* what is to be cleaned; equal: nothing is.  Up to
			     `to` the log may have gaps, which a state that
			     is lost can no longer say (T4) */
	struct klog_swap_row *rows;
	size_t count;
};

/* Reads the plan; one with rows is of a run that was killed.  1, 0 there is
 * none, -1; KLOG_ECORRUPT when it is damaged. */
int klog_plan_read(int dir, struct klog_plan *plan, struct klog_err *err);

/* Makes it durable. */
int klog_plan_write(
	int dir, const struct klog_plan *plan, struct klog_err *err);

/* All its rows are done.  From `to` up to `begun`, where a run that was
 * killed had wanted to get, the log is still to be cleaned. */
int klog_plan_end(
	int dir, struct klog_plan *plan, int64_t begun, struct klog_err *err);
void klog_plan_free(struct klog_plan *plan);

/* The row's three files are there as .cleaned, and synced: replaces. */
int klog_swap_in(
	int dir, const struct klog_swap_row *row, struct klog_err *err);

/* Finishes or drops what a killed run left of its rows, and drops .cleaned
 * files that no plan knows. */
int klog_swap_tidy(int dir, const struct klog_plan *plan, struct klog_err *err);

/* Whether the new .log of a row has its name, and its indexes not all yet:
 * klog_swap_in was killed, or is at work. */
bool klog_swap_stands(int dir, int64_t base);

/* Removes a segment's files, the .log last: until then it is one. */
int klog_segment_remove(int dir, int64_t base, struct klog_err *err);

#endif
