/* One record: Kafka's bytes both ways, and what is refused. */
#include "hex.h"
#include "libklog/record.h"
#include "tap.h"

static struct klog_err err;

static void
put_header(struct klog_buf *buf, const struct klog_header *header)
{
	klog_buf_reserve(buf,
		KLOG_HEADER_EXTRA + header->name.size + header->value.size);
	buf->size = (size_t)(klog_header_put(buf->data + buf->size, header) -
		buf->data);
}

static bool
text_is(struct klog_slice s, const char *want)
{
	if (want == NULL)
		return s.data == NULL && s.size == 0;
	return s.data != NULL && same_bytes(s, slice(want));
}

static void
check_put(const struct klog_record *rec, int64_t timestamp, int32_t offset,
	const char *hex, const char *what)
{
	struct klog_slice want = unhex(hex);
	size_t size = klog_record_size(rec, timestamp, offset);
	uint8_t *out = copy_of(want.data, want.size);

	is_int((int64_t)size, (int64_t)want.size, "size of %s", what);
	if (size == want.size) {
		uint8_t *end = klog_record_put(out, rec, timestamp, offset);

		ok(end == out + size &&
				same_bytes(klog_slice_of(out, size), want),
			"bytes of %s", what);
	}
	free(out);
	drop(want);
}

/* The first record of golden batch G2: two headers, one of them null. */
static const char full_hex[] = "26000000046b31047631040468310278"
			       "0468320"
			       "1";

static void
full(void)
{
	struct klog_header h1 = { slice("h1"), slice("x") };
	struct klog_header h2 = { slice("h2"), { NULL, 0 } };
	struct klog_record rec = { .key = slice("k1"), .value = slice("v1") };
	struct klog_slice bytes = unhex(full_hex), in = bytes, headers;
	struct klog_header header;
	struct klog_buf buf = { 0 };

	put_header(&buf, &h1);
	put_header(&buf, &h2);
	rec.headers = klog_slice_of(buf.data, buf.size);
	rec.header_count = 2;
	check_put(&rec, 0, 0, full_hex, "key, value and headers");
	ok(klog_record_take(&in, &rec, &err) == 0 && in.size == 0, "take it");
	ok(text_is(rec.key, "k1") && text_is(rec.value, "v1"), "key, value");
	is_int(rec.header_count, 2, "two headers");
	headers = rec.headers;
	ok(klog_header_next(&headers, &header) == 1 &&
			text_is(header.name, "h1") &&
			text_is(header.value, "x"),
		"the first");
	ok(klog_header_next(&headers, &header) == 1 &&
			text_is(header.name, "h2") &&
			text_is(header.value, NULL),
		"the second has no value");
	is_int(klog_header_next(&headers, &header), 0, "no third");
	klog_buf_free(&buf);
	drop(bytes);
}

static void
nulls(void)
{
	struct klog_record rec = { .value = slice("only-value") };
	struct klog_record none = { .partition = 7 };
	struct klog_record empty = { .key = slice(""), .value = slice("") };
	struct klog_slice bytes = unhex("10000606000002000011"), in = bytes;

	check_put(&rec, 1, 1, "2000020201146f6e6c792d76616c756500", "no key");
	check_put(&none, -3900, 3, "0e00f73c06010100", "nothing at all");
	check_put(&empty, 3, 3, "0c000606000000", "empty key and value");
	ok(klog_record_take(&in, &rec, &err) == 0, "an empty header");
	ok(text_is(rec.key, "") && text_is(rec.value, ""), "empty is not null");
	ok(rec.timestamp_ms == 3 && rec.offset == 3 && rec.partition == -1,
		"deltas");
	is_int((int64_t)in.size, 1, "the next record is left alone");
	drop(bytes);
	in = bytes = unhex("0e000000030300"
			   "00");
	ok(klog_record_take(&in, &rec, &err) == -1, "a byte too many");
	drop(bytes);
	in = bytes = unhex("0c000000030300");
	ok(klog_record_take(&in, &rec, &err) == 0 && text_is(rec.key, NULL) &&
			text_is(rec.value, NULL),
		"length -2 is null too");
	drop(bytes);
}

static void
refused(const char *hex, const char *what)
{
	struct klog_slice bytes = unhex(hex), in = bytes;
	struct klog_record rec;

	err.code = KLOG_OK;
	ok(klog_record_take(&in, &rec, &err) == -1 &&
			err.code == KLOG_ECORRUPT && in.size == bytes.size,
		"refused: %s", what);
	drop(bytes);
}

static void
headers_alone(void)
{
	static const char *const bad[] = { "01", "02", "0268", "026804", "03",
		"80" };
	struct klog_header header;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct klog_slice bytes = unhex(bad[i]), in = bytes;

		ok(klog_header_next(&in, &header) == -1, "header %s", bad[i]);
		drop(bytes);
	}
}

/* All cuts, exactly as long: the length field says more than is there. */
static void
cuts(void)
{
	struct klog_slice whole = unhex(full_hex);
	struct klog_record rec;
	int taken = 0;

	for (size_t size = 0; size < whole.size; size++) {
		uint8_t *copy = copy_of(whole.data, size);
		struct klog_slice in = klog_slice_of(copy, size);

		taken += klog_record_take(&in, &rec, &err) == 0;
		if (size > 0) { /* with a length field that fits */
			copy[0] = (uint8_t)((size - 1) * 2);
			in = klog_slice_of(copy, size);
			taken += klog_record_take(&in, &rec, &err) == 0;
		}
		free(copy);
	}
	is_int(taken, 0, "no cut is taken");
	drop(whole);
}

/*
 * The short way must take nothing that the long way refuses or reads
 * otherwise: bytes that are nearly a plain record, in a block of their size.
 */
static void
plain_agrees(void)
{
	static const uint8_t some[] = { 0, 1, 2, 3, 4, 16, 20, 126, 127, 128,
		129, 130, 160, 255 };
	int differ = 0, taken = 0;
	uint32_t x = 2463534242u;

	for (int i = 0; i < 300000; i++) {
		uint8_t bytes[40] = { 0 }, *block;
		struct klog_record a = { 0 }, b = { 0 };
		struct klog_slice one, two;
		size_t size = 15 + (size_t)i % 26;
		uint8_t length = (uint8_t)(6 + i % 14);

		bytes[0] = (uint8_t)(length * 2);
		bytes[4] = 1;
		bytes[5] = (uint8_t)(length * 2 - 12);
		for (int change = i / 64 % 4; change > 0; change--) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			bytes[x % 24] = some[(x >> 8) % sizeof(some)];
		}
		block = copy_of(bytes, size);
		one = two = klog_slice_of(block, size);
		if (klog_record_take_plain(&one, &a)) {
			taken++;
			differ += klog_record_take(&two, &b, &err) == -1 ||
				one.data != two.data || one.size != two.size ||
				a.offset != b.offset ||
				a.timestamp_ms != b.timestamp_ms ||
				a.key.data != b.key.data ||
				a.value.data != b.value.data ||
				a.value.size != b.value.size ||
				a.headers.size != b.headers.size ||
				a.header_count != b.header_count;
		} else {
			differ += one.data != block || one.size != size;
		}
		free(block);
	}
	is_int(differ, 0, "the short way agrees with the long way");
	ok(taken > 50000, "and is taken, %d times", taken);
}

int
main(void)
{
	full();
	nulls();
	refused("", "nothing");
	refused("00", "an empty body");
	refused("01", "a negative length");
	refused("0200", "a record that runs past the batch");
	refused("0c000000010101", "a negative count of headers");
	refused("0c000000010102", "a header that is not there");
	refused("0c00000001017e", "many headers that are not there");
	refused("0e00000001010000", "a byte after the last field");
	refused("10000000010102"
		"0100",
		"a header without a name");
	refused("0c000000080100", "a key that runs past the record");
	refused("0c000000010800", "a value that runs past the record");
	refused("1e00ffffffffffffffffff0300010100", "a delta of 65 bits");
	headers_alone();
	cuts();
	plain_agrees();
	return done();
}
