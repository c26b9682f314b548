/*
 * Transactions in a Kafka's partition, for read_committed: which batches were
 * aborted, and up to where all is decided.  klog itself writes none.  Batch
 * headers are walked ahead of the reader; .snapshot files say where a walk may
 * begin, .txnindex is not needed.  Source: Kafka's ProducerStateManager and
 * CompletedFetch.
 */
#ifndef KLOG_TRANSACTIONS_H
#define KLOG_TRANSACTIONS_H

#include "lookup.h"

struct klog_open_txn {
	int64_t producer_id;
	int64_t first; /* offset of its first batch */
};

struct klog_done_txn {
	int64_t producer_id;
	int64_t first, last; /* the marker's offset is the last */
	bool aborted;
};

/* A walk over batch headers: what is open at offset `next`. */
struct klog_txn_walk {
	bool begun;
	bool damaged; /* it can go no further: the reader will say why */
	int64_t next;
	int64_t base, position; /* of the segment, and in it */
	int64_t expected;       /* no batch of it begins before that */
	struct klog_open_txn *open;
	size_t open_count;
	struct klog_done_txn *done;
	size_t done_count;
};

struct klog_transactions {
	struct klog_txn_walk ahead; /* to the end: what is stable */
	struct klog_txn_walk near;  /* as far as the reader needs it */
};

void klog_transactions_free(struct klog_transactions *t);

/*
 * The last stable offset: the first offset of the oldest transaction that is
 * open, else how far the log was walked; -1.  INT64_MAX when damage is in the
 * way, which the reader meets then.
 */
int64_t klog_transactions_stable(struct klog_transactions *t,
	const struct klog_reader *reader, struct klog_err *err);

/* Whether the reader's batch, below the last stable offset, is of a
 * transaction that was aborted: 1, 0, -1. */
int klog_transactions_aborted(struct klog_transactions *t,
	const struct klog_reader *reader, struct klog_err *err);

#endif
