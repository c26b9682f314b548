#include "batch.h"
#include "crc32c.h"
#include "record.h"
#include "varint.h"

#define LENGTH_MIN_V0 14 /* of the oldest format: checked before magic */

/* Where the fields are. */
enum {
	AT_BASE_OFFSET = 0,
	AT_LENGTH = 8,
	AT_LEADER_EPOCH = 12,
	AT_MAGIC = 16,
	AT_CRC = 17,
	AT_ATTRIBUTES = 21, /* the checksum covers from here to the end */
	AT_LAST_OFFSET_DELTA = 23,
	AT_BASE_TIMESTAMP = 27,
	AT_MAX_TIMESTAMP = 35,
	AT_PRODUCER_ID = 43,
	AT_PRODUCER_EPOCH = 51,
	AT_BASE_SEQUENCE = 53,
	AT_RECORD_COUNT = 57
};

/* A record without its key, value and headers: length, attributes, deltas,
 * two lengths and a count at their longest. */
#define RECORD_OVERHEAD (1 + KLOG_VARLONG_MAX + 5 * KLOG_VARINT_MAX)

static int64_t
get_i64(const uint8_t *p)
{
	return (int64_t)klog_get_be64(p);
}

static int32_t
get_i32(const uint8_t *p)
{
	return (int32_t)klog_get_be32(p);
}

static void
set_i64(uint8_t *p, int64_t v)
{
	klog_set_be64(p, (uint64_t)v);
}

static void
set_i32(uint8_t *p, int32_t v)
{
	klog_set_be32(p, (uint32_t)v);
}

/* Java's sum: it wraps. */
static int64_t
add_wrapping(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* ---- header ---- */

static bool
is_old(struct klog_slice in)
{
	return in.size > AT_MAGIC && in.data[AT_MAGIC] < KLOG_BATCH_MAGIC;
}

size_t
klog_batch_header_size(struct klog_slice in)
{
	return is_old(in) ? klog_legacy_header_size(in.data[AT_MAGIC])
			  : KLOG_BATCH_HEADER;
}

/* A message of the old formats, as a batch. */
static int
parse_old(struct klog_slice in, struct klog_batch *batch, struct klog_err *err)
{
	struct klog_legacy m;

	if (klog_legacy_parse(in, &m, err) == -1)
		return -1;
	batch->base_offset = m.offset;
	batch->size = m.size;
	batch->leader_epoch = -1;
	batch->magic = m.magic;
	batch->crc = m.crc;
	batch->attributes = (uint16_t)m.codec;
	if (m.log_append_time)
		batch->attributes |= KLOG_ATTR_LOG_APPEND_TIME;
	batch->last_offset_delta = 0;
	batch->base_timestamp_ms = batch->max_timestamp_ms = m.timestamp_ms;
	batch->producer_id = -1;
	batch->producer_epoch = -1;
	batch->base_sequence = -1;
	batch->record_count = 1;
	if (m.codec == KLOG_CODEC_NONE)
		return 0;
	batch->last_offset_delta = m.offset < INT32_MAX ? (int32_t)m.offset
							: INT32_MAX;
	batch->base_offset -= batch->last_offset_delta;
	batch->record_count = -1;
	return 0;
}

void
klog_batch_raise_base(struct klog_batch *batch, int64_t offset)
{
	int64_t last = klog_batch_last_offset(batch);

	if (offset > last)
		offset = last;
	if (batch->record_count != -1 || offset <= batch->base_offset)
		return;
	batch->base_offset = offset;
	batch->last_offset_delta = (int32_t)(last - offset);
}

/* Length and magic, which all formats have at the same place. */
static int
check_kind(struct klog_slice in, struct klog_err *err)
{
	int32_t length;
	int magic;

	if (in.size <= AT_MAGIC)
		return klog_fail(err, KLOG_ECORRUPT,
			"the header of a batch is cut short");
	length = get_i32(in.data + AT_LENGTH);
	magic = (int8_t)in.data[AT_MAGIC];
	if (length < LENGTH_MIN_V0)
		return klog_fail(err, KLOG_ECORRUPT,
			"the length of a batch is %d", (int)length);
	if (is_old(in))
		return 0;
	if (magic != KLOG_BATCH_MAGIC)
		return klog_fail(err, KLOG_ECORRUPT,
			"unknown format of a batch: magic %d", magic);
	if (length < KLOG_BATCH_HEADER - KLOG_BATCH_PREFIX)
		return klog_fail(err, KLOG_ECORRUPT,
			"the length of a batch is %d", (int)length);
	if (in.size < KLOG_BATCH_HEADER)
		return klog_fail(err, KLOG_ECORRUPT,
			"the header of a batch is cut short");
	return 0;
}

int
klog_batch_parse(
	struct klog_slice in, struct klog_batch *batch, struct klog_err *err)
{
	const uint8_t *p = in.data;

	if (check_kind(in, err) == -1)
		return -1;
	if (is_old(in))
		return parse_old(in, batch, err);
	batch->base_offset = get_i64(p + AT_BASE_OFFSET);
	batch->size = klog_get_be32(p + AT_LENGTH) + KLOG_BATCH_PREFIX;
	batch->leader_epoch = get_i32(p + AT_LEADER_EPOCH);
	batch->magic = KLOG_BATCH_MAGIC;
	batch->crc = klog_get_be32(p + AT_CRC);
	batch->attributes = klog_get_be16(p + AT_ATTRIBUTES);
	batch->last_offset_delta = get_i32(p + AT_LAST_OFFSET_DELTA);
	batch->base_timestamp_ms = get_i64(p + AT_BASE_TIMESTAMP);
	batch->max_timestamp_ms = get_i64(p + AT_MAX_TIMESTAMP);
	batch->producer_id = get_i64(p + AT_PRODUCER_ID);
	batch->producer_epoch = (int16_t)klog_get_be16(p + AT_PRODUCER_EPOCH);
	batch->base_sequence = get_i32(p + AT_BASE_SEQUENCE);
	batch->record_count = get_i32(p + AT_RECORD_COUNT);
	if (batch->base_offset < 0)
		return klog_fail(err, KLOG_ECORRUPT,
			"a batch with the negative offset %jd",
			(intmax_t)batch->base_offset);
	if (batch->last_offset_delta < 0 || batch->record_count < 0)
		return klog_fail(err, KLOG_ECORRUPT,
			"a batch with lastOffsetDelta %d and %d records",
			(int)batch->last_offset_delta,
			(int)batch->record_count);
	/* the offset behind it must be one, too */
	if (batch->base_offset >= INT64_MAX - batch->last_offset_delta)
		return klog_fail(err, KLOG_ECORRUPT,
			"a batch whose offsets reach 2^63-1");
	if (klog_codec_name(batch->attributes & KLOG_ATTR_CODEC) == NULL)
		return klog_fail(err, KLOG_ECORRUPT,
			"a batch with the unknown codec %d",
			batch->attributes & KLOG_ATTR_CODEC);
	return 0;
}

static uint32_t
checksum(const uint8_t *batch, size_t size)
{
	return klog_crc32c(batch + AT_ATTRIBUTES, size - AT_ATTRIBUTES);
}

bool
klog_batch_check(const struct klog_batch *batch, struct klog_slice bytes)
{
	if (batch->magic != KLOG_BATCH_MAGIC)
		return klog_legacy_check(batch->size, batch->crc, bytes);
	return bytes.size >= batch->size &&
		checksum(bytes.data, batch->size) == batch->crc;
}

void
klog_batch_stamp(uint8_t *batch, int64_t base_offset, int32_t leader_epoch,
	int64_t log_append_time_ms)
{
	size_t size = klog_get_be32(batch + AT_LENGTH) + KLOG_BATCH_PREFIX;
	uint16_t attributes = klog_get_be16(batch + AT_ATTRIBUTES);

	set_i64(batch + AT_BASE_OFFSET, base_offset);
	set_i32(batch + AT_LEADER_EPOCH, leader_epoch);
	if (log_append_time_ms == -1)
		return;
	klog_set_be16(batch + AT_ATTRIBUTES,
		(uint16_t)(attributes | KLOG_ATTR_LOG_APPEND_TIME));
	set_i64(batch + AT_MAX_TIMESTAMP, log_append_time_ms);
	klog_set_be32(batch + AT_CRC, checksum(batch, size));
}

/* ---- reading ---- */

int
klog_batch_open(const struct klog_batch *batch, struct klog_slice bytes,
	struct klog_compressor *c, size_t limit, struct klog_buf *scratch,
	struct klog_batch_iter *it, struct klog_err *err)
{
	enum klog_codec codec = (enum klog_codec)(
		batch->attributes & KLOG_ATTR_CODEC);

	if (bytes.size < batch->size)
		return klog_fail(err, KLOG_ECORRUPT, "a batch is cut short");
	it->old = batch->magic != KLOG_BATCH_MAGIC;
	it->left = 0;
	if (it->old)
		return klog_legacy_open(bytes, batch->base_offset, c, limit,
			scratch, &it->legacy, err);
	it->rest = klog_slice_of(bytes.data + KLOG_BATCH_HEADER,
		batch->size - KLOG_BATCH_HEADER);
	/* An emptied batch has nothing to decompress, not even a frame. */
	if (codec != KLOG_CODEC_NONE && it->rest.size > 0) {
		scratch->size = 0;
		if (klog_decompress(c, codec, it->rest, limit, scratch, err) ==
			-1)
			return -1;
		it->rest = klog_slice_of(scratch->data, scratch->size);
	}
	it->left = batch->record_count;
	it->base_offset = batch->base_offset;
	it->base_timestamp_ms = batch->base_timestamp_ms;
	it->log_append_time_ms = -1;
	if (batch->attributes & KLOG_ATTR_LOG_APPEND_TIME)
		it->log_append_time_ms = batch->max_timestamp_ms;
	it->last_offset = klog_batch_last_offset(batch);
	it->previous_offset = batch->base_offset - 1;
	return 0;
}

int
klog_batch_next(struct klog_batch_iter *it, struct klog_record *rec,
	struct klog_err *err)
{
	if (it->left == 0) {
		if (it->old)
			return klog_legacy_next(&it->legacy, rec, err);
		if (it->rest.size == 0)
			return 0;
		return klog_fail(err, KLOG_ECORRUPT,
			"%zu bytes after the last record of a batch",
			it->rest.size);
	}
	if (it->rest.size == 0)
		return klog_fail(err, KLOG_ECORRUPT,
			"a batch lacks %d of its records", (int)it->left);
	if (!klog_record_take_plain(&it->rest, rec) &&
		klog_record_take(&it->rest, rec, err) == -1)
		return -1;
	if (rec->offset < 0 || rec->offset > it->last_offset - it->base_offset)
		return klog_fail(err, KLOG_ECORRUPT,
			"a record with the offset delta %jd, outside of its "
			"batch",
			(intmax_t)rec->offset);
	rec->offset += it->base_offset;
	if (rec->offset <= it->previous_offset)
		return klog_fail(err, KLOG_ECORRUPT,
			"a record with offset %jd after one with %jd",
			(intmax_t)rec->offset, (intmax_t)it->previous_offset);
	if (it->log_append_time_ms != -1)
		rec->timestamp_ms = it->log_append_time_ms;
	else
		rec->timestamp_ms = add_wrapping(
			it->base_timestamp_ms, rec->timestamp_ms);
	it->previous_offset = rec->offset;
	it->left--;
	return 1;
}

int
klog_batch_keep(struct klog_batch_iter *it, struct klog_buf *buf)
{
	struct klog_slice *rest = it->old ? &it->legacy.rest : &it->rest;

	buf->size = 0;
	if (klog_buf_put(buf, rest->data, rest->size) == -1)
		return -1;
	rest->data = buf->data;
	return 0;
}

/* ---- building ---- */

void
klog_builder_reset(struct klog_builder *b)
{
	b->buf.size = 0;
	b->count = 0;
}

void
klog_builder_free(struct klog_builder *b)
{
	klog_buf_free(&b->buf);
	memset(b, 0, sizeof(*b));
}

static int64_t
timestamp_delta(const struct klog_builder *b, const struct klog_record *rec)
{
	if (b->count == 0)
		return 0;
	return (int64_t)((uint64_t)rec->timestamp_ms -
		(uint64_t)b->base_timestamp_ms);
}

size_t
klog_builder_size_with(
	const struct klog_builder *b, const struct klog_record *rec)
{
	size_t used = b->count != 0 ? b->buf.size : KLOG_BATCH_HEADER;

	return used + klog_record_size(rec, timestamp_delta(b, rec), b->count);
}

int
klog_builder_add(struct klog_builder *b, const struct klog_record *rec,
	struct klog_err *err)
{
	int64_t delta = timestamp_delta(b, rec);
	size_t used = b->count != 0 ? b->buf.size : KLOG_BATCH_HEADER;
	size_t room = used - b->buf.size + RECORD_OVERHEAD + rec->key.size +
		rec->value.size + rec->headers.size;
	uint8_t *end;

	/* `room` is a bound; near the end of what is allowed count exactly. */
	if (b->count == INT32_MAX ||
		(room > INT32_MAX - b->buf.size &&
			klog_builder_size_with(b, rec) > INT32_MAX))
		return klog_fail(err, KLOG_ETOOLARGE,
			"a batch holds at most 2^31-1 bytes and records");
	if (room > b->buf.capacity - b->buf.size &&
		klog_buf_reserve(&b->buf, room) == -1)
		return klog_fail_memory(err);
	end = klog_record_put(b->buf.data + used, rec, delta, b->count);
	b->buf.size = (size_t)(end - b->buf.data);
	if (b->count == 0)
		b->base_timestamp_ms = b->max_timestamp_ms = rec->timestamp_ms;
	else if (rec->timestamp_ms > b->max_timestamp_ms)
		b->max_timestamp_ms = rec->timestamp_ms;
	b->count++;
	return 0;
}

/* Writes all of the header but leaves offset 0, no epoch, no producer. */
static void
put_header(uint8_t *p, size_t size, const struct klog_batch *b)
{
	set_i64(p + AT_BASE_OFFSET, b->base_offset);
	set_i32(p + AT_LENGTH, (int32_t)(size - KLOG_BATCH_PREFIX));
	set_i32(p + AT_LEADER_EPOCH, b->leader_epoch);
	p[AT_MAGIC] = KLOG_BATCH_MAGIC;
	klog_set_be16(p + AT_ATTRIBUTES, b->attributes);
	set_i32(p + AT_LAST_OFFSET_DELTA, b->last_offset_delta);
	set_i64(p + AT_BASE_TIMESTAMP, b->base_timestamp_ms);
	set_i64(p + AT_MAX_TIMESTAMP, b->max_timestamp_ms);
	set_i64(p + AT_PRODUCER_ID, b->producer_id);
	klog_set_be16(p + AT_PRODUCER_EPOCH, (uint16_t)b->producer_epoch);
	set_i32(p + AT_BASE_SEQUENCE, b->base_sequence);
	set_i32(p + AT_RECORD_COUNT, b->record_count);
	klog_set_be32(p + AT_CRC, checksum(p, size));
}

/* Header and records, compressed if need be, as one batch in *out. */
static int
seal(struct klog_buf *buf, const struct klog_batch *header,
	struct klog_compressor *c, int32_t level, struct klog_buf *scratch,
	struct klog_slice *out, struct klog_err *err)
{
	enum klog_codec codec = header->attributes & KLOG_ATTR_CODEC;

	if (codec != KLOG_CODEC_NONE) {
		struct klog_slice records = klog_slice_of(
			buf->data + KLOG_BATCH_HEADER,
			buf->size - KLOG_BATCH_HEADER);

		buf = scratch;
		buf->size = 0;
		if (klog_buf_reserve(buf, KLOG_BATCH_HEADER) == -1)
			return klog_fail_memory(err);
		buf->size = KLOG_BATCH_HEADER;
		if (klog_compress(c, codec, level, records, buf, err) == -1)
			return -1;
		if (buf->size > INT32_MAX)
			return klog_fail(err, KLOG_ETOOLARGE,
				"a compressed batch of %zu bytes", buf->size);
	}
	put_header(buf->data, buf->size, header);
	*out = klog_slice_of(buf->data, buf->size);
	return 0;
}

int
klog_builder_seal(struct klog_builder *b, struct klog_compressor *c,
	enum klog_codec codec, int32_t level, struct klog_buf *scratch,
	struct klog_slice *out, struct klog_err *err)
{
	struct klog_batch header = {
		.leader_epoch = -1,
		.attributes = (uint16_t)codec,
		.last_offset_delta = b->count - 1,
		.base_timestamp_ms = b->base_timestamp_ms,
		.max_timestamp_ms = b->max_timestamp_ms,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
		.record_count = b->count,
	};

	if (b->count == 0)
		return klog_fail(err, KLOG_EUSAGE, "a batch without records");
	return seal(&b->buf, &header, c, level, scratch, out, err);
}

/* ---- making one anew ---- */

int
klog_rebuild_begin(
	struct klog_rebuilt *b, int64_t horizon_ms, struct klog_err *err)
{
	b->buf.size = 0;
	if (klog_buf_reserve(&b->buf, KLOG_BATCH_HEADER) == -1)
		return klog_fail_memory(err);
	b->buf.size = KLOG_BATCH_HEADER;
	b->count = 0;
	b->horizon = horizon_ms != -1;
	b->base_timestamp_ms = horizon_ms;
	b->max_timestamp_ms = -1;
	return 0;
}

int
klog_rebuild_add(struct klog_rebuilt *b, const struct klog_batch *was,
	const struct klog_record *rec, struct klog_err *err)
{
	int32_t offset_delta = (int32_t)(rec->offset - was->base_offset);
	int64_t delta;
	size_t size;

	if (b->count == 0 && !b->horizon)
		b->base_timestamp_ms = rec->timestamp_ms;
	if (b->count == 0 || rec->timestamp_ms > b->max_timestamp_ms)
		b->max_timestamp_ms = rec->timestamp_ms;
	/* Java's arithmetic wraps, and a reader's does, too */
	delta = (int64_t)((uint64_t)rec->timestamp_ms -
		(uint64_t)b->base_timestamp_ms);
	size = klog_record_size(rec, delta, offset_delta);
	if (b->buf.size + size > INT32_MAX)
		return klog_fail(err, KLOG_ETOOLARGE,
			"a batch of more than 2^31-1 bytes");
	if (klog_buf_reserve(&b->buf, size) == -1)
		return klog_fail_memory(err);
	klog_record_put(b->buf.data + b->buf.size, rec, delta, offset_delta);
	b->buf.size += size;
	b->count++;
	return 0;
}

int
klog_rebuild_seal(struct klog_rebuilt *b, const struct klog_batch *was,
	struct klog_compressor *c, int32_t level, struct klog_buf *scratch,
	struct klog_slice *out, struct klog_err *err)
{
	struct klog_batch header = *was;

	header.record_count = b->count;
	header.attributes &= (uint16_t)~KLOG_ATTR_DELETE_HORIZON;
	if (b->count == 0) {
		header.attributes &= (uint16_t)~KLOG_ATTR_CODEC;
		header.base_timestamp_ms = -1;
	} else {
		if (b->horizon)
			header.attributes |= KLOG_ATTR_DELETE_HORIZON;
		header.base_timestamp_ms = b->base_timestamp_ms;
		if (!(was->attributes & KLOG_ATTR_LOG_APPEND_TIME))
			header.max_timestamp_ms = b->max_timestamp_ms;
	}
	return seal(&b->buf, &header, c, level, scratch, out, err);
}

void
klog_rebuild_free(struct klog_rebuilt *b)
{
	klog_buf_free(&b->buf);
}
