#include "retention.h"

#define HOUR_MS 3600000
#define DAY_MS 86400000

const char *
klog_rule_text(enum klog_rule rule)
{
	static const char *const texts[] = {
		[KLOG_GOES_LOG_START] = "log-start",
		[KLOG_GOES_SIZE] = "retention.bytes",
		[KLOG_GOES_TIME] = "retention.ms",
		[KLOG_GOES_FREE] = "min-free",
		[KLOG_STAYS_YOUNG] = "retention.ms",
		[KLOG_STAYS_BEHIND] = "older-one-stays",
		[KLOG_STAYS_GROUP] = "retention.groups",
		[KLOG_STAYS_EMPTY] = "active",
		[KLOG_STAYS_COMPACT] = "cleanup.policy",
		[KLOG_STAYS_LIMITS] = "no-limit",
	};

	return texts[rule];
}

/* The one that is written next, and has nothing in it, never goes. */
static bool
is_spare(const struct klog_segment_fact *facts, size_t count, size_t i)
{
	return i + 1 == count && facts[i].bytes == 0;
}

static size_t
by_log_start(struct klog_segment_fact *facts, size_t count, size_t gone,
	const struct klog_retention *how)
{
	for (; gone + 1 < count && facts[gone].next <= how->log_start; gone++)
		facts[gone].rule = KLOG_GOES_LOG_START;
	return gone;
}

static size_t
by_size(struct klog_segment_fact *facts, size_t count, size_t gone,
	const struct klog_retention *how)
{
	int64_t most = how->settings->retention_bytes, more = 0;
	size_t i;

	for (i = gone; i < count; i++)
		more += facts[i].bytes;
	if (most < 0 || more < most)
		return gone;
	for (more -= most; gone < count && more >= facts[gone].bytes &&
		!is_spare(facts, count, gone);
		gone++) {
		more -= facts[gone].bytes;
		facts[gone].rule = KLOG_GOES_SIZE;
	}
	return gone;
}

static bool
is_old(const struct klog_segment_fact *fact, const struct klog_retention *how)
{
	int64_t most = how->settings->retention_ms;

	/* as Kafka has it: a difference, and more than */
	return most >= 0 &&
		(fact->newest_ms < 0 || how->now_ms - fact->newest_ms > most);
}

static size_t
by_time(struct klog_segment_fact *facts, size_t count, size_t gone,
	const struct klog_retention *how)
{
	for (; gone < count && is_old(&facts[gone], how) && !facts[gone].held &&
		!is_spare(facts, count, gone);
		gone++)
		facts[gone].rule = KLOG_GOES_TIME;
	return gone;
}

/* Why one stays that could be the next to go. */
static enum klog_rule
why_it_stays(const struct klog_segment_fact *facts, size_t count, size_t i,
	const struct klog_retention *how)
{
	const struct klog_settings *s = how->settings;

	if (is_spare(facts, count, i))
		return KLOG_STAYS_EMPTY;
	if (!(s->cleanup_policy & KLOG_CLEANUP_DELETE))
		return KLOG_STAYS_COMPACT;
	if (is_old(&facts[i], how))
		return facts[i].held ? KLOG_STAYS_GROUP : KLOG_STAYS_BEHIND;
	return s->retention_ms >= 0 ? KLOG_STAYS_YOUNG : KLOG_STAYS_LIMITS;
}

size_t
klog_retention_judge(struct klog_segment_fact *facts, size_t count,
	const struct klog_retention *how)
{
	int64_t most = how->settings->retention_ms, latest = -1;
	size_t i, gone = by_log_start(facts, count, 0, how);

	for (i = 0; i < count; i++)
		facts[i].held = facts[i].next > how->held_from;
	if (how->settings->cleanup_policy & KLOG_CLEANUP_DELETE) {
		gone = by_size(facts, count, gone, how);
		gone = by_time(facts, count, gone, how);
	}
	for (i = gone; i < count; i++) {
		facts[i].rule = why_it_stays(facts, count, i, how);
		/* it would go, but for one in front of it */
		if (i > gone && facts[i].rule != KLOG_STAYS_EMPTY &&
			facts[i].rule != KLOG_STAYS_COMPACT &&
			facts[i].rule != KLOG_STAYS_GROUP &&
			facts[i].newest_ms < latest)
			facts[i].rule = KLOG_STAYS_BEHIND;
		if (facts[i].newest_ms > latest)
			latest = facts[i].newest_ms;
		facts[i].when_ms = -1;
		if (!facts[i].held && most >= 0 &&
			latest <= INT64_MAX - 1 - most &&
			(facts[i].rule == KLOG_STAYS_YOUNG ||
				facts[i].rule == KLOG_STAYS_BEHIND))
			facts[i].when_ms = latest + most + 1;
	}
	return gone;
}

/* ---- what is to come ---- */

/* By the newest records of the segments: each begins where the one before it
 * ends, and its bytes came evenly. */
static int64_t
bytes_per_day(const struct klog_segment_fact *facts, size_t count,
	int64_t begin_ms, int64_t now_ms)
{
	int64_t from = now_ms - DAY_MS, begin = begin_ms, span;
	double bytes = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		int64_t end = facts[i].newest_ms;
		double part = 1;

		if (begin >= 0 && begin < from && end > from)
			part = (double)(end - from) / (double)(end - begin);
		if (end > from)
			bytes += part * (double)facts[i].bytes;
		if (end > begin)
			begin = end;
	}
	if (begin_ms > from)
		from = begin_ms;
	span = now_ms - from;
	if (span < HOUR_MS)
		span = HOUR_MS;
	bytes *= (double)DAY_MS / (double)span;
	return bytes < (double)(INT64_MAX / 2) ? (int64_t)bytes : INT64_MAX / 2;
}

void
klog_retention_forecast(const struct klog_segment_fact *facts, size_t count,
	int64_t begin_ms, const struct klog_settings *s, int64_t now_ms,
	int64_t *per_day, int64_t *to_come)
{
	int64_t have = 0, most = INT64_MAX;
	double kept;
	size_t i;

	*per_day = bytes_per_day(facts, count, begin_ms, now_ms);
	kept = (double)*per_day / (double)DAY_MS * (double)s->retention_ms;
	for (i = 0; i < count; i++)
		have = klog_sum(have, facts[i].bytes);
	for (i = 0; i < count && facts[i].rule != KLOG_STAYS_GROUP; i++)
		;
	if (!(s->cleanup_policy & KLOG_CLEANUP_DELETE))
		most = have; /* it grows by new keys, of which nobody knows */
	else if (s->retention_ms >= 0 && i == count &&
		kept < (double)(INT64_MAX / 2))
		most = (int64_t)kept;
	/* it shrinks by whole segments */
	if (s->cleanup_policy & KLOG_CLEANUP_DELETE &&
		s->retention_bytes >= 0 &&
		s->retention_bytes < most - s->segment_bytes)
		most = s->retention_bytes + s->segment_bytes;
	*to_come = 0;
	if (*per_day > 0 && most == INT64_MAX)
		*to_come = INT64_MAX;
	else if (*per_day > 0 && most > have)
		*to_come = most - have;
}
