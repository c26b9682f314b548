/*
 * What compaction has to know of the producers and transactions in a log:
 * which transactions were aborted, where the first open one begins, and which
 * batch is the last of its producer.  From a walk over the batch headers, and
 * the markers, whose checksums have to hold; a log that klog alone wrote has
 * none.  Source: Kafka's ProducerStateManager, and CleanedTransactionMetadata
 * in LogCleaner.
 */
#ifndef KLOG_PRODUCERS_H
#define KLOG_PRODUCERS_H

#include "keymap.h"
#include "segment.h"

struct klog_producer_fact {
	int64_t id;
	int64_t last_data; /* last offset of its last batch of data, or -1 */
	int64_t last_ms;
	int64_t open; /* first offset of its open transaction, or -1 */
	int16_t epoch;
	bool touched; /* of the copying pass: a batch came since its marker */
};

struct klog_aborted {
	int64_t id, first, last;
};

struct klog_producers {
	struct klog_keymap index; /* id to place in the list */
	struct klog_producer_fact *list;
	size_t count;
	struct klog_aborted *aborted; /* by id, then offset */
	size_t aborted_count;
	int64_t stable; /* the last stable offset; INT64_MAX: all is decided */
};

/* Walks over all segments: KLOG_ECORRUPT at damage. */
int klog_producers_walk(struct klog_producers *p, int dir, const char *path,
	struct klog_err *err);
void klog_producers_free(struct klog_producers *p);

/* Of a batch with data: whether its transaction was aborted. */
bool klog_producers_aborted(
	const struct klog_producers *p, const struct klog_batch *batch);

/*
 * In a pass over the batches in order.  Of a marker: whether nothing of its
 * transaction is in the log any more.
 */
bool klog_producers_pass(
	struct klog_producers *p, const struct klog_batch *batch);

/* Whether the batch is what is known of a producer that may still write, at
 * the time `now_ms`: it then stays, if need be empty. */
bool klog_producers_last(const struct klog_producers *p,
	const struct klog_batch *batch, int64_t now_ms);

#endif
