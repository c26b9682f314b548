/*
 * An input as delimited lines: views into one read buffer, nothing copied but
 * the beginning of a line that goes on in the next read.  Whenever no call is
 * in progress:
 *  1. start <= scanned <= end <= capacity; [start, end) was read and not yet
 *     handed out, [start, scanned) holds no whole delimiter.
 *  2. number counts the lines begun with lines_next's answers, 1 or -1.
 */
#ifndef LINES_H
#define LINES_H

#include "libklog/bytes.h"
#include "libklog/err.h"

#define LINES_READ ((size_t)262144)
#define LINES_LONGEST ((size_t)64 * 1024 * 1024) /* of one line */

struct lines {
	int fd;
	const uint8_t *delim; /* borrowed */
	size_t delim_size;
	size_t longest; /* a longer line is refused */
	uint8_t *data;
	size_t capacity;
	size_t start;
	size_t scanned;
	size_t end;
	int64_t number;    /* of the line handed out last, from 1 */
	bool ended;        /* the input has no more bytes */
	bool unterminated; /* the line handed out last had no delimiter */
	bool skipping;     /* the rest of a refused line is passed over */
};

/* The buffer is made once and serves one input after the other. */
int lines_init(struct lines *lines, const struct klog_buf *delim,
	struct klog_err *err);
void lines_free(struct lines *lines);

/* Begins with another input. */
void lines_begin(struct lines *lines, int fd);

/*
 * 1 with the next line without its delimiter, good until lines_fill; 0 when
 * no whole line is at hand (or, once `ended`, none is left); -1 when a line
 * is longer than `longest`: it is refused, and the next call goes on behind
 * it.
 */
int lines_next(
	struct lines *lines, struct klog_slice *line, struct klog_err *err);

/* One read(2): 1 with more bytes, 0 at the end, -1 failed (with sys_errno
 * EINTR on a signal). */
int lines_fill(struct lines *lines, struct klog_err *err);

/* Bytes of a line that is not yet whole. */
static inline size_t
lines_pending(const struct lines *lines)
{
	return lines->end - lines->start;
}

#endif
