#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "source.h"

#define FDS_PER_SOURCE 4 /* directory, state, segment, an index aside */
#define FDS_ELSEWHERE 14
#define CHUNK_MIN ((size_t)8 * 1024)
#define CHUNK_MAX ((size_t)512 * 1024)

int
klog_sources_add(struct klog_sources *all, struct klog_topic *topic,
	int32_t partition, struct klog_err *err)
{
	struct klog_source *list = realloc(
		all->list, (all->count + 1) * sizeof(list[0]));

	if (list == NULL)
		return klog_fail_memory(err);
	all->list = list;
	memset(&list[all->count], 0, sizeof(list[0]));
	list[all->count].topic = topic;
	list[all->count].partition = partition;
	list[all->count].stable = INT64_MAX;
	all->count++;
	return 0;
}

static void
close_source(struct klog_sources *all, struct klog_source *s)
{
	if (!s->open)
		return;
	s->next = s->reader.next;
	s->stop = s->reader.stop;
	s->epoch = s->reader.epoch;
	klog_reader_close(&s->reader);
	s->open = false;
	all->open_count--;
}

void
klog_sources_free(struct klog_sources *all)
{
	size_t i;

	for (i = 0; i < all->count; i++) {
		close_source(all, &all->list[i]);
		klog_transactions_free(&all->list[i].transactions);
	}
	free(all->list);
	all->list = NULL;
	all->count = 0;
}

void
klog_sources_share(struct klog_sources *all, size_t memory, size_t others)
{
	struct rlimit limit;
	size_t fds = 1024;

	all->chunk = memory / (all->count > 0 ? all->count : 1);
	all->chunk -= all->chunk % 4096;
	if (all->chunk < CHUNK_MIN)
		all->chunk = CHUNK_MIN;
	if (all->chunk > CHUNK_MAX)
		all->chunk = CHUNK_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		fds = limit.rlim_cur > 100000 ? 100000 : limit.rlim_cur;
	others += FDS_ELSEWHERE;
	all->open_max = fds < others + FDS_PER_SOURCE
		? 1
		: (fds - others) / FDS_PER_SOURCE;
	/* their buffers share the memory, too */
	if (all->open_max > memory / all->chunk)
		all->open_max = memory / all->chunk;
}

int
klog_source_open(
	struct klog_sources *all, struct klog_source *s, struct klog_err *err)
{
	if (s->open)
		return 0;
	while (all->open_count >= all->open_max) {
		struct klog_source *victim = &all->list[all->last_evicted];

		all->last_evicted = (all->last_evicted + 1) % all->count;
		close_source(all, victim);
	}
	if (klog_topic_reader(s->topic, s->partition, all->say, all->chunk,
		    &s->reader, err) == -1)
		return -1;
	s->reader.synced = all->synced;
	s->reader.reset = all->reset;
	/* klog itself writes no transactions */
	s->committed = !all->uncommitted && !s->reader.has_state;
	s->reader.stable = s->stable;
	s->open = true;
	all->open_count++;
	if (s->placed) {
		klog_reader_seek(&s->reader, s->next);
		s->reader.stop = s->stop;
		s->reader.epoch = s->epoch;
	}
	return 0;
}

int
klog_source_settle(struct klog_source *s, struct klog_err *err)
{
	int64_t stable;

	if (!s->committed)
		return 0;
	stable = klog_transactions_stable(&s->transactions, &s->reader, err);
	if (stable == -1)
		return -1;
	s->stable = s->reader.stable = stable;
	return 0;
}

void
klog_source_wake(struct klog_source *s)
{
	s->idle = s->elsewhere;
}

void
klog_source_rest(struct klog_sources *all, struct klog_source *s)
{
	close_source(all, s);
	s->placed = false; /* where it was says nothing any more */
	s->elsewhere = s->idle = true;
}

void
klog_source_place(struct klog_source *s, int64_t next, int64_t stop)
{
	s->elsewhere = s->idle = false;
	s->placed = true;
	s->next = next;
	s->stop = stop;
	if (s->open) {
		s->epoch = s->reader.epoch;
		klog_reader_seek(&s->reader, next);
		s->reader.stop = stop;
	}
}

bool
klog_source_done(const struct klog_source *s)
{
	if (s->elsewhere)
		return true;
	return s->open ? s->reader.next >= s->reader.stop : s->next >= s->stop;
}

/* ---- batches ---- */

/* A batch that nobody is shown: 1, 0, -1. */
static int
hidden(struct klog_source *s, struct klog_err *err)
{
	uint16_t attributes = s->reader.scan.batch.attributes;

	if (attributes & KLOG_ATTR_CONTROL)
		return 1;
	if (!(attributes & KLOG_ATTR_TRANSACTIONAL) || !s->committed)
		return 0;
	return klog_transactions_aborted(&s->transactions, &s->reader, err);
}

int
klog_source_batch(struct klog_sources *all, struct klog_source *s,
	struct klog_decoder *d, struct klog_cursor *cursor,
	struct klog_err *err)
{
	const struct klog_batch *batch = &s->reader.scan.batch;
	int r;

	if (klog_source_open(all, s, err) == -1)
		return -1;
	if (all->follow && s->reader.next >= s->stable &&
		klog_source_settle(s, err) == -1)
		return -1;
	do {
		r = klog_reader_next(&s->reader, &cursor->from, err);
		if (r != 1)
			return r;
		r = hidden(s, err);
	} while (r == 1);
	if (r == -1 || klog_decoder_open(d, &s->reader, &cursor->it, err) == -1)
		return -1;
	cursor->stop = s->reader.stop;
	cursor->leader_epoch = batch->leader_epoch;
	cursor->log_append_time = (batch->attributes &
					  KLOG_ATTR_LOG_APPEND_TIME) != 0;
	cursor->no_timestamps = batch->magic == 0;
	cursor->open = true;
	return 1;
}

int
klog_source_take(const struct klog_source *s, struct klog_cursor *cursor,
	struct klog_record *records, size_t max, size_t *count,
	struct klog_err *err)
{
	size_t n = 0;
	int r = 1;

	while (n < max &&
		(r = klog_batch_next(&cursor->it, &records[n], err)) == 1) {
		const struct klog_record *rec = &records[n];

		if (rec->offset >= cursor->stop)
			r = 0;
		else if (rec->offset >= cursor->from)
			n++;
		if (r == 0)
			break;
	}
	cursor->open = r == 1;
	*count = n;
	return r != -1
		? 0
		: klog_err_in(err, "%s: batch before offset %" PRId64,
			  s->reader.path, s->open ? s->reader.next : s->next);
}

/* ---- the newest records over all ---- */

/* How many records, by offsets, are stamped at or after the time; their
 * first offsets in next[]. */
static int
count_since(struct klog_sources *all, struct klog_decoder *d, int64_t time_ms,
	int64_t *next, int64_t *count, struct klog_err *err)
{
	struct klog_at at = { KLOG_AT_TIME, time_ms, -1 };
	size_t i;

	*count = 0;
	for (i = 0; i < all->count; i++) {
		struct klog_source *s = &all->list[i];

		if (klog_source_open(all, s, err) == -1 ||
			klog_lookup(&s->reader, d, at, s->end, &next[i], NULL,
				err) == -1)
			return -1;
		*count += s->end - next[i];
	}
	return 0;
}

static int
newest_time(struct klog_sources *all, struct klog_decoder *d, int64_t *newest,
	struct klog_err *err)
{
	struct klog_at at = { KLOG_AT_MAX_TIMESTAMP, 0, -1 };
	int64_t offset, ms;
	size_t i;

	*newest = -1;
	for (i = 0; i < all->count; i++) {
		struct klog_source *s = &all->list[i];

		if (klog_source_open(all, s, err) == -1 ||
			klog_lookup(&s->reader, d, at, s->end, &offset, &ms,
				err) == -1)
			return -1;
		if (ms > *newest)
			*newest = ms;
	}
	return 0;
}

int
klog_sources_tail(struct klog_sources *all, struct klog_decoder *d,
	int64_t count, int64_t *next, struct klog_err *err)
{
	int64_t low = -1, high, have, total = 0; /* -1: without a time */
	size_t i;

	for (i = 0; i < all->count; i++)
		total += all->list[i].end - all->list[i].start;
	if (all->count == 1 || total <= count) {
		for (i = 0; i < all->count; i++) {
			const struct klog_source *s = &all->list[i];

			next[i] = s->end - s->start > count ? s->end - count
							    : s->start;
		}
		return 0;
	}
	/* the latest time that still has `count` records at or after it */
	if (newest_time(all, d, &high, err) == -1)
		return -1;
	if (high > INT64_MAX - 2)
		high = INT64_MAX - 2; /* so that nothing below overflows */
	while (low < high) {
		int64_t mid = low + (high - low + 1) / 2;

		if (count_since(all, d, mid, next, &have, err) == -1)
			return -1;
		if (have >= count)
			low = mid;
		else
			high = mid - 1;
	}
	if (count_since(all, d, low, next, &have, err) == -1)
		return -1;
	/* those of that very millisecond come from any partition */
	for (i = 0; have > count && i < all->count; i++) {
		int64_t more = have - count;
		struct klog_at at = { KLOG_AT_TIME, low + 1, -1 };
		struct klog_source *s = &all->list[i];
		int64_t later;

		if (klog_source_open(all, s, err) == -1 ||
			klog_lookup(&s->reader, d, at, s->end, &later, NULL,
				err) == -1)
			return -1;
		if (more > later - next[i])
			more = later - next[i];
		next[i] += more;
		have -= more;
	}
	return 0;
}
