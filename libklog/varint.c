#include "varint.h"

uint8_t *
klog_varlong_put_long(uint8_t *p, uint64_t zigzag)
{
	while (zigzag >= 0x80) {
		*p++ = (uint8_t)(zigzag | 0x80);
		zigzag >>= 7;
	}
	*p++ = (uint8_t)zigzag;
	return p;
}

/*
 * Up to `max` groups, which hold `bits` bits: what the last group has beyond
 * them must be zero.
 */
static bool
take(struct klog_slice *in, size_t max, unsigned bits, uint64_t *v)
{
	uint64_t u = 0;
	size_t i;

	for (i = 0; i < max && i < in->size; i++) {
		uint64_t group = in->data[i] & 0x7f;
		unsigned shift = (unsigned)i * 7;

		if (bits - shift < 7 && group >> (bits - shift) != 0)
			return false;
		u |= group << shift;
		if (in->data[i] < 0x80) {
			in->data += i + 1;
			in->size -= i + 1;
			*v = u;
			return true;
		}
	}
	return false;
}

bool
klog_take_varint_long(struct klog_slice *in, int32_t *v)
{
	uint64_t u;

	if (!take(in, KLOG_VARINT_MAX, 32, &u))
		return false;
	*v = (int32_t)klog_unzigzag(u);
	return true;
}

bool
klog_take_varlong_long(struct klog_slice *in, int64_t *v)
{
	uint64_t u;

	if (!take(in, KLOG_VARLONG_MAX, 64, &u))
		return false;
	*v = klog_unzigzag(u);
	return true;
}
