/*
 * Which partition a record goes to, as Kafka's Java client decides: murmur2
 * of the key; without a key (null, not empty) records stick to a partition
 * until a batch's worth of bytes went there, then to another at random
 * (KIP-480, KIP-794).
 */
#ifndef KLOG_PARTITIONER_H
#define KLOG_PARTITIONER_H

#include "bytes.h"

uint32_t klog_murmur2(struct klog_slice key);

/* Of 0 .. partitions-1, for a key that is not null. */
int32_t klog_partition_of_key(struct klog_slice key, int32_t partitions);

/* For records without a key. */
struct klog_sticky {
	uint64_t seed; /* of the random choice; any value, then private */
	int32_t partition;
	int64_t sent; /* bytes since the last switch */
};

/* Begins at a random partition of `partitions`. */
void klog_sticky_init(
	struct klog_sticky *sticky, uint64_t seed, int32_t partitions);

/* The partition for the next record of `size` bytes; it moves on once
 * batch_size bytes went to the present one. */
int32_t klog_sticky_next(struct klog_sticky *sticky, int32_t partitions,
	int64_t batch_size, size_t size);

#endif
