#include "entries.h"
#include "io.h"

int
klog_entries_open(struct klog_entries *e, int fd, int width, int64_t from,
	const char *name, struct klog_err *err)
{
	e->fd = fd;
	e->width = width;
	e->from = e->at = from;
	e->name = name;
	e->got = 0;
	e->page_at = from;
	e->size = 0;
	if (fd != -1)
		e->size = klog_file_size(fd, name, err);
	return e->size == -1 ? -1 : 0;
}

int
klog_entries_peek(
	struct klog_entries *e, const uint8_t **entry, struct klog_err *err)
{
	size_t width = (size_t)e->width, skip;

	if (e->at + e->width > e->size)
		return 0;
	skip = e->at >= e->page_at ? (size_t)(e->at - e->page_at) : e->got;
	if (skip + width > e->got) {
		if (klog_read_at(e->fd, e->page,
			    sizeof(e->page) - sizeof(e->page) % width, e->at,
			    &e->got, e->name, err) == -1)
			return -1;
		e->page_at = e->at;
		skip = 0;
		if (e->got < width)
			return 0; /* cut meanwhile */
	}
	*entry = e->page + skip;
	return 1;
}

int
klog_entries_next(
	struct klog_entries *e, const uint8_t **entry, struct klog_err *err)
{
	int r = klog_entries_peek(e, entry, err);

	if (r == 1)
		e->at += e->width;
	return r;
}
