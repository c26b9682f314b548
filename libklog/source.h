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
	bool elsewhere;     /* another member of the group has it */
	int64_t start, end; /* as they were at the beginning */

	/* kept while it is closed */
	int64_t next, stop;
	int32_t epoch;
	bool placed;
	bool committed; /* transactions count: a Kafka's, read_committed */
	int64_t stable; /* what lies beyond is not decided yet */
	struct klog_transactions transactions;
};

/* A batch of a source that is being walked. */
struct klog_cursor {
	bool open; /* it is not yet walked to its end */
	struct klog_batch_iter it;
	int64_t from, stop; /* records outside are skipped */
	int32_t leader_epoch;
	bool log_append_time;
	bool no_timestamps;
};

struct klog_sources {
	struct klog_source *list;
	size_t count;
	size_t open_count, open_max;
	size_t chunk;        /* bytes that each reads at once */
	size_t last_evicted; /* where the search for one to close goes on */
	const struct klog_say *say;
	bool follow; /* there may be more where they end */
	bool synced;
	enum klog_reset reset;
	bool uncommitted; /* isolation.level=read_uncommitted */
};

int klog_sources_add(struct klog_sources *all, struct klog_topic *topic,
	int32_t partition, struct klog_err *err);
void klog_sources_free(struct klog_sources *all);

/* Settles how much each may read at once, and how many may be open beside
 * `others`, descriptors that the caller needs. */
void klog_sources_share(struct klog_sources *all, size_t memory, size_t others);

/* Opens it, closing another when there are too many. */
int klog_source_open(struct klog_sources *all, struct klog_source *source,
	struct klog_err *err);

/* Looks how far all is decided by now: 0 or -1. */
int klog_source_settle(struct klog_source *source, struct klog_err *err);

/* There may be something new in it. */
void klog_source_wake(struct klog_source *source);

/* Another member of the group has it from now on; klog_source_place takes it
 * back. */
void klog_source_rest(struct klog_sources *all, struct klog_source *source);

/* Sets where it reads: from `next` up to `stop`, exclusive. */
void klog_source_place(struct klog_source *source, int64_t next, int64_t stop);

/* Whether it was read to where it ends for good, or is not read here. */
bool klog_source_done(const struct klog_source *source);

/*
 * Opens the source's next batch that is for readers: 1, 0 nothing there yet,
 * -1.  The records are views into the source, or into the decoder where it
 * was compressed.
 */
int klog_source_batch(struct klog_sources *all, struct klog_source *source,
	struct klog_decoder *d, struct klog_cursor *cursor,
	struct klog_err *err);

/*
 * Takes up to `max` records of the batch: 0, or -1 when one is malformed;
 * *count is how many are good, also then.  At the end of the batch the cursor
 * is no longer open.
 */
int klog_source_take(const struct klog_source *source,
	struct klog_cursor *cursor, struct klog_record *records, size_t max,
	size_t *count, struct klog_err *err);

/*
 * The `count` newest records over all sources, by timestamp, each source
 * ending at its `end`: *next[i] is where source i begins.
 */
int klog_sources_tail(struct klog_sources *all, struct klog_decoder *d,
	int64_t count, int64_t *next, struct klog_err *err);

#endif
