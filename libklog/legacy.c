#include <isa-l/crc.h>

#include "err.h"
#include "legacy.h"

/* Where the fields are. */
enum {
	AT_OFFSET = 0,
	AT_SIZE = 8,
	AT_CRC = 12,
	AT_MAGIC = 16, /* the checksum covers from here to the end */
	AT_ATTRIBUTES = 17,
	AT_TIMESTAMP = 18, /* format 1 only */
	KEY_0 = 18,
	KEY_1 = 26
};

#define PREFIX 12            /* offset and size */
#define LENGTHS (2 * 4)      /* of key and value */
#define CODEC 0x07           /* of the attributes */
#define LOG_APPEND_TIME 0x08 /* the same, format 1 only */
#define NONE ((uint32_t)-1)  /* the length of a null */

/* ---- the front of a message ---- */

size_t
klog_legacy_header_size(int magic)
{
	return magic == 0 ? KEY_0 : KEY_1;
}

int
klog_legacy_parse(
	struct klog_slice in, struct klog_legacy *m, struct klog_err *err)
{
	const uint8_t *p = in.data;
	uint32_t size;

	if (in.size <= AT_MAGIC)
		return klog_fail(err, KLOG_ECORRUPT, "a message is cut short");
	m->magic = (int8_t)p[AT_MAGIC];
	if (m->magic != 0 && m->magic != 1)
		return klog_fail(err, KLOG_ECORRUPT,
			"a message of the unknown format %d", m->magic);
	size = klog_get_be32(p + AT_SIZE);
	if (size > INT32_MAX ||
		size + PREFIX < klog_legacy_header_size(m->magic) + LENGTHS)
		return klog_fail(err, KLOG_ECORRUPT,
			"the size of a message is %d", (int)(int32_t)size);
	if (in.size < klog_legacy_header_size(m->magic))
		return klog_fail(err, KLOG_ECORRUPT, "a message is cut short");
	m->offset = (int64_t)klog_get_be64(p + AT_OFFSET);
	m->size = size + PREFIX;
	m->crc = klog_get_be32(p + AT_CRC);
	m->codec = (enum klog_codec)(p[AT_ATTRIBUTES] & CODEC);
	m->log_append_time = m->magic == 1 &&
		(p[AT_ATTRIBUTES] & LOG_APPEND_TIME) != 0;
	m->timestamp_ms = m->magic == 1
		? (int64_t)klog_get_be64(p + AT_TIMESTAMP)
		: -1;
	if (m->offset < 0)
		return klog_fail(err, KLOG_ECORRUPT,
			"a message with the negative offset %jd",
			(intmax_t)m->offset);
	/* the offset behind it must be one, too */
	if (m->offset == INT64_MAX)
		return klog_fail(
			err, KLOG_ECORRUPT, "a message with the offset 2^63-1");
	if (m->codec > KLOG_CODEC_LZ4)
		return klog_fail(err, KLOG_ECORRUPT,
			"a message of format %d with the codec %d", m->magic,
			(int)m->codec);
	return 0;
}

bool
klog_legacy_check(uint32_t size, uint32_t crc, struct klog_slice bytes)
{
	return bytes.size >= size &&
		crc32_gzip_refl(0, bytes.data + AT_MAGIC, size - AT_MAGIC) ==
		crc;
}

/* ---- what it holds ---- */

static int
take_field(struct klog_slice *in, struct klog_slice *field, const char *what,
	struct klog_err *err)
{
	uint32_t size;

	if (!klog_take_be32(in, &size))
		return klog_fail(err, KLOG_ECORRUPT,
			"a message ends before its %s", what);
	if (size == NONE) {
		*field = klog_slice_of(NULL, 0);
		return 0;
	}
	if (size > INT32_MAX || !klog_take(in, size, field))
		return klog_fail(err, KLOG_ECORRUPT,
			"a message with a %s of %d bytes, of which %zu are "
			"there",
			what, (int)(int32_t)size, in->size);
	return 0;
}

/* Key and value of a whole message, which they use up. */
static int
take_fields(const struct klog_legacy *m, struct klog_slice bytes,
	struct klog_slice *key, struct klog_slice *value, struct klog_err *err)
{
	size_t header = klog_legacy_header_size(m->magic);
	struct klog_slice in = klog_slice_of(
		bytes.data + header, m->size - header);

	if (take_field(&in, key, "key", err) == -1 ||
		take_field(&in, value, "value", err) == -1)
		return -1;
	if (in.size > 0)
		return klog_fail(err, KLOG_ECORRUPT,
			"%zu bytes after the value of a message", in.size);
	return 0;
}

/* The next message off a set of them. */
static int
take_message(struct klog_slice *in, struct klog_legacy *m,
	struct klog_slice *bytes, struct klog_err *err)
{
	if (klog_legacy_parse(*in, m, err) == -1)
		return -1;
	if (!klog_take(in, m->size, bytes))
		return klog_fail(err, KLOG_ECORRUPT,
			"a message of %u bytes, of which %zu are there",
			m->size, in->size);
	return 0;
}

/* ---- a wrapper ---- */

/*
 * In format 1 the offsets inside count from the first that the producer put
 * in, so that a broker had to write the wrapper's only: the last one tells
 * where they begin.  In format 0 they are the log's own.
 */
static int
find_base(struct klog_legacy_iter *it, const struct klog_legacy *wrapper,
	struct klog_err *err)
{
	struct klog_slice in = it->rest, bytes;
	struct klog_legacy last = { .offset = 0 };

	if (in.size == 0)
		return klog_fail(err, KLOG_ECORRUPT,
			"a compressed message without messages");
	while (in.size > 0)
		if (take_message(&in, &last, &bytes, err) == -1)
			return -1;
	it->base_offset = 0;
	if (wrapper->magic == 0)
		return 0;
	if (last.offset > wrapper->offset)
		return klog_fail(err, KLOG_ECORRUPT,
			"a compressed message with offset %jd, its last "
			"message with %jd",
			(intmax_t)wrapper->offset, (intmax_t)last.offset);
	it->base_offset = wrapper->offset - last.offset;
	return 0;
}

static int
unwrap(const struct klog_legacy *wrapper, struct klog_slice bytes,
	struct klog_compressor *c, size_t limit, struct klog_buf *scratch,
	struct klog_legacy_iter *it, struct klog_err *err)
{
	struct klog_slice key, value;
	int r;

	if (take_fields(wrapper, bytes, &key, &value, err) == -1)
		return -1;
	scratch->size = 0;
	if (wrapper->magic == 0 && wrapper->codec == KLOG_CODEC_LZ4)
		r = klog_decompress_lz4_v0(c, value, limit, scratch, err);
	else
		r = klog_decompress(
			c, wrapper->codec, value, limit, scratch, err);
	if (r == -1)
		return -1;
	it->rest = klog_slice_of(scratch->data, scratch->size);
	it->wrapped = true;
	if (wrapper->log_append_time)
		it->log_append_time_ms = wrapper->timestamp_ms;
	return find_base(it, wrapper, err);
}

/* ---- reading ---- */

int
klog_legacy_open(struct klog_slice bytes, int64_t least,
	struct klog_compressor *c, size_t limit, struct klog_buf *scratch,
	struct klog_legacy_iter *it, struct klog_err *err)
{
	struct klog_legacy m;

	if (take_message(&bytes, &m, &it->rest, err) == -1)
		return -1;
	it->wrapped = false;
	it->base_offset = 0;
	it->log_append_time_ms = -1;
	it->last_offset = m.offset;
	it->previous_offset = least - 1;
	return m.codec != KLOG_CODEC_NONE
		? unwrap(&m, it->rest, c, limit, scratch, it, err)
		: 0;
}

/* What only messages in a wrapper can have wrong, the others were looked at
 * from outside. */
static int
check_wrapped(const struct klog_legacy *m, struct klog_slice bytes,
	struct klog_err *err)
{
	if (m->codec != KLOG_CODEC_NONE)
		return klog_fail(err, KLOG_ECORRUPT,
			"a compressed message within a compressed message");
	if (!klog_legacy_check(m->size, m->crc, bytes))
		return klog_fail(err, KLOG_ECORRUPT,
			"bad checksum of a message within a compressed one");
	return 0;
}

int
klog_legacy_next(struct klog_legacy_iter *it, struct klog_record *rec,
	struct klog_err *err)
{
	struct klog_slice bytes;
	struct klog_legacy m;

	if (it->rest.size == 0)
		return 0;
	if (take_message(&it->rest, &m, &bytes, err) == -1 ||
		(it->wrapped && check_wrapped(&m, bytes, err) == -1) ||
		take_fields(&m, bytes, &rec->key, &rec->value, err) == -1)
		return -1;
	if (m.offset > it->last_offset - it->base_offset)
		return klog_fail(err, KLOG_ECORRUPT,
			"a message with offset %jd in a compressed one that "
			"ends at %jd",
			(intmax_t)m.offset,
			(intmax_t)(it->last_offset - it->base_offset));
	rec->offset = it->base_offset + m.offset;
	if (rec->offset <= it->previous_offset)
		return klog_fail(err, KLOG_ECORRUPT,
			"a message with offset %jd after one with %jd",
			(intmax_t)rec->offset, (intmax_t)it->previous_offset);
	rec->timestamp_ms = m.magic == 1 && it->log_append_time_ms != -1
		? it->log_append_time_ms
		: m.timestamp_ms;
	rec->headers = klog_slice_of(NULL, 0);
	rec->header_count = 0;
	rec->partition = -1;
	it->previous_offset = rec->offset;
	return 1;
}
