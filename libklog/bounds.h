/*
 * Where each partition of a consumer begins and ends: by offset, time and
 * count, or from a group's committed offset on.
 */
#ifndef KLOG_BOUNDS_H
#define KLOG_BOUNDS_H

#include "committed.h"
#include "source.h"

struct klog_bounds {
	struct klog_sources *sources;
	struct klog_decoder *decoder;
	struct klog_at from; /* unset: the beginning */
	struct klog_at to;   /* unset: the end as it is now, or with follow
				none */
};

/* An offset, and the leader epoch of the record before it, or -1. */
struct klog_reached {
	int64_t offset; /* -1: none */
	int32_t epoch;
};

/*
 * The start and end that each source has now, which is where a run that does
 * not follow ends, however busy the topic is.
 */
int klog_bounds_find(struct klog_bounds *b, struct klog_err *err);

/* Sets where each begins and ends; with tail >= 0 so many records before the
 * end, the newest by timestamp over all. */
int klog_bounds_place(
	struct klog_bounds *b, int64_t tail, struct klog_err *err);

/*
 * Sets the same for a source that a member of `group` took over just now: on
 * from its committed offset (G3), or where there is none from `from`, else as
 * auto.offset.reset says; one that is `new` from its beginning.  *at is where
 * that is; on -1 it stays as it was, so that nothing is committed.
 */
int klog_bounds_resume(struct klog_bounds *b, struct klog_source *source,
	const char *group, const struct klog_commits *commits, bool new,
	struct klog_reached *at, struct klog_err *err);

#endif
