/*
 * A Kafka's .txnindex against the transactions, while their batches come by in
 * order, segment after segment: an entry for each that was aborted, in the
 * segment that holds its marker.  Source: Kafka's ProducerStateManager.
 */
#ifndef KLOG_ABORTS_H
#define KLOG_ABORTS_H

#include "batch.h"
#include "entries.h"
#include "findings.h"

#define KLOG_ABORTS_OPEN 1024 /* beyond, nothing is known of what is open */

struct klog_aborts {
	struct klog_findings *out; /* set by the caller */
	bool known; /* every transaction that is open is in the list */
	bool gaps;  /* compacted: what is gone was perhaps of one */
	struct {
		int64_t producer_id, first;
	} open[KLOG_ABORTS_OPEN];
	size_t open_count;

	/* of the segment */
	int64_t base;
	int fd;
	char name[KLOG_FILE_NAME];
	struct klog_entries entries;
};

/* Before the first batch of a segment, whose file need not be there. */
int klog_aborts_begin(
	struct klog_aborts *a, int dir, int64_t base, struct klog_err *err);

/* The next good batch; `bytes` whole. */
int klog_aborts_batch(struct klog_aborts *a, const struct klog_batch *batch,
	struct klog_slice bytes, struct klog_err *err);

/* Some batches were damaged. */
void klog_aborts_skip(struct klog_aborts *a);

/* After the last batch of the segment: `finished`, or there may be more. */
int klog_aborts_end(struct klog_aborts *a, bool finished, struct klog_err *err);
void klog_aborts_close(struct klog_aborts *a);

#endif
