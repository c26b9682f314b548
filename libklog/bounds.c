#include <inttypes.h>
#include <stdlib.h>

#include "bounds.h"

/* ---- the bounds as they are now ---- */

/* What is damaged has no known end: the reader will run into it and say so,
 * after what is good. */
static int64_t
end_now(struct klog_source *s, struct klog_err *err)
{
	int64_t end = klog_reader_end(&s->reader, err);

	return end == -1 && err->code == KLOG_ECORRUPT ? INT64_MAX : end;
}

static int
find(struct klog_bounds *b, struct klog_source *s, struct klog_err *err)
{
	if (klog_source_open(b->sources, s, err) == -1)
		return -1;
	s->start = klog_reader_start(&s->reader, err);
	s->end = s->start == -1 ? -1 : end_now(s, err);
	if (s->end == -1 || klog_source_settle(s, err) == -1)
		return -1;
	if (s->stable < s->end)
		s->end = s->stable;
	return 0;
}

int
klog_bounds_find(struct klog_bounds *b, struct klog_err *err)
{
	size_t i;

	for (i = 0; i < b->sources->count; i++)
		if (find(b, &b->sources->list[i], err) == -1)
			return -1;
	return 0;
}

/* ---- without a group ---- */

/* Where it ends for good. */
static int
find_stop(struct klog_bounds *b, struct klog_source *s, int64_t *stop,
	struct klog_err *err)
{
	bool follow = b->sources->follow;

	*stop = s->end;
	if (b->to.where != KLOG_AT_UNSET &&
		klog_lookup(&s->reader, b->decoder, b->to, s->end, stop, NULL,
			err) == -1)
		return -1;
	if (follow && b->to.where == KLOG_AT_UNSET)
		*stop = INT64_MAX;
	else if (!follow && *stop > s->end)
		*stop = s->end;
	return 0;
}

static int
past_the_end(const struct klog_bounds *b, const struct klog_source *s,
	int64_t next, struct klog_err *err)
{
	if (b->sources->reset == KLOG_RESET_NONE)
		return klog_fail(err, KLOG_EOFFSET,
			"%s: offset %" PRId64 " is past the end at %" PRId64
			" (auto.offset.reset=none)",
			s->reader.path, next, s->end);
	klog_sayf(b->sources->say, 0,
		"%s: offset %" PRId64 " is past the end at %" PRId64 "%s",
		s->reader.path, next, s->end,
		b->sources->follow ? "; waiting for it" : "");
	return 0;
}

static int
place(struct klog_bounds *b, struct klog_source *s, const int64_t *tail,
	struct klog_err *err)
{
	int64_t next = 0, stop;

	if (klog_source_open(b->sources, s, err) == -1)
		return -1;
	if (tail != NULL)
		next = *tail;
	else if (klog_lookup(&s->reader, b->decoder, b->from, s->end, &next,
			 NULL, err) == -1)
		return -1;
	if ((next > s->end && past_the_end(b, s, next, err) == -1) ||
		find_stop(b, s, &stop, err) == -1)
		return -1;
	klog_source_place(s, next, stop);
	return 0;
}

int
klog_bounds_place(struct klog_bounds *b, int64_t tail, struct klog_err *err)
{
	struct klog_sources *all = b->sources;
	int64_t *next = NULL;
	size_t i;
	int r = 0;

	if (tail >= 0) {
		next = calloc(all->count + 1, sizeof(next[0]));
		if (next == NULL)
			return klog_fail_memory(err);
		r = klog_sources_tail(all, b->decoder, tail, next, err);
	}
	for (i = 0; r == 0 && i < all->count; i++)
		r = place(
			b, &all->list[i], next != NULL ? &next[i] : NULL, err);
	free(next);
	return r;
}

/* ---- as a member of a group ---- */

/* Where a group begins that has not committed yet. */
static int
without_commit(const struct klog_bounds *b, const struct klog_source *s,
	const char *group, bool new, struct klog_at *at, struct klog_err *err)
{
	*at = b->from;
	/* of a partition that came meanwhile nothing is passed over */
	if (new)
		at->where = KLOG_AT_BEGINNING;
	if (at->where != KLOG_AT_UNSET)
		return 0;
	if (b->sources->reset == KLOG_RESET_NONE)
		return klog_fail(err, KLOG_EOFFSET,
			"group %s: %s: no committed offset "
			"(auto.offset.reset=none)",
			group, s->reader.path);
	at->where = b->sources->reset == KLOG_RESET_LATEST ? KLOG_AT_END
							   : KLOG_AT_BEGINNING;
	return 0;
}

/* Where it goes on whose committed offset the log does not have: where the
 * commit before it was, or as auto.offset.reset says. */
static int
instead(struct klog_bounds *b, struct klog_source *s, const char *group,
	const struct klog_commits *commits, int64_t end,
	struct klog_reached *at, struct klog_err *err)
{
	const struct klog_committed *before = &commits->before;
	int64_t was = commits->now.offset;

	if (b->sources->reset == KLOG_RESET_NONE)
		return klog_fail(err, KLOG_EOFFSET,
			"group %s: %s: the committed offset %" PRId64
			" is past the end at %" PRId64
			" (auto.offset.reset=none); klog-offsets --reset sets "
			"another",
			group, s->reader.path, was, end);
	at->epoch = -1;
	at->offset = b->sources->reset == KLOG_RESET_EARLIEST
		? klog_reader_start(&s->reader, err)
		: end;
	if (at->offset == -1)
		return -1;
	if (commits->has_before && before->offset != -1 &&
		before->offset <= end) {
		at->offset = before->offset;
		at->epoch = before->epoch;
	}
	klog_sayf(b->sources->say, 0,
		"group %s: %s: the committed offset %" PRId64
		" is past the end at %" PRId64 "; going on at %" PRId64,
		group, s->reader.path, was, end, at->offset);
	return 0;
}

int
klog_bounds_resume(struct klog_bounds *b, struct klog_source *s,
	const char *group, const struct klog_commits *commits, bool new,
	struct klog_reached *at, struct klog_err *err)
{
	const struct klog_committed *now = &commits->now;
	struct klog_at from = { KLOG_AT_OFFSET, now->offset, now->epoch };
	struct klog_reached place = { -1, now->epoch };
	int64_t end, stop;

	if (klog_source_open(b->sources, s, err) == -1 ||
		(now->offset == -1 &&
			without_commit(b, s, group, new, &from, err) == -1))
		return -1;
	end = end_now(s, err);
	if (end == -1 ||
		klog_lookup(&s->reader, b->decoder, from, end, &place.offset,
			NULL, err) == -1)
		return -1;
	if (place.offset > end && now->offset != -1 &&
		instead(b, s, group, commits, end, &place, err) == -1)
		return -1;
	if (find_stop(b, s, &stop, err) == -1)
		return -1;
	klog_source_place(s, place.offset, stop);
	*at = place;
	return 0;
}
