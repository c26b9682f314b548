/* Walking a batch, with what holds of every record. */
#ifndef RECORDS_H
#define RECORDS_H

#include "fuzz.h"
#include "libklog/batch.h"
#include "libklog/record.h"

#define DECODED_MAX ((size_t)1 << 20)

static inline bool
inside(struct klog_slice part, struct klog_slice whole)
{
	return part.data == NULL ||
		(part.data >= whole.data &&
			part.data + part.size <= whole.data + whole.size);
}

static inline void
walk_headers(const struct klog_record *rec, struct klog_slice from)
{
	struct klog_slice rest = rec->headers;
	struct klog_header header;
	int32_t count = 0;
	int r;

	while ((r = klog_header_next(&rest, &header)) == 1) {
		must(inside(header.name, from) && inside(header.value, from));
		count++;
	}
	must(r == 0 && count == rec->header_count);
}

/*
 * Walks the records of a batch whose checksum is not asked for (a record_count
 * of -1 is that of an old format, which says none); each is also
 * added to *copy (may be NULL) as long as that takes it.  1 when the batch
 * is good to its end.
 */
static inline int
walk_records(const struct klog_batch *batch, struct klog_slice bytes,
	struct klog_compressor *c, struct klog_builder *copy)
{
	struct klog_buf scratch = { NULL, 0, 0 };
	struct klog_batch_iter it;
	struct klog_record rec;
	struct klog_err err;
	int64_t previous = batch->base_offset - 1;
	int32_t count = 0;
	int r = klog_batch_open(
		batch, bytes, c, DECODED_MAX, &scratch, &it, &err);

	while (r == 0 && (r = klog_batch_next(&it, &rec, &err)) == 1) {
		struct klog_slice from = scratch.size > 0
			? klog_slice_of(scratch.data, scratch.size)
			: bytes;

		must(rec.offset > previous &&
			rec.offset <= klog_batch_last_offset(batch));
		must(inside(rec.key, from) && inside(rec.value, from));
		walk_headers(&rec, from);
		if (copy != NULL)
			must(klog_builder_add(copy, &rec, &err) == 0);
		previous = rec.offset;
		count++;
		r = 0;
	}
	must(scratch.size <= DECODED_MAX);
	if (r == -1)
		must(err.code == KLOG_ECORRUPT);
	else
		must(batch->record_count == -1 || count == batch->record_count);
	klog_buf_free(&scratch);
	return r == 0;
}

#endif
