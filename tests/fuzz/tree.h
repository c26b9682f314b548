/*
 * A partition's directory as one input, so that a fuzzer mutates its files.
 * For each file:
 *
 *	  0  kind, 4 bits (enum tree_kind), and what is mended, 4 bits
 *	  1  which base offset its name has (tree_base)
 *	  2  size, 2 bytes; what follows is cut to the end of the input
 *
 * tests/tools/fuzz-seeds packs a directory that klog wrote.
 */
#ifndef TREE_H
#define TREE_H

#include "fuzz.h"

enum tree_kind {
	TREE_LOG,
	TREE_INDEX,
	TREE_TIMEINDEX,
	TREE_STATE,
	TREE_EPOCHS,
	TREE_SNAPSHOT,
	TREE_SWAP,
	TREE_CLEANED,
	TREE_KINDS
};

enum {
	TREE_KIND = 0x0f,
	TREE_MEND = 0x10,  /* lengths and checksums */
	TREE_TODAY = 0x20, /* of the state: the stamp is today's */
	TREE_CHAIN = 0x40  /* of a log: each batch begins where one ended */
};

#define TREE_FILES_MAX 16

struct tree_file {
	uint8_t kind; /* and what is mended */
	uint8_t base;
	struct klog_slice bytes;
};

/* Takes the next file off the input; false at its end. */
bool tree_take(struct klog_slice *in, struct tree_file *file);

/* The base offset that the byte stands for: small ones, and bounds. */
int64_t tree_base(uint8_t byte);

/* An empty directory of this process, in memory where that is possible, with
 * an empty `0` in it: its descriptor.  What was there before goes; all goes
 * when the process ends. */
int tree_fresh(void);

/* Writes the files into a directory; answers how many bytes of logs. */
size_t tree_write(int dir, struct klog_slice in);

/* Writes one of them; and any bytes under any name. */
void tree_write_file(int dir, const struct tree_file *file);
void tree_write_named(int dir, const char *name, struct klog_slice bytes);

/* A file of a directory as it is now, appended to *out; false: missing. */
bool tree_read(int dir, const char *name, struct klog_buf *out);

/* LLVMFuzzerCustomMutator for an input that is `front` bytes and a tree: one
 * file, or one batch of a log, at a time. */
size_t tree_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed,
	size_t front);

#endif
