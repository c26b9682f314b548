/*
 * klog-consume -- COMMAND: records of one partition a run on its stdin, done
 * when it exits 0, and then committed.  A run that fails is tried again; what
 * fails for good goes to the dead letter, or ends the tool with the offset
 * where it was.
 */
#ifndef WORK_H
#define WORK_H

#include "command.h"
#include "print.h"

#define WORK_BATCH 1000                      /* records of a run, unless told */
#define WORK_BATCH_MAX 50000                 /* each has its place in memory */
#define WORK_BYTES ((size_t)4 * 1024 * 1024) /* but for one larger record */

struct work_item;

struct work {
	/* set by the tool */
	struct command command; /* argv NULL: none */
	size_t batch;
	int64_t retries;
	int64_t backoff_ms;
	const char *dead_letter; /* its topic, or NULL */
	struct klog_consumer *in;
	bool group; /* commit what is done */
	struct print *print;

	/* the run that is gathered */
	struct output out;   /* as COMMAND gets them */
	struct klog_buf raw; /* of each what the dead letter needs */
	struct work_item *items;
	size_t count, room;
	char topic[256];
	int32_t partition;
	int32_t source;
	struct klog_producer *dead;
};

/* Opens the dead letter, too. */
int work_init(struct work *work, struct klog *klog, struct klog_err *err);

/*
 * Takes the first `count` records of a run; each full run of COMMAND is done
 * before it returns.  -1: one failed for good, or could not be committed.
 */
int work_put(struct work *work, const struct klog_run *run, size_t count,
	struct klog_err *err);

/* Does what is gathered: there is no more at hand. */
int work_flush(struct work *work, struct klog_err *err);

void work_free(struct work *work);

#endif
