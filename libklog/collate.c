#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "collate.h"
#include "index.h"
#include "io.h"
#include "segment.h"
#include "swap.h"

/* ---- opening ---- */

/* A .log that took the place of others has its name before its indexes have
 * theirs (C3). */
static int
open_one(struct klog_collate *c, int dir, const char *suffix, bool swapped,
	char name[KLOG_FILE_NAME], int *fd, struct klog_err *err)
{
	char swap[32];

	klog_file_name(name, c->base, suffix);
	*fd = -1;
	if (swapped) {
		snprintf(swap, sizeof(swap), "%s" KLOG_SWAP, suffix);
		*fd = klog_segment_open(dir, c->base, swap, O_RDONLY, err);
	}
	if (*fd == -1)
		*fd = klog_segment_open(dir, c->base, suffix, O_RDONLY, err);
	return *fd == -1 && err->code != KLOG_ENOTFOUND ? -1 : 0;
}

int
klog_collate_open(
	struct klog_collate *c, int dir, bool ask, struct klog_err *err)
{
	bool swapped = c->ours && klog_swap_stands(dir, c->base);

	c->index_fd = c->time_fd = -1;
	c->indexed = 0;
	c->overdue = c->pending = -1;
	c->newest_ms = c->time_ms = -1;
	c->skipping = false;
	c->whole = true;
	c->ask = ask;
	c->timed = c->ours;
	c->index_bad = c->time_bad = false;
	c->lacking = -1;
	if (open_one(c, dir, ".index", swapped, c->index_name, &c->index_fd,
		    err) == -1 ||
		open_one(c, dir, ".timeindex", swapped, c->time_name,
			&c->time_fd, err) == -1 ||
		klog_entries_open(&c->index, c->index_fd, KLOG_INDEX_ENTRY, 0,
			c->index_name, err) == -1 ||
		klog_entries_open(&c->time, c->time_fd, KLOG_TIME_ENTRY, 0,
			c->time_name, err) == -1) {
		klog_collate_close(c);
		return -1;
	}
	return 0;
}

void
klog_collate_close(struct klog_collate *c)
{
	klog_close_fd(&c->index_fd);
	klog_close_fd(&c->time_fd);
}

/* ---- entries ---- */

static bool
all_zero(const uint8_t *p, size_t size)
{
	while (size > 0 && *p == 0) {
		p++;
		size--;
	}
	return size == 0;
}

/* An offset relative to the base; both may be anything. */
static int64_t
absolute(const struct klog_collate *c, uint32_t relative)
{
	return (int64_t)((uint64_t)c->base + relative);
}

static uint32_t
relative_of(const struct klog_entries *e, const uint8_t *p)
{
	return klog_get_be32(p + (e->width == KLOG_INDEX_ENTRY ? 0 : 8));
}

/* The entries end at the first that is all zeros; what lies behind it, until
 * the end of the file, is a finding where it has no business. */
static int
end_of_entries(
	struct klog_collate *c, struct klog_entries *e, struct klog_err *err)
{
	int64_t from = e->at, bad = -1;
	const uint8_t *p;
	int r;

	while ((r = klog_entries_next(e, &p, err)) == 1)
		if (bad == -1 && !all_zero(p, (size_t)e->width))
			bad = e->at - e->width;
	e->at = e->size;
	if (r == -1)
		return -1;
	if (bad != -1)
		return klog_findings_add(c->out, KLOG_FOUND_INDEX, e->name, bad,
			e->width, -1, err, "an entry among zeros");
	if (c->zeros)
		return 0;
	return klog_findings_add(c->out, KLOG_FOUND_INDEX, e->name, from,
		e->size - from, -1, err,
		"zeros, which stand for entries of offset %" PRId64 " to Kafka",
		c->base);
}

/* The next entry, which stays: 1, 0, -1. */
static int
peek(struct klog_collate *c, struct klog_entries *e, const uint8_t **p,
	struct klog_err *err)
{
	int r = klog_entries_peek(e, p, err);

	if (r != 1 || !all_zero(*p, (size_t)e->width))
		return r;
	return end_of_entries(c, e, err) == -1 ? -1 : 0;
}

static int
bad_entry(struct klog_collate *c, struct klog_entries *e, const uint8_t *p,
	const char *why, struct klog_err *err)
{
	uint32_t relative = relative_of(e, p);
	int64_t at = e->at;

	e->at += e->width;
	c->index_bad |= e == &c->index;
	c->time_bad |= e == &c->time;
	if (e->width == KLOG_INDEX_ENTRY)
		return klog_findings_add(c->out, KLOG_FOUND_INDEX, e->name, at,
			e->width, absolute(c, relative), err,
			"entry %" PRId64 ": offset %" PRId64 " at %" PRIu32
			" %s",
			at / e->width, absolute(c, relative),
			klog_get_be32(p + 4), why);
	return klog_findings_add(c->out, KLOG_FOUND_INDEX, e->name, at,
		e->width, absolute(c, relative), err,
		"entry %" PRId64 ": time %" PRId64 " at offset %" PRId64 " %s",
		at / e->width, (int64_t)klog_get_be64(p), absolute(c, relative),
		why);
}

/* What orders the entries: a position, or an offset. */
static int64_t
order_of(const struct klog_entries *e, const uint8_t *p)
{
	return e->width == KLOG_INDEX_ENTRY ? klog_get_be32(p + 4)
					    : relative_of(e, p);
}

/* Whether the entry at hand is one too far, by the one behind it; else it
 * would stand in the way of all that follow. */
static int
goes_back_after(struct klog_entries *e, int64_t order, struct klog_err *err)
{
	int64_t at = e->at;
	const uint8_t *p;
	int r;

	e->at += e->width;
	r = klog_entries_peek(e, &p, err);
	e->at = at;
	if (r != 1 || all_zero(p, (size_t)e->width))
		return r == -1 ? -1 : 0;
	return order_of(e, p) < order;
}

/* ---- the offset index ---- */

/* A Kafka's entry may name the last of several batches appended at once. */
static int
settle_pending(struct klog_collate *c, bool named, struct klog_err *err)
{
	int r = 0;

	if (c->pending != -1 && !named)
		r = klog_findings_add(c->out, KLOG_FOUND_INDEX, c->index_name,
			c->pending_at, KLOG_INDEX_ENTRY, c->pending, err,
			"entry %" PRId64 ": offset %" PRId64
			", which no batch there ends with",
			c->pending_at / KLOG_INDEX_ENTRY, c->pending);
	c->pending = -1;
	return r;
}

/* The entry at hand points at the batch. */
static int
named_batch(struct klog_collate *c, const struct klog_batch *b,
	int64_t position, const uint8_t *p, struct klog_err *err)
{
	int64_t offset = absolute(c, klog_get_be32(p));
	int64_t last = klog_batch_last_offset(b);

	if (settle_pending(c, false, err) == -1)
		return -1;
	c->indexed = position;
	c->overdue = -1;
	if (offset != last && (c->ours || offset < b->base_offset)) {
		if (bad_entry(c, &c->index, p, "does not name the batch there",
			    err) == -1)
			return -1;
		/* where offsets are dense, a wrong one of the batch shows */
		c->out->list[c->out->count - 1].doubtful = c->ours &&
			b->base_offset < c->gaps;
		return 0;
	}
	/* before 0.11 the first offset of a wrapper */
	if (offset > last || (offset != last && b->magic == KLOG_BATCH_MAGIC)) {
		c->pending = offset;
		c->pending_at = c->index.at;
	}
	c->index.at += KLOG_INDEX_ENTRY;
	return 0;
}

static int
check_index(struct klog_collate *c, const struct klog_batch *b,
	int64_t position, struct klog_err *err)
{
	int64_t last = klog_batch_last_offset(b);
	uint8_t here[KLOG_INDEX_ENTRY];
	const uint8_t *p;
	int r, back;

	while ((r = peek(c, &c->index, &p, err)) == 1) {
		int64_t to = klog_get_be32(p + 4);

		/* a look at the next one may take its place */
		memcpy(here, p, sizeof(here));
		p = here;
		back = goes_back_after(&c->index, to, err);
		if (back == -1)
			return -1;
		if (to == position)
			return named_batch(c, b, position, p, err);
		if (to > position && !back)
			break;
		if (bad_entry(c, &c->index, p,
			    to < position ? "leads to no batch"
					  : "lies behind the next entry",
			    err) == -1)
			return -1;
	}
	if (r == -1)
		return -1;
	if (c->pending != -1 && last >= c->pending &&
		settle_pending(c, last == c->pending, err) == -1)
		return -1;
	/* one that could not be written comes with the next batch */
	if (c->interval != -1 && c->index_fd != -1 &&
		position - c->indexed > c->interval && c->overdue == -1) {
		c->overdue = position;
	} else if (c->overdue > c->indexed && c->lacking == -1) {
		c->lacking = c->overdue;
		c->lacking_at = c->index.at;
	}
	return 0;
}

/* ---- the time index ---- */

static int
check_time(struct klog_collate *c, const struct klog_batch *b,
	struct klog_err *err)
{
	int64_t last = klog_batch_last_offset(b);
	bool rises = b->max_timestamp_ms > c->newest_ms;
	uint8_t here[KLOG_TIME_ENTRY];
	const uint8_t *p;
	int r, back;

	if (rises)
		c->newest_ms = b->max_timestamp_ms;
	while ((r = peek(c, &c->time, &p, err)) == 1) {
		int64_t offset = absolute(c, relative_of(&c->time, p));
		int64_t ms = (int64_t)klog_get_be64(p);
		const char *why = NULL;

		memcpy(here, p, sizeof(here));
		p = here;
		back = goes_back_after(&c->time, relative_of(&c->time, p), err);
		if (back == -1)
			return -1;
		if (offset > last && !back)
			break;
		if (offset > last)
			why = "lies behind the next entry";
		else if (offset < b->base_offset || (c->ours && offset != last))
			why = "names no batch";
		else if (ms != b->max_timestamp_ms ||
			(c->whole ? !rises : ms < c->time_ms))
			why = "is not the newest up to there";
		if (why != NULL && bad_entry(c, &c->time, p, why, err) == -1)
			return -1;
		if (why == NULL) {
			c->time_ms = ms;
			c->time.at += KLOG_TIME_ENTRY;
		}
		/* the entry behind a good one names a later batch */
		if (why == NULL && offset == last)
			break;
	}
	return r == -1 ? -1 : 0;
}

/* Entries into a damaged range, before the batch that is good again. */
static int
skip_entries(struct klog_collate *c, struct klog_entries *e, int64_t before,
	struct klog_err *err)
{
	const uint8_t *p;
	int r;

	while ((r = peek(c, e, &p, err)) == 1 && order_of(e, p) < before)
		e->at += e->width;
	return r == -1 ? -1 : 0;
}

int
klog_collate_batch(struct klog_collate *c, const struct klog_batch *b,
	int64_t position, struct klog_err *err)
{
	if (c->skipping &&
		(skip_entries(c, &c->index, position, err) == -1 ||
			skip_entries(c, &c->time, b->base_offset - c->base,
				err) == -1))
		return -1;
	c->skipping = false;
	c->timed |= b->magic == KLOG_BATCH_MAGIC;
	if (c->index_fd != -1 && check_index(c, b, position, err) == -1)
		return -1;
	return check_time(c, b, err);
}

/* ---- damage, and the end ---- */

void
klog_collate_skip(struct klog_collate *c)
{
	c->pending = -1;
	c->interval = -1;
	c->skipping = true;
	c->whole = false;
}

/* Entries that nothing came by for, and bytes that are no whole entry.  Those
 * from `from` to before `to` may have been written since. */
static int
check_rest(struct klog_collate *c, struct klog_entries *e, int64_t from,
	int64_t to, struct klog_err *err)
{
	int64_t part = e->size % e->width;
	const uint8_t *p;
	int r;

	while ((r = peek(c, e, &p, err)) == 1) {
		int64_t order = order_of(e, p);

		if (order < to && (c->skipping || (c->last && order >= from)))
			e->at += e->width;
		else if (bad_entry(c, e, p, "leads to no batch", err) == -1)
			return -1;
	}
	if (r == -1 || part == 0)
		return r;
	return klog_findings_add(c->out, KLOG_FOUND_INDEX, e->name,
		e->size - part, part, -1, err,
		"%" PRId64 " bytes that are no whole entry", part);
}

/* Before 0.10.1 a Kafka had no time index. */
static int
check_missing(struct klog_collate *c, struct klog_err *err)
{
	if (c->ask && c->index_fd == -1 &&
		klog_findings_add(c->out, KLOG_FOUND_INDEX, c->index_name, 0, 0,
			c->base, err, "missing") == -1)
		return -1;
	if (c->ask && c->time_fd == -1 && c->timed)
		return klog_findings_add(c->out, KLOG_FOUND_INDEX, c->time_name,
			0, 0, c->base, err, "missing");
	return 0;
}

static int
check_lacking(struct klog_collate *c, struct klog_err *err)
{
	if (c->lacking == -1 || c->index_bad || !c->whole ||
		c->index.size / KLOG_INDEX_ENTRY < c->least_entries)
		return 0;
	return klog_findings_add(c->out, KLOG_FOUND_INDEX, c->index_name,
		c->lacking_at, 0, -1, err,
		"no entry for the batches from position %" PRId64 " on",
		c->lacking);
}

static int
check_count(struct klog_collate *c, struct klog_entries *e, int64_t least,
	struct klog_err *err)
{
	int64_t have = e->size / e->width;

	if (e->fd == -1 || have >= least)
		return 0;
	return klog_findings_add(c->out, KLOG_FOUND_INDEX, e->name, e->size, 0,
		-1, err, "%" PRId64 " entries, and the state counts %" PRId64,
		have, least);
}

int
klog_collate_end(struct klog_collate *c, int64_t end, int64_t next,
	int64_t size, struct klog_err *err)
{
	int64_t at = c->time.size - c->time.size % KLOG_TIME_ENTRY;
	int64_t to = size > end || c->skipping ? INT64_MAX : 0;

	if (check_missing(c, err) == -1 ||
		settle_pending(c, !c->whole, err) == -1 ||
		check_rest(c, &c->index, end, size, err) == -1 ||
		check_rest(c, &c->time, next - c->base, to, err) == -1 ||
		check_lacking(c, err) == -1 ||
		check_count(c, &c->index, c->least_entries, err) == -1 ||
		check_count(c, &c->time, c->least_times, err) == -1)
		return -1;
	/* retention and look-up by time rely on it */
	if (c->last || !c->whole || c->time_fd == -1 || c->time_bad ||
		c->time_ms == c->newest_ms)
		return 0;
	return klog_findings_add(c->out, KLOG_FOUND_INDEX, c->time_name,
		at > 0 ? at - KLOG_TIME_ENTRY : 0, at > 0 ? KLOG_TIME_ENTRY : 0,
		-1, err,
		"a closed segment's last entry is not its newest time, "
		"%" PRId64,
		c->newest_ms);
}
