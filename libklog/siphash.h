/* SipHash-2-4 with 128 bits of result (Aumasson and Bernstein): a hash with a
 * secret key, so that nobody can choose inputs that collide. */
#ifndef KLOG_SIPHASH_H
#define KLOG_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* key as two little-endian words; hash[0] is the first half. */
void klog_siphash(
	const uint64_t key[2], const void *data, size_t size, uint64_t hash[2]);

#endif
