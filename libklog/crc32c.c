#include <isa-l/crc.h>
#include <string.h>

#include "crc32c.h"

#define PART ((size_t)1 << 30) /* crc32_iscsi counts in int */

uint32_t
klog_crc32c_add(uint32_t crc, const void *data, size_t size)
{
	unsigned char *p;

	crc = ~crc;
	/* ISA-L reads only, but forgot the const. */
	memcpy(&p, &data, sizeof(p));
	while (size > 0) {
		size_t part = size < PART ? size : PART;

		crc = crc32_iscsi(p, (int)part, crc);
		p += part;
		size -= part;
	}
	return ~crc;
}

uint32_t
klog_crc32c(const void *data, size_t size)
{
	return klog_crc32c_add(0, data, size);
}
