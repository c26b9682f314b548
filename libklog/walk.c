#include <inttypes.h>

#include "record.h"
#include "walk.h"

/*
 * Steps over a record without headers whose varints are short, which nearly
 * all are.  NULL: it is another one, or malformed, and klog_record_take knows.
 */
static inline const uint8_t *
step_over(const uint8_t *p, const uint8_t *batch_end, int64_t *offset)
{
	enum { FIELD = 3 }; /* bytes of a short varint at most */
	const uint8_t *end;
	uint32_t n;

	if (batch_end - p < 4 * FIELD + 1 ||
		(p = klog_get_short(p, &n)) == NULL || (n & 1) != 0 ||
		n / 2 > (size_t)(batch_end - p))
		return NULL;
	end = p + n / 2;
	if ((p = klog_get_short(p + 1, &n)) == NULL ||
		(p = klog_get_short(p, &n)) == NULL || (n & 1) != 0)
		return NULL;
	*offset = n / 2;
	/* the key; of the odd, negative ones only null is usual */
	if ((p = klog_get_short(p, &n)) == NULL || ((n & 1) != 0 && n != 1) ||
		(n != 1 && (ptrdiff_t)(n / 2) > batch_end - p))
		return NULL;
	p += n / 2;
	if (batch_end - p < 2 * FIELD || (p = klog_get_short(p, &n)) == NULL ||
		((n & 1) != 0 && n != 1))
		return NULL;
	/* the value, and the count of headers */
	if (end - p != (ptrdiff_t)(n / 2 + 1) || end[-1] != 0)
		return NULL;
	return end;
}

/* Walks the records of an uncompressed batch of the format 2. */
static int
walk_plain(const struct klog_batch *b, struct klog_slice bytes,
	struct klog_err *err)
{
	struct klog_slice in = klog_slice_of(
		bytes.data + KLOG_BATCH_HEADER, b->size - KLOG_BATCH_HEADER);
	const uint8_t *p = in.data, *end = in.data + in.size, *next;
	int64_t previous = -1, offset;
	struct klog_record rec;
	int32_t i;

	for (i = 0; i < b->record_count; i++, p = next) {
		next = step_over(p, end, &offset);
		if (next == NULL) {
			in = klog_slice_of(p, (size_t)(end - p));
			if (klog_record_take(&in, &rec, err) == -1)
				return klog_err_in(err, "record %" PRId32, i);
			offset = rec.offset;
			next = in.data;
		}
		if (offset <= previous || offset > b->last_offset_delta)
			return klog_fail(err, KLOG_ECORRUPT,
				"record %" PRId32 ": offset delta %" PRId64
				" after %" PRId64 ", of %" PRId32,
				i, offset, previous, b->last_offset_delta);
		previous = offset;
	}
	if (p < end)
		return klog_fail(err, KLOG_ECORRUPT,
			"%td bytes behind the last record", end - p);
	return 0;
}

int
klog_walk_records(const struct klog_batch *b, struct klog_slice bytes,
	struct klog_compressor *c, size_t limit, struct klog_buf *scratch,
	struct klog_err *err)
{
	struct klog_batch_iter it;
	struct klog_record rec;
	int got;

	if (b->magic == KLOG_BATCH_MAGIC &&
		(b->attributes & KLOG_ATTR_CODEC) == KLOG_CODEC_NONE)
		return walk_plain(b, bytes, err);
	if (klog_batch_open(b, bytes, c, limit, scratch, &it, err) == -1)
		return -1;
	while ((got = klog_batch_next(&it, &rec, err)) == 1)
		;
	return got;
}
