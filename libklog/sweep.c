#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collate.h"
#include "crc32c.h"
#include "damage.h"
#include "index.h"
#include "io.h"
#include "lock.h"
#include "swap.h"
#include "sweep.h"
#include "walk.h"

#define TRIES 6
#define CONFIRMED 2
#define PAUSE_US 20000
/* Of checksums where a batch might begin: many times the file, and enough. */
#define BUDGET_TIMES 8
#define BUDGET_LEAST ((int64_t)64 * 1024 * 1024)
/* A Kafka with `preallocate` makes files of segment.bytes, full of zeros. */
#define RESERVED_FILE (1024 * 1024)
#define RESERVED_LEAST 4096

/* One segment, while it is looked at. */
struct segment {
	struct klog_sweep *s;
	int64_t base, next; /* its own, and that of the one behind it */
	int fd;
	char name[KLOG_FILE_NAME];
	int64_t end;           /* what is behind it came later */
	int64_t budget;        /* bytes of checksums to find where it goes on */
	bool lost;             /* a damaged range reaches up to here */
	bool shown;            /* the end was told */
	struct klog_state was; /* when it was begun */
	struct klog_collate *c;
};

enum { AGAIN = 2 };

void
klog_sweep_init(
	struct klog_sweep *s, struct klog_reader *r, struct klog_findings *out)
{
	memset(s, 0, sizeof(*s));
	s->r = r;
	s->out = out;
	s->expected = -1;
	s->odd.seen_epoch = -1;
	s->odd.r = r;
	s->odd.out = out;
	s->index_interval = -1;
	s->aborts.out = out;
	s->aborts.fd = -1;
	s->aborts.known = true;
	s->pause_us = PAUSE_US;
	klog_decoder_init(&s->decoder);
}

void
klog_sweep_free(struct klog_sweep *s)
{
	klog_decoder_free(&s->decoder);
	klog_scan_free(&s->scan);
}

static bool
is_last(const struct segment *g)
{
	return g->next == INT64_MAX;
}

static const struct klog_state *
state_of(const struct segment *g)
{
	return g->s->r->has_state ? &g->s->r->state : NULL;
}

/* klog's own logs have no gaps but where they were compacted. */
static bool
is_dense(const struct segment *g, int64_t offset)
{
	const struct klog_state *st = state_of(g);

	return st != NULL && offset >= st->first_dirty;
}

/* It was cut since it was begun, or may have gaps that it could not have then:
 * no damage. */
static bool
is_other(const struct segment *g)
{
	const struct klog_state *st = state_of(g);

	return st != NULL &&
		(st->leader_epoch != g->was.leader_epoch ||
			st->first_dirty != g->was.first_dirty);
}

static int
damage(struct segment *g, int64_t position, int64_t size, int64_t offset,
	const char *what, struct klog_err *err)
{
	return klog_findings_add(g->s->out, KLOG_FOUND_DAMAGE, g->name,
		position, size, offset, err, "%s", what);
}

/* ---- records ---- */

/* 0, or -1 when it could not be done: a codec that is not there, no memory. */
static int
check_records(struct segment *g, const struct klog_batch *b, int64_t position,
	struct klog_err *err)
{
	struct klog_decoder *d = &g->s->decoder;
	struct klog_err why;

	if (klog_walk_records(b, g->s->scan.bytes, &d->compressor, d->limit,
		    &d->scratch, &why) == 0)
		return 0;
	if (why.code != KLOG_ECORRUPT) {
		*err = why;
		return klog_err_in(
			err, "%s: batch at %" PRId64, g->name, position);
	}
	return damage(g, position, b->size, b->base_offset, why.text, err);
}

/* ---- the order of offsets ---- */

/* The offset behind a batch, if its base offset were `base`. */
static int64_t
behind_batch(int64_t base, const struct klog_batch *b)
{
	return base < INT64_MAX - b->last_offset_delta
		? base + b->last_offset_delta + 1
		: INT64_MAX;
}

/* The base offset of the batch behind this one, -1 when nobody says. */
static int
offset_behind(struct segment *g, int64_t *offset, struct klog_err *err)
{
	struct klog_scan *scan = &g->s->scan;
	const struct klog_state *st = state_of(g);
	struct klog_batch next;
	int got = klog_scan_peek(scan, &next, err);

	*offset = -1;
	if (got == -1)
		return -1;
	if (got == KLOG_SCAN_BATCH && next.record_count != -1)
		*offset = next.base_offset;
	else if (got == KLOG_SCAN_END && !is_last(g))
		*offset = g->next;
	else if (got == KLOG_SCAN_END && st != NULL &&
		st->active_base == g->base && st->length == scan->position)
		*offset = st->next_offset;
	return 0;
}

/*
 * An offset that is not the next: either it is wrong itself, or batches are
 * missing before it.  The one behind it tells.  Sets *base to what the
 * batch's base offset is taken for.
 */
static int
out_of_order(struct segment *g, const struct klog_batch *b, int64_t position,
	int64_t *base, struct klog_err *err)
{
	int64_t expected = g->s->expected, behind;
	int64_t end = behind_batch(expected, b);
	bool dense = is_dense(g, expected);
	char what[KLOG_FINDING_TEXT];

	*base = b->base_offset;
	if (offset_behind(g, &behind, err) == -1)
		return -1;
	if (b->base_offset > expected) {
		bool wrong = behind != -1 && behind >= end &&
			behind <= klog_batch_last_offset(b);

		if (!wrong && !dense)
			g->s->aborts.gaps = true;
		if (!wrong && !dense)
			return 0; /* a gap, as compaction leaves them */
		if (!wrong) {
			snprintf(what, sizeof(what),
				"offsets %" PRId64 " to %" PRId64
				" are missing before it",
				expected, b->base_offset - 1);
			return damage(g, position, 0, expected, what, err);
		}
	}
	snprintf(what, sizeof(what),
		"base offset %" PRId64 " where %" PRId64 " is next",
		b->base_offset, expected);
	*base = expected;
	return damage(g, position, b->size, expected, what, err);
}

static int
check_order(struct segment *g, struct klog_batch *b, int64_t position,
	struct klog_err *err)
{
	int64_t expected = g->s->expected, base = b->base_offset;
	char what[KLOG_FINDING_TEXT];

	klog_batch_raise_base(b, expected);
	/* after a damaged range, up to what its segment holds */
	if (g->lost && b->base_offset >= expected)
		expected = b->base_offset;
	g->lost = false;
	base = b->base_offset;
	if (b->base_offset != expected &&
		out_of_order(g, b, position, &base, err) == -1)
		return -1;
	if (is_dense(g, base) && base == b->base_offset &&
		b->record_count != b->last_offset_delta + 1) {
		snprintf(what, sizeof(what),
			"%" PRId32 " records in a batch of %" PRId64
			" offsets, and it was not compacted",
			b->record_count, (int64_t)b->last_offset_delta + 1);
		if (damage(g, position, b->size, base, what, err) == -1)
			return -1;
	}
	if (base == b->base_offset &&
		(klog_batch_last_offset(b) >= g->next ||
			!klog_batch_fits(b, g->base))) {
		snprintf(what, sizeof(what),
			"offset %" PRId64 " in the segment of %" PRId64,
			klog_batch_last_offset(b), g->base);
		if (damage(g, position, b->size, b->base_offset, what, err) ==
			-1)
			return -1;
	}
	g->s->expected = behind_batch(base, b);
	/* a supposed base may be too large to count with */
	if (g->s->expected < INT64_MAX)
		b->base_offset = base;
	return 0;
}

/* ---- a good batch ---- */

static int
take(struct segment *g, struct klog_err *err)
{
	struct klog_sweep *s = g->s;
	struct klog_batch b = s->scan.batch;
	int64_t position = s->scan.position - b.size;
	const struct klog_state *st = state_of(g);

	/* the walk is over the bytes, which a look ahead may move */
	if (check_records(g, &b, position, err) == -1 ||
		(st == NULL &&
			klog_aborts_batch(&s->aborts, &b, s->scan.bytes, err) ==
				-1) ||
		check_order(g, &b, position, err) == -1 ||
		klog_odd_batch(&s->odd, g->base, &b, position, err) == -1 ||
		klog_collate_batch(g->c, &b, position, err) == -1)
		return -1;
	s->batches++;
	if (st != NULL && g->base == st->active_base &&
		s->scan.position == st->length && s->r->trusted &&
		s->expected != st->next_offset)
		return klog_findings_add(s->out, KLOG_FOUND_DAMAGE, g->name,
			position, b.size, b.base_offset, err,
			"it ends before offset %" PRId64
			", and the state says %" PRId64,
			s->expected, st->next_offset);
	return 0;
}

/* ---- a bad one: D2 ---- */

/* Whether what is there at `position` must be whole, by the state as it was
 * read before. */
static bool
must_be_whole(struct segment *g, int got, int64_t position)
{
	const struct klog_reader *r = g->s->r;
	const struct klog_state *st = state_of(g);
	bool same_boot;

	if (!is_last(g) && (st == NULL || st->active_base != g->base))
		return true;
	if (st == NULL)
		return got == KLOG_SCAN_BAD ||
			g->s->expected < r->foreign_point;
	if (st->recovery_base > g->base || st->active_base > g->base ||
		(st->recovery_base == g->base &&
			position < st->recovery_position))
		return true;
	/* a copy, too: the machine did not go down since */
	same_boot = r->trusted ||
		(r->knows_today && got == KLOG_SCAN_BAD &&
			memcmp(st->stamp.boot, r->today.boot, 16) == 0);
	return same_boot && !(st->marks & KLOG_MARK_SYNCING) &&
		st->active_base == g->base && position < st->length;
}

static struct klog_damage
damage_of(struct segment *g)
{
	return (struct klog_damage){ .scan = &g->s->scan,
		.base = g->base,
		.next = g->next,
		.end = g->end,
		.expected = g->s->expected,
		.budget = &g->budget };
}

/* A segment that stands in for others, and has not its own name yet. */
static bool
is_swap(const struct segment *g)
{
	struct stat st;

	return fstatat(g->s->r->dir, g->name, &st, AT_SYMLINK_NOFOLLOW) == -1;
}

static bool
file_is_there(struct segment *g)
{
	char swap[KLOG_FILE_NAME];
	struct stat by_name, open_one;

	klog_file_name(swap, g->base, ".log" KLOG_SWAP);
	if (fstatat(g->s->r->dir, g->name, &by_name, AT_SYMLINK_NOFOLLOW) ==
			-1 &&
		fstatat(g->s->r->dir, swap, &by_name, AT_SYMLINK_NOFOLLOW) ==
			-1)
		return false;
	return fstat(g->fd, &open_one) == 0 &&
		by_name.st_ino == open_one.st_ino &&
		by_name.st_dev == open_one.st_dev;
}

/* Whether nobody is about to go on writing: the append byte is free, or
 * where there is none, the file stays as it is for a moment. */
static bool
is_quiet(struct segment *g)
{
	const struct klog_state *st = state_of(g);
	struct klog_err ignored;
	uint64_t sequence = st != NULL ? st->sequence : 0;

	if (g->s->pause_us > 0)
		usleep(g->s->pause_us);
	if (st != NULL &&
		(klog_reader_held(g->s->r, KLOG_BYTE_APPEND) ||
			klog_reader_look(g->s->r, &ignored) == -1 ||
			st->sequence != sequence))
		return false;
	return klog_file_size(g->fd, g->name, &ignored) == g->end;
}

/* A bad batch that need not be whole, and nothing good follows: the tail. */
static int
torn_tail(struct segment *g, int64_t position, const char *why,
	struct klog_err *err)
{
	g->shown = true;
	if (!is_quiet(g))
		return 0;
	return klog_findings_add(g->s->out, KLOG_FOUND_LEFTOVER, g->name,
		position, g->end - position, g->s->expected, err,
		"an unfinished end, which whoever writes next cuts: %.100s",
		why);
}

/* A range of zeros up to the end of a file that a Kafka has reserved. */
static int
is_reserved(struct segment *g, int64_t position, bool *reserved,
	struct klog_err *err)
{
	const struct klog_damage d = damage_of(g);

	*reserved = false;
	if (state_of(g) != NULL || g->s->clean || !is_last(g) ||
		g->end < RESERVED_FILE || g->end - position < RESERVED_LEAST)
		return 0;
	return klog_damage_is_zeros(&d, position, reserved, err);
}

/* Damaged from `position` to `to`: the next good batch, or the end. */
static int
tell_range(struct segment *g, int64_t position, int64_t to, const char *why,
	struct klog_err *err)
{
	const struct klog_damage d = damage_of(g);
	bool wrong = false;

	if (to == g->end &&
		klog_damage_is_length(&d, position, &wrong, err) == -1)
		return -1;
	if (damage(g, position, to - position, g->s->expected,
		    wrong ? "its length is wrong" : why, err) == -1)
		return -1;
	klog_collate_skip(g->c);
	klog_aborts_skip(&g->s->aborts);
	g->lost = true;
	return 0;
}

/* What the checksum is, beside what is stored. */
static void
say_checksums(struct segment *g, struct klog_err *why)
{
	struct klog_scan *scan = &g->s->scan;
	const uint8_t *p = scan->buf.data + (scan->position - scan->buf_at);
	const struct klog_batch *b = &scan->batch;

	if (strcmp(why->text, "bad checksum") != 0 ||
		b->magic != KLOG_BATCH_MAGIC)
		return;
	klog_fail(why, KLOG_ECORRUPT,
		"bad checksum: %" PRIu32 " stored, %" PRIu32 " computed",
		b->crc, klog_crc32c(p + 21, b->size - 21));
}

enum { GOOD = 3 };

/* The state, then the batch once more: *got and *why what is wrong with it; GOOD
 * nothing is by now, AGAIN it is another file or history, 0, -1. */
static int
look_again(
	struct segment *g, int *got, struct klog_err *why, struct klog_err *err)
{
	struct klog_sweep *s = g->s;

	if (s->r->has_state && klog_reader_look(s->r, err) == -1)
		return -1;
	if (is_other(g))
		return AGAIN;
	*got = klog_scan_look_again(&s->scan, why);
	if (*got == -1) {
		*err = *why;
		return -1;
	}
	if (*got == KLOG_SCAN_BATCH || *got == KLOG_SCAN_END)
		return GOOD;
	if (*got == KLOG_SCAN_BAD)
		say_checksums(g, why);
	return file_is_there(g) ? 0 : AGAIN;
}

/* Whether the rest of the file is what a writer had not finished. */
static int
is_tail(struct segment *g, int got, int64_t position, bool *tail,
	struct klog_err *err)
{
	const struct klog_damage d = damage_of(g);
	bool length = false;

	*tail = got == KLOG_SCAN_SHORT || state_of(g) != NULL;
	if (got == KLOG_SCAN_SHORT &&
		klog_damage_is_length(&d, position, &length, err) == -1)
		return -1;
	*tail &= !length;
	return 0;
}

/*
 * Not whole or not clean at scan.position: 0 go on at scan.position, AGAIN
 * the whole segment, -1.
 */
static int
judge(struct segment *g, struct klog_err *err)
{
	struct klog_err why = { KLOG_OK, 0, "" };
	int64_t position = g->s->scan.position, to;
	const struct klog_damage d = damage_of(g);
	bool reserved, tail = false, must;
	int got, r = look_again(g, &got, &why, err);

	if (r != 0)
		return r == GOOD ? 0 : r;
	must = must_be_whole(g, got, position);
	if (is_reserved(g, position, &reserved, err) == -1)
		return -1;
	if (reserved) {
		g->s->scan.position = g->end;
		return 0;
	}
	if (klog_damage_end(&d, position, &to, err) == -1 ||
		(!must && to == g->end &&
			is_tail(g, got, position, &tail, err) == -1))
		return -1;
	if (tail) {
		g->s->scan.position = g->end;
		return torn_tail(g, position, why.text, err);
	}
	/* did a writer finish this one and the next meanwhile? */
	r = must ? 0 : klog_damage_good_at(&d, position, err);
	if (r != 0)
		return r == 1 ? 0 : -1;
	if (tell_range(g, position, to, why.text, err) == -1)
		return -1;
	klog_scan_init(&g->s->scan, g->fd, to, KLOG_DAMAGE_CHUNK);
	return 0;
}

/* ---- the end of the segment ---- */

/* A file that ends before what the state, read before, says. */
static int
check_end(struct segment *g, struct klog_err *err)
{
	struct klog_sweep *s = g->s;
	const struct klog_state *st = state_of(g);
	int64_t have = s->scan.position, want = 0;
	char what[KLOG_FINDING_TEXT];

	if (st == NULL || g->shown)
		return 0;
	if (st->recovery_base == g->base)
		want = st->recovery_position;
	if (st->active_base == g->base && s->r->trusted &&
		!(st->marks & KLOG_MARK_SYNCING))
		want = st->length;
	/* a range up to the end was told */
	if (have < want && g->lost)
		return 0;
	if (have < want) {
		if (klog_reader_look(s->r, err) == -1)
			return -1;
		if (is_other(g))
			return AGAIN;
		snprintf(what, sizeof(what),
			"the file ends, and it had %" PRId64 " bytes", want);
		return damage(g, have, want - have, s->expected, what, err);
	}
	if (st->active_base == g->base && s->r->trusted && have > st->length &&
		have == g->end && !(st->marks & KLOG_MARK_SYNCING) &&
		is_quiet(g))
		return klog_findings_add(s->out, KLOG_FOUND_LEFTOVER, g->name,
			st->length, have - st->length, st->next_offset, err,
			"whole batches of a killed writer, which whoever "
			"writes next takes over");
	return 0;
}

static int
check_next(struct segment *g, struct klog_err *err)
{
	int64_t expected = g->s->expected;
	char name[KLOG_FILE_NAME];

	if (is_last(g) || g->lost || g->next <= expected ||
		!is_dense(g, expected))
		return 0;
	klog_file_name(name, expected, ".log");
	return klog_findings_add(g->s->out, KLOG_FOUND_DAMAGE, name, 0, 0,
		expected, err, "missing: offsets %" PRId64 " to %" PRId64,
		expected, g->next - 1);
}

/* ---- the segment ---- */

static int
walk(struct segment *g, struct klog_err *err)
{
	struct klog_scan *scan = &g->s->scan;
	struct klog_err why;
	int got, r = 0;

	klog_scan_name(scan, g->base);
	klog_scan_init(scan, g->fd, 0, KLOG_DAMAGE_CHUNK);
	scan->old_formats = !g->s->r->has_state;
	while (r == 0 && scan->position < g->end) {
		got = klog_scan_next(scan, &why);
		if (got == -1) {
			*err = why;
			return -1;
		}
		if (got == KLOG_SCAN_END)
			break;
		r = got == KLOG_SCAN_BATCH ? take(g, err) : judge(g, err);
	}
	return r;
}

static void
set_up(struct segment *g, struct klog_collate *c)
{
	struct klog_sweep *s = g->s;
	const struct klog_state *st = state_of(g);

	memset(c, 0, sizeof(*c));
	c->base = g->base;
	c->ours = st != NULL;
	c->last = is_last(g);
	c->zeros = st == NULL && is_last(g) && !s->clean;
	c->interval = s->index_interval;
	c->gaps = st != NULL ? st->first_dirty : 0;
	c->out = s->out;
	if (st == NULL || st->active_base != g->base || !s->r->knows_today ||
		memcmp(st->stamp.boot, s->r->today.boot, 16) != 0)
		return;
	c->least_entries = st->index_entries;
	c->least_times = st->time_entries;
}

/* 0, AGAIN, -1 */
static int
look_at(struct segment *g, struct klog_err *err)
{
	struct klog_sweep *s = g->s;
	struct klog_collate c;
	int64_t size = -1;
	bool ask;
	int r;

	set_up(g, &c);
	g->c = &c;
	g->was = s->r->state;
	g->end = klog_file_size(g->fd, g->name, err);
	/* a segment that is just being made has them when it has a batch */
	ask = !s->only_log && !is_swap(g) && !(is_last(g) && g->end == 0);
	if (g->end == -1 || klog_collate_open(&c, s->r->dir, ask, err) == -1)
		return -1;
	g->budget = BUDGET_TIMES * g->end + BUDGET_LEAST;
	if (klog_aborts_begin(&s->aborts, s->r->dir, g->base, err) == -1) {
		klog_collate_close(&c);
		return -1;
	}
	r = walk(g, err);
	if (r == 0)
		r = check_end(g, err);
	if (r == 0) {
		size = klog_file_size(g->fd, g->name, err);
		r = size == -1 ? -1
			       : klog_collate_end(&c, s->scan.position,
					 s->expected, size, err);
	}
	if (r == 0)
		r = klog_aborts_end(&s->aborts,
			!is_last(g) || size == s->scan.position, err);
	klog_aborts_close(&s->aborts);
	if (r == 0)
		r = check_next(g, err);
	klog_collate_close(&c);
	if (r == 0 && s->r->has_state && klog_reader_look(s->r, err) == -1)
		return -1;
	return r == 0 && is_other(g) ? AGAIN : r;
}

/* Whether anything worse than a leftover was found. */
static bool
any_bad(const struct klog_findings *out, size_t from)
{
	for (; from < out->count; from++)
		if (out->list[from].severity != KLOG_FOUND_LEFTOVER)
			return true;
	return false;
}

static bool
is_stood_for(int dir, const struct klog_plan *plan, int64_t base)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		if (base > plan->rows[i].base && base < plan->rows[i].next)
			return klog_swap_stands(dir, plan->rows[i].base);
	return false;
}

/*
 * What the directory says by now: which segment is behind this one, and
 * whether it is removed already but for its files: it lies before the log
 * start, or another stands for it; whoever cleans next removes it (C3).
 */
static int
look_around(const struct klog_sweep *s, int64_t base, int64_t *next,
	bool *leaving, struct klog_err *err)
{
	struct klog_plan plan = { .count = 0 };
	struct klog_bases bases;
	struct klog_err ignored;
	int dir = s->r->dir;
	size_t i;

	*leaving = false;
	if (s->only_log)
		return 0;
	if (klog_segment_list_all(dir, &bases, err) == -1)
		return klog_err_in(err, "%s", s->r->path);
	if (s->r->has_state && klog_plan_read(dir, &plan, &ignored) != 1)
		plan.count = 0;
	*next = INT64_MAX;
	for (i = bases.count; i > 0 && bases.base[i - 1] > base; i--)
		if (!is_stood_for(dir, &plan, bases.base[i - 1]))
			*next = bases.base[i - 1];
	*leaving = s->r->has_state &&
		(*next <= s->r->state.log_start ||
			is_stood_for(dir, &plan, base));
	klog_bases_free(&bases);
	klog_plan_free(&plan);
	return 0;
}

static int
tell_leaving(struct klog_sweep *s, int64_t base, struct klog_err *err)
{
	char name[KLOG_FILE_NAME];
	struct stat st;

	klog_file_name(name, base, ".log");
	if (klog_reader_held(s->r, KLOG_BYTE_CLEAN) ||
		fstatat(s->r->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return klog_findings_add(s->out, KLOG_FOUND_LEFTOVER, name, 0,
		st.st_size, base, err, "of a segment that was removed");
}

/* One look at it: as look_at; where its file is gone nothing is wrong. */
static int
one_look(struct klog_sweep *s, int64_t base, int64_t next, struct klog_err *err)
{
	struct segment g = { .s = s, .base = base, .next = next };
	int r;

	if (s->r->has_state && klog_reader_look(s->r, err) == -1)
		return -1;
	klog_file_name(g.name, base, ".log");
	g.fd = klog_segment_open_log(s->r->dir, base, err);
	if (g.fd == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	r = look_at(&g, err);
	klog_close_fd(&g.fd);
	return r;
}

/*
 * What is found has to be found again: an index and its .log get their names
 * one after the other when a segment is replaced, and lose them so.  One that
 * took the place of others has their records.
 */
int
klog_sweep_segment(
	struct klog_sweep *s, int64_t base, int64_t next, struct klog_err *err)
{
	size_t before = s->out->count;
	int64_t expected = s->expected > base ? s->expected : base;
	const struct klog_odd odd = s->odd;
	const struct klog_aborts aborts = s->aborts;
	int tries, found = 0, r = AGAIN;
	bool cleaned, leaving;

	for (tries = 0; r == AGAIN && tries < TRIES; tries++) {
		klog_findings_cut(s->out, before);
		s->odd = odd;
		s->aborts = aborts;
		s->expected = expected;
		r = one_look(s, base, next, err);
		if (r != 0 || !any_bad(s->out, before))
			continue;
		if (look_around(s, base, &next, &leaving, err) == -1)
			return -1;
		if (leaving) {
			klog_findings_cut(s->out, before);
			s->expected = expected;
			return tell_leaving(s, base, err);
		}
		/* the only one to replace and remove segments */
		cleaned = s->r->has_state &&
			klog_reader_held(s->r, KLOG_BYTE_CLEAN);
		if (++found >= CONFIRMED && !cleaned)
			continue;
		r = AGAIN;
		/* a Kafka has no locks to look at */
		if (s->pause_us > 0 && (cleaned || !s->r->has_state))
			usleep(s->pause_us << tries);
	}
	/* a log that changes faster than it can be looked at is in use */
	return r == -1 ? -1 : 0;
}
