/* CRC-32C (Castagnoli), as in iSCSI and in Kafka's batches; by ISA-L. */
#ifndef KLOG_CRC32C_H
#define KLOG_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The finished checksum of size bytes; 0 for none. */
uint32_t klog_crc32c(const void *data, size_t size);

/* Goes on from the checksum of what came before; 0 to begin. */
uint32_t klog_crc32c_add(uint32_t crc, const void *data, size_t size);

#endif
