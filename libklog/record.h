/*
 * One record of a v2 batch (klog.h, struct klog_record): length, attributes,
 * timestamp and offset as deltas, key, value, headers.  Source: Kafka's
 * DefaultRecord.
 */
#ifndef KLOG_RECORD_H
#define KLOG_RECORD_H

#include "bytes.h"
#include "err.h"

/* Encoded bytes of a record, its length field included. */
size_t klog_record_size(const struct klog_record *rec, int64_t timestamp_delta,
	int32_t offset_delta);

/* Writes klog_record_size bytes at p; answers their end. */
uint8_t *klog_record_put(uint8_t *p, const struct klog_record *rec,
	int64_t timestamp_delta, int32_t offset_delta);

/*
 * Takes the next record off *in: rec->offset is the delta and
 * rec->timestamp_ms the delta; key, value and headers point into *in.
 * The body must be used up exactly, headers well formed.  0 or -1 with words
 * and KLOG_ECORRUPT.
 */
int klog_record_take(
	struct klog_slice *in, struct klog_record *rec, struct klog_err *err);

/* Appends one header in Kafka's encoding, for klog_record.headers. */
int klog_header_put(struct klog_buf *buf, const struct klog_header *header);

#endif
