#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "partitioner.h"
#include "producer.h"
#include "queue.h"
#include "time.h"

#define RECORD_BOUND 64 /* of a record's own fields, generously */

/* A batch being filled for one partition. */
struct open_batch {
	struct klog_builder builder;
	int64_t since_tick; /* of its first record */
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

	/* of the settings, as of the last time the helper was idle */
	size_t batch_limit;
	size_t record_limit;
	bool limited_by_segment;
	bool ignore_keys;
	int64_t linger_ms;
	size_t memory;
	bool log_append_time;
	int64_t before_max_ms; /* message.timestamp.*.max.ms */
	int64_t after_max_ms;

	struct klog_queue queue;
};

static struct dir_producer *
of(struct klog_producer *producer)
{
	return (struct dir_producer *)(void *)producer;
}

static int
fail_no_partition(const struct dir_producer *p, enum klog_code code,
	int32_t partition, struct klog_err *err)
{
	return klog_fail(err, code,
		"topic %s: no partition %" PRId32 ", it has %" PRId32,
		p->writer.topic.label, partition, p->writer.count);
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
	p->log_append_time = s->message_timestamp_log_append != 0;
	p->before_max_ms = s->message_timestamp_before_max_ms;
	p->after_max_ms = s->message_timestamp_after_max_ms;
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

/* Nothing is on its way any more; settings and counts are ours to read. */
static int
settle(struct dir_producer *p, struct klog_err *err)
{
	if (klog_queue_settle(&p->queue, err) == -1)
		return -1;
	return refresh(p, err);
}

/* Gives a batch away to be appended; it is empty then. */
static int
hand_over(struct dir_producer *p, int32_t partition, bool full,
	struct klog_err *err)
{
	struct klog_builder *b = &p->batches[partition].builder;
	size_t before = b->buf.capacity;
	int r;

	if (b->count == 0)
		return 0;
	r = klog_queue_put(&p->queue, partition, b, full, err);
	if (r == 1) {
		if (settle(p, err) == -1)
			return -1;
		b = &p->batches[partition].builder;
		r = klog_queue_put(&p->queue, partition, b, full, err);
	}
	p->held = p->held + b->buf.capacity - before;
	if (b->count == 0)
		p->open_batches--;
	/* the writer is ours unless the helper has it, which tells by itself */
	return r == 0 && !p->queue.started ? refresh(p, err) : r;
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
	klog_queue_init(&p->queue, &p->writer);
	if (produce != NULL && produce->partition >= p->writer.count) {
		fail_no_partition(p, KLOG_ENOTFOUND, produce->partition, err);
		klog_dir_producer_abandon(&p->head);
		return NULL;
	}
	/* one partition needs no lot; should it get more, this will do */
	if (p->writer.count == 1 ||
		getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == -1)
		seed = (uint64_t)klog_now_ms();
	klog_sticky_init(&p->sticky, seed, p->writer.count);
	if (refresh(p, err) == -1) {
		klog_dir_producer_abandon(&p->head);
		return NULL;
	}
	return &p->head;
}

/* ---- putting ---- */

/* The settings may have changed without a batch that would have told: nothing
 * is refused by old ones. */
static int
look_again(struct dir_producer *p, struct klog_err *err)
{
	if (settle(p, err) == -1 || klog_writer_reread(&p->writer, err) == -1)
		return -1;
	return refresh(p, err);
}

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

/* A record names a partition that is not known; there may be more by now. */
static int
look_for_partition(
	struct dir_producer *p, int32_t partition, struct klog_err *err)
{
	if (look_again(p, err) == -1)
		return -1;
	return partition < p->partitions
		? 0
		: fail_no_partition(p, KLOG_EINVALID, partition, err);
}

static int
choose(struct dir_producer *p, const struct klog_record *rec,
	int32_t *partition, struct klog_err *err)
{
	if (rec->partition >= 0) {
		if (rec->partition >= p->partitions &&
			look_for_partition(p, rec->partition, err) == -1)
			return -1;
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

		if (alone > p->record_limit && look_again(p, err) == -1)
			return -1;
		if (alone > p->record_limit)
			return fail_too_large(p, alone, err);
		b = &p->batches[partition].builder;
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

/*
 * A record with a timestamp of its own, as Kafka's LogValidator takes it:
 * where the append stamps it, any will do, and so does none.
 */
static int
check_timestamp(const struct dir_producer *p, struct klog_record *rec,
	int64_t *now, struct klog_err *err)
{
	int64_t stamp = rec->timestamp_ms;

	if (stamp == KLOG_NO_TIMESTAMP) {
		rec->timestamp_ms = -1;
		return 0;
	}
	if (stamp < 0)
		return klog_fail(err, KLOG_EINVALID,
			"topic %s: timestamp %" PRId64 " is before 1970",
			p->writer.topic.label, stamp);
	if (p->log_append_time)
		return 0;
	if (*now == -1)
		*now = klog_now_ms();
	if (*now - stamp > p->before_max_ms)
		return klog_fail(err, KLOG_EINVALID,
			"topic %s: timestamp %" PRId64 " lies further back "
			"than message.timestamp.before.max.ms, %" PRId64,
			p->writer.topic.label, stamp, p->before_max_ms);
	if (stamp - *now > p->after_max_ms)
		return klog_fail(err, KLOG_EINVALID,
			"topic %s: timestamp %" PRId64 " lies further ahead "
			"than message.timestamp.after.max.ms, %" PRId64,
			p->writer.topic.label, stamp, p->after_max_ms);
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
		} else if (check_timestamp(p, &rec, &now, err) == -1) {
			return -1;
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
	int r;

	/* what is on its way first: the sync follows the last one */
	r = settle(p, err);
	p->writer.then_sync = p->open_batches == 1;
	if (r == 0)
		r = flush_since(p, INT64_MAX, err);
	p->writer.then_sync = false;
	if (r == 0)
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

	if (!klog_queue_idle(&p->queue))
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

	(void)klog_queue_idle((struct klog_queue *)(uintptr_t)&p->queue);
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

	klog_queue_free(&p->queue);
	for (i = 0; i < p->partitions; i++)
		klog_builder_free(&p->batches[i].builder);
	free(p->batches);
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
