#include <endian.h>
#include <string.h>

#include "siphash.h"

struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t
turn(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void
rounds(struct sip *v, int n)
{
	while (n-- > 0) {
		v->a += v->b;
		v->c += v->d;
		v->b = turn(v->b, 13) ^ v->a;
		v->d = turn(v->d, 16) ^ v->c;
		v->a = turn(v->a, 32) + v->d;
		v->c += v->b;
		v->d = turn(v->d, 21) ^ v->a;
		v->b = turn(v->b, 17) ^ v->c;
		v->c = turn(v->c, 32);
	}
}

static inline void
take(struct sip *v, uint64_t word)
{
	v->d ^= word;
	rounds(v, 2);
	v->a ^= word;
}

static uint64_t
word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

void
klog_siphash(
	const uint64_t key[2], const void *data, size_t size, uint64_t hash[2])
{
	/* "somepseudorandomlygeneratedbytes"; 0xee is for 128 bits */
	struct sip v = { 0x736f6d6570736575u ^ key[0],
		0x646f72616e646f6du ^ key[1] ^ 0xee,
		0x6c7967656e657261u ^ key[0], 0x7465646279746573u ^ key[1] };
	const uint8_t *p = data;
	uint8_t last[8] = { 0 };
	size_t left = size;

	for (; left >= 8; left -= 8, p += 8)
		take(&v, word_at(p));
	if (left > 0)
		memcpy(last, p, left);
	last[7] = (uint8_t)size;
	take(&v, word_at(last));
	v.c ^= 0xee;
	rounds(&v, 4);
	hash[0] = v.a ^ v.b ^ v.c ^ v.d;
	v.b ^= 0xdd;
	rounds(&v, 4);
	hash[1] = v.a ^ v.b ^ v.c ^ v.d;
}
