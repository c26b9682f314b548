#include "base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

int
base64_encode(struct klog_slice bytes, struct klog_buf *out)
{
	const uint8_t *p = bytes.data;
	size_t left = bytes.size;
	uint8_t *to;

	out->size = 0;
	if (klog_buf_reserve(out, (left / 3 + 1) * 4) == -1)
		return -1;
	for (to = out->data; left > 0; p += 3, to += 4) {
		uint32_t v = (uint32_t)p[0] << 16;

		if (left > 1)
			v |= (uint32_t)p[1] << 8;
		if (left > 2)
			v |= p[2];
		to[0] = (uint8_t)digits[v >> 18];
		to[1] = (uint8_t)digits[v >> 12 & 63];
		to[2] = left > 1 ? (uint8_t)digits[v >> 6 & 63] : '=';
		to[3] = left > 2 ? (uint8_t)digits[v & 63] : '=';
		left -= left > 3 ? 3 : left;
	}
	out->size = (size_t)(to - out->data);
	return 0;
}

/* The six bits that a digit stands for, or 64. */
static uint32_t
value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)c - 'A';
	if (c >= 'a' && c <= 'z')
		return (uint32_t)c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* How many bytes four digits stand for, at *v; 0 when they are none. */
static size_t
take_four(const uint8_t *p, bool last, uint32_t *v)
{
	uint32_t a = value(p[0]), b = value(p[1]), c = value(p[2]),
		 d = value(p[3]);
	size_t size = 3;

	if (last && p[3] == '=') {
		size = 2;
		d = 0;
		if (p[2] == '=') {
			size = 1;
			c = 0;
		}
	}
	*v = a << 18 | b << 12 | c << 6 | d;
	/* what the padding leaves over must be zero */
	if ((a | b | c | d) > 63 || (*v & (0xffffffU >> 8 * size)) != 0)
		return 0;
	return size;
}

int
base64_decode(struct klog_slice text, struct klog_buf *out)
{
	const uint8_t *p = text.data, *end = p + text.size;
	uint32_t v;
	size_t n;

	if (text.size % 4 != 0)
		return 0;
	if (klog_buf_reserve(out, text.size / 4 * 3 + 1) == -1)
		return -1;
	for (; p < end; p += 4) {
		n = take_four(p, p + 4 == end, &v);
		if (n == 0)
			return 0;
		out->data[out->size++] = (uint8_t)(v >> 16);
		if (n > 1)
			out->data[out->size++] = (uint8_t)(v >> 8);
		if (n > 2)
			out->data[out->size++] = (uint8_t)v;
	}
	return 1;
}
