/*
 * Messages of the old formats 0 and 1, read as batches: Kafka's own bytes,
 * each codec, offsets and times of wrappers, hostile ones, and damage: every
 * cut and every flipped bit, also past the checksum.
 */
#include "golden.h"
#include "hex.h"
#include "libklog/batch.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define T0 INT64_C(1700000000000)
#define LIMIT ((size_t)1 << 20)

static struct klog_err err;
static struct klog_compressor compressor;

/* ---- messages, made here bit by bit ---- */

static uint32_t
crc32(const uint8_t *p, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

static void
put(struct klog_buf *buf, uint64_t value, size_t size)
{
	uint8_t big[8];

	klog_set_be64(big, value);
	klog_buf_put(buf, big + 8 - size, size);
}

static void
put_field(struct klog_buf *buf, struct klog_slice field)
{
	put(buf, field.data != NULL ? field.size : UINT32_MAX, 4);
	klog_buf_put(buf, field.data, field.size);
}

struct message {
	int64_t offset;
	uint8_t magic;
	uint8_t attributes;
	int64_t timestamp_ms;
};

/* The size and the checksum of what begins at `at` and ends the buffer. */
static void
seal(struct klog_buf *buf, size_t at)
{
	uint8_t *p = buf->data + at;
	size_t size = buf->size - at;

	klog_set_be32(p + 8, (uint32_t)size - 12);
	klog_set_be32(p + 12, crc32(p + 16, size - 16));
}

static void
add(struct klog_buf *buf, struct message m, struct klog_slice key,
	struct klog_slice value)
{
	size_t at = buf->size;

	put(buf, (uint64_t)m.offset, 8);
	put(buf, 0, 8);
	put(buf, m.magic, 1);
	put(buf, m.attributes, 1);
	if (m.magic == 1)
		put(buf, (uint64_t)m.timestamp_ms, 8);
	put_field(buf, key);
	put_field(buf, value);
	seal(buf, at);
}

static const struct klog_slice none = { NULL, 0 };

/* A plain one: value "a", "b" ... */
static void
add_plain(struct klog_buf *buf, uint8_t magic, int64_t offset, char value)
{
	struct message m = { offset, magic, 0, T0 + offset };

	add(buf, m, none, klog_slice_of(&value, 1));
}

/* Puts what is in `set` into a wrapper, compressed as m.attributes says. */
static void
wrap(struct klog_buf *set, struct message m)
{
	struct klog_buf packed = { 0 };

	if (klog_compress(&compressor, (enum klog_codec)(m.attributes & 7),
		    INT32_MIN, klog_slice_of(set->data, set->size), &packed,
		    &err) == -1)
		printf("# %s\n", err.text);
	set->size = 0;
	add(set, m, none, klog_slice_of(packed.data, packed.size));
	klog_buf_free(&packed);
}

/* ---- read as batches ---- */

static void
add_field(char *text, size_t size, struct klog_slice s)
{
	size_t used = strlen(text);

	if (s.data == NULL)
		snprintf(text + used, size - used, " -");
	else
		snprintf(text + used, size - used, " '%.*s'", (int)s.size,
			(const char *)s.data);
}

/* "OFFSET TIME KEY VALUE; " for each record, TIME from T0 on, or "-"; behind
 * the last good one what is wrong. */
static void
describe(struct klog_slice in, int64_t expected, char *text, size_t size)
{
	struct klog_buf scratch = { 0 };
	struct klog_batch_iter it;
	struct klog_batch batch;
	struct klog_record rec;
	uint8_t *copy = copy_of(in.data, in.size); /* for the sanitizer */
	struct klog_slice bytes;
	int r = 0;

	in = klog_slice_of(copy, in.size);
	text[0] = '\0';
	while (r == 0 && in.size > 0) {
		size_t used;

		r = klog_batch_parse(in, &batch, &err);
		if (r == 0 &&
			(!klog_take(&in, batch.size, &bytes) ||
				!klog_batch_check(&batch, bytes)))
			r = klog_fail(&err, KLOG_ECORRUPT, "no good message");
		if (r == 0) {
			klog_batch_raise_base(&batch, expected);
			r = klog_batch_open(&batch, bytes, &compressor, LIMIT,
				&scratch, &it, &err);
		}
		while (r == 0 && (r = klog_batch_next(&it, &rec, &err)) > 0) {
			used = strlen(text);
			snprintf(text + used, size - used, "%" PRId64 " ",
				rec.offset);
			used = strlen(text);
			if (rec.timestamp_ms == -1)
				snprintf(text + used, size - used, "-");
			else
				snprintf(text + used, size - used, "%+" PRId64,
					rec.timestamp_ms - T0);
			add_field(text, size, rec.key);
			add_field(text, size, rec.value);
			used = strlen(text);
			snprintf(text + used, size - used, "; ");
			r = 0;
		}
		expected = klog_batch_last_offset(&batch) + 1;
		used = strlen(text);
		if (r == -1)
			snprintf(text + used, size - used, "%s",
				err.code == KLOG_ECORRUPT ? err.text : "???");
	}
	klog_buf_free(&scratch);
	free(copy);
}

/* The buffer is emptied. */
static void
reads(struct klog_buf *set, const char *want, const char *what)
{
	char text[2048];

	describe(klog_slice_of(set->data, set->size), 0, text, sizeof(text));
	is_str(text, want, "%s", what);
	set->size = 0;
}

static void
refuses(struct klog_buf *set, const char *want, const char *what)
{
	char text[2048];

	describe(klog_slice_of(set->data, set->size), 0, text, sizeof(text));
	ok(strstr(text, want) != NULL, "%s: %s", what, text);
	set->size = 0;
}

static void
golden(void)
{
	static const char *const want[] = {
		"5 - 'k' 'v'; 6 - - 'w'; ",
		"5 +0 'k' 'v'; 6 +1 - 'w'; ",
		"5 - 'k' 'v'; 6 - - 'w'; ",
		"5 +0 'k' 'v'; 6 +1 - 'w'; ",
	};

	for (size_t i = 0; i < COUNT(golden_old); i++) {
		struct klog_slice bytes = unhex(golden_old[i].hex);
		char text[256];

		describe(bytes, 5, text, sizeof(text));
		is_str(text, want[i], "%s", golden_old[i].name);
		drop(bytes);
	}
}

/* The same bytes, written here: the checksum and each field are where they
 * should be. */
static void
golden_again(void)
{
	for (uint8_t magic = 0; magic <= 1; magic++) {
		struct klog_slice bytes = unhex(golden_old[magic].hex);
		struct message m = { 5, magic, 0, T0 };
		struct klog_buf set = { 0 };

		add(&set, m, slice("k"), slice("v"));
		m.offset = 6;
		m.timestamp_ms = T0 + 1;
		add(&set, m, none, slice("w"));
		ok(same_bytes(klog_slice_of(set.data, set.size), bytes),
			"%s: what is made here is what Kafka makes",
			golden_old[magic].name);
		drop(bytes);
		klog_buf_free(&set);
	}
}

static void
fields(void)
{
	struct klog_slice bytes = unhex(golden_old[3].hex);
	struct klog_batch b;

	is_int(klog_batch_parse(bytes, &b, &err), 0, "the front of a wrapper");
	is_int(b.magic, 1, "magic");
	is_int(b.size, (int64_t)bytes.size, "size");
	is_int(b.crc, 0xa4310b97, "crc");
	is_int(b.attributes, KLOG_CODEC_GZIP, "attributes");
	is_int(klog_batch_last_offset(&b), 6, "last offset");
	is_int(b.base_offset, 0, "no base offset but a bound");
	is_int(b.record_count, -1, "no count");
	is_int(b.max_timestamp_ms, T0 + 1, "newest timestamp");
	is_int(b.leader_epoch, -1, "no leader epoch");
	is_int(b.producer_id, -1, "no producer");
	is_int((int64_t)klog_batch_header_size(bytes), 26, "header, format 1");
	klog_batch_raise_base(&b, 5);
	is_int(b.base_offset, 5, "the bound is raised");
	is_int(klog_batch_last_offset(&b), 6, "the last offset stays");
	klog_batch_raise_base(&b, 4);
	is_int(b.base_offset, 5, "it is never lowered");
	klog_batch_raise_base(&b, 9);
	is_int(b.base_offset, 6, "nor raised past the last offset");
	drop(bytes);

	bytes = unhex(golden_old[0].hex);
	klog_batch_parse(bytes, &b, &err);
	is_int(b.base_offset, 5, "a plain one begins where it ends");
	is_int(b.record_count, 1, "one record");
	is_int(b.max_timestamp_ms, -1, "no timestamp in format 0");
	is_int((int64_t)klog_batch_header_size(bytes), 18, "header, format 0");
	klog_batch_raise_base(&b, 0);
	is_int(b.base_offset, 5, "whose base is known");
	drop(bytes);
}

/* Bounds at both ends of what an offset can be. */
static void
far_offsets(void)
{
	struct klog_buf set = { 0 };
	struct klog_batch b;

	/* one more, and there would be no offset behind it */
	add_plain(&set, 1, 0, 'a');
	wrap(&set, (struct message){ INT64_MAX - 1, 1, KLOG_CODEC_GZIP, T0 });
	klog_batch_parse(klog_slice_of(set.data, set.size), &b, &err);
	is_int(b.base_offset, INT64_MAX - 1 - INT32_MAX,
		"a bound, 2^31-1 below");
	is_int(klog_batch_last_offset(&b), INT64_MAX - 1, "the largest offset");
	reads(&set, "9223372036854775806 +0 - 'a'; ", "and it is read");
	klog_buf_free(&set);
	add_plain(&set, 1, 0, 'a');
	wrap(&set, (struct message){ INT64_MAX, 1, KLOG_CODEC_GZIP, T0 });
	is_int(klog_batch_parse(klog_slice_of(set.data, set.size), &b, &err),
		-1, "the next is refused");
	klog_buf_free(&set);
}

/* ---- wrappers ---- */

static void
each_codec(void)
{
	struct klog_buf set = { 0 };

	for (uint8_t magic = 0; magic <= 1; magic++)
		for (uint8_t codec = 1; codec <= 3; codec++) {
			char want[128], what[64];
			int64_t first = magic == 0 ? 7 : 0;

			for (int64_t i = 0; i < 3; i++)
				add_plain(&set, magic, first + i,
					(char)('a' + i));
			wrap(&set, (struct message){ 9, magic, codec, T0 });
			snprintf(want, sizeof(want), "%s",
				magic == 0 ? "7 - - 'a'; 8 - - 'b'; 9 - - 'c'; "
					   : "7 +0 - 'a'; 8 +1 - 'b'; 9 +2 - "
					     "'c'; ");
			snprintf(what, sizeof(what), "format %d, %s", magic,
				klog_codec_name(codec));
			reads(&set, want, what);
		}
	klog_buf_free(&set);
}

/* The value of a wrapper begins behind its lengths; the byte at 6 of an lz4
 * frame of these flags is the checksum of its header. */
static void
lz4_header(void)
{
	struct klog_buf set = { 0 };

	for (uint8_t magic = 0; magic <= 1; magic++) {
		uint8_t *checksum;

		add_plain(&set, magic, 0, 'a');
		wrap(&set, (struct message){ 0, magic, KLOG_CODEC_LZ4, T0 });
		checksum = set.data + (magic == 0 ? 26 : 34) + 6;
		is_int(*checksum, 0x82, "the right checksum of an lz4 header");
		*checksum = 0x1a; /* as Kafka's clients had it */
		seal(&set, 0);
		if (magic == 0)
			reads(&set, "0 - - 'a'; ",
				"a wrong one is read in format 0");
		else
			refuses(&set, "malformed lz4", "but not in format 1");
	}
	klog_buf_free(&set);
}

static void
relative_offsets(void)
{
	struct klog_buf set = { 0 };

	add_plain(&set, 1, 0, 'a');
	add_plain(&set, 1, 2, 'b');
	add_plain(&set, 1, 5, 'c');
	wrap(&set, (struct message){ 15, 1, KLOG_CODEC_GZIP, T0 });
	reads(&set, "10 +0 - 'a'; 12 +2 - 'b'; 15 +5 - 'c'; ",
		"gaps in a wrapper of format 1");
	add_plain(&set, 0, 10, 'a');
	add_plain(&set, 0, 12, 'b');
	wrap(&set, (struct message){ 15, 0, KLOG_CODEC_GZIP, 0 });
	reads(&set, "10 - - 'a'; 12 - - 'b'; ",
		"format 0: the offsets are the log's");
	add_plain(&set, 1, 0, 'a');
	wrap(&set, (struct message){ 0, 1, KLOG_CODEC_GZIP, T0 });
	reads(&set, "0 +0 - 'a'; ", "a wrapper at offset 0");
	/* one behind the other: the bound of the second is the first's end */
	add_plain(&set, 1, 0, 'a');
	add_plain(&set, 1, 1, 'b');
	wrap(&set, (struct message){ 4, 1, KLOG_CODEC_GZIP, T0 });
	add_plain(&set, 0, 5, 'c');
	reads(&set, "3 +0 - 'a'; 4 +1 - 'b'; 5 - - 'c'; ",
		"formats that follow each other");
	klog_buf_free(&set);
}

static void
times(void)
{
	enum { APPEND_TIME = 0x08 };
	struct klog_buf set = { 0 };
	struct message m = { 1, 1, KLOG_CODEC_GZIP, T0 + 50 };

	add(&set, (struct message){ 5, 1, APPEND_TIME, T0 + 50 }, none,
		slice("a"));
	reads(&set, "5 +50 - 'a'; ", "LogAppendTime of a plain message");
	add_plain(&set, 1, 0, 'a');
	add_plain(&set, 1, 1, 'b');
	wrap(&set, m);
	reads(&set, "0 +0 - 'a'; 1 +1 - 'b'; ", "CreateTime: each has its own");
	m.attributes |= APPEND_TIME;
	add_plain(&set, 1, 0, 'a');
	add_plain(&set, 1, 1, 'b');
	wrap(&set, m);
	reads(&set, "0 +50 - 'a'; 1 +50 - 'b'; ",
		"LogAppendTime: all have the wrapper's");
	add_plain(&set, 0, 0, 'a');
	add_plain(&set, 1, 1, 'b');
	wrap(&set, m);
	reads(&set, "0 - - 'a'; 1 +50 - 'b'; ",
		"which format 0 has no room for");
	m.magic = 0;
	add_plain(&set, 0, 0, 'a');
	add_plain(&set, 0, 1, 'b');
	wrap(&set, m);
	reads(&set, "0 - - 'a'; 1 - - 'b'; ",
		"nor has its wrapper that attribute");
	klog_buf_free(&set);
}

static void
values(void)
{
	struct klog_buf set = { 0 };

	for (uint8_t magic = 0; magic <= 1; magic++) {
		struct message m = { 0, magic, 0, T0 };

		add(&set, m, none, none);
		m.offset = 1;
		add(&set, m, slice(""), slice(""));
		m.offset = 3;
		add(&set, m, slice("gone"), none);
		reads(&set,
			magic == 0 ? "0 - - -; 1 - '' ''; 3 - 'gone' -; "
				   : "0 +0 - -; 1 +0 '' ''; 3 +0 'gone' -; ",
			"nulls, empty ones and a gap");
	}
	klog_buf_free(&set);
}

/* ---- hostile ---- */

/* A plain message, format 1, with some bytes overwritten and the checksum
 * made anew. */
static void
field_refused(size_t at, size_t size, uint64_t value, const char *want)
{
	struct klog_buf set = { 0 };
	uint8_t big[8];

	add(&set, (struct message){ 5, 1, 0, T0 }, slice("key"), slice("vv"));
	klog_set_be64(big, value);
	memcpy(set.data + at, big + 8 - size, size);
	klog_set_be32(set.data + 12, crc32(set.data + 16, set.size - 16));
	refuses(&set, want, "refused");
	klog_buf_free(&set);
}

static void
fields_refused(void)
{
	field_refused(0, 8, UINT64_MAX, "negative offset -1");
	field_refused(8, 4, 21, "size of a message is 21");
	field_refused(8, 4, 13, "length of a batch is 13");
	field_refused(8, 4, UINT32_MAX, "length of a batch is -1");
	field_refused(8, 4, INT32_MAX, "no good message");
	field_refused(16, 1, 3, "magic 3");
	field_refused(17, 1, 4, "codec 4");
	field_refused(17, 1, 7, "codec 7");
	field_refused(26, 4, UINT32_MAX - 1, "a key of -2 bytes");
	field_refused(26, 4, 10, "a key of 10 bytes, of which 9");
	field_refused(26, 4, INT32_MAX, "a key of 2147483647");
	field_refused(26, 4, 9, "ends before its value");
	field_refused(33, 4, 3, "a value of 3 bytes, of which 2");
	field_refused(33, 4, 1, "1 bytes after the value");
	field_refused(33, 4, UINT32_MAX, "2 bytes after the value");
}

static const struct message gzip_wrapper = { 9, 1, KLOG_CODEC_GZIP, T0 };

static void
wrappers_refused(void)
{
	struct klog_buf set = { 0 };

	add(&set, gzip_wrapper, none, none);
	refuses(&set, "no compressed data", "a wrapper with a null value");
	add(&set, gzip_wrapper, none, slice(""));
	refuses(&set, "no compressed data", "with an empty one");
	add(&set, gzip_wrapper, none, slice("not gzip at all, not at all"));
	refuses(&set, "malformed gzip", "with nonsense");
	wrap(&set, gzip_wrapper);
	refuses(&set, "without messages", "with nothing");
	klog_buf_put(&set, "nonsense of enough bytes, and more", 34);
	wrap(&set, gzip_wrapper);
	refuses(&set, "unknown format", "with nonsense compressed");
	add_plain(&set, 1, 0, 'a');
	wrap(&set, (struct message){ 3, 1, KLOG_CODEC_GZIP, T0 });
	wrap(&set, gzip_wrapper);
	refuses(&set, "within a compressed message", "with a wrapper");
	add_plain(&set, 1, 0, 'a');
	add_plain(&set, 1, 1, 'b');
	set.size--;
	wrap(&set, gzip_wrapper);
	refuses(&set, "of which 34 are there", "with a message cut short");
	add_plain(&set, 1, 0, 'a');
	put(&set, 0, 3);
	wrap(&set, gzip_wrapper);
	refuses(&set, "cut short", "with bytes behind its messages");
	add_plain(&set, 1, 0, 'a');
	set.data[16] = 2;
	wrap(&set, gzip_wrapper);
	refuses(&set, "unknown format 2", "with a newer batch");
	add_plain(&set, 1, 0, 'a');
	set.data[set.size - 1] ^= 1;
	wrap(&set, gzip_wrapper);
	refuses(&set, "bad checksum", "with a bad checksum within");
	if (klog_buf_reserve(&set, LIMIT + 1) == 0)
		memset(set.data, 0, set.size = LIMIT + 1);
	wrap(&set, gzip_wrapper);
	refuses(&set, "more than 1048576", "with more than the limit");
	klog_buf_free(&set);
}

static void
offsets_refused(void)
{
	struct klog_buf set = { 0 };
	char text[256];

	for (int64_t second = 0; second <= 1; second++) {
		add_plain(&set, 1, 1, 'a');
		add_plain(&set, 1, second, 'b');
		add_plain(&set, 1, 2, 'c');
		wrap(&set, gzip_wrapper);
		refuses(&set, "8 +1 - 'a'; a message with offset",
			"offsets within that do not ascend");
	}
	add_plain(&set, 1, 5, 'a');
	add_plain(&set, 1, 2, 'b');
	wrap(&set, gzip_wrapper);
	refuses(&set, "that ends at 2", "the first past the last");
	add_plain(&set, 1, 10, 'a');
	wrap(&set, gzip_wrapper);
	refuses(&set, "its last message with 10", "more than the wrapper's");
	add_plain(&set, 1, -1, 'a');
	wrap(&set, gzip_wrapper);
	refuses(&set, "negative offset", "a negative one");
	add_plain(&set, 0, 10, 'a');
	wrap(&set, (struct message){ 9, 0, KLOG_CODEC_GZIP, 0 });
	refuses(&set, "that ends at 9", "format 0: past the wrapper's");
	add_plain(&set, 0, 7, 'a');
	add_plain(&set, 0, 9, 'b');
	wrap(&set, (struct message){ 9, 0, KLOG_CODEC_GZIP, 0 });
	describe(klog_slice_of(set.data, set.size), 8, text, sizeof(text));
	is_str(text, "a message with offset 7 after one with 7",
		"one before the end of the batch before");
	klog_buf_free(&set);
}

/* ---- damage ---- */

/* Walks one message; -1 or the number of records. */
static int
walk(struct klog_slice bytes, bool checked)
{
	static struct klog_buf scratch;
	struct klog_batch batch;
	struct klog_batch_iter it;
	struct klog_record rec;
	volatile uint8_t sum = 0;
	int r, count = 0;

	if (klog_batch_parse(bytes, &batch, &err) == -1 ||
		(checked && !klog_batch_check(&batch, bytes)) ||
		klog_batch_open(&batch, bytes, &compressor, LIMIT, &scratch,
			&it, &err) == -1)
		return -1;
	for (; (r = klog_batch_next(&it, &rec, &err)) > 0; count++) {
		const struct klog_slice parts[] = { rec.key, rec.value };

		for (size_t i = 0; i < COUNT(parts); i++)
			for (size_t j = 0; j < parts[i].size; j++)
				sum = (uint8_t)(sum + parts[i].data[j]);
	}
	klog_buf_free(&scratch);
	return r == -1 ? -1 : count;
}

static void
damage(struct klog_slice whole, const char *name)
{
	int good = 0, missed = 0;

	for (size_t size = 0; size < whole.size; size++) {
		uint8_t *copy = copy_of(whole.data, size);
		struct klog_slice cut = klog_slice_of(copy, size);

		good += walk(cut, false) != -1;
		if (size >= 12) {
			klog_set_be32(copy + 8, (uint32_t)size - 12);
			missed += walk(cut, true) != -1;
			walk(cut, false);
		}
		free(copy);
	}
	is_int(good, 0, "%s: no cut is read", name);
	is_int(missed, 0, "%s: no cut keeps the checksum", name);
	missed = 0;
	for (size_t bit = 0; bit < whole.size * 8; bit++) {
		uint8_t *copy = copy_of(whole.data, whole.size);
		struct klog_slice bytes = klog_slice_of(copy, whole.size);

		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* the offset is outside of the checksum */
		missed += walk(bytes, true) != -1 && bit >= 64;
		walk(bytes, false);
		free(copy);
	}
	is_int(missed, 0, "%s: no flipped bit is missed", name);
}

static void
damage_all(void)
{
	struct klog_buf set = { 0 };

	for (size_t i = 0; i < COUNT(golden_old); i++) {
		struct klog_slice bytes = unhex(golden_old[i].hex);
		struct klog_batch first;

		klog_batch_parse(bytes, &first, &err);
		damage(klog_slice_of(bytes.data, first.size),
			golden_old[i].name);
		drop(bytes);
	}
	for (uint8_t codec = 1; codec <= 3; codec++)
		for (uint8_t magic = 0; magic <= 1; magic++) {
			char name[64];

			add_plain(&set, magic, 0, 'a');
			add_plain(&set, magic, 1, 'b');
			wrap(&set, (struct message){ 1, magic, codec, T0 });
			snprintf(name, sizeof(name), "format %d, %s", magic,
				klog_codec_name(codec));
			damage(klog_slice_of(set.data, set.size), name);
			set.size = 0;
		}
	klog_buf_free(&set);
}

/* Damage within a wrapper, past its checksum: each flipped bit of what was
 * compressed is told, but for those of the offsets. */
static void
damage_within(void)
{
	for (uint8_t magic = 0; magic <= 1; magic++) {
		struct klog_buf set = { 0 };
		size_t size, first;
		int missed = 0;

		add_plain(&set, magic, 0, 'a');
		first = set.size;
		add_plain(&set, magic, 1, 'b');
		size = set.size;
		for (size_t bit = 0; bit < size * 8; bit++) {
			struct klog_buf copy = { 0 };
			size_t at = bit / 8;

			klog_buf_put(&copy, set.data, size);
			copy.data[at] ^= (uint8_t)(1 << bit % 8);
			wrap(&copy,
				(struct message){
					1, magic, KLOG_CODEC_GZIP, T0 });
			missed += walk(klog_slice_of(copy.data, copy.size),
					  true) != -1 &&
				at >= 8 && (at < first || at >= first + 8);
			klog_buf_free(&copy);
		}
		is_int(missed, 0, "format %d: no bit flipped within is missed",
			magic);
		klog_buf_free(&set);
	}
}

int
main(void)
{
	golden();
	golden_again();
	fields();
	far_offsets();
	each_codec();
	lz4_header();
	relative_offsets();
	times();
	values();
	fields_refused();
	wrappers_refused();
	offsets_refused();
	damage_all();
	damage_within();
	klog_compressor_free(&compressor);
	return done();
}
