/*
 * One partition of a consumer: a reader that can give up its descriptors for
 * a while, and the place that it goes on from.
 */
#ifndef KLOG_SOURCE_H
#define KLOG_SOURCE_H

#include "topic.h"
#include "transactions.h"

struct klog_source {
	struct klog_topic *topic;
	int32_t partition;
	struct klog_reader reader; /* while open */
	bool open;
	bool idle;          /* read to its end; something new wakes it */
	int64_t start, end; /* as they were at the beginning */

	/* kept while it is closed */
	int64_t next, stop;
	int32_t epoch;
	bool placed;
	bool committed; /* transactions count: a Kafka's, read_committed */
	int64_t stable; /* what lies beyond is not decided yet */
	struct klog_transactions transactions;
};

struct klog_sources {
	struct klog_source *list;
	size_t count;
	size_t open_count, open_max;
	size_t chunk;        /* bytes that each reads at once */
	size_t last_evicted; /* where the search for one to close goes on */
	const struct klog_say *say;
	bool synced;
	enum klog_reset reset;
	bool uncommitted; /* isolation.level=read_uncommitted */
};

int klog_sources_add(struct klog_sources *all, struct klog_topic *topic,
	int32_t partition, struct klog_err *err);
void klog_sources_free(struct klog_sources *all);

/* Settles how much each may read at once, and how many may be open. */
void klog_sources_share(struct klog_sources *all, size_t memory);

/* Opens it, closing another when there are too many. */
int klog_source_open(struct klog_sources *all, struct klog_source *source,
	struct klog_err *err);

/* Looks how far all is decided by now: 0 or -1. */
int klog_source_settle(struct klog_source *source, struct klog_err *err);

/* Sets where it reads: from `next` up to `stop`, exclusive. */
void klog_source_place(struct klog_source *source, int64_t next, int64_t stop);

/*
 * The `count` newest records over all sources, by timestamp, each source
 * ending at its `end`: *next[i] is where source i begins.
 */
int klog_sources_tail(struct klog_sources *all, struct klog_decoder *d,
	int64_t count, int64_t *next, struct klog_err *err);

#endif
