/* Bytes written as hex, in blocks of exactly their size, so that a sanitizer
 * sees every read beyond them. */
#ifndef HEX_H
#define HEX_H

#include <stdlib.h>

#include "libklog/bytes.h"

#define HEX_UNUSED __attribute__((unused))

static inline uint8_t
hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* A copy of `size` bytes of `data` in a block of its own, at least one. */
HEX_UNUSED static uint8_t *
copy_of(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* Lower-case hex; the caller frees (uint8_t *)slice.data. */
HEX_UNUSED static struct klog_slice
unhex(const char *hex)
{
	size_t size = strlen(hex) / 2;
	uint8_t *data = malloc(size > 0 ? size : 1);

	if (data == NULL)
		abort();
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 |
			hex_digit(hex[2 * i + 1]));
	return klog_slice_of(data, size);
}

HEX_UNUSED static void
drop(struct klog_slice s)
{
	free((void *)(uintptr_t)s.data);
}

HEX_UNUSED static bool
same_bytes(struct klog_slice a, struct klog_slice b)
{
	return a.size == b.size &&
		(a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* A slice of a C string. */
HEX_UNUSED static struct klog_slice
slice(const char *text)
{
	return klog_slice_of(text, strlen(text));
}

#endif
