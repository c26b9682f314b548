/*
 * Which segments go: a table of cases, each with what Kafka's
 * UnifiedLog.deleteOldSegments does with the same segments.  A segment's
 * offsets are ten, so that it begins at 0, 10, 20 ...; the time is 1000000.
 */
#include "libklog/retention.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW INT64_C(1000000000000)
#define SEGMENTS 5
#define FREE INT64_MAX

/* Bytes, and how many ms ago its newest record was written. */
struct given {
	int64_t bytes, age_ms;
};

struct one {
	const char *name;
	int64_t bytes, ms; /* retention.bytes and .ms */
	int policy;
	int64_t log_start, held_from;
	struct given segments[SEGMENTS]; /* the last one is active */
	const char *want;                /* the word of each */
};

enum { D = KLOG_CLEANUP_DELETE, C = KLOG_CLEANUP_COMPACT };

#define GROW                                                                   \
	{ 100, 5000 }, { 100, 4000 }, { 100, 3000 },                           \
	{                                                                      \
		100, 2000                                                      \
	}

static const struct one cases[] = {
	/* time */
	{ "time: nothing is old", -1, 6000, D, 0, FREE, { GROW },
		"ms-stays ms-stays ms-stays ms-stays" },
	{ "time: the older two go", -1, 3500, D, 0, FREE, { GROW },
		"ms ms ms-stays ms-stays" },
	{ "time: as old as retention.ms is not older", -1, 4000, D, 0, FREE,
		{ GROW }, "ms ms-stays ms-stays ms-stays" },
	{ "time: a millisecond more is", -1, 3999, D, 0, FREE, { GROW },
		"ms ms ms-stays ms-stays" },
	{ "time: all go, the active one too", -1, 1000, D, 0, FREE, { GROW },
		"ms ms ms ms" },
	{ "time: all but an active one that is empty", -1, 1000, D, 0, FREE,
		{ { 100, 5000 }, { 100, 4000 }, { 0, 3000 } }, "ms ms active" },
	{ "time: a log that is empty keeps its only segment", -1, 1000, D, 0,
		FREE, { { 0, 5000 } }, "active" },
	{ "time: an empty one that is not active goes", -1, 1000, D, 0, FREE,
		{ { 0, 5000 }, { 100, 4000 }, { 100, 100 } },
		"ms ms ms-stays" },
	{ "time: one from the future stays, and so do all behind it", -1, 1000,
		D, 0, FREE,
		{ { 100, 5000 }, { 100, -9000 }, { 100, 4000 }, { 100, 0 } },
		"ms ms-stays behind behind" },
	{ "time: a young one protects all that are newer", -1, 3500, D, 0, FREE,
		{ { 100, 10 }, { 100, 9000 }, { 100, 8000 } },
		"ms-stays behind behind" },
	{ "time: retention.ms 0 removes what has any age", -1, 0, D, 0, FREE,
		{ { 100, 1 }, { 100, 1 }, { 100, 0 } }, "ms ms ms-stays" },
	{ "time: retention.ms -1 removes nothing", -1, -1, D, 0, FREE, { GROW },
		"none none none none" },
	{ "time: the oldest timestamp there is", -1, 1000, D, 0, FREE,
		{ { 100, NOW }, { 100, 0 } }, "ms ms-stays" },
	{ "time: the newest timestamp there is", -1, 1000, D, 0, FREE,
		{ { 100, NOW - INT64_MAX }, { 100, 0 } }, "ms-stays behind" },

	/* size */
	{ "size: as large as retention.bytes: nothing goes", 400, -1, D, 0,
		FREE, { GROW }, "none none none none" },
	{ "size: the log never shrinks below it", 399, -1, D, 0, FREE, { GROW },
		"none none none none" },
	{ "size: a segment that is all too much goes", 300, -1, D, 0, FREE,
		{ GROW }, "bytes none none none" },
	{ "size: one of two and a half", 150, -1, D, 0, FREE, { GROW },
		"bytes bytes none none" },
	{ "size: the first that is too large to go ends it", 100, -1, D, 0,
		FREE, { { 100, 9 }, { 500, 8 }, { 1, 7 }, { 50, 6 } },
		"bytes none none none" },
	{ "size: a large one protects smaller ones behind it", 60, -1, D, 0,
		FREE, { { 500, 9 }, { 1, 8 }, { 1, 7 }, { 50, 6 } },
		"none none none none" },
	{ "size: the active one counts", 100, -1, D, 0, FREE,
		{ { 50, 9 }, { 50, 8 }, { 100, 7 } }, "bytes bytes none" },
	{ "size: 0 removes all, the active one too", 0, -1, D, 0, FREE,
		{ GROW }, "bytes bytes bytes bytes" },
	{ "size: 0 leaves an active one that is empty", 0, -1, D, 0, FREE,
		{ { 100, 9 }, { 0, 8 } }, "bytes active" },
	{ "size: -1 is no limit", -1, -1, D, 0, FREE, { GROW },
		"none none none none" },
	{ "size: young ones go, too", 200, 9000, D, 0, FREE, { GROW },
		"bytes bytes ms-stays ms-stays" },

	/* both, the size first */
	{ "both: size, then time on what is left", 300, 3500, D, 0, FREE,
		{ GROW }, "bytes ms ms-stays ms-stays" },
	{ "both: what is too much goes, time lets nothing go", 300, 6000, D, 0,
		FREE, { GROW }, "bytes ms-stays ms-stays ms-stays" },
	{ "both: time removes what size keeps", 4000, 2500, D, 0, FREE,
		{ GROW }, "ms ms ms ms-stays" },
	{ "both: a young one that size removes protects nobody", 200, 3000, D,
		0, FREE, { { 100, 10 }, { 100, 9000 }, { 100, 10 } },
		"bytes ms ms-stays" },

	/* the log start */
	{ "start: what lies before it goes", -1, -1, D, 20, FREE, { GROW },
		"start start none none" },
	{ "start: inside of a segment, which stays", -1, -1, D, 19, FREE,
		{ GROW }, "start none none none" },
	{ "start: at the end, and the active one stays", -1, -1, D, 40, FREE,
		{ GROW }, "start start start none" },
	{ "start: before size before time", 200, 3000, D, 10, FREE,
		{ { 100, 9 }, { 100, 5000 }, { 100, 4000 }, { 100, 9 } },
		"start bytes ms ms-stays" },

	/* cleanup.policy */
	{ "compact: neither size nor time", 0, 0, C, 0, FREE, { GROW },
		"policy policy policy policy" },
	{ "compact: but the log start", 0, 0, C, 20, FREE, { GROW },
		"start start policy policy" },
	{ "compact, delete: size and time", 300, 3500, C | D, 0, FREE, { GROW },
		"bytes ms ms-stays ms-stays" },

	/* retention.groups, klog's own: Kafka has none */
	{ "groups: what is not read stays, however old", -1, 1000, D, 0, 0,
		{ GROW }, "group group group group" },
	{ "groups: what is read goes", -1, 1000, D, 0, 20, { GROW },
		"ms ms group group" },
	{ "groups: half a segment is not all of it", -1, 1000, D, 0, 19,
		{ GROW }, "ms group group group" },
	{ "groups: size counts nevertheless", 200, 1000, D, 0, 0, { GROW },
		"bytes bytes group group" },
	{ "groups: so does the log start", -1, 1000, D, 20, 0, { GROW },
		"start start group group" },
	{ "groups: without a commit (-1) it holds all", -1, 1000, D, 0, -1,
		{ GROW }, "group group group group" },
	{ "groups: what time keeps is not the group's", -1, 3500, D, 0, 10,
		{ GROW }, "ms group ms-stays ms-stays" },
	{ "groups: all read, all goes", -1, 1000, D, 0, 40, { GROW },
		"ms ms ms ms" },
};

static const char *
word(enum klog_rule rule)
{
	static const char *const words[] = { [KLOG_GOES_LOG_START] = "start",
		[KLOG_GOES_SIZE] = "bytes",
		[KLOG_GOES_TIME] = "ms",
		[KLOG_STAYS_YOUNG] = "ms-stays",
		[KLOG_STAYS_BEHIND] = "behind",
		[KLOG_STAYS_GROUP] = "group",
		[KLOG_STAYS_EMPTY] = "active",
		[KLOG_STAYS_COMPACT] = "policy",
		[KLOG_STAYS_LIMITS] = "none" };

	return words[rule];
}

/* How many there are is what `want` has words for. */
static size_t
words_in(const char *text)
{
	size_t n = 1;

	for (; *text != '\0'; text++)
		n += *text == ' ';
	return n;
}

static void
decide(const struct one *c)
{
	struct klog_segment_fact facts[SEGMENTS] = { { 0 } };
	struct klog_settings s;
	struct klog_retention how = { .settings = &s,
		.now_ms = NOW,
		.log_start = c->log_start,
		.held_from = c->held_from };
	size_t i, gone, count = words_in(c->want), goes = 0;
	char text[128] = "";

	klog_settings_init(&s);
	s.retention_bytes = c->bytes;
	s.retention_ms = c->ms;
	s.cleanup_policy = c->policy;
	for (i = 0; i < count; i++) {
		facts[i].base = (int64_t)i * 10;
		facts[i].next = (int64_t)i * 10 + 10;
		facts[i].bytes = c->segments[i].bytes;
		facts[i].newest_ms = NOW - c->segments[i].age_ms;
	}
	if (facts[count - 1].bytes == 0)
		facts[count - 1].next = facts[count - 1].base;
	gone = klog_retention_judge(facts, count, &how);
	for (i = 0; i < count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s",
			i > 0 ? " " : "", word(facts[i].rule));
		goes += facts[i].rule <= KLOG_GOES_FREE;
	}
	is_str(text, c->want, "%s", c->name);
	is_int((int64_t)gone, (int64_t)goes, "%s: so many go", c->name);
}

/* When time lets one go: not before those in front of it. */
static void
forecast(void)
{
	struct klog_segment_fact facts[3] = {
		{ .base = 0, .next = 10, .bytes = 1, .newest_ms = NOW - 5 },
		{ .base = 10, .next = 20, .bytes = 1, .newest_ms = NOW - 50 },
		{ .base = 20, .next = 30, .bytes = 1, .newest_ms = NOW },
	};
	struct klog_settings s;
	struct klog_retention how = {
		.settings = &s, .now_ms = NOW, .held_from = INT64_MAX
	};

	klog_settings_init(&s);
	s.retention_ms = 100;
	klog_retention_judge(facts, 3, &how);
	is_int(facts[0].when_ms, NOW - 5 + 101, "when the first one goes");
	is_int(facts[1].when_ms, NOW - 5 + 101,
		"the second with it, though it is older");
	is_int(facts[2].when_ms, NOW + 101, "when the third one goes");
	how.now_ms = facts[0].when_ms;
	is_int((int64_t)klog_retention_judge(facts, 3, &how), 2,
		"and so they do");
	how.now_ms--;
	is_int((int64_t)klog_retention_judge(facts, 3, &how), 0,
		"not a millisecond before");
}

#define DAY INT64_C(86400000)

/* What comes in a day, of what came in the last one. */
static void
per_day(void)
{
	static const struct {
		const char *name;
		int64_t begin_age, age[3], bytes[3];
		int64_t want;
	} rows[] = {
		{ "one segment of three days", 3 * DAY, { 0 }, { 3000 }, 1000 },
		{ "three of a day each", 3 * DAY, { 2 * DAY, DAY, 0 },
			{ 1000, 2000, 3000 }, 3000 },
		{ "one of which half lies in it", 3 * DAY / 2,
			{ DAY / 2, DAY / 4, 0 }, { 1000, 600, 300 }, 1400 },
		{ "half a day old", DAY / 2, { 0 }, { 1000 }, 2000 },
		{ "a minute old counts as an hour", 60000, { 0 }, { 1000 },
			24000 },
		{ "nothing since", 9 * DAY, { 2 * DAY }, { 1000 }, 0 },
	};
	struct klog_settings s;
	size_t i, j;

	klog_settings_init(&s);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct klog_segment_fact facts[3] = { { 0 } };
		int64_t found, to_come;

		for (j = 0; j < 3 && rows[i].bytes[j] > 0; j++) {
			facts[j].bytes = rows[i].bytes[j];
			facts[j].newest_ms = NOW - rows[i].age[j];
		}
		klog_retention_forecast(facts, j, NOW - rows[i].begin_age, &s,
			NOW, &found, &to_come);
		is_int(found, rows[i].want, "a day brings: %s", rows[i].name);
	}
}

static void
sums(void)
{
	is_int(klog_sum(1, 2), 3, "a sum");
	is_int(klog_sum(INT64_MAX - 2, 2), INT64_MAX, "up to the largest");
	is_int(klog_sum(INT64_MAX - 1, 2), INT64_MAX, "not past it");
	is_int(klog_sum(INT64_MAX, 0), INT64_MAX, "no limit and nothing");
	is_int(klog_sum(INT64_MAX, INT64_MAX), INT64_MAX, "no limit, twice");
}

static void
no_segment(void)
{
	struct klog_settings s;
	struct klog_retention how = { .settings = &s };

	klog_settings_init(&s);
	is_int((int64_t)klog_retention_judge(NULL, 0, &how), 0,
		"no segment at all");
}

int
main(void)
{
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		decide(&cases[i]);
	no_segment();
	forecast();
	per_day();
	sums();
	return done();
}
