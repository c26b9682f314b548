/*
 * Bytes: a slice is borrowed and shrinks as it is decoded (struct klog_slice
 * in klog.h), a buf is owned and grows.  Integers are big-endian, as
 * everywhere in Kafka's files.  Bounds are checked by taking.
 */
#ifndef KLOG_BYTES_H
#define KLOG_BYTES_H

#include <endian.h>
#include <string.h>

#include "klog.h"

struct klog_buf {
	uint8_t *data;
	size_t size;
	size_t capacity;
};

/* Room for `more` bytes behind size; 0, or -1 out of memory, unchanged. */
int klog_buf_reserve(struct klog_buf *buf, size_t more);
int klog_buf_put(struct klog_buf *buf, const void *data, size_t size);
void klog_buf_free(struct klog_buf *buf);

/*
 * A list of `count` items of `size` bytes, with room for one more: at each
 * power of two it becomes twice as long.  NULL: out of memory, the list is
 * what it was.
 */
void *klog_grow(void *list, size_t count, size_t size);

static inline uint16_t
klog_get_be16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t
klog_get_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t
klog_get_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline void
klog_set_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
klog_set_be32(uint8_t *p, uint32_t v)
{
	v = be32toh(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
klog_set_be64(uint8_t *p, uint64_t v)
{
	v = be64toh(v);
	memcpy(p, &v, sizeof(v));
}

/* Takes `size` bytes off the front of *in; false and unchanged if short. */
static inline bool
klog_take(struct klog_slice *in, size_t size, struct klog_slice *out)
{
	if (in->size < size)
		return false;
	out->data = in->data;
	out->size = size;
	in->data += size;
	in->size -= size;
	return true;
}

static inline bool
klog_take_be32(struct klog_slice *in, uint32_t *v)
{
	if (in->size < 4)
		return false;
	*v = klog_get_be32(in->data);
	in->data += 4;
	in->size -= 4;
	return true;
}

static inline struct klog_slice
klog_slice_of(const void *data, size_t size)
{
	struct klog_slice s = { (const uint8_t *)data, size };

	return s;
}

#endif
