/*
 * Records on their way to stdout: gathered in a buffer that is written when
 * it is large, and whole records at a time, so that whoever ends the tool
 * between two records leaves no half one behind.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "libklog/bytes.h"
#include "libklog/err.h"

#define OUTPUT_FULL ((size_t)512 * 1024)

struct output {
	int fd;
	struct klog_buf buf;
	size_t full;        /* it is written when so much is in it */
	int64_t written;    /* bytes, by now */
	bool failed;        /* a write did: what was in it is gone */
	int64_t stopped_ms; /* when a signal was noticed, or 0 */
	bool fast;          /* its reader is, by what it had taken then */
	int64_t measured_ms, measured;

	/* A pipe or socket: called before each write, and twice a second while
	 * its reader holds one up; -1 ends it.  The caller's, or NULL. */
	int (*meanwhile)(void *of, struct klog_err *err);
	void *of;
};

/* Asks for a large pipe when fd is one; -1: bytes are only gathered, by who
 * takes them out of buf.  0 or -1. */
int output_init(struct output *out, int fd, struct klog_err *err);

/* Writes what is in the buffer; 0, or -1 with *err, also when after a signal
 * (stop.h) a reader is late. */
int output_flush(struct output *out, struct klog_err *err);

/* Called between records: writes when enough has gathered. */
static inline int
output_step(struct output *out, struct klog_err *err)
{
	return out->buf.size < out->full ? 0 : output_flush(out, err);
}

/* Appends bytes of a record. */
static inline int
output_put(
	struct output *out, const void *data, size_t size, struct klog_err *err)
{
	if (klog_buf_put(&out->buf, data, size) == -1)
		return klog_fail_memory(err);
	return 0;
}

/* Whether it is to end: after a signal a reader that has taken nothing since
 * `since_ms` has two seconds, one that takes has ten, and none after a second
 * signal. */
bool output_late(struct output *out, int64_t since_ms);

/* Bytes that were written and that the reader of a pipe or socket has not
 * taken. */
int output_unread(const struct output *out);

/* Whether the reader of a pipe or socket has gone. */
bool output_gone(const struct output *out);

void output_free(struct output *out);

#endif
