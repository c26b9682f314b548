/*
 * Which whole segments are to go, by log start offset, size and time, and why
 * the others stay.  Decides only; nothing is touched.  Source: Kafka's
 * UnifiedLog.deleteOldSegments: three passes from the oldest segment up, each
 * of which ends at the first segment that stays, so that a young one protects
 * all that are newer.
 */
#ifndef KLOG_RETENTION_H
#define KLOG_RETENTION_H

#include "settings.h"

enum klog_rule {
	/* it goes */
	KLOG_GOES_LOG_START, /* all of it lies before the log start */
	KLOG_GOES_SIZE,      /* retention.bytes, without it too */
	KLOG_GOES_TIME,      /* its newest record is older than retention.ms */
	KLOG_GOES_FREE,      /* --min-free */
	/* it stays */
	KLOG_STAYS_YOUNG,   /* retention.ms is not over */
	KLOG_STAYS_BEHIND,  /* one that is older stays */
	KLOG_STAYS_GROUP,   /* retention.groups: a group has not read it all */
	KLOG_STAYS_EMPTY,   /* the empty one that is written next */
	KLOG_STAYS_COMPACT, /* cleanup.policy has no delete */
	KLOG_STAYS_LIMITS   /* nothing limits its age, and the size is kept */
};

/* A segment, the oldest first; the last one is active. */
struct klog_segment_fact {
	int64_t base;
	int64_t next;        /* base of the one behind it, or the log's end */
	int64_t bytes;       /* of its .log */
	int64_t newest_ms;   /* its newest record's timestamp; without one, when
				its file was last written */
	enum klog_rule rule; /* what was decided */
	bool held;           /* a group has not read all of it */
	int64_t when_ms;     /* when time lets it go; -1: not by itself */
};

struct klog_retention {
	const struct klog_settings *settings;
	int64_t now_ms;
	int64_t log_start;
	int64_t held_from; /* from here on a group has not read; INT64_MAX */
};

/*
 * Decides for each; answers how many of the oldest go.  If that is all of
 * them, a new active segment has to be made first.
 */
size_t klog_retention_judge(struct klog_segment_fact *facts, size_t count,
	const struct klog_retention *how);

/*
 * How many bytes come in a day, by what came in the last one, or since begin_ms
 * (the time of the first record there is, -1 unknown), but at least in an hour;
 * and how many more stay until as many go as come, INT64_MAX: nothing limits it,
 * or a group holds what is old.
 */
void klog_retention_forecast(const struct klog_segment_fact *facts,
	size_t count, int64_t begin_ms, const struct klog_settings *settings,
	int64_t now_ms, int64_t *per_day, int64_t *to_come);

/* The sum of two that are not negative; INT64_MAX: so many, or more. */
static inline int64_t
klog_sum(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* The rule in a word, as klog-clean --explain prints it. */
const char *klog_rule_text(enum klog_rule rule);

#endif
