/* CRC-32C (Castagnoli), as in iSCSI and in Kafka's batches; by ISA-L. */
#ifndef KLOG_CRC32C_H
#define KLOG_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The finished checksum of size bytes; 0 for none. */
uint32_t klog_crc32c(const void *data, size_t size);

/* Goes on from the checksum of what came before; 0 to begin. */
uint32_t klog_crc32c_add(uint32_t crc, const void *data, size_t size);

/*
 * The last word of a line of text: " 0123abcd", the checksum of what comes
 * before it.  And whether it is good, when the line is cut there.
 */
#define KLOG_CRC32C_TEXT 10
void klog_crc32c_text(
	char sum[KLOG_CRC32C_TEXT], const char *line, size_t size);
bool klog_crc32c_cut(char *line);

#endif
