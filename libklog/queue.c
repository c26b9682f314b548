#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "queue.h"

#define DOZE_NS 50000 /* half of what appending one takes */
#define DOZES 40

static int
seal(struct klog_queue *q, struct klog_job *job, struct klog_err *err)
{
	enum klog_codec codec;
	int32_t level;

	klog_writer_codec(q->writer, &codec, &level);
	if (klog_builder_seal(&job->builder, &q->compressor, codec, level,
		    &q->scratch, &job->bytes, err) == -1)
		return -1;
	job->sealed = true;
	return 0;
}

/* Seals and appends the oldest batch; on -1 it stays the oldest. */
static int
run_job(struct klog_queue *q, struct klog_err *err)
{
	struct klog_job *job = &q->job[q->first];
	int r;

	do {
		if (!job->sealed && seal(q, job, err) == -1)
			return -1;
		r = klog_writer_append(q->writer, job->partition,
			(uint8_t *)(uintptr_t)job->bytes.data, job->bytes.size,
			job->builder.count, err);
		/* under new settings another codec may be due */
		if (r == 1)
			job->sealed = false;
	} while (r == 1);
	if (r == -1)
		return -1;
	job->sealed = false;
	klog_builder_reset(&job->builder);
	return 0;
}

/*
 * Sleeps on a condition, with the mutex: the first times for a moment only,
 * and nobody wakes it.  A thread that another one wakes is put on that one's
 * processor by a kernel that takes an idle virtual processor for a busy one;
 * then the two take turns on one.
 */
static void
doze(struct klog_queue *q, pthread_cond_t *condition, bool *sleeps, int *times)
{
	struct timespec until;

	if (++*times > DOZES) {
		*sleeps = true;
		pthread_cond_wait(condition, &q->mutex);
		*sleeps = false;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += DOZE_NS;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(condition, &q->mutex, &until);
}

static void
take_off(struct klog_queue *q)
{
	q->first = (q->first + 1) % KLOG_QUEUE_JOBS;
	q->count--;
}

/* Begins on another processor than the caller's; later it may go anywhere. */
static void
move_away(int from)
{
	cpu_set_t all, others;

	if (from < 0 || sched_getaffinity(0, sizeof(all), &all) == -1)
		return;
	others = all;
	CPU_CLR((size_t)from, &others);
	if (CPU_COUNT(&others) > 0 &&
		sched_setaffinity(0, sizeof(others), &others) == 0)
		(void)sched_setaffinity(0, sizeof(all), &all);
}

static void *
helper_main(void *arg)
{
	struct klog_queue *q = arg;
	int64_t generation = q->writer->topic.config.generation;
	struct klog_err err;

	move_away(q->caller_cpu);
	pthread_mutex_lock(&q->mutex);
	for (;;) {
		bool appended, well;
		int dozes = 0;

		while (!q->stop && (q->count == 0 || q->failed))
			doze(q, &q->for_helper, &q->helper_waits, &dozes);
		if (q->stop)
			break;
		pthread_mutex_unlock(&q->mutex);
		appended = run_job(q, &err) == 0;
		well = appended && klog_writer_after(q->writer, &err) == 0;
		pthread_mutex_lock(&q->mutex);
		if (appended)
			take_off(q);
		if (!well) {
			q->failed = true;
			q->err = err;
		}
		if (q->writer->topic.config.generation != generation) {
			generation = q->writer->topic.config.generation;
			q->changed = true;
		}
		if (q->caller_waits)
			pthread_cond_signal(&q->for_caller);
	}
	pthread_mutex_unlock(&q->mutex);
	return NULL;
}

/* Pays only for a stream of full batches, and with a second processor.  The
 * caller's thread keeps the signals. */
static bool
helper_ready(struct klog_queue *q)
{
	sigset_t all, before, stop;

	if (q->started || q->stream < 2 || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return q->started;
	q->caller_cpu = sched_getcpu();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sigdelset(&all, SIGTSTP);
	q->started = pthread_create(&q->thread, NULL, helper_main, q) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* the helper takes the terminal's stop, where it holds no lock (L5) */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	if (q->started && sigismember(&before, SIGTSTP) == 0) {
		pthread_sigmask(SIG_BLOCK, &stop, NULL);
		q->stop_blocked = true;
	}
	return q->started;
}

static void
stop_helper(struct klog_queue *q)
{
	if (!q->started)
		return;
	pthread_mutex_lock(&q->mutex);
	q->stop = true;
	pthread_cond_signal(&q->for_helper);
	pthread_mutex_unlock(&q->mutex);
	pthread_join(q->thread, NULL);
	q->started = false;
	if (q->stop_blocked) {
		sigset_t stop;

		sigemptyset(&stop);
		sigaddset(&stop, SIGTSTP);
		pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
		q->stop_blocked = false;
	}
	q->stop = false;
}

/* Waits until at most `most` batches are on their way, or one has failed. */
static void
wait_for(struct klog_queue *q, size_t most)
{
	int dozes = 0;

	if (!q->started)
		return;
	pthread_mutex_lock(&q->mutex);
	while (q->count > most && !q->failed)
		doze(q, &q->for_caller, &q->caller_waits, &dozes);
	pthread_mutex_unlock(&q->mutex);
}

void
klog_queue_init(struct klog_queue *q, struct klog_writer *writer)
{
	memset(q, 0, sizeof(*q));
	q->writer = writer;
	pthread_mutex_init(&q->mutex, NULL);
	pthread_cond_init(&q->for_caller, NULL);
	pthread_cond_init(&q->for_helper, NULL);
}

void
klog_queue_free(struct klog_queue *q)
{
	size_t i;

	stop_helper(q);
	pthread_mutex_destroy(&q->mutex);
	pthread_cond_destroy(&q->for_caller);
	pthread_cond_destroy(&q->for_helper);
	for (i = 0; i < KLOG_QUEUE_JOBS; i++)
		klog_builder_free(&q->job[i].builder);
	klog_compressor_free(&q->compressor);
	klog_buf_free(&q->scratch);
}

bool
klog_queue_idle(struct klog_queue *q)
{
	wait_for(q, 0);
	return q->count == 0;
}

int
klog_queue_settle(struct klog_queue *q, struct klog_err *err)
{
	wait_for(q, 0);
	if (q->failed) {
		*err = q->err;
		/* from here on it is tried in the caller's thread */
		stop_helper(q);
		q->failed = false;
		return -1;
	}
	while (q->count > 0) {
		if (run_job(q, err) == -1)
			return -1;
		take_off(q);
		if (klog_writer_after(q->writer, err) == -1)
			return -1;
	}
	q->changed = false;
	return 0;
}

static void
enqueue(struct klog_queue *q, int32_t partition, struct klog_builder *batch)
{
	struct klog_job *job = &q->job[(q->first + q->count) % KLOG_QUEUE_JOBS];
	struct klog_builder empty = job->builder;

	job->builder = *batch;
	job->partition = partition;
	job->sealed = false;
	*batch = empty;
	q->count++;
}

int
klog_queue_put(struct klog_queue *q, int32_t partition,
	struct klog_builder *batch, bool full, struct klog_err *err)
{
	int r = 0;

	/* a pause ends the stream that pays for a helper */
	q->stream = full ? q->stream + 1 : 0;
	if (!full || !helper_ready(q)) {
		if (klog_queue_settle(q, err) == -1)
			return -1;
		stop_helper(q); /* it sleeps */
		enqueue(q, partition, batch);
		return klog_queue_settle(q, err);
	}
	wait_for(q, KLOG_QUEUE_JOBS - 1);
	pthread_mutex_lock(&q->mutex);
	if (q->failed || q->changed) {
		r = 1;
	} else {
		enqueue(q, partition, batch);
		if (q->helper_waits)
			pthread_cond_signal(&q->for_helper);
	}
	pthread_mutex_unlock(&q->mutex);
	return r;
}
