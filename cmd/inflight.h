/*
 * What was written to a pipe or socket and its reader has not taken yet: how
 * far each source is committed when so many bytes are taken.
 */
#ifndef INFLIGHT_H
#define INFLIGHT_H

#include "libklog/klog.h"

/*
 * Within a slice of so many bytes one entry a source will do; of the first ones
 * each record is known, so that a reader that takes little before it ends, each
 * time, gets on.
 */
#define INFLIGHT_SLICE 4096
#define INFLIGHT_FINE (64 * 1024)

struct inflight_entry {
	int64_t bytes; /* up to here; to the end of the slice */
	struct klog_position to;
};

struct inflight {
	struct inflight_entry *list;
	size_t first, count; /* those from `first` on are in flight */
	int64_t dropped;     /* before list[0], ever */
	int64_t *newest;     /* of each source: its number, from 1; 0 none */
	size_t sources;
};

/* Behind `bytes`, `to` may be committed.  0, or -1: no memory. */
int inflight_add(
	struct inflight *f, int64_t bytes, const struct klog_position *to);

/* Takes out the next entry that `taken` bytes are enough for, of INT64_MAX
 * each; false when there is none. */
bool inflight_next(struct inflight *f, int64_t taken, struct klog_position *to);

bool inflight_any(const struct inflight *f);
void inflight_free(struct inflight *f);

#endif
