/*
 * A batch that is well framed: length, magic and checksum are mended, the
 * records are compressed by the codec that the attributes name, and counted.
 * Two attributes that Kafka does not use turn that off: 0x4000 leaves the
 * count as it is, 0x8000 takes the records as already compressed.  What is
 * read from it is built anew, and must come back the same.
 */
#include "libklog/crc32c.h"
#include "records.h"

enum {
	AT_LENGTH = 8,
	AT_MAGIC = 16,
	AT_CRC = 17,
	AT_ATTRIBUTES = 21,
	AT_RECORD_COUNT = 57,
	COUNT_AS_IT_IS = 0x4000,
	COMPRESSED_ALREADY = 0x8000
};

static struct klog_compressor compressor;

/* How many records there are, by their lengths alone. */
static uint32_t
count_records(struct klog_slice in)
{
	struct klog_slice body;
	uint32_t count = 0;
	int32_t size;

	while (in.size > 0) {
		count++;
		if (!klog_take_varint(&in, &size) || size < 0 ||
			!klog_take(&in, (size_t)size, &body))
			break;
	}
	return count;
}

/* The input as a batch in *out. */
static void
mend(struct klog_slice in, struct klog_buf *out)
{
	struct klog_slice header, records;
	uint16_t attributes;
	struct klog_err err;

	must(klog_take(&in, KLOG_BATCH_HEADER, &header));
	records = in;
	must(klog_buf_put(out, header.data, header.size) == 0);
	attributes = klog_get_be16(out->data + AT_ATTRIBUTES);
	if ((attributes & COUNT_AS_IT_IS) == 0)
		klog_set_be32(
			out->data + AT_RECORD_COUNT, count_records(records));
	if ((attributes & COMPRESSED_ALREADY) != 0 ||
		klog_codec_name(attributes & KLOG_ATTR_CODEC) == NULL)
		must(klog_buf_put(out, records.data, records.size) == 0);
	else
		must(klog_compress(&compressor,
			     (enum klog_codec)(attributes & KLOG_ATTR_CODEC), 1,
			     records, out, &err) == 0);
	out->data[AT_MAGIC] = 2;
	klog_set_be32(out->data + AT_LENGTH,
		(uint32_t)(out->size - KLOG_BATCH_PREFIX));
	klog_set_be32(out->data + AT_CRC,
		klog_crc32c(
			out->data + AT_ATTRIBUTES, out->size - AT_ATTRIBUTES));
}

static void
must_be_same(const struct klog_record *a, const struct klog_record *b)
{
	must(a->timestamp_ms == b->timestamp_ms);
	must((a->key.data == NULL) == (b->key.data == NULL));
	must((a->value.data == NULL) == (b->value.data == NULL));
	must(fuzz_same(a->key, b->key) && fuzz_same(a->value, b->value));
	must(a->header_count == b->header_count);
	must(fuzz_same(a->headers, b->headers));
}

/* Builds the records anew, and compares. */
static void
build_again(const struct klog_batch *batch, struct klog_slice bytes,
	struct klog_builder *copy)
{
	enum klog_codec codec = (enum klog_codec)(
		batch->attributes & KLOG_ATTR_CODEC);
	struct klog_buf one = { NULL, 0, 0 }, two = { NULL, 0, 0 },
			sealed = { NULL, 0, 0 };
	struct klog_batch_iter it, again;
	struct klog_record rec, same;
	struct klog_batch built;
	struct klog_slice out;
	struct klog_err err;

	must(klog_builder_seal(copy, &compressor, codec, INT32_MIN, &sealed,
		     &out, &err) == 0);
	must(klog_batch_parse(out, &built, &err) == 0);
	must(built.size == out.size && klog_batch_check(&built, out));
	must(built.record_count == batch->record_count);
	must(klog_batch_open(batch, bytes, &compressor, DECODED_MAX, &one, &it,
		     &err) == 0);
	/* what is built anew may be larger: numbers that were not minimal */
	must(klog_batch_open(&built, out, &compressor, 2 * DECODED_MAX, &two,
		     &again, &err) == 0);
	while (klog_batch_next(&it, &rec, &err) == 1) {
		must(klog_batch_next(&again, &same, &err) == 1);
		must_be_same(&rec, &same);
	}
	must(klog_batch_next(&again, &same, &err) == 0);
	klog_buf_free(&one);
	klog_buf_free(&two);
	klog_buf_free(&sealed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_builder copy = { .count = 0 };
	struct klog_buf mended = { NULL, 0, 0 };
	struct klog_batch batch;
	struct klog_err err;
	struct klog_slice in;
	uint8_t *exact;

	if (size < KLOG_BATCH_HEADER)
		return 0;
	mend(klog_slice_of(data, size), &mended);
	exact = fuzz_copy(klog_slice_of(mended.data, mended.size));
	in = klog_slice_of(exact, mended.size);
	if (klog_batch_parse(in, &batch, &err) == 0) {
		must(klog_batch_check(&batch, in));
		if (walk_records(&batch, in, &compressor, &copy) == 1 &&
			copy.count > 0)
			build_again(&batch, in, &copy);
	}
	klog_builder_free(&copy);
	klog_buf_free(&mended);
	free(exact);
	return 0;
}
