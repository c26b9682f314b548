/*
 * What the fuzz targets share.  A target is a fuzz_NAME.c with libFuzzer's
 * LLVMFuzzerTestOneInput: it decodes the bytes as klog would, and must()
 * says what holds of every input.  Sanitizers see the rest.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libklog/bytes.h"

/* What libFuzzer calls: a target has the first, and may have the others. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(
	uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* What libFuzzer offers to a mutator. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define must(what) ((what) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #what))

_Noreturn static inline void
fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

/* The same of a call that must not fail, with the words why it did. */
#define must_do(call, err)                                                     \
	((call) != -1 ? (void)0 : fuzz_broken(__FILE__, __LINE__, (err)->text))

/* The next bytes of the input as a number; 0 when they are used up. */
static inline uint64_t
fuzz_number(struct klog_slice *in, size_t bytes)
{
	uint64_t n = 0;

	for (; bytes > 0; bytes--) {
		struct klog_slice byte;

		n = n << 8 | (klog_take(in, 1, &byte) ? byte.data[0] : 0u);
	}
	return n;
}

/* A copy in a block of exactly its size, so that a sanitizer sees every read
 * beyond it; the caller frees it. */
static inline uint8_t *
fuzz_copy(struct klog_slice in)
{
	uint8_t *copy = malloc(in.size > 0 ? in.size : 1);

	must(copy != NULL);
	if (in.size > 0)
		memcpy(copy, in.data, in.size);
	return copy;
}

/* The same as a C string, which ends at the first NUL. */
static inline char *
fuzz_text(struct klog_slice in)
{
	char *text = malloc(in.size + 1);

	must(text != NULL);
	if (in.size > 0)
		memcpy(text, in.data, in.size);
	text[in.size] = '\0';
	return text;
}

/* The checksum of gzip, which the old message formats have. */
static inline uint32_t
fuzz_crc32(const uint8_t *p, size_t size)
{
	uint32_t crc = UINT32_MAX;
	int bit;

	for (; size > 0; size--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320u
					     : crc >> 1;
	}
	return ~crc;
}

static inline bool
fuzz_same(struct klog_slice a, struct klog_slice b)
{
	return a.size == b.size &&
		(a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#endif
