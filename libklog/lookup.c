#include <fcntl.h>
#include <inttypes.h>

#include "checkpoint.h"
#include "index.h"
#include "io.h"
#include "lookup.h"

void
klog_decoder_init(struct klog_decoder *d)
{
	memset(d, 0, sizeof(*d));
	d->limit = KLOG_DECODED_MAX;
}

void
klog_decoder_free(struct klog_decoder *d)
{
	klog_compressor_free(&d->compressor);
	klog_buf_free(&d->scratch);
}

int
klog_decoder_open(struct klog_decoder *d, const struct klog_reader *r,
	struct klog_batch_iter *it, struct klog_err *err)
{
	int64_t position = r->scan.position - (int64_t)r->scan.batch.size;

	if (klog_batch_open(&r->scan.batch, r->scan.bytes, &d->compressor,
		    d->limit, &d->scratch, it, err) == -1)
		return klog_err_in(err,
			"%s: %020" PRId64 ".log: batch at "
			"%" PRId64,
			r->path, r->base, position);
	return 0;
}

/* ---- what a time index says, checked ---- */

/*
 * Sets the scan to the batch that a time index entry names; false when that
 * batch is not there or has another timestamp: the entry is foolish (D4).
 */
static bool
scan_at_entry(struct klog_reader *r, int64_t base, struct klog_scan *scan,
	int64_t timestamp_ms, int64_t offset)
{
	struct klog_err ignored;
	int64_t position, found;
	int fd = klog_segment_open(r->dir, base, ".index", O_RDONLY, &ignored);

	klog_index_find(fd, base, offset, &position, &found);
	klog_close_fd(&fd);
	klog_scan_init(scan, scan->fd, position, 0);
	while (klog_scan_next(scan, &ignored) == KLOG_SCAN_BATCH) {
		int64_t last = klog_batch_last_offset(&scan->batch);

		if (last >= offset)
			return last == offset &&
				scan->batch.max_timestamp_ms == timestamp_ms;
	}
	return false;
}

int
klog_lookup_newest(struct klog_reader *r, int64_t base, int64_t *newest_ms,
	struct klog_err *err)
{
	struct klog_scan scan = { .fd = -1, .old_formats = !r->has_state };
	struct klog_err ignored;
	int64_t offset;
	int index, got;

	*newest_ms = -1;
	if (r->has_state && r->trusted && base == r->state.active_base) {
		*newest_ms = r->state.newest_ms;
		return 0;
	}
	scan.fd = klog_segment_open_log(r->dir, base, err);
	if (scan.fd == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	index = klog_segment_open(
		r->dir, base, ".timeindex", O_RDONLY, &ignored);
	if (!klog_timeindex_last(index, base, newest_ms, &offset) ||
		!scan_at_entry(r, base, &scan, *newest_ms, offset)) {
		*newest_ms = -1;
		klog_scan_init(&scan, scan.fd, 0, 0);
	}
	klog_close_fd(&index);
	while ((got = klog_scan_next(&scan, err)) == KLOG_SCAN_BATCH)
		if (scan.batch.max_timestamp_ms > *newest_ms)
			*newest_ms = scan.batch.max_timestamp_ms;
	klog_scan_free(&scan);
	klog_close_fd(&scan.fd);
	return got == -1 ? -1 : 0;
}

/* ---- a time ---- */

/*
 * The newest timestamp of segment *i, or when it has none (it is empty), of the
 * one before it that has, down to `low`.
 */
static int
newest_up_to(struct klog_reader *r, const struct klog_bases *bases, size_t low,
	size_t *i, int64_t *newest_ms, struct klog_err *err)
{
	for (;;) {
		if (klog_lookup_newest(r, bases->base[*i], newest_ms, err) ==
			-1)
			return -1;
		if (*newest_ms != -1 || *i == low)
			return 0;
		--*i;
	}
}

/*
 * The first segment whose newest record is at or after the time.  Unless
 * `every` one is to be asked, timestamps are taken to grow from segment to
 * segment, so that not every time index is opened.
 */
static int
segment_of_time(struct klog_reader *r, const struct klog_bases *bases,
	int64_t time_ms, bool every, size_t *found, struct klog_err *err)
{
	size_t low = 0, high = bases->count;

	while (low < high) {
		size_t mid = every ? low : low + (high - low) / 2, i = mid;
		int64_t newest;

		if (newest_up_to(r, bases, low, &i, &newest, err) == -1)
			return -1;
		if (newest < time_ms)
			low = mid + 1;
		else
			high = i;
	}
	*found = low;
	return 0;
}

/* Where in the segment a scan for the time may begin. */
static int64_t
hint_of_time(struct klog_reader *r, int64_t base, int64_t time_ms)
{
	struct klog_scan scan = { .fd = -1, .old_formats = !r->has_state };
	struct klog_err ignored;
	int64_t ms, offset = -1;
	bool holds = false;
	int fd = klog_segment_open(
		r->dir, base, ".timeindex", O_RDONLY, &ignored);

	if (klog_timeindex_find(fd, base, time_ms, &ms, &offset)) {
		scan.fd = klog_segment_open_log(r->dir, base, &ignored);
		holds = scan.fd != -1 &&
			scan_at_entry(r, base, &scan, ms, offset);
		klog_scan_free(&scan);
		klog_close_fd(&scan.fd);
	}
	klog_close_fd(&fd);
	return holds ? offset + 1 : base;
}

/* Reads on from r->next to the first record for which the time is reached. */
static int
scan_for_time(struct klog_reader *r, struct klog_decoder *d, int64_t time_ms,
	int64_t end, int64_t *offset, int64_t *timestamp_ms,
	struct klog_err *err)
{
	int64_t from;
	int got;

	*offset = end;
	*timestamp_ms = -1;
	while ((got = klog_reader_next(r, &from, err)) == 1) {
		struct klog_batch_iter it;
		struct klog_record rec;

		if (from >= end)
			break;
		if (r->scan.batch.max_timestamp_ms < time_ms ||
			r->scan.batch.attributes & KLOG_ATTR_CONTROL)
			continue;
		if (klog_decoder_open(d, r, &it, err) == -1)
			return -1;
		while ((got = klog_batch_next(&it, &rec, err)) == 1) {
			if (rec.timestamp_ms < time_ms || rec.offset < from ||
				rec.offset >= end)
				continue;
			*offset = rec.offset;
			*timestamp_ms = rec.timestamp_ms;
			return 0;
		}
		if (got == -1)
			return klog_err_in(err, "%s", r->path);
	}
	return got == -1 ? -1 : 0;
}

static int
list_bases(
	struct klog_reader *r, struct klog_bases *bases, struct klog_err *err)
{
	if (klog_segment_list_all(r->dir, bases, err) == -1)
		return klog_err_in(err, "%s", r->path);
	if (r->only_base != -1 && bases->count > 0) {
		bases->base[0] = r->only_base;
		bases->count = 1;
	}
	return 0;
}

static int
find_time(struct klog_reader *r, struct klog_decoder *d, int64_t time_ms,
	bool every, int64_t end, int64_t *offset, int64_t *timestamp_ms,
	struct klog_err *err)
{
	struct klog_bases bases;
	int64_t start = klog_reader_start(r, err);
	int64_t from;
	size_t i;

	*offset = end;
	*timestamp_ms = -1;
	if (start == -1 || list_bases(r, &bases, err) == -1)
		return -1;
	if (segment_of_time(r, &bases, time_ms, every, &i, err) == -1) {
		klog_bases_free(&bases);
		return -1;
	}
	if (i == bases.count) {
		klog_bases_free(&bases);
		return 0;
	}
	from = hint_of_time(r, bases.base[i], time_ms);
	klog_bases_free(&bases);
	klog_reader_seek(r, from > start ? from : start);
	return scan_for_time(r, d, time_ms, end, offset, timestamp_ms, err);
}

/* The newest timestamp of all batches with records, in a walk over them. */
static int
newest_record(struct klog_reader *r, int64_t start, int64_t end,
	int64_t *newest_ms, struct klog_err *err)
{
	int64_t from;
	int got;

	*newest_ms = -1;
	klog_reader_seek(r, start);
	while ((got = klog_reader_next(r, &from, err)) == 1 && from < end)
		if (!(r->scan.batch.attributes & KLOG_ATTR_CONTROL) &&
			r->scan.batch.max_timestamp_ms > *newest_ms)
			*newest_ms = r->scan.batch.max_timestamp_ms;
	return got == -1 ? -1 : 0;
}

/* The first record that has the newest timestamp of all. */
static int
find_newest(struct klog_reader *r, struct klog_decoder *d, int64_t end,
	int64_t *offset, int64_t *timestamp_ms, struct klog_err *err)
{
	struct klog_bases bases;
	int64_t newest = -1, at = -1, start = klog_reader_start(r, err), hint;
	size_t i;
	int found = 0;

	if (start == -1 || list_bases(r, &bases, err) == -1)
		return -1;
	for (i = 0; found == 0 && i < bases.count; i++) {
		int64_t ms;

		found = klog_lookup_newest(r, bases.base[i], &ms, err);
		if (found == 0 && ms > newest) {
			newest = ms;
			at = bases.base[i];
		}
	}
	klog_bases_free(&bases);
	*offset = end;
	*timestamp_ms = -1;
	if (found == -1 || newest == -1)
		return found;
	hint = hint_of_time(r, at, newest);
	klog_reader_seek(r, hint > start ? hint : start);
	if (scan_for_time(r, d, newest, end, offset, timestamp_ms, err) == -1)
		return -1;
	if (*timestamp_ms != -1)
		return 0;
	/* it was a marker's, or lies before the log start or behind the end */
	if (newest_record(r, start, end, &newest, err) == -1)
		return -1;
	if (newest == -1)
		return 0;
	klog_reader_seek(r, start);
	return scan_for_time(r, d, newest, end, offset, timestamp_ms, err);
}

/* ---- all of them ---- */

/* OFFSET/EPOCH: an offset beyond its epoch's end was lost, and others may
 * stand there now (KIP-320). */
static int
check_epoch(struct klog_reader *r, struct klog_at at, int64_t end,
	int64_t *offset, struct klog_err *err)
{
	int64_t part;

	*offset = at.value;
	if (at.epoch < 0)
		return 0;
	if (klog_epoch_end(r->dir, r->has_state ? &r->state : NULL, at.epoch,
		    end, &part, err) == -1)
		return klog_err_in(err, "%s", r->path);
	if (r->has_state && at.epoch > r->state.leader_epoch)
		return klog_fail(err, KLOG_EOFFSET,
			"%s: leader epoch %" PRId32
			" never was here, the newest is %" PRId32
			": the offset is of another log",
			r->path, at.epoch, r->state.leader_epoch);
	if (*offset <= part)
		return 0;
	klog_sayf(r->say, 0,
		"%s: leader epoch %" PRId32 " ended at offset %" PRId64
		": %" PRId64 " to %" PRId64
		" were lost; going back to where the histories part",
		r->path, at.epoch, part, part, *offset - 1);
	*offset = part;
	return 0;
}

static int
look_up(struct klog_reader *r, struct klog_decoder *d, struct klog_at at,
	bool every, int64_t end, int64_t *offset, int64_t *timestamp_ms,
	struct klog_err *err)
{
	int64_t start = klog_reader_start(r, err);
	int64_t keep = r->next, ms;
	int got = 0;

	if (start == -1)
		return -1;
	if (timestamp_ms == NULL)
		timestamp_ms = &ms;
	*timestamp_ms = -1;
	switch (at.where) {
	case KLOG_AT_OFFSET:
		return check_epoch(r, at, end, offset, err);
	case KLOG_AT_TAIL:
		*offset = at.value < end - start ? end - at.value : start;
		return 0;
	case KLOG_AT_END:
		*offset = end;
		return 0;
	case KLOG_AT_TIME:
		got = find_time(
			r, d, at.value, every, end, offset, timestamp_ms, err);
		break;
	case KLOG_AT_MAX_TIMESTAMP:
		got = find_newest(r, d, end, offset, timestamp_ms, err);
		break;
	case KLOG_AT_UNSET:
	case KLOG_AT_BEGINNING:
		*offset = start;
		return 0;
	}
	klog_reader_seek(r, keep);
	return got;
}

int
klog_lookup(struct klog_reader *r, struct klog_decoder *d, struct klog_at at,
	int64_t end, int64_t *offset, int64_t *timestamp_ms,
	struct klog_err *err)
{
	/* in a Kafka's log producers stamp, and nothing grows by itself */
	return look_up(r, d, at, !r->has_state, end, offset, timestamp_ms, err);
}

int
klog_lookup_surely(struct klog_reader *r, struct klog_decoder *d,
	struct klog_at at, int64_t end, int64_t *offset, struct klog_err *err)
{
	return look_up(r, d, at, true, end, offset, NULL, err);
}

/* ---- the other way round ---- */

/* Reads on from r->next to the first record before `end`. */
static int
next_time(struct klog_reader *r, struct klog_decoder *d, int64_t end,
	int64_t *timestamp_ms, struct klog_err *err)
{
	struct klog_batch_iter it;
	struct klog_record rec;
	int64_t from;
	int got;

	while ((got = klog_reader_next(r, &from, err)) == 1 && from < end) {
		if (r->scan.batch.attributes & KLOG_ATTR_CONTROL)
			continue;
		if (klog_decoder_open(d, r, &it, err) == -1)
			return -1;
		while ((got = klog_batch_next(&it, &rec, err)) == 1) {
			if (rec.offset < from)
				continue;
			if (rec.offset < end)
				*timestamp_ms = rec.timestamp_ms;
			return 0;
		}
		if (got == -1)
			return klog_err_in(err, "%s", r->path);
	}
	return got == -1 ? -1 : 0;
}

int
klog_lookup_time(struct klog_reader *r, struct klog_decoder *d, int64_t offset,
	int64_t end, int64_t *timestamp_ms, struct klog_err *err)
{
	int64_t keep = r->next, start = klog_reader_start(r, err);
	int got;

	*timestamp_ms = -1;
	if (start == -1)
		return -1;
	klog_reader_seek(r, offset > start ? offset : start);
	got = next_time(r, d, end, timestamp_ms, err);
	klog_reader_seek(r, keep);
	return got;
}
