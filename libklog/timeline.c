#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "entries.h"
#include "index.h"
#include "io.h"
#include "timeline.h"

/* A time beyond stands for a clock that was wrong, and must not overflow. */
#define LATEST_MS (INT64_MAX / 4)
#define DAY INT64_C(86400000)

/* One walk over a topic's segments: first for the bounds, then to fill. */
struct walk {
	int64_t oldest_ms, newest_ms; /* -1: none yet */
	int64_t step_ms;              /* 0: for the bounds */
	struct klog_bucket *list;
	size_t count;
};

/* A segment, as far as its name, its first batch and its indexes tell. */
struct span {
	int64_t ms; /* up to here all is counted */
	int64_t offset, position;
};

/* ---- buckets ---- */

/* The shortest of these lengths of which there are not too many. */
static int64_t
step_for(int64_t span_ms, size_t most)
{
	static const int64_t steps[] = { 1, 10, 100, 1000, 2000, 5000, 10000,
		15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000,
		3600000, 2 * 3600000, 3 * 3600000, 6 * 3600000, 12 * 3600000,
		DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY };
	size_t i, n = sizeof(steps) / sizeof(steps[0]);
	int64_t step;

	for (i = 0; i < n; i++)
		if (span_ms / steps[i] + 2 <= (int64_t)most)
			return steps[i];
	for (step = 364 * DAY; span_ms / step + 2 > (int64_t)most; step *= 2)
		;
	return step;
}

static struct klog_bucket *
bucket_of(struct walk *w, int64_t ms)
{
	int64_t i = (ms - w->list[0].from_ms) / w->step_ms;

	if (ms < w->list[0].from_ms)
		i = 0;
	if (i >= (int64_t)w->count)
		i = (int64_t)w->count - 1;
	return &w->list[i];
}

static int64_t
share(int64_t whole, int64_t part, int64_t of)
{
	return (int64_t)((double)whole * (double)part / (double)of);
}

/* What came between two times, spread evenly. */
static void
spread(struct walk *w, int64_t from_ms, int64_t to_ms, int64_t records,
	int64_t bytes)
{
	struct klog_bucket *b = bucket_of(w, from_ms);
	struct klog_bucket *last = bucket_of(w, to_ms);
	int64_t records_put = 0, bytes_put = 0;

	for (; b < last; b++) {
		int64_t part = b->to_ms - from_ms, n, m;

		n = share(records, part, to_ms - from_ms) - records_put;
		m = share(bytes, part, to_ms - from_ms) - bytes_put;
		b->records += n;
		b->bytes += m;
		records_put += n;
		bytes_put += m;
	}
	last->records += records - records_put;
	last->bytes += bytes - bytes_put;
}

/* ---- segments ---- */

/* Everything from what was counted up to here. */
static void
count_to(struct walk *w, struct span *s, int64_t ms, int64_t offset,
	int64_t position)
{
	if (ms > LATEST_MS)
		ms = LATEST_MS;
	if (ms < s->ms)
		ms = s->ms;
	if (offset < s->offset || position < s->position)
		return;
	if (w->step_ms > 0) {
		spread(w, s->ms, ms, offset - s->offset,
			position - s->position);
	} else if (ms >= 0) {
		if (w->oldest_ms == -1 || s->ms < w->oldest_ms)
			w->oldest_ms = s->ms;
		if (ms > w->newest_ms)
			w->newest_ms = ms;
	}
	s->ms = ms;
	s->offset = offset;
	s->position = position;
}

/* The first batch's time, by its header alone: 1, 0 there is none, -1. */
static int
first_time(struct klog_reader *r, int fd, int64_t *ms, struct klog_err *err)
{
	struct klog_scan scan = { .fd = -1 };
	struct klog_err why;
	int got;

	klog_scan_init(&scan, fd, 0, 4096);
	scan.old_formats = !r->has_state;
	got = klog_scan_header(&scan, &why);
	if (got == -1)
		*err = why;
	*ms = scan.batch.attributes & KLOG_ATTR_DELETE_HORIZON
		? scan.batch.max_timestamp_ms
		: scan.batch.base_timestamp_ms;
	klog_scan_free(&scan);
	if (*ms > LATEST_MS)
		*ms = LATEST_MS;
	return got == -1 ? -1 : got == KLOG_SCAN_BATCH && *ms >= 0;
}

/* The entries of a segment's time index. */
static int
count_entries(struct walk *w, struct klog_reader *r, int64_t base,
	struct span *s, struct klog_err *err)
{
	struct klog_err ignored;
	struct klog_entries e;
	const uint8_t *p;
	int64_t position, found;
	int index = klog_segment_open(
		r->dir, base, ".index", O_RDONLY, &ignored);
	int time = klog_segment_open(
		r->dir, base, ".timeindex", O_RDONLY, &ignored);
	int got;

	got = klog_entries_open(
		&e, time, KLOG_TIME_ENTRY, 0, ".timeindex", err);
	while (got != -1 && (got = klog_entries_next(&e, &p, err)) == 1) {
		int64_t ms = (int64_t)klog_get_be64(p);
		int64_t offset = (int64_t)((uint64_t)base +
			klog_get_be32(p + 8));

		if (ms <= s->ms && offset <= s->offset)
			break; /* zeros behind them */
		klog_index_find(index, base, offset, &position, &found);
		if (offset < base || offset == INT64_MAX)
			break;
		count_to(w, s, ms, offset + 1,
			position > s->position ? position : s->position);
	}
	klog_close_fd(&index);
	klog_close_fd(&time);
	return got == -1 ? -1 : 0;
}

/* `end` is the offset behind the segment, newest_ms its newest time or -1. */
static int
count_segment(struct walk *w, struct klog_reader *r, int64_t base, int64_t end,
	int64_t newest_ms, struct klog_err *err)
{
	struct span s = { -1, base, 0 };
	struct klog_err ignored;
	int64_t size;
	int fd, got;

	fd = klog_segment_open_log(r->dir, base, &ignored);
	if (fd == -1)
		return 0; /* removed meanwhile */
	size = klog_file_size(fd, ".log", err);
	got = size == -1 ? -1 : first_time(r, fd, &s.ms, err);
	klog_close_fd(&fd);
	if (got != 1)
		return got;
	if (count_entries(w, r, base, &s, err) == -1)
		return -1;
	count_to(w, &s, newest_ms > s.ms ? newest_ms : s.ms,
		end > s.offset ? end : s.offset, size);
	return 0;
}

static int
count_partition(struct walk *w, struct klog_reader *r, struct klog_err *err)
{
	struct klog_bases bases;
	int64_t last = klog_reader_end(r, err), newest;
	size_t i;
	int got = 0;

	if (last == -1)
		return -1;
	if (klog_segment_list_all(r->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", r->path);
	for (i = 0; got == 0 && i < bases.count; i++) {
		bool active = i + 1 == bases.count;
		int64_t base = bases.base[i];

		if (r->only_base != -1 && base != r->only_base)
			continue;
		newest = active && r->has_state && r->state.active_base == base
			? r->state.newest_ms
			: -1;
		got = count_segment(w, r, base,
			active ? last : bases.base[i + 1], newest, err);
	}
	klog_bases_free(&bases);
	return got == -1 ? klog_err_in(err, "%s", r->path) : 0;
}

/* ---- the topic ---- */

static int
count_topic(struct walk *w, struct klog_topic *t, int32_t partition,
	struct klog_err *err)
{
	struct klog_reader r;
	int32_t i;
	int got = 0;

	for (i = 0; got == 0 && i < klog_topic_partitions(t); i++) {
		int32_t n = klog_topic_number(t, i);

		if (partition != -1 && partition != n)
			continue;
		if (klog_topic_reader(t, n, NULL, 0, &r, err) == -1)
			return -1;
		got = count_partition(w, &r, err);
		klog_reader_close(&r);
	}
	return got;
}

static int
make_buckets(struct walk *w, size_t most, struct klog_err *err)
{
	int64_t from;
	size_t i;

	w->step_ms = step_for(w->newest_ms - w->oldest_ms, most);
	from = w->oldest_ms - w->oldest_ms % w->step_ms;
	w->count = (size_t)((w->newest_ms - from) / w->step_ms) + 1;
	w->list = calloc(w->count, sizeof(w->list[0]));
	if (w->list == NULL)
		return klog_fail_memory(err);
	for (i = 0; i < w->count; i++) {
		w->list[i].from_ms = from + (int64_t)i * w->step_ms;
		w->list[i].to_ms = w->list[i].from_ms + w->step_ms;
	}
	return 0;
}

int
klog_dir_timeline(struct klog_cluster *cluster, const char *operand,
	int32_t partition, size_t most, struct klog_bucket **list,
	size_t *count, struct klog_err *err)
{
	struct walk w = { -1, -1, 0, NULL, 0 };
	struct klog_topic t;
	int r;

	*list = NULL;
	*count = 0;
	if (klog_topic_open(&t, cluster, operand, false, err) == -1)
		return -1;
	r = klog_topic_need(&t, partition, err);
	if (r == 0)
		r = count_topic(&w, &t, partition, err);
	if (r == 0 && w.newest_ms != -1) {
		r = make_buckets(&w, most > 2 ? most : 2, err);
		/* what came meanwhile is in the last one */
		if (r == 0)
			r = count_topic(&w, &t, partition, err);
	}
	klog_topic_close(&t);
	if (r == -1) {
		free(w.list);
		return -1;
	}
	*list = w.list;
	*count = w.count;
	return 0;
}
