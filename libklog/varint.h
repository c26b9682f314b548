/*
 * Kafka's varints: zig-zag, then LEB128, lowest group first.  An int32 takes
 * at most 5 bytes, an int64 at most 10 (org.apache.kafka.common.utils.
 * ByteUtils).  Longer ones, and ones that overflow, are refused; non-minimal
 * ones are accepted, as Kafka does.
 *
 * A record has six or seven of them, nearly all of one or two bytes: those
 * are done inline, the others by the *_long functions.
 */
#ifndef KLOG_VARINT_H
#define KLOG_VARINT_H

#include "bytes.h"

#define KLOG_VARINT_MAX 5
#define KLOG_VARLONG_MAX 10

static inline uint32_t
klog_zigzag32(int32_t v)
{
	return ((uint32_t)v << 1) ^ (v < 0 ? UINT32_MAX : 0);
}

static inline uint64_t
klog_zigzag64(int64_t v)
{
	return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t
klog_unzigzag(uint64_t u)
{
	return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

static inline size_t
klog_varlong_size(int64_t v)
{
	unsigned top = 63 - (unsigned)__builtin_clzll(klog_zigzag64(v) | 1);

	return (top * 9 + 73) / 64; /* top / 7 + 1, for top up to 63 */
}

static inline size_t
klog_varint_size(int32_t v)
{
	return klog_varlong_size(v);
}

uint8_t *klog_varlong_put_long(uint8_t *p, uint64_t zigzag);
bool klog_take_varint_long(struct klog_slice *in, int32_t *v);
bool klog_take_varlong_long(struct klog_slice *in, int64_t *v);

/* Write at p, which has room, and answer the end of what was written. */
static inline uint8_t *
klog_varlong_put(uint8_t *p, int64_t v)
{
	uint64_t u = klog_zigzag64(v);

	if (u < 0x80) {
		p[0] = (uint8_t)u;
		return p + 1;
	}
	if (u < 0x4000) {
		p[0] = (uint8_t)(u | 0x80);
		p[1] = (uint8_t)(u >> 7);
		return p + 2;
	}
	return klog_varlong_put_long(p, u);
}

static inline uint8_t *
klog_varint_put(uint8_t *p, int32_t v)
{
	return klog_varlong_put(p, v); /* the same bytes */
}

/* One of one or two bytes: answers how many, 0 if it is another. */
static inline size_t
klog_varint_short(const struct klog_slice *in, int32_t *v)
{
	uint32_t u;

	if (in->size >= 1 && in->data[0] < 0x80) {
		u = in->data[0];
		*v = (int32_t)(u >> 1) ^ -(int32_t)(u & 1);
		return 1;
	}
	if (in->size >= 2 && in->data[1] < 0x80) {
		u = (in->data[0] & 0x7fu) | (uint32_t)in->data[1] << 7;
		*v = (int32_t)(u >> 1) ^ -(int32_t)(u & 1);
		return 2;
	}
	return 0;
}

/*
 * For hot paths: the zig-zag form of one of up to three bytes at p, which
 * must all be readable; NULL if it is longer, else its end.
 */
static inline const uint8_t *
klog_get_short(const uint8_t *p, uint32_t *u)
{
	if (p[0] < 0x80) {
		*u = p[0];
		return p + 1;
	}
	if (p[1] < 0x80) {
		*u = (p[0] & 0x7fu) | (uint32_t)p[1] << 7;
		return p + 2;
	}
	if (p[2] < 0x80) {
		*u = (p[0] & 0x7fu) | (p[1] & 0x7fu) << 7 |
			(uint32_t)p[2] << 14;
		return p + 3;
	}
	return NULL;
}

/* Take from the front of *in; false when short, too long or overflowing, and
 * then *in is unchanged. */
static inline bool
klog_take_varint(struct klog_slice *in, int32_t *v)
{
	size_t size = klog_varint_short(in, v);

	if (size == 0)
		return klog_take_varint_long(in, v);
	in->data += size;
	in->size -= size;
	return true;
}

static inline bool
klog_take_varlong(struct klog_slice *in, int64_t *v)
{
	int32_t small;
	size_t size = klog_varint_short(in, &small);

	if (size == 0)
		return klog_take_varlong_long(in, v);
	*v = small;
	in->data += size;
	in->size -= size;
	return true;
}

#endif
