#include "record.h"
#include "varint.h"

/* A length that is -1 for null. */
static int32_t
length_of(struct klog_slice s)
{
	return s.data != NULL ? (int32_t)s.size : -1;
}

static inline size_t
body_size(const struct klog_record *rec, int64_t timestamp_delta,
	int32_t offset_delta)
{
	return 1 + klog_varlong_size(timestamp_delta) +
		klog_varint_size(offset_delta) +
		klog_varint_size(length_of(rec->key)) + rec->key.size +
		klog_varint_size(length_of(rec->value)) + rec->value.size +
		klog_varint_size(rec->header_count) + rec->headers.size;
}

size_t
klog_record_size(const struct klog_record *rec, int64_t timestamp_delta,
	int32_t offset_delta)
{
	size_t body = body_size(rec, timestamp_delta, offset_delta);

	return klog_varlong_size((int64_t)body) + body;
}

static inline uint8_t *
put_bytes(uint8_t *p, struct klog_slice s)
{
	if (s.size == 0)
		return p;
	memcpy(p, s.data, s.size);
	return p + s.size;
}

/*
 * The hot path of writing: neither key nor headers.  What varies in size is
 * measured once, and most of it is a byte.
 */
static uint8_t *
put_plain(uint8_t *p, struct klog_slice value, int64_t timestamp_delta,
	int32_t offset_delta)
{
	size_t body = 3 + klog_varlong_size(timestamp_delta) +
		klog_varint_size(offset_delta) +
		klog_varint_size((int32_t)value.size) + value.size;

	p = klog_varint_put(p, (int32_t)body);
	*p++ = 0;
	p = klog_varlong_put(p, timestamp_delta);
	p = klog_varint_put(p, offset_delta);
	*p++ = 1; /* the null key */
	p = klog_varint_put(p, (int32_t)value.size);
	memcpy(p, value.data, value.size);
	p += value.size;
	*p++ = 0;
	return p;
}

uint8_t *
klog_record_put(uint8_t *p, const struct klog_record *rec,
	int64_t timestamp_delta, int32_t offset_delta)
{
	size_t body;

	if (rec->key.data == NULL && rec->value.data != NULL &&
		rec->header_count == 0 && rec->headers.size == 0)
		return put_plain(p, rec->value, timestamp_delta, offset_delta);
	body = body_size(rec, timestamp_delta, offset_delta);
	p = klog_varint_put(p, (int32_t)body);
	*p++ = 0; /* attributes: none are defined */
	p = klog_varlong_put(p, timestamp_delta);
	p = klog_varint_put(p, offset_delta);
	p = klog_varint_put(p, length_of(rec->key));
	p = put_bytes(p, rec->key);
	p = klog_varint_put(p, length_of(rec->value));
	p = put_bytes(p, rec->value);
	p = klog_varint_put(p, rec->header_count);
	return put_bytes(p, rec->headers);
}

/* Bytes after their length; as in Kafka any negative length is null. */
static inline bool
take_bytes(struct klog_slice *in, struct klog_slice *out)
{
	int32_t size;

	if (!klog_take_varint(in, &size))
		return false;
	if (size >= 0)
		return klog_take(in, (size_t)size, out);
	out->data = NULL;
	out->size = 0;
	return true;
}

static bool
take_header(struct klog_slice *in, struct klog_header *header)
{
	struct klog_slice rest = *in;

	if (!take_bytes(&rest, &header->name) || header->name.data == NULL ||
		!take_bytes(&rest, &header->value))
		return false;
	*in = rest;
	return true;
}

/* Whether `headers` is exactly `count` headers. */
static bool
headers_fit(struct klog_slice headers, int32_t count)
{
	struct klog_header header;

	for (; count > 0; count--)
		if (!take_header(&headers, &header))
			return false;
	return headers.size == 0;
}

int
klog_record_take(
	struct klog_slice *in, struct klog_record *rec, struct klog_err *err)
{
	struct klog_slice rest = *in, body;
	int32_t size, offset_delta;

	if (!klog_take_varint(&rest, &size) || size < 0)
		return klog_fail(err, KLOG_ECORRUPT, "bad length of a record");
	if (!klog_take(&rest, (size_t)size, &body))
		return klog_fail(
			err, KLOG_ECORRUPT, "a record runs past its batch");
	if (body.size < 1)
		return klog_fail(err, KLOG_ECORRUPT, "an empty record");
	body.data++; /* attributes: none are defined, Kafka ignores them */
	body.size--;
	if (!klog_take_varlong(&body, &rec->timestamp_ms) ||
		!klog_take_varint(&body, &offset_delta) ||
		!take_bytes(&body, &rec->key) ||
		!take_bytes(&body, &rec->value) ||
		!klog_take_varint(&body, &rec->header_count))
		return klog_fail(
			err, KLOG_ECORRUPT, "a field runs past its record");
	if (rec->header_count < 0 || !headers_fit(body, rec->header_count))
		return klog_fail(
			err, KLOG_ECORRUPT, "malformed headers of a record");
	rec->offset = offset_delta;
	rec->headers = body;
	rec->partition = -1;
	*in = rest;
	return 0;
}

int
klog_header_next(struct klog_slice *headers, struct klog_header *header)
{
	if (headers->size == 0)
		return 0;
	return take_header(headers, header) ? 1 : -1;
}

uint8_t *
klog_header_put(uint8_t *p, const struct klog_header *header)
{
	p = klog_varint_put(p, (int32_t)header->name.size);
	p = put_bytes(p, header->name);
	p = klog_varint_put(p, length_of(header->value));
	return put_bytes(p, header->value);
}
