/*
 * One record of a v2 batch (klog.h, struct klog_record): length, attributes,
 * timestamp and offset as deltas, key, value, headers.  Source: Kafka's
 * DefaultRecord.
 */
#ifndef KLOG_RECORD_H
#define KLOG_RECORD_H

#include "bytes.h"
#include "err.h"
#include "varint.h"

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

/*
 * The hot path of reading: takes a record without key and headers whose
 * varints are short.  false: it is another one, or malformed, or the batch
 * nearly at its end; nothing was taken, and klog_record_take knows.
 */
static inline bool
klog_record_take_plain(struct klog_slice *in, struct klog_record *rec)
{
	enum { FIELDS = 3 + 1 + 3 + 3 + 1 + 3 + 1 }; /* bytes at their most */
	const uint8_t *p = in->data, *end;
	uint32_t body, timestamp, offset, size;

	/* Odd ones are negative; only a null key is the byte 1. */
	if (in->size < FIELDS || (p = klog_get_short(p, &body)) == NULL ||
		(body & 1) != 0 || body / 2 > in->size - 3)
		return false;
	end = p + body / 2;
	if ((p = klog_get_short(p + 1, &timestamp)) == NULL ||
		(p = klog_get_short(p, &offset)) == NULL || (offset & 1) != 0 ||
		*p != 1 || (p = klog_get_short(p + 1, &size)) == NULL ||
		(size & 1) != 0 || end - p != (ptrdiff_t)(size / 2 + 1) ||
		end[-1] != 0)
		return false;
	rec->offset = offset / 2;
	rec->timestamp_ms = klog_unzigzag(timestamp);
	rec->key.data = NULL;
	rec->key.size = 0;
	rec->value.data = p;
	rec->value.size = size / 2;
	rec->headers.data = end;
	rec->headers.size = 0;
	rec->header_count = 0;
	rec->partition = -1;
	in->size -= (size_t)(end - in->data);
	in->data = end;
	return true;
}

#endif
