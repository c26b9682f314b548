/*
 * Records of a consumer to where they go, stdout or a COMMAND: so many, until
 * the end, or as they come; and what is done is committed, as a member of a
 * group.
 */
#ifndef COPY_H
#define COPY_H

#include "delivery.h"
#include "print.h"
#include "work.h"

struct copy {
	struct print print;
	int64_t count;   /* end after so many; -1: no bound */
	int64_t idle_ms; /* end when nothing came for so long; -1: never */
	bool stops;      /* stop.h has the signals, and they end it */
	struct klog_consumer *in;
	struct output out; /* where there is no COMMAND */
	struct delivery delivery;
	struct work work;
};

/*
 * 0 at the end, or when a signal came that stop.h caught; -1 with *err.  What
 * was good before a failure is printed, and committed.
 */
int copy_records(struct copy *copy, struct klog_err *err);

#endif
