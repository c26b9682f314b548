/*
 * Kafka's varints: zig-zag, then LEB128, lowest group first.  An int32 takes
 * at most 5 bytes, an int64 at most 10 (org.apache.kafka.common.utils.
 * ByteUtils).  Longer ones, and ones that overflow, are refused; non-minimal
 * ones are accepted, as Kafka does.
 */
#ifndef KLOG_VARINT_H
#define KLOG_VARINT_H

#include "bytes.h"

#define KLOG_VARINT_MAX 5
#define KLOG_VARLONG_MAX 10

size_t klog_varint_size(int32_t v);
size_t klog_varlong_size(int64_t v);

/* Write at p, which has room, and answer the end of what was written. */
uint8_t *klog_varint_put(uint8_t *p, int32_t v);
uint8_t *klog_varlong_put(uint8_t *p, int64_t v);

/* Take from the front of *in; false when short, too long or overflowing. */
bool klog_take_varint(struct klog_slice *in, int32_t *v);
bool klog_take_varlong(struct klog_slice *in, int64_t *v);

#endif
