#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "partitioner.h"
#include "producer.h"
#include "time.h"
#include "writer.h"

#define RECORD_BOUND 64 /* of a record's own fields, generously */

/* A batch being filled for one partition. */
struct open_batch {
	struct klog_builder builder;
	int64_t since_tick; /* of its first record */
};

/* A batch on its way into the log. */
struct job {
	int32_t partition;
	struct klog_builder builder;
	bool sealed;
	struct klog_slice bytes;
};

#define JOBS 4        /* full batches that may wait for the helper */
#define DOZE_NS 50000 /* half of what appending one takes */
#define DOZES 40

/*
 * Batches on their way, oldest first.  While the helper runs and has not
 * failed it alone takes them off, and owns the writer; the mutex guards
 * count and what follows.
 */
struct queue {
	struct job job[JOBS];
	size_t first;
	size_t count;
	bool failed; /* the first one, with err; not yet told */
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

struct dir_producer {
	struct klog_producer head;
	struct klog_writer writer;
	struct klog_sticky sticky;
	struct open_batch *batches;
	int32_t partitions;
	int32_t open_batches;
	size_t held; /* bytes of memory in open batches */
	int64_t put;
	int64_t full; /* batches handed over because they were full */

	/* of the settings, as of the last time the helper was idle */
	size_t batch_limit;
	size_t record_limit;
	bool limited_by_segment;
	bool ignore_keys;
	int64_t linger_ms;
	size_t memory;

	struct queue queue;
	struct klog_compressor compressor;
	struct klog_buf scratch;
};

static struct dir_producer *
of(struct klog_producer *producer)
{
	return (struct dir_producer *)(void *)producer;
}

/* ---- the queue ---- */

/* Seals and appends the oldest batch; on -1 it stays the oldest. */
static int
run_job(struct dir_producer *p, struct klog_err *err)
{
	struct job *job = &p->queue.job[p->queue.first];
	enum klog_codec codec;
	int32_t level;

	if (!job->sealed) {
		klog_writer_codec(&p->writer, &codec, &level);
		if (klog_builder_seal(&job->builder, &p->compressor, codec,
			    level, &p->scratch, &job->bytes, err) == -1)
			return -1;
		job->sealed = true;
	}
	if (klog_writer_append(&p->writer, job->partition,
		    (uint8_t *)(uintptr_t)job->bytes.data, job->bytes.size,
		    job->builder.count, err) == -1)
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
doze(struct queue *q, pthread_cond_t *condition, bool *sleeps, int *times)
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
take_off(struct queue *q)
{
	q->first = (q->first + 1) % JOBS;
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
	struct dir_producer *p = arg;
	struct queue *q = &p->queue;
	int64_t generation = p->writer.topic.config.generation;
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
		appended = run_job(p, &err) == 0;
		well = appended && klog_writer_after(&p->writer, &err) == 0;
		pthread_mutex_lock(&q->mutex);
		if (appended)
			take_off(q);
		if (!well) {
			q->failed = true;
			q->err = err;
		}
		if (p->writer.topic.config.generation != generation) {
			generation = p->writer.topic.config.generation;
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
helper_ready(struct dir_producer *p)
{
	struct queue *q = &p->queue;
	sigset_t all, before, stop;

	if (q->started || p->full < 2 || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return q->started;
	q->caller_cpu = sched_getcpu();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sigdelset(&all, SIGTSTP);
	q->started = pthread_create(&q->thread, NULL, helper_main, p) == 0;
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
stop_helper(struct dir_producer *p)
{
	struct queue *q = &p->queue;

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
wait_for(struct dir_producer *p, size_t most)
{
	struct queue *q = &p->queue;
	int dozes = 0;

	if (!q->started)
		return;
	pthread_mutex_lock(&q->mutex);
	while (q->count > most && !q->failed)
		doze(q, &q->for_caller, &q->caller_waits, &dozes);
	pthread_mutex_unlock(&q->mutex);
}

/* The settings may have changed under the helper (A1). */
static int
refresh(struct dir_producer *p, struct klog_err *err)
{
	const struct klog_settings *s = &p->writer.settings;
	struct open_batch *batches;
	int64_t most = s->max_message_bytes < s->segment_bytes
		? s->max_message_bytes
		: s->segment_bytes;
	int32_t n = p->writer.count;

	p->record_limit = (size_t)most;
	p->limited_by_segment = most < s->max_message_bytes;
	p->batch_limit = (size_t)(s->batch_size < most ? s->batch_size : most);
	p->linger_ms = s->linger_ms;
	p->ignore_keys = s->partitioner_ignore_keys != 0;
	p->memory = (size_t)s->buffer_memory;
	if (n == p->partitions)
		return 0;
	batches = realloc(p->batches, (size_t)n * sizeof(batches[0]));
	if (batches == NULL)
		return klog_fail_memory(err);
	memset(batches + p->partitions, 0,
		(size_t)(n - p->partitions) * sizeof(batches[0]));
	p->batches = batches;
	p->partitions = n;
	return 0;
}

/*
 * Waits until no batch is on its way.  A failure is told once; the next call
 * tries the same batch again, for callers who wait for room on a full disk.
 */
static int
settle(struct dir_producer *p, struct klog_err *err)
{
	struct queue *q = &p->queue;

	wait_for(p, 0);
	if (q->failed) {
		*err = q->err;
		/* with the batch at hand the helper waits no longer */
		stop_helper(p);
		q->failed = false;
		return -1;
	}
	while (q->count > 0) {
		if (run_job(p, err) == -1)
			return -1;
		take_off(q);
		if (klog_writer_after(&p->writer, err) == -1)
			return -1;
	}
	q->changed = false;
	return refresh(p, err);
}

/* Puts the batch of a partition behind the others; it is empty then. */
static void
enqueue(struct dir_producer *p, int32_t partition)
{
	struct queue *q = &p->queue;
	struct open_batch *batch = &p->batches[partition];
	struct job *job = &q->job[(q->first + q->count) % JOBS];
	struct klog_builder builder = job->builder;

	p->held -= batch->builder.buf.capacity;
	job->builder = batch->builder;
	batch->builder = builder;
	p->held += builder.buf.capacity;
	job->partition = partition;
	job->sealed = false;
	p->open_batches--;
	q->count++;
}

/* Gives a batch away to be appended; a full one by the helper. */
static int
hand_over(struct dir_producer *p, int32_t partition, bool full,
	struct klog_err *err)
{
	struct queue *q = &p->queue;

	if (p->batches[partition].builder.count == 0)
		return 0;
	/* a pause ends the stream that pays for a helper */
	p->full = full ? p->full + 1 : 0;
	if (!full || !helper_ready(p)) {
		if (settle(p, err) == -1)
			return -1;
		/* in this thread: the helper has nothing, and sleeps */
		stop_helper(p);
		enqueue(p, partition);
		return settle(p, err);
	}
	wait_for(p, JOBS - 1);
	pthread_mutex_lock(&q->mutex);
	if (q->failed || q->changed) {
		pthread_mutex_unlock(&q->mutex);
		if (settle(p, err) == -1)
			return -1;
		return hand_over(p, partition, full, err);
	}
	enqueue(p, partition);
	if (q->helper_waits)
		pthread_cond_signal(&q->for_helper);
	pthread_mutex_unlock(&q->mutex);
	return 0;
}

/* Memory is short: the largest batch goes, and its memory with it. */
static int
hand_over_largest(struct dir_producer *p, struct klog_err *err)
{
	struct klog_builder *b;
	int32_t i, largest = 0;

	for (i = 1; i < p->partitions; i++)
		if (p->batches[i].builder.buf.size >
			p->batches[largest].builder.buf.size)
			largest = i;
	if (hand_over(p, largest, true, err) == -1)
		return -1;
	b = &p->batches[largest].builder;
	p->held -= b->buf.capacity;
	klog_builder_free(b);
	return 0;
}

/* ---- opening ---- */

struct klog_producer *
klog_dir_producer_open(struct klog_cluster *cluster, const char *topic,
	const struct klog_produce *produce, struct klog_err *err)
{
	struct dir_producer *p = calloc(1, sizeof(*p));
	uint64_t seed = 0;

	if (p == NULL) {
		klog_fail_memory(err);
		return NULL;
	}
	p->head.engine = &klog_engine_dir;
	if (klog_writer_open(&p->writer, cluster, topic, produce, err) == -1) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->queue.mutex, NULL);
	pthread_cond_init(&p->queue.for_caller, NULL);
	pthread_cond_init(&p->queue.for_helper, NULL);
	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	klog_sticky_init(&p->sticky, seed, p->writer.count);
	if (refresh(p, err) == -1) {
		klog_dir_producer_abandon(&p->head);
		return NULL;
	}
	return &p->head;
}

/* ---- putting ---- */

static int
fail_too_large(const struct dir_producer *p, size_t size, struct klog_err *err)
{
	return klog_fail(err, KLOG_ETOOLARGE,
		"topic %s: a record of %zu bytes with its batch, %s allows "
		"%zu; raise it in the topic, or cut the record",
		p->writer.topic.label, size,
		p->limited_by_segment ? "segment.bytes" : "max.message.bytes",
		p->record_limit);
}

static int
choose(struct dir_producer *p, const struct klog_record *rec,
	int32_t *partition, struct klog_err *err)
{
	if (rec->partition >= 0) {
		if (rec->partition >= p->partitions)
			return klog_fail(err, KLOG_ENOTFOUND,
				"topic %s: no partition %" PRId32
				", it has %" PRId32,
				p->writer.topic.label, rec->partition,
				p->partitions);
		*partition = rec->partition;
	} else if (rec->key.data != NULL && !p->ignore_keys) {
		*partition = klog_partition_of_key(rec->key, p->partitions);
	} else if (p->partitions == 1) {
		*partition = 0;
	} else {
		*partition = klog_sticky_next(&p->sticky, p->partitions,
			(int64_t)p->batch_limit,
			rec->key.size + rec->value.size + rec->headers.size);
	}
	return 0;
}

static int
put_one(struct dir_producer *p, const struct klog_record *rec,
	struct klog_err *err)
{
	static const struct klog_builder empty;
	size_t bound = rec->key.size + rec->value.size + rec->headers.size +
		RECORD_BOUND;
	struct klog_builder *b;
	int32_t partition = 0;
	size_t before;

	/* first of all: a record that was taken is not refused after */
	if (p->held > p->memory && hand_over_largest(p, err) == -1)
		return -1;
	if (choose(p, rec, &partition, err) == -1)
		return -1;
	b = &p->batches[partition].builder;
	/* exact only near the limit: sizes are not free */
	if (b->buf.size + bound > p->batch_limit) {
		size_t alone = klog_builder_size_with(&empty, rec);

		if (alone > p->record_limit)
			return fail_too_large(p, alone, err);
		if (b->count > 0 &&
			klog_builder_size_with(b, rec) > p->batch_limit) {
			if (hand_over(p, partition, true, err) == -1)
				return -1;
			b = &p->batches[partition].builder;
		}
	}
	if (b->count == 0) {
		p->batches[partition].since_tick = klog_tick_ms();
		p->open_batches++;
	}
	before = b->buf.capacity;
	if (klog_builder_add(b, rec, err) == -1)
		return -1;
	p->held += b->buf.capacity - before;
	p->put++;
	return 0;
}

int
klog_dir_producer_put(struct klog_producer *producer,
	const struct klog_record *records, size_t count, size_t *taken,
	struct klog_err *err)
{
	struct dir_producer *p = of(producer);
	int64_t now = -1;
	size_t i;

	*taken = 0;
	for (i = 0; i < count; i++) {
		struct klog_record rec = records[i];

		if (rec.timestamp_ms == -1) {
			if (now == -1)
				now = klog_now_ms();
			rec.timestamp_ms = now;
		}
		if (put_one(p, &rec, err) == -1)
			return -1;
		*taken = i + 1;
	}
	return 0;
}

/* ---- appending, syncing, time ---- */

/* Appends the batches whose first record came at or before `tick`. */
static int
flush_since(struct dir_producer *p, int64_t tick, struct klog_err *err)
{
	int32_t i;

	if (settle(p, err) == -1)
		return -1;
	for (i = 0; p->open_batches > 0 && i < p->partitions; i++)
		if (p->batches[i].builder.count > 0 &&
			p->batches[i].since_tick <= tick &&
			hand_over(p, i, false, err) == -1)
			return -1;
	return 0;
}

int
klog_dir_producer_flush(struct klog_producer *producer, struct klog_err *err)
{
	return flush_since(of(producer), INT64_MAX, err);
}

int
klog_dir_producer_sync(struct klog_producer *producer, struct klog_err *err)
{
	struct dir_producer *p = of(producer);

	struct klog_err second;

	if (flush_since(p, INT64_MAX, err) == 0)
		return klog_writer_sync(&p->writer, err);
	/* what did get into the log is made durable all the same */
	(void)klog_writer_sync(&p->writer, &second);
	return -1;
}

int64_t
klog_dir_producer_due_ms(struct klog_producer *producer)
{
	struct dir_producer *p = of(producer);
	int64_t now = klog_tick_ms();
	int64_t due;
	int32_t i;

	wait_for(p, 0);
	if (p->queue.count > 0)
		return 0;
	due = klog_writer_due(&p->writer);
	for (i = 0; p->open_batches > 0 && i < p->partitions; i++) {
		int64_t at = p->batches[i].since_tick + p->linger_ms;

		if (p->batches[i].builder.count > 0 && (due == -1 || at < due))
			due = at;
	}
	if (due == -1)
		return -1;
	return due > now ? due - now : 0;
}

int
klog_dir_producer_tick(struct klog_producer *producer, struct klog_err *err)
{
	struct dir_producer *p = of(producer);
	int64_t now = klog_tick_ms();
	int64_t due;

	if (flush_since(p, now - p->linger_ms, err) == -1)
		return -1;
	due = klog_writer_due(&p->writer);
	if (due != -1 && due <= now)
		return klog_writer_sync(&p->writer, err);
	return 0;
}

struct klog_produced
klog_dir_producer_count(const struct klog_producer *producer)
{
	const struct dir_producer *p =
		(const struct dir_producer *)(const void *)producer;
	struct klog_produced n = { p->put, 0, 0 };
	int32_t i;

	wait_for((struct dir_producer *)(uintptr_t)p, 0);
	for (i = 0; i < p->writer.count; i++) {
		n.appended += p->writer.parts[i].appended;
		n.synced += p->writer.parts[i].synced;
	}
	return n;
}

void
klog_dir_producer_abandon(struct klog_producer *producer)
{
	struct dir_producer *p = of(producer);
	int32_t i;

	stop_helper(p);
	pthread_mutex_destroy(&p->queue.mutex);
	pthread_cond_destroy(&p->queue.for_caller);
	pthread_cond_destroy(&p->queue.for_helper);
	for (i = 0; i < p->partitions; i++)
		klog_builder_free(&p->batches[i].builder);
	free(p->batches);
	for (i = 0; i < JOBS; i++)
		klog_builder_free(&p->queue.job[i].builder);
	klog_compressor_free(&p->compressor);
	klog_buf_free(&p->scratch);
	klog_writer_close(&p->writer);
	free(p);
}

int
klog_dir_producer_close(struct klog_producer *producer, struct klog_err *err)
{
	struct dir_producer *p = of(producer);
	int r = klog_dir_producer_sync(producer, err);

	if (r == 0)
		r = klog_writer_look(&p->writer, err);
	klog_dir_producer_abandon(producer);
	return r;
}
