#include <stdlib.h>
#include <unistd.h>

#include "lines.h"

int
lines_init(
	struct lines *lines, const struct klog_buf *delim, struct klog_err *err)
{
	memset(lines, 0, sizeof(*lines));
	lines->fd = -1;
	lines->delim = delim->data;
	lines->delim_size = delim->size;
	lines->longest = LINES_LONGEST;
	lines->capacity = LINES_READ + LINES_READ / 4;
	lines->data = malloc(lines->capacity);
	return lines->data != NULL ? 0 : klog_fail_memory(err);
}

void
lines_free(struct lines *lines)
{
	free(lines->data);
	lines->data = NULL;
}

void
lines_begin(struct lines *lines, int fd)
{
	lines->fd = fd;
	lines->start = lines->scanned = lines->end = 0;
	lines->number = 0;
	lines->ended = lines->unterminated = lines->skipping = false;
}

static const uint8_t *
find(const struct lines *lines)
{
	const uint8_t *at = lines->data + lines->scanned;
	size_t size = lines->end - lines->scanned;

	if (lines->delim_size == 1)
		return memchr(at, lines->delim[0], size);
	return memmem(at, size, lines->delim, lines->delim_size);
}

/* What is not yet known to be a delimiter's beginning needs no second look. */
static void
look_no_more(struct lines *lines)
{
	size_t keep = lines->delim_size - 1;

	if (lines->end - lines->start > keep)
		lines->scanned = lines->end - keep;
	if (lines->skipping)
		lines->start = lines->scanned;
}

static int
refuse(struct lines *lines, struct klog_err *err)
{
	lines->number++;
	return klog_fail(err, KLOG_ETOOLARGE, "line longer than %zu bytes",
		lines->longest);
}

int
lines_next(struct lines *lines, struct klog_slice *line, struct klog_err *err)
{
	const uint8_t *at;
	size_t size;

	for (;;) {
		at = find(lines);
		if (at == NULL)
			break;
		size = (size_t)(at - lines->data) - lines->start;
		*line = klog_slice_of(lines->data + lines->start, size);
		lines->start += size + lines->delim_size;
		lines->scanned = lines->start;
		if (lines->skipping) {
			lines->skipping = false;
			continue;
		}
		if (size > lines->longest)
			return refuse(lines, err);
		lines->number++;
		lines->unterminated = false;
		return 1;
	}
	look_no_more(lines);
	if (!lines->ended) {
		if (lines->skipping ||
			lines->end - lines->start <= lines->longest)
			return 0;
		lines->skipping = true;
		look_no_more(lines);
		return refuse(lines, err);
	}
	size = lines->end - lines->start;
	if (lines->skipping || size == 0)
		return 0;
	*line = klog_slice_of(lines->data + lines->start, size);
	lines->start = lines->scanned = lines->end;
	if (size > lines->longest)
		return refuse(lines, err);
	lines->number++;
	lines->unterminated = true;
	return 1;
}

/* Makes room for one read behind what is in hand. */
static int
make_room(struct lines *lines, struct klog_err *err)
{
	size_t pending = lines->end - lines->start;
	size_t capacity = lines->capacity;
	uint8_t *grown;

	if (lines->start > 0) {
		memmove(lines->data, lines->data + lines->start, pending);
		lines->scanned -= lines->start;
		lines->start = 0;
		lines->end = pending;
	}
	if (capacity - pending >= LINES_READ)
		return 0;
	while (capacity - pending < LINES_READ)
		capacity *= 2;
	grown = realloc(lines->data, capacity);
	if (grown == NULL)
		return klog_fail_memory(err);
	lines->data = grown;
	lines->capacity = capacity;
	return 0;
}

int
lines_fill(struct lines *lines, struct klog_err *err)
{
	ssize_t n;

	if (make_room(lines, err) == -1)
		return -1;
	n = read(lines->fd, lines->data + lines->end, LINES_READ);
	if (n == -1)
		return klog_fail_errno(err, "read");
	lines->end += (size_t)n;
	lines->ended = n == 0;
	return n > 0;
}
