/*
 * A codec's decompressor.  The input is the limit, two bytes, then what is
 * decompressed.  What came out can be compressed and comes back the same.
 */
#ifndef CODEC_H
#define CODEC_H

#include "fuzz.h"
#include "libklog/compression.h"

#define BEFORE "what was there" /* stays in front of the output */
#define SPARE ((size_t)128 << 10)

static int
fuzz_codec(enum klog_codec codec, const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size), came;
	size_t limit = (size_t)fuzz_number(&in, 2) * 8;
	static struct klog_compressor c; /* kept from one to the next, too */
	struct klog_buf out = { NULL, 0, 0 }, packed = { NULL, 0, 0 },
			again = { NULL, 0, 0 };
	struct klog_err err;
	uint8_t *copy = fuzz_copy(in);
	int got;

	must(klog_buf_put(&out, BEFORE, sizeof(BEFORE)) == 0);
	got = klog_decompress(
		&c, codec, klog_slice_of(copy, in.size), limit, &out, &err);
	/* a buffer grows by doubling */
	must(out.capacity <= 2 * (sizeof(BEFORE) + limit + SPARE));
	must(memcmp(out.data, BEFORE, sizeof(BEFORE)) == 0);
	must(out.size >= sizeof(BEFORE));
	came = klog_slice_of(
		out.data + sizeof(BEFORE), out.size - sizeof(BEFORE));
	if (got == -1) {
		must(came.size == 0);
		must(err.code == KLOG_ECORRUPT);
	} else {
		must(came.size <= limit);
		must(klog_compress(&c, codec, INT32_MIN, came, &packed, &err) ==
			0);
		must(klog_decompress(&c, codec,
			     klog_slice_of(packed.data, packed.size), limit,
			     &again, &err) == 0);
		must(fuzz_same(came, klog_slice_of(again.data, again.size)));
	}
	free(copy);
	klog_buf_free(&out);
	klog_buf_free(&packed);
	klog_buf_free(&again);
	return 0;
}

#endif
