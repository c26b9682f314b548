/*
 * What libpower.so writes down of a process's calls, and crash-states reads.
 * A trace is a sequence of these, each with `names` bytes of two names behind
 * it (each with its NUL), and `data` bytes behind those.
 */
#ifndef KLOG_TESTS_TRACE_H
#define KLOG_TESTS_TRACE_H

#include <stdint.h>

enum trace_op {
	TRACE_CREATE = 1, /* the name in dir leads to ino */
	TRACE_MKDIR,
	TRACE_RENAME, /* the first name in dir becomes the second */
	TRACE_UNLINK,
	TRACE_WRITE,      /* of ino, at */
	TRACE_TRUNCATE,   /* of ino, to `at` */
	TRACE_SYNC_BEGIN, /* of ino, or of everything: 0; `at` pairs the two */
	TRACE_SYNC_END,
	TRACE_PROMISE, /* by crash-states: `at` records are there from now on */
};

struct trace {
	uint64_t dir;
	uint64_t ino;
	uint64_t at;
	uint32_t data;
	uint16_t op;
	uint16_t names;
};

#endif
