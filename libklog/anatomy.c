#include <inttypes.h>
#include <stdio.h>

#include "anatomy.h"
#include "crc32c.h"
#include "time.h"
#include "varint.h"

/* ---- the header of the format 2 ---- */

struct head {
	int at, size;
	const char *name;
};

static const struct head heads[] = { { 0, 8, "baseOffset" }, { 8, 4, "length" },
	{ 12, 4, "partitionLeaderEpoch" }, { 16, 1, "magic" }, { 17, 4, "crc" },
	{ 21, 2, "attributes" }, { 23, 4, "lastOffsetDelta" },
	{ 27, 8, "baseTimestamp" }, { 35, 8, "maxTimestamp" },
	{ 43, 8, "producerId" }, { 51, 2, "producerEpoch" },
	{ 53, 4, "baseSequence" }, { 57, 4, "recordsCount" } };

/* Of the old formats; a key and a value follow. */
static const struct head old_heads[] = { { 0, 8, "offset" },
	{ 8, 4, "messageSize" }, { 12, 4, "crc" }, { 16, 1, "magic" },
	{ 17, 1, "attributes" }, { 18, 8, "timestamp" } };

void
klog_anatomy_init(struct klog_anatomy *a, const struct klog_batch *batch,
	struct klog_slice bytes, struct klog_slice records)
{
	memset(a, 0, sizeof(*a));
	a->batch = *batch;
	a->bytes = bytes;
	a->records = records;
	a->unpacked = (batch->attributes & KLOG_ATTR_CODEC) != 0 &&
		batch->magic == KLOG_BATCH_MAGIC;
}

static int64_t
number(const uint8_t *p, int size)
{
	switch (size) {
	case 1:
		return (int8_t)p[0];
	case 2:
		return (int16_t)klog_get_be16(p);
	case 4:
		return (int32_t)klog_get_be32(p);
	default:
		return (int64_t)klog_get_be64(p);
	}
}

static void
say_attributes(const struct klog_batch *b, char *out, size_t size)
{
	const char *codec = klog_codec_name(b->attributes & KLOG_ATTR_CODEC);

	snprintf(out, size, "codec %s, %s%s%s%s",
		codec != NULL ? codec : "unknown",
		b->attributes & KLOG_ATTR_LOG_APPEND_TIME ? "LogAppendTime"
							  : "CreateTime",
		b->attributes & KLOG_ATTR_TRANSACTIONAL ? ", transactional"
							: "",
		b->attributes & KLOG_ATTR_CONTROL ? ", control" : "",
		b->attributes & KLOG_ATTR_DELETE_HORIZON ? ", delete horizon"
							 : "");
}

static void
say_checksum(const struct klog_anatomy *a, char *out, size_t size)
{
	const struct klog_batch *b = &a->batch;
	bool right = klog_batch_check(b, a->bytes);
	uint32_t computed = 0;

	if (b->magic == KLOG_BATCH_MAGIC && a->bytes.size > 21)
		computed = klog_crc32c(a->bytes.data + 21, a->bytes.size - 21);
	if (right)
		snprintf(out, size, "right");
	else if (b->magic == KLOG_BATCH_MAGIC)
		snprintf(out, size,
			"WRONG: computed %" PRIu32 " (0x%08" PRIx32 ")",
			computed, computed);
	else
		snprintf(out, size, "WRONG");
}

static void
say_time(int64_t ms, char *out)
{
	if (ms >= 0)
		klog_time_text(ms, out);
	else
		snprintf(out, KLOG_TIME_TEXT, "none");
}

/* What a field of the header means, beyond its number. */
static void
say_meaning(const struct klog_anatomy *a, const struct head *h, int64_t value,
	struct klog_field *f)
{
	const struct klog_batch *b = &a->batch;
	size_t size = sizeof(f->meaning);

	f->meaning[0] = '\0';
	if (strcmp(h->name, "length") == 0 ||
		strcmp(h->name, "messageSize") == 0)
		snprintf(f->meaning, size, "%" PRIu32 " bytes with these 12",
			b->size);
	else if (strcmp(h->name, "crc") == 0)
		say_checksum(a, f->meaning, size);
	else if (strcmp(h->name, "attributes") == 0)
		say_attributes(b, f->meaning, size);
	else if (strcmp(h->name, "lastOffsetDelta") == 0)
		snprintf(f->meaning, size, "last offset %" PRId64,
			klog_batch_last_offset(b));
	else if (strcmp(h->name, "baseTimestamp") == 0 &&
		b->attributes & KLOG_ATTR_DELETE_HORIZON)
		snprintf(f->meaning, size, "the delete horizon");
	else if (h->size == 8 && strstr(h->name, "imestamp") != NULL)
		say_time(value, f->meaning);
	else if (value == -1)
		snprintf(f->meaning, size, "none");
}

static void
put_head(struct klog_anatomy *a, const struct head *h, struct klog_field *f)
{
	const uint8_t *p = a->bytes.data + h->at;
	int64_t value = number(p, h->size);

	f->unpacked = false;
	f->from = h->at;
	f->to = h->at + h->size;
	f->bytes = klog_slice_of(p, (size_t)h->size);
	f->name = h->name;
	if (strcmp(h->name, "crc") == 0)
		snprintf(f->value, sizeof(f->value),
			"%" PRIu32 " (0x%08" PRIx32 ")", (uint32_t)value,
			(uint32_t)value);
	else if (strcmp(h->name, "attributes") == 0)
		snprintf(f->value, sizeof(f->value), "0x%0*x", 2 * h->size,
			(unsigned)value & 0xffff);
	else
		snprintf(f->value, sizeof(f->value), "%" PRId64, value);
	say_meaning(a, h, value, f);
}

/* ---- records ---- */

enum {
	LENGTH,
	ATTRIBUTES,
	TIMESTAMP,
	OFFSET,
	KEY_SIZE,
	KEY,
	VALUE_SIZE,
	VALUE,
	HEADERS,
	NAME_SIZE,
	NAME,
	HEADER_SIZE,
	HEADER,
	DONE
};

static const char *const names[] = { "length", "attributes", "timestampDelta",
	"offsetDelta", "keyLength", "key", "valueLength", "value",
	"headersCount", "headerKeyLength", "headerKey", "headerValueLength",
	"headerValue" };

static int
senseless(struct klog_err *err, const struct klog_anatomy *a)
{
	return klog_fail(err, KLOG_ECORRUPT,
		"record %" PRId32 ": no %s at byte %zu of the records",
		a->record, a->field < DONE ? names[a->field] : "end", a->at);
}

static void
put_text(struct klog_field *f)
{
	char text[80];
	size_t i,
		n = f->bytes.size < sizeof(text) - 1 ? f->bytes.size
						     : sizeof(text) - 1;

	for (i = 0; i < n; i++)
		text[i] = f->bytes.data[i] >= 0x20 && f->bytes.data[i] < 0x7f
			? (char)f->bytes.data[i]
			: '.';
	text[n] = '\0';
	snprintf(f->value, sizeof(f->value), "%s%s", text,
		n < f->bytes.size ? "..." : "");
}

/* The next field once `field` was taken, whose number is `value`. */
static void
advance(struct klog_anatomy *a, int64_t value)
{
	switch (a->field) {
	case KEY_SIZE:
	case VALUE_SIZE:
	case NAME_SIZE:
	case HEADER_SIZE:
		a->size = (int32_t)value;
		a->field += value >= 0 ? 1 : 2;
		break;
	case HEADERS:
		a->headers = (int32_t)value;
		a->field = value > 0 ? NAME_SIZE : DONE;
		return;
	default:
		a->field++;
		break;
	}
	if (a->field == DONE && a->headers > 0 && --a->headers > 0)
		a->field = NAME_SIZE;
}

static void
say_number(const struct klog_anatomy *a, int64_t value, struct klog_field *f)
{
	const struct klog_batch *b = &a->batch;
	bool append_time = (b->attributes & KLOG_ATTR_LOG_APPEND_TIME) != 0;

	snprintf(f->value, sizeof(f->value), "%" PRId64, value);
	if (a->field == TIMESTAMP && !append_time)
		say_time((int64_t)((uint64_t)b->base_timestamp_ms +
				 (uint64_t)value),
			f->meaning);
	else if (a->field == OFFSET)
		snprintf(f->meaning, sizeof(f->meaning), "offset %" PRId64,
			(int64_t)((uint64_t)b->base_offset + (uint64_t)value));
	else if (a->field == LENGTH)
		snprintf(f->meaning, sizeof(f->meaning), "record %" PRId32,
			a->record);
	else if (value < 0)
		snprintf(f->meaning, sizeof(f->meaning), "null");
}

/* Bytes, a number, or the attributes: the next field of a record. */
static int
take_field(struct klog_anatomy *a, struct klog_field *f, struct klog_err *err)
{
	struct klog_slice in = klog_slice_of(
		a->records.data + a->at, a->records.size - a->at);
	size_t before = in.size;
	struct klog_slice bytes;
	int64_t value = 0;
	int32_t small = 0;
	bool good;

	f->meaning[0] = '\0';
	switch (a->field) {
	case ATTRIBUTES:
		good = klog_take(&in, 1, &bytes);
		value = good ? bytes.data[0] : 0;
		break;
	case KEY:
	case VALUE:
	case NAME:
	case HEADER:
		good = klog_take(&in, (size_t)a->size, &bytes);
		break;
	case TIMESTAMP:
		good = klog_take_varlong(&in, &value);
		break;
	default:
		good = klog_take_varint(&in, &small);
		value = small;
		break;
	}
	if (!good)
		return senseless(err, a);
	f->unpacked = a->unpacked;
	f->from = (int64_t)a->at + (a->unpacked ? 0 : KLOG_BATCH_HEADER);
	f->to = f->from + (int64_t)(before - in.size);
	f->bytes = klog_slice_of(a->records.data + a->at, before - in.size);
	f->name = names[a->field];
	a->at += before - in.size;
	if (a->field == KEY || a->field == VALUE || a->field == NAME ||
		a->field == HEADER)
		put_text(f);
	else
		say_number(a, value, f);
	if (a->field == LENGTH)
		a->body_end = a->at + (value > 0 ? (size_t)value : 0);
	advance(a, value);
	return 1;
}

static int
take_record_field(
	struct klog_anatomy *a, struct klog_field *f, struct klog_err *err)
{
	if (a->field == DONE) {
		if (a->at != a->body_end)
			return klog_fail(err, KLOG_ECORRUPT,
				"record %" PRId32 " ends at byte %zu, and its "
				"length says %zu",
				a->record, a->at, a->body_end);
		a->record++;
		a->field = LENGTH;
	}
	if (a->field == LENGTH && a->record >= a->batch.record_count) {
		if (a->at == a->records.size)
			return 0;
		return klog_fail(err, KLOG_ECORRUPT,
			"%zu bytes behind the last record",
			a->records.size - a->at);
	}
	return take_field(a, f, err);
}

/* The rest of the batch in one piece: compressed, or of an old format. */
static int
put_rest(struct klog_anatomy *a, size_t from, const char *name,
	struct klog_field *f)
{
	f->unpacked = false;
	f->from = (int64_t)from;
	f->to = (int64_t)a->bytes.size;
	f->bytes = klog_slice_of(a->bytes.data + from, a->bytes.size - from);
	f->name = name;
	snprintf(f->value, sizeof(f->value), "%zu bytes", f->bytes.size);
	f->meaning[0] = '\0';
	if (a->records.data != NULL && a->unpacked)
		snprintf(f->meaning, sizeof(f->meaning),
			"%zu bytes of records, below", a->records.size);
	return 1;
}

int
klog_anatomy_next(
	struct klog_anatomy *a, struct klog_field *f, struct klog_err *err)
{
	bool old = a->batch.magic != KLOG_BATCH_MAGIC;
	int count = !old ? 13 : a->batch.magic == 1 ? 6 : 5;

	if (a->step < count) {
		put_head(a, (old ? old_heads : heads) + a->step++, f);
		return 1;
	}
	if (old || a->unpacked) {
		size_t from = !old ? KLOG_BATCH_HEADER
				   : klog_legacy_header_size(a->batch.magic);

		if (old && from > a->bytes.size)
			from = a->bytes.size;
		if (a->step++ == count && a->bytes.size > from)
			return put_rest(
				a, from, old ? "keyAndValue" : "records", f);
		if (old || a->records.data == NULL)
			return 0;
	}
	return take_record_field(a, f, err);
}
