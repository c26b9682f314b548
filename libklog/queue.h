/*
 * Full batches on their way into the log, oldest first.  A second thread, the
 * helper, seals and appends them while the caller fills the next; it is there
 * only during a stream of full batches, and where there is a second
 * processor.  Everything else happens in the caller's thread.
 */
#ifndef KLOG_QUEUE_H
#define KLOG_QUEUE_H

#include <pthread.h>

#include "writer.h"

#define KLOG_QUEUE_JOBS 4 /* full batches that may wait */

struct klog_job {
	int32_t partition;
	struct klog_builder builder;
	bool sealed;
	struct klog_slice bytes;
};

/*
 * While the helper runs and has not failed, it alone takes jobs off, and the
 * writer is its own; the mutex guards count and what follows.
 */
struct klog_queue {
	struct klog_writer *writer;
	struct klog_compressor compressor;
	struct klog_buf scratch;
	int64_t stream; /* full batches in a row */
	struct klog_job job[KLOG_QUEUE_JOBS];
	size_t first;
	size_t count;
	bool failed; /* the first job, or a sync; with err; not yet told */
	struct klog_err err;
	bool changed; /* the settings, under the helper */
	bool caller_waits;
	bool helper_waits;
	bool stop;
	bool started;
	int caller_cpu;
	bool stop_blocked; /* SIGTSTP, in the caller's thread */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t for_caller, for_helper;
};

void klog_queue_init(struct klog_queue *q, struct klog_writer *writer);

/* Lets the job in hand end; what waits behind it is dropped. */
void klog_queue_free(struct klog_queue *q);

/*
 * Puts a batch behind the others; *batch is empty then, and may have the
 * memory of an earlier one.  With `full` it is the helper's, if there is one;
 * else it is appended on return.  1: not taken, settle first: an earlier one
 * failed, or the settings have changed.  -1: appending it failed, and it
 * waits in the queue for the next try; or it is appended and a sync that was
 * due failed; or an earlier one failed, and it was not taken.
 */
int klog_queue_put(struct klog_queue *q, int32_t partition,
	struct klog_builder *batch, bool full, struct klog_err *err);

/*
 * Waits until nothing is on its way; the writer is the caller's then.  A
 * failure is told once; the next call tries the same batch again, for those
 * who wait for room on a full disk.
 */
int klog_queue_settle(struct klog_queue *q, struct klog_err *err);

/* Waits likewise, or until one has failed: whether nothing is left. */
bool klog_queue_idle(struct klog_queue *q);

#endif
