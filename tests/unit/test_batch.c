/*
 * Batches: Kafka's own bytes both ways, what is refused, and damage: every
 * cut and every flipped bit, also past the checksum.
 */
#include "golden.h"
#include "hex.h"
#include "libklog/batch.h"
#include "libklog/crc32c.h"
#include "libklog/record.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define T0 INT64_C(1700000000000)
#define LIMIT ((size_t)1 << 20)

static struct klog_err err;
static struct klog_compressor compressor;

/* ---- Kafka's batches, read ---- */

static void
put_header(struct klog_buf *buf, const struct klog_header *header)
{
	klog_buf_reserve(buf,
		KLOG_HEADER_EXTRA + header->name.size + header->value.size);
	buf->size = (size_t)(klog_header_put(buf->data + buf->size, header) -
		buf->data);
}

static void
add_bytes(char *text, size_t size, struct klog_slice s)
{
	size_t used = strlen(text);

	if (s.data == NULL)
		snprintf(text + used, size - used, " -");
	else
		snprintf(text + used, size - used, " '");
	for (size_t i = 0; i < s.size; i++) {
		used = strlen(text);
		snprintf(text + used, size - used,
			s.data[i] < ' ' ? "\\%d" : "%c", s.data[i]);
	}
	used = strlen(text);
	snprintf(text + used, size - used, s.data == NULL ? "" : "'");
}

/* "OFFSET T0+N KEY VALUE [NAME VALUE]...; " for each record. */
static void
describe(struct klog_slice bytes, char *text, size_t size)
{
	struct klog_buf scratch = { 0 };
	struct klog_batch_iter it;
	struct klog_batch batch;
	struct klog_record rec;
	struct klog_header header;
	int r = -1;

	text[0] = '\0';
	err.text[0] = '\0';
	if (klog_batch_parse(bytes, &batch, &err) == -1 ||
		!klog_batch_check(&batch, bytes) ||
		klog_batch_open(&batch, bytes, &compressor, LIMIT, &scratch,
			&it, &err) == -1)
		snprintf(text, size, "cannot open: %s", err.text);
	else
		while ((r = klog_batch_next(&it, &rec, &err)) > 0) {
			size_t used = strlen(text);

			snprintf(text + used, size - used,
				"%" PRId64 " %+" PRId64, rec.offset,
				rec.timestamp_ms - T0);
			add_bytes(text, size, rec.key);
			add_bytes(text, size, rec.value);
			while (klog_header_next(&rec.headers, &header) == 1) {
				add_bytes(text, size, header.name);
				add_bytes(text, size, header.value);
			}
			used = strlen(text);
			snprintf(text + used, size - used, "; ");
		}
	if (r == -1)
		snprintf(text, size, "failed: %s", err.text);
	klog_buf_free(&scratch);
}

static void
check_read(const struct golden *golden, const char *want)
{
	struct klog_slice bytes = unhex(golden->hex);
	char text[1024];

	describe(bytes, text, sizeof(text));
	is_str(text, want, "%s", golden->name);
	drop(bytes);
}

static const char *const plain[] = {
	"0 +0 - 'hello'; ",
	"1 +1 'k1' 'v1' 'h1' 'x' 'h2' -; 2 +2 - 'only-value'; 3 +3 'k2' -; "
	"4 +4 '' '' '' ''; ",
	"1000 +1000 'a' '1'; 1001 +5000 'b' '2'; 1002 -500 'c' '3'; "
	"1003 +1100 'd' '4'; ",
	"1004 +9999 'x' 'lat-0'; 1005 +9999 'y' 'lat-1'; ",
	"1006 +20000 '\\0\\0\\0\\1' '\\0\\0\\0\\0\\0\\7'; ",
	"1007 +20001 '\\0\\0\\0\\0' '\\0\\0\\0\\0\\0\\7'; ",
	"",
	"1001 +5000 'b' '2'; 1003 +1100 'd' '4'; ",
	"1010 +30000 'k' 'keep'; 1012 +30002 'dead' -; ",
};

static const char *const transactions[] = {
	"0 +0 'a' 't1-0'; 1 +1 'b' 't1-1'; ",
	"2 +2 'c' 'plain'; ",
	"3 +3 'd' 't2-0'; ",
	"4 +4 '\\0\\0\\0\\0' '\\0\\0\\0\\0\\0\\1'; ",
	"5 +5 '\\0\\0\\0\\1' '\\0\\0\\0\\0\\0\\1'; ",
};

#define A32 "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
static const char compressed[] = "10 +0 'k' " A32 "; 11 +1 'k' " A32 "; ";

static void
read_all(void)
{
	for (size_t i = 0; i < COUNT(golden_plain); i++)
		check_read(&golden_plain[i], plain[i]);
	for (size_t i = 0; i < COUNT(golden_transactions); i++)
		check_read(&golden_transactions[i], transactions[i]);
	for (size_t i = 0; i < COUNT(golden_compressed); i++)
		check_read(&golden_compressed[i], compressed);
}

static void
fields(void)
{
	struct klog_slice bytes = unhex(golden_plain[2].hex);
	struct klog_batch b;

	is_int(klog_batch_parse(bytes, &b, &err), 0, "the header of G3");
	is_int(b.base_offset, 1000, "baseOffset");
	is_int(klog_batch_last_offset(&b), 1003, "last offset");
	is_int(b.size, 100, "size");
	is_int(b.leader_epoch, 5, "partitionLeaderEpoch");
	is_int(b.magic, 2, "magic");
	is_int(b.crc, 0xa05f76ef, "crc");
	is_int(b.attributes, 0, "attributes");
	is_int(b.base_timestamp_ms, T0 + 1000, "baseTimestamp");
	is_int(b.max_timestamp_ms, T0 + 5000, "maxTimestamp");
	is_int(b.producer_id, 4000, "producerId");
	is_int(b.producer_epoch, 3, "producerEpoch");
	is_int(b.base_sequence, 10, "baseSequence");
	is_int(b.record_count, 4, "recordsCount");
	drop(bytes);
}

/* ---- the same, written ---- */

struct item {
	int64_t timestamp;
	const char *key;
	const char *value;
};

static struct klog_record
record_of(const struct item *item)
{
	struct klog_record rec = { .timestamp_ms = T0 + item->timestamp };

	if (item->key != NULL)
		rec.key = slice(item->key);
	if (item->value != NULL)
		rec.value = slice(item->value);
	return rec;
}

/* A sealed copy of its own size. */
static struct klog_slice
build(const struct klog_record *recs, size_t count, enum klog_codec codec)
{
	struct klog_builder b = { 0 };
	struct klog_buf scratch = { 0 };
	struct klog_slice out = { NULL, 0 };
	int wrong = 0;

	for (size_t i = 0; i < count; i++) {
		size_t want = klog_builder_size_with(&b, &recs[i]);

		wrong += klog_builder_add(&b, &recs[i], &err) == -1 ||
			b.buf.size != want;
	}
	is_int(wrong, 0, "klog_builder_size_with is right");
	ok(klog_builder_seal(&b, &compressor, codec, INT32_MIN, &scratch, &out,
		   &err) == 0,
		"seal");
	out = klog_slice_of(copy_of(out.data, out.size), out.size);
	klog_builder_free(&b);
	klog_buf_free(&scratch);
	return out;
}

static struct klog_slice
build_items(const struct item *items, size_t count, enum klog_codec codec)
{
	struct klog_record recs[8];

	for (size_t i = 0; i < count; i++)
		recs[i] = record_of(&items[i]);
	return build(recs, count, codec);
}

static uint8_t *
bytes_of(struct klog_slice s)
{
	return (uint8_t *)(uintptr_t)s.data;
}

/* Compares with a golden batch; frees `out`. */
static void
check_written(struct klog_slice out, const struct golden *golden)
{
	struct klog_slice want = unhex(golden->hex);

	ok(same_bytes(out, want), "written to the byte: %s", golden->name);
	drop(want);
	drop(out);
}

static void
write_g1(void)
{
	static const struct item items[] = { { 0, NULL, "hello" } };
	struct klog_slice out = build_items(items, 1, KLOG_CODEC_NONE);

	klog_batch_stamp(bytes_of(out), 0, 0, -1);
	check_written(out, &golden_plain[0]);
}

static void
write_g2(void)
{
	static const struct item items[] = { { 1, "k1", "v1" },
		{ 2, NULL, "only-value" }, { 3, "k2", NULL }, { 4, "", "" } };
	struct klog_header h1 = { slice("h1"), slice("x") };
	struct klog_header h2 = { slice("h2"), { NULL, 0 } };
	struct klog_header h3 = { slice(""), slice("") };
	struct klog_buf two = { 0 }, one = { 0 };
	struct klog_record recs[4];
	struct klog_slice out;

	for (size_t i = 0; i < 4; i++)
		recs[i] = record_of(&items[i]);
	put_header(&two, &h1);
	put_header(&two, &h2);
	put_header(&one, &h3);
	recs[0].headers = klog_slice_of(two.data, two.size);
	recs[0].header_count = 2;
	recs[3].headers = klog_slice_of(one.data, one.size);
	recs[3].header_count = 1;
	out = build(recs, 4, KLOG_CODEC_NONE);
	klog_batch_stamp(bytes_of(out), 1, 0, -1);
	check_written(out, &golden_plain[1]);
	klog_buf_free(&two);
	klog_buf_free(&one);
}

/* klog writes no producer fields: they are put in afterwards. */
static void
write_g3(void)
{
	static const struct item items[] = { { 1000, "a", "1" },
		{ 5000, "b", "2" }, { -500, "c", "3" }, { 1100, "d", "4" } };
	struct klog_slice out = build_items(items, 4, KLOG_CODEC_NONE);
	uint8_t *p = bytes_of(out);

	klog_batch_stamp(p, 1000, 5, -1);
	klog_set_be64(p + 43, 4000);
	klog_set_be16(p + 51, 3);
	klog_set_be32(p + 53, 10);
	klog_set_be32(p + 17, klog_crc32c(p + 21, out.size - 21));
	check_written(out, &golden_plain[2]);
}

static void
write_g4(void)
{
	static const struct item items[] = { { 7, "x", "lat-0" },
		{ 12, "y", "lat-1" } };
	struct klog_slice out = build_items(items, 2, KLOG_CODEC_NONE);

	klog_batch_stamp(bytes_of(out), 1004, 5, T0 + 9999);
	check_written(out, &golden_plain[3]);
}

static void
write_lz4(void)
{
	static const char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	const struct item items[] = { { 0, "k", a }, { 1, "k", a } };
	struct klog_slice out;

	out = build_items(items, 2, KLOG_CODEC_LZ4);
	klog_batch_stamp(bytes_of(out), 10, 0, -1);
	check_written(out, &golden_compressed[4]);
	for (int codec = KLOG_CODEC_GZIP; codec <= KLOG_CODEC_ZSTD; codec++) {
		char text[1024];

		out = build_items(items, 2, (enum klog_codec)codec);
		klog_batch_stamp(bytes_of(out), 10, 0, -1);
		describe(out, text, sizeof(text));
		is_str(text, compressed, "written and read: %s",
			klog_codec_name(codec));
		drop(out);
	}
}

/* Eight batches that Kafka made like G1, at other times: their checksums. */
static void
checksums(void)
{
	static const struct {
		int64_t timestamp;
		uint32_t crc;
	} kafka[] = { { 0, 0xe641a44b }, { 10, 0x9fe085d7 }, { 5, 0xda913485 },
		{ 20, 0x1503e773 }, { 20, 0x1503e773 }, { 7, 0x6a23f763 },
		{ 30, 0x6ca2c6ef }, { 1, 0xbe18c5b8 } };
	struct klog_builder b = { 0 };
	struct klog_batch batch = { 0 };
	struct klog_slice out;

	for (size_t i = 0; i < COUNT(kafka); i++) {
		struct item item = { kafka[i].timestamp, NULL, "hello" };
		struct klog_record rec = record_of(&item);

		klog_builder_reset(&b);
		klog_builder_add(&b, &rec, &err);
		klog_builder_seal(&b, &compressor, KLOG_CODEC_NONE, INT32_MIN,
			NULL, &out, &err);
		klog_batch_stamp(bytes_of(out), 100 + (int64_t)i, 0, -1);
		klog_batch_parse(out, &batch, &err);
		is_int(batch.crc, kafka[i].crc,
			"Kafka's checksum at T0+%" PRId64, kafka[i].timestamp);
		ok(klog_batch_check(&batch, out), "and it holds");
	}
	klog_builder_reset(&b);
	is_int(klog_builder_seal(&b, &compressor, KLOG_CODEC_NONE, INT32_MIN,
		       NULL, &out, &err),
		-1, "an empty batch is not sealed");
	klog_builder_free(&b);
}

/* ---- what is refused ---- */

static void
header_refused(size_t at, size_t size, uint64_t value, const char *want_text)
{
	struct klog_slice bytes = unhex(golden_plain[0].hex);
	struct klog_batch batch;
	uint8_t big[8];

	klog_set_be64(big, value);
	memcpy(bytes_of(bytes) + at, big + 8 - size, size);
	err.code = KLOG_OK;
	ok(klog_batch_parse(bytes, &batch, &err) == -1 &&
			err.code == KLOG_ECORRUPT &&
			strstr(err.text, want_text) != NULL,
		"refused: %s", err.text);
	drop(bytes);
}

static void
headers_refused(void)
{
	header_refused(8, 4, 48, "length");
	header_refused(8, 4, 0, "length");
	header_refused(8, 4, UINT32_MAX, "length");
	header_refused(16, 1, 3, "magic 3");
	header_refused(16, 1, 0xff, "magic -1");
	header_refused(0, 8, UINT64_MAX, "negative offset");
	header_refused(23, 4, UINT32_MAX, "lastOffsetDelta -1");
	header_refused(57, 4, UINT32_MAX, "-1 records");
	header_refused(21, 2, 5, "codec 5");
}

static void
last_offsets(void)
{
	struct klog_slice bytes = unhex(golden_plain[1].hex);
	struct klog_batch batch;

	klog_set_be64(bytes_of(bytes), INT64_MAX - 4);
	is_int(klog_batch_parse(bytes, &batch, &err), 0,
		"the last offset may be 2^63-2");
	klog_set_be64(bytes_of(bytes), INT64_MAX - 3);
	is_int(klog_batch_parse(bytes, &batch, &err), -1,
		"but not 2^63-1, behind which there is no next");
	drop(bytes);
}

/* Walks what is there; -1 or the number of records.  Every byte is read. */
static int
walk(struct klog_slice bytes, bool checked)
{
	static struct klog_buf scratch;
	struct klog_batch batch;
	struct klog_batch_iter it;
	struct klog_record rec;
	volatile uint8_t sum = 0;
	int r, count = 0;

	if (klog_batch_parse(bytes, &batch, &err) == -1)
		return -1;
	if (checked && !klog_batch_check(&batch, bytes))
		return -1;
	if (klog_batch_open(&batch, bytes, &compressor, LIMIT, &scratch, &it,
		    &err) == -1)
		return -1;
	while ((r = klog_batch_next(&it, &rec, &err)) > 0) {
		const struct klog_slice parts[] = { rec.key, rec.value,
			rec.headers };

		for (size_t i = 0; i < COUNT(parts); i++)
			for (size_t j = 0; j < parts[i].size; j++)
				sum = (uint8_t)(sum + parts[i].data[j]);
		count++;
	}
	klog_buf_free(&scratch);
	return r == -1 ? -1 : count;
}

/* G2 with one byte changed: what its four records do not say is wrong. */
static void
records_refused(size_t at, uint8_t value, const char *want_text)
{
	struct klog_slice bytes = unhex(golden_plain[1].hex);

	bytes_of(bytes)[at] = value;
	err.text[0] = '\0';
	ok(walk(bytes, false) == -1 && err.code == KLOG_ECORRUPT &&
			strstr(err.text, want_text) != NULL,
		"refused: %s", err.text);
	drop(bytes);
}

static void
all_records_refused(void)
{
	records_refused(60, 3, "after the last record");
	records_refused(60, 5, "lacks 1");
	records_refused(60, 0, "after the last record");
	records_refused(26, 2, "outside of its batch");
	records_refused(64, 1, "outside of its batch"); /* offsetDelta -1 */
	records_refused(84, 0, "after one with");       /* twice 0 */
}

/* ---- damage ---- */

static void
damage(const struct golden *golden)
{
	struct klog_slice whole = unhex(golden->hex);
	int good = 0, missed = 0;

	for (size_t size = 0; size < whole.size; size++) {
		uint8_t *copy = copy_of(whole.data, size);

		good += walk(klog_slice_of(copy, size), false) != -1;
		if (size >= KLOG_BATCH_HEADER) {
			/* the length fits, so the records are cut */
			klog_set_be32(copy + 8, (uint32_t)size - 12);
			missed += walk(klog_slice_of(copy, size), true) != -1;
			walk(klog_slice_of(copy, size), false);
		}
		free(copy);
	}
	is_int(good, 0, "%s: no cut is read", golden->name);
	is_int(missed, 0, "%s: no cut keeps the checksum", golden->name);
	missed = 0;
	for (size_t bit = 0; bit < whole.size * 8; bit++) {
		uint8_t *copy = copy_of(whole.data, whole.size);
		struct klog_slice bytes = klog_slice_of(copy, whole.size);

		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* offset and epoch are outside of the checksum */
		missed += walk(bytes, true) != -1 && bit >= 64 &&
			(bit < 96 || bit >= 128);
		walk(bytes, false);
		free(copy);
	}
	is_int(missed, 0, "%s: no flipped bit is missed", golden->name);
	drop(whole);
}

static void
damage_all(void)
{
	for (size_t i = 0; i < COUNT(golden_plain); i++)
		damage(&golden_plain[i]);
	for (size_t i = 0; i < COUNT(golden_transactions); i++)
		damage(&golden_transactions[i]);
	for (size_t i = 0; i < COUNT(golden_compressed); i++)
		damage(&golden_compressed[i]);
}

/* ---- many records ---- */

/* Sizes on both sides of each varint's growth, times that jump about. */
static void
many(enum klog_codec codec)
{
	enum { RECORDS = 20000 };
	struct klog_builder b = { 0 };
	struct klog_buf scratch = { 0 }, unpacked = { 0 };
	struct klog_batch batch = { 0 };
	struct klog_batch_iter it = { 0 };
	struct klog_record rec = { 0 };
	struct klog_slice out = { NULL, 0 };
	uint8_t value[300];
	int64_t times[] = { 0, 63, -64, 64, 8192, -8193, INT64_MIN, INT64_MAX };
	int wrong = 0, r = 0;
	int64_t i = 0;

	for (; i < RECORDS; i++) {
		memset(value, (int)(i % 251), sizeof(value));
		rec.timestamp_ms = (int64_t)((uint64_t)T0 +
			(uint64_t)times[i * 7 / 5 % 8]);
		rec.value = klog_slice_of(value, (size_t)i % sizeof(value));
		wrong += klog_builder_add(&b, &rec, &err) == -1;
	}
	wrong += klog_builder_seal(&b, &compressor, codec, INT32_MIN, &scratch,
			 &out, &err) == -1 ||
		klog_batch_parse(out, &batch, &err) == -1 ||
		!klog_batch_check(&batch, out) ||
		klog_batch_open(&batch, out, &compressor, 1 << 24, &unpacked,
			&it, &err) == -1;
	for (i = 0; (r = klog_batch_next(&it, &rec, &err)) > 0; i++) {
		memset(value, (int)(i % 251), sizeof(value));
		wrong += rec.offset != i || rec.key.data != NULL ||
			rec.timestamp_ms !=
				(int64_t)((uint64_t)T0 +
					(uint64_t)times[i * 7 / 5 % 8]) ||
			!same_bytes(rec.value,
				klog_slice_of(
					value, (size_t)i % sizeof(value)));
	}
	ok(r == 0 && i == RECORDS && wrong == 0, "many records, %s",
		klog_codec_name((int)codec));
	klog_builder_free(&b);
	klog_buf_free(&scratch);
	klog_buf_free(&unpacked);
}

int
main(void)
{
	read_all();
	fields();
	write_g1();
	write_g2();
	write_g3();
	write_g4();
	write_lz4();
	checksums();
	headers_refused();
	last_offsets();
	all_records_refused();
	damage_all();
	for (int codec = KLOG_CODEC_NONE; codec <= KLOG_CODEC_ZSTD; codec++)
		many((enum klog_codec)codec);
	klog_compressor_free(&compressor);
	return done();
}
