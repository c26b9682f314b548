#include "partitioner.h"

uint32_t
klog_murmur2(struct klog_slice key)
{
	const uint32_t m = 0x5bd1e995;
	const uint8_t *p = key.data;
	size_t left = key.size;
	uint32_t h = 0x9747b28c ^ (uint32_t)key.size; /* Kafka's seed */

	for (; left >= 4; left -= 4, p += 4) {
		uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
			(uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

		k *= m;
		k ^= k >> 24;
		k *= m;
		h *= m;
		h ^= k;
	}
	if (left > 0) {
		if (left == 3)
			h ^= (uint32_t)p[2] << 16;
		if (left >= 2)
			h ^= (uint32_t)p[1] << 8;
		h ^= p[0];
		h *= m;
	}
	h ^= h >> 13;
	h *= m;
	h ^= h >> 15;
	return h;
}

int32_t
klog_partition_of_key(struct klog_slice key, int32_t partitions)
{
	/* The sign bit is masked away, as Kafka does; not an absolute value. */
	return (int32_t)(klog_murmur2(key) & 0x7fffffff) % partitions;
}

/* splitmix64: each step is a permutation, so any seed will do. */
static uint32_t
random32(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

/* Uniform in 0 .. n-1: the top of a product, without the draws that would
 * fall on some results once more than on others. */
static int32_t
random_below(uint64_t *seed, int32_t n)
{
	uint32_t count = (uint32_t)n;
	uint32_t uneven = (uint32_t)(-count) % count;
	uint64_t product;

	do
		product = (uint64_t)random32(seed) * count;
	while ((uint32_t)product < uneven);
	return (int32_t)(product >> 32);
}

void
klog_sticky_init(struct klog_sticky *sticky, uint64_t seed, int32_t partitions)
{
	sticky->seed = seed;
	sticky->partition = random_below(&sticky->seed, partitions);
	sticky->sent = 0;
}

/* Any partition but the present one. */
static void
move_on(struct klog_sticky *sticky, int32_t partitions)
{
	int32_t other;

	sticky->sent = 0;
	if (sticky->partition >= partitions) {
		sticky->partition = random_below(&sticky->seed, partitions);
		return;
	}
	if (partitions == 1)
		return;
	other = random_below(&sticky->seed, partitions - 1);
	sticky->partition = other < sticky->partition ? other : other + 1;
}

int32_t
klog_sticky_next(struct klog_sticky *sticky, int32_t partitions,
	int64_t batch_size, size_t size)
{
	if (sticky->sent >= batch_size || sticky->partition >= partitions)
		move_on(sticky, partitions);
	if (size > (uint64_t)(INT64_MAX - sticky->sent))
		sticky->sent = INT64_MAX;
	else
		sticky->sent += (int64_t)size;
	return sticky->partition;
}
