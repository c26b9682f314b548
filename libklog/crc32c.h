/* CRC-32C (Castagnoli), as in iSCSI and in Kafka's batches; by ISA-L. */
#ifndef KLOG_CRC32C_H
#define KLOG_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The finished checksum of size bytes; 0 for none. */
uint32_t klog_crc32c(const void *data, size_t size);

#endif
