/*
 * A message of format 0 or 1: a byte says which, and how it is made of the
 * messages behind it.  Their sizes and checksums are mended, and they are put
 * into a wrapper of the codec that the byte names, or read one by one.
 */
#include "libklog/legacy.h"
#include "records.h"

enum { LEAST = 26, AT_SIZE = 8, AT_CRC = 12, AT_MAGIC = 16 };

enum {
	MAGIC = 0x01,
	CODEC = 0x0e, /* 0: not wrapped; zstd is none of these formats' */
	APPEND_TIME = 0x10,
	AS_IT_IS = 0x20, /* the messages are not mended */
	NULL_VALUE = 0x40
};

static struct klog_compressor compressor;

static void
mend(uint8_t *p, size_t left, uint64_t magic)
{
	while (left >= LEAST) {
		uint32_t size = klog_get_be32(p + AT_SIZE);
		size_t whole = size >= LEAST - 12 && size <= left - 12
			? (size_t)size + 12
			: left;

		p[AT_MAGIC] = (uint8_t)magic;
		klog_set_be32(p + AT_SIZE, (uint32_t)(whole - 12));
		klog_set_be32(
			p + AT_CRC, fuzz_crc32(p + AT_MAGIC, whole - AT_MAGIC));
		p += whole;
		left -= whole;
	}
}

/* A message around them. */
static void
wrap(struct klog_slice set, uint64_t options, struct klog_buf *out)
{
	enum klog_codec codec = (enum klog_codec)((options & CODEC) >> 1);
	bool has_time = (options & MAGIC) != 0;
	uint8_t head[12 + 6 + 8 + 8] = { 0 };
	size_t at = AT_MAGIC, value;
	struct klog_err err;

	klog_set_be64(head, 1000);
	head[at++] = (uint8_t)(options & MAGIC);
	head[at++] = (uint8_t)((unsigned)codec |
		(options & APPEND_TIME ? 0x08u : 0));
	if (has_time) {
		klog_set_be64(head + at, 1700000000000);
		at += 8;
	}
	klog_set_be32(head + at, UINT32_MAX); /* no key */
	at += 8;
	must(klog_buf_put(out, head, at) == 0);
	value = out->size;
	must(klog_compress(&compressor, codec, 1, set, out, &err) == 0);
	klog_set_be32(out->data + value - 4,
		options & NULL_VALUE ? UINT32_MAX
				     : (uint32_t)(out->size - value));
	klog_set_be32(out->data + AT_SIZE, (uint32_t)(out->size - 12));
	klog_set_be32(out->data + AT_CRC,
		fuzz_crc32(out->data + AT_MAGIC, out->size - AT_MAGIC));
}

/* Each message in front, as a log has them. */
static void
read_all(struct klog_slice in)
{
	struct klog_batch batch;
	struct klog_slice one;
	struct klog_err err;

	while (in.size > 0 && klog_batch_parse(in, &batch, &err) == 0 &&
		klog_take(&in, batch.size, &one)) {
		must(batch.magic <= 2 && batch.size >= 12);
		must(batch.base_offset >= 0);
		must(klog_batch_last_offset(&batch) >= batch.base_offset);
		if (klog_batch_check(&batch, one))
			(void)walk_records(&batch, one, &compressor, NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	uint64_t options = fuzz_number(&in, 1);
	uint8_t *copy = fuzz_copy(in);
	struct klog_slice set = klog_slice_of(copy, in.size);
	struct klog_buf out = { NULL, 0, 0 };
	uint8_t *exact;

	if ((options & AS_IT_IS) == 0)
		mend(copy, in.size, options & MAGIC);
	if ((options & CODEC) == 0 || (options & CODEC) > KLOG_CODEC_LZ4 << 1)
		must(klog_buf_put(&out, set.data, set.size) == 0);
	else
		wrap(set, options, &out);
	exact = fuzz_copy(klog_slice_of(out.data, out.size));
	read_all(klog_slice_of(exact, out.size));
	free(exact);
	free(copy);
	klog_buf_free(&out);
	return 0;
}
