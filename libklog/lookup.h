/*
 * Places in a partition by what they stand for: a time, a count before the
 * end, the newest timestamp (Kafka's ListOffsets).
 */
#ifndef KLOG_LOOKUP_H
#define KLOG_LOOKUP_H

#include "reader.h"

/* What decoding a batch needs, kept from one to the next. */
struct klog_decoder {
	struct klog_compressor compressor;
	struct klog_buf scratch;
	size_t limit; /* bytes of a decompressed batch */
};

#define KLOG_DECODED_MAX ((size_t)64 * 1024 * 1024)

void klog_decoder_init(struct klog_decoder *d);
void klog_decoder_free(struct klog_decoder *d);

/* Begins to walk the batch that the reader is at. */
int klog_decoder_open(struct klog_decoder *d, const struct klog_reader *r,
	struct klog_batch_iter *it, struct klog_err *err);

/*
 * The offset that `at` stands for, between the log's start and `end`.  A time
 * is the first record, in offset order, stamped at or after it, in the first
 * segment whose newest record is not older; none: `end`.  *timestamp_ms is
 * that of the record found, else -1.  The reader's position is kept.
 */
int klog_lookup(struct klog_reader *r, struct klog_decoder *d,
	struct klog_at at, int64_t end, int64_t *offset, int64_t *timestamp_ms,
	struct klog_err *err);

/* The same for who removes what lies before it: a time is looked for in every
 * segment, so that none of it is as new, in whatever order it came. */
int klog_lookup_surely(struct klog_reader *r, struct klog_decoder *d,
	struct klog_at at, int64_t end, int64_t *offset, struct klog_err *err);

/*
 * The newest timestamp of a segment, -1 without any: what the last entry of
 * its time index says, if its batch says so too, and the batches behind it.
 */
int klog_lookup_newest(struct klog_reader *r, int64_t base, int64_t *newest_ms,
	struct klog_err *err);

/* The timestamp of the first record at or after `offset` and before `end`; -1
 * when there is none, or it has none.  The reader's position is kept. */
int klog_lookup_time(struct klog_reader *r, struct klog_decoder *d,
	int64_t offset, int64_t end, int64_t *timestamp_ms,
	struct klog_err *err);

#endif
