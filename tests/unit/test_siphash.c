/*
 * SipHash-2-4 with 128 bits of result: vectors of the reference code
 * (vectors_sip128 in SipHash/vectors.h), key 00 to 0f, input 00 01 02 ...
 */
#include "hex.h"
#include "libklog/siphash.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	size_t size;
	const char *want;
} vectors[] = {
	{ 0, "a3817f04ba25a8e66df67214c7550293" },
	{ 1, "da87c1d86b99af44347659119b22fc45" },
	{ 2, "8177228da4a45dc7fca38bdef60affe4" },
};

static const char *
hash(size_t size)
{
	static char text[33];
	const uint64_t key[2] = { UINT64_C(0x0706050403020100),
		UINT64_C(0x0f0e0d0c0b0a0908) };
	uint8_t in[64], *copy;
	uint64_t out[2];
	size_t i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	copy = copy_of(in, size);
	klog_siphash(key, copy, size, out);
	free(copy);
	for (i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x",
			(unsigned)(out[i / 8] >> 8 * (i % 8) & 0xff));
	return text;
}

int
main(void)
{
	char seen[64][33];
	int same = 0;
	size_t i, j;

	for (i = 0; i < COUNT(vectors); i++)
		is_str(hash(vectors[i].size), vectors[i].want, "%zu bytes",
			vectors[i].size);
	/* around the words of eight bytes: each length counts */
	for (i = 0; i < 64; i++) {
		strcpy(seen[i], hash(i));
		for (j = 0; j < i; j++)
			same += strcmp(seen[i], seen[j]) == 0;
	}
	is_int(same, 0, "no two lengths up to 63 have one hash");
	return done();
}
