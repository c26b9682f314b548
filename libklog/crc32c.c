#include <inttypes.h>
#include <isa-l/crc.h>
#include <stdio.h>
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

void
klog_crc32c_text(char sum[KLOG_CRC32C_TEXT], const char *line, size_t size)
{
	snprintf(sum, KLOG_CRC32C_TEXT, " %08" PRIx32, klog_crc32c(line, size));
}

bool
klog_crc32c_cut(char *line)
{
	char *at = strrchr(line, ' ');
	char sum[KLOG_CRC32C_TEXT];

	if (at == NULL)
		return false;
	klog_crc32c_text(sum, line, (size_t)(at - line));
	if (strcmp(at, sum) != 0)
		return false;
	*at = '\0';
	return true;
}
