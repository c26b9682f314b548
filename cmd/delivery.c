#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delivery.h"
#include "libklog/time.h"
#include "stop.h"

#define LOOK_MS 1000
#define READER_MS 500 /* marked at one look, committed at the next */
#define POLL_MS 5     /* nothing tells when a pipe is empty */
#define POLL_MOST_MS 50
#define GRACE_MS 5 /* for a reader that took all, and used a part of it */
#define PIECE 64   /* records, of which the last is in flight */

/* Dies as a write to what nobody reads would have it; or by the signal that came
 * before. */
static _Noreturn void
end_without_reader(void)
{
	stop_die(stop_signal() != 0 ? stop_signal() : SIGPIPE);
}

static enum delivery_kind
kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return TO_DEVICE;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return TO_FILE;
	case S_IFIFO:
		return TO_PIPE;
	case S_IFSOCK:
		return TO_SOCKET;
	default:
		return TO_DEVICE;
	}
}

static bool
asks_reader(const struct delivery *d)
{
	return d->kind == TO_PIPE || d->kind == TO_SOCKET;
}

static int64_t
look_ms(const struct delivery *d)
{
	return asks_reader(d) ? READER_MS : LOOK_MS;
}

/* Whether the file ends with these bytes; when that cannot be told, it does. */
static bool
ends_with(int fd, off_t size, const struct klog_buf *end)
{
	char path[64], *last;
	bool same = true;
	int in;

	/* it may be open for writing only */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	in = open(path, O_RDONLY | O_CLOEXEC);
	last = in != -1 ? malloc(end->size) : NULL;
	if (last != NULL &&
		pread(in, last, end->size, size - (off_t)end->size) ==
			(ssize_t)end->size)
		same = memcmp(last, end->data, end->size) == 0;
	free(last);
	if (in != -1)
		close(in);
	return same;
}

/* Whether what comes is appended to bytes that do not end as a record does. */
static bool
ends_torn(int fd, const struct klog_buf *end)
{
	struct stat st;

	if (end->size == 0 || fstat(fd, &st) == -1 || st.st_size == 0 ||
		!(fcntl(fd, F_GETFL) & O_APPEND ||
			lseek(fd, 0, SEEK_CUR) == st.st_size))
		return false;
	return st.st_size < (off_t)end->size || !ends_with(fd, st.st_size, end);
}

/* While a slow reader holds up a write. */
static int
look_meanwhile(void *delivery, struct klog_err *err)
{
	return delivery_step(delivery, err);
}

int
delivery_init(struct delivery *d, bool group, struct klog_consumer *in,
	struct output *out, const struct klog_buf *end, struct klog_err *err)
{
	memset(d, 0, sizeof(*d));
	d->kind = group ? kind_of(out->fd) : TO_NOBODY;
	d->in = in;
	d->out = out;
	d->look_tick = klog_tick_ms() + look_ms(d);
	if (asks_reader(d)) {
		out->meanwhile = look_meanwhile;
		out->of = d;
	}
	if (d->kind == TO_FILE && ends_torn(out->fd, end))
		return output_put(out, end->data, end->size, err);
	return 0;
}

size_t
delivery_piece(const struct delivery *d)
{
	if (!asks_reader(d))
		return SIZE_MAX;
	return d->out->written + (int64_t)d->out->buf.size < INFLIGHT_FINE
		? 1
		: PIECE;
}

int
delivery_took(struct delivery *d, const struct klog_run *run, size_t count,
	struct klog_err *err)
{
	struct klog_position to = { .source = run->source,
		.leader_epoch = run->leader_epoch,
		.offset = run->next_offset };

	if (d->kind == TO_NOBODY || count == 0)
		return 0;
	if (count < run->count)
		to.offset = run->records[count - 1].offset + 1;
	d->news = true;
	if (asks_reader(d))
		return inflight_add(&d->inflight,
			       d->out->written + (int64_t)d->out->buf.size,
			       &to) == -1
			? klog_fail_memory(err)
			: 0;
	klog_consumer_took(d->in, &to);
	return 0;
}

/* Bytes that were written, and that the reader took. */
static int64_t
taken(const struct delivery *d)
{
	return d->out->written - output_unread(d->out);
}

static int
commit(struct delivery *d, struct klog_err *err)
{
	klog_consumer_mark(d->in);
	return klog_consumer_commit(d->in, err);
}

/* The reader took so many bytes: whether a record was among them. */
static bool
take(struct delivery *d, int64_t bytes)
{
	struct klog_position to;
	bool any = false;

	while (inflight_next(&d->inflight, bytes, &to)) {
		klog_consumer_took(d->in, &to);
		any = true;
	}
	return any;
}

static int
commit_taken(struct delivery *d, int64_t bytes, struct klog_err *err)
{
	/* where all that there is ends, its slice does not */
	if (d->out->buf.size == 0 && bytes == d->out->written)
		bytes = INT64_MAX;
	return take(d, bytes) ? commit(d, err) : 0;
}

static int
sync_file(const struct delivery *d, struct klog_err *err)
{
	int r;

	do
		r = fdatasync(d->out->fd);
	while (r == -1 && errno == EINTR);
	return r == -1 ? klog_fail_errno(err, "stdout: sync") : 0;
}

/* What is all in the output is written, and committed. */
static int
write_and_commit(struct delivery *d, struct klog_err *err)
{
	d->news = false;
	if (output_flush(d->out, err) == -1 ||
		(d->kind == TO_FILE && sync_file(d, err) == -1))
		return -1;
	return commit(d, err);
}

int
delivery_step(struct delivery *d, struct klog_err *err)
{
	int64_t now;

	if (d->kind == TO_NOBODY || !d->news)
		return 0;
	now = klog_tick_ms();
	if (now < d->look_tick)
		return 0;
	d->look_tick = now + look_ms(d);
	if (!asks_reader(d))
		return write_and_commit(d, err);
	/* what it had a while ago: a reader that goes away with what it took,
	 * and did not use, has mostly done so by now */
	if (!output_gone(d->out) && commit_taken(d, d->seen, err) == -1)
		return -1;
	d->seen = taken(d);
	d->news = inflight_any(&d->inflight);
	return 0;
}

int64_t
delivery_due_ms(const struct delivery *d)
{
	int64_t left;

	if (d->kind == TO_NOBODY || !d->news)
		return -1;
	left = d->look_tick - klog_tick_ms();
	return left > 0 ? left : 0;
}

/* Waits until the reader took all: 1, 0 it was stopped before, -1. */
static int
wait_for_reader(struct delivery *d, struct klog_err *err)
{
	struct pollfd fd = { .fd = d->out->fd, .events = 0 };
	int64_t since = klog_tick_ms(), had = -1, has;
	int wait = POLL_MS;

	for (; (has = taken(d)) < d->out->written; had = has) {
		if (stop_signal() == 0 || has != had)
			since = klog_tick_ms();
		if (output_late(d->out, since))
			return 0;
		if (poll(&fd, 1, wait) == 1)
			end_without_reader();
		wait = wait < POLL_MOST_MS ? wait + 1 : POLL_MOST_MS;
		if (delivery_step(d, err) == -1)
			return -1;
	}
	return 1;
}

int
delivery_settle(struct delivery *d, bool end, struct klog_err *err)
{
	struct pollfd fd = { .fd = d->out->fd, .events = 0 };
	int r;

	if (output_flush(d->out, err) == -1)
		return -1;
	if (d->kind == TO_NOBODY)
		return 0;
	if (!asks_reader(d))
		return write_and_commit(d, err);
	r = wait_for_reader(d, err);
	/* stopped before: what it had at the last look */
	if (r != 1)
		return r == -1 ? -1 : commit_taken(d, d->seen, err);
	if (poll(&fd, 1, end ? GRACE_MS : 0) == 1)
		end_without_reader();
	d->news = false;
	take(d, INT64_MAX);
	return commit(d, err);
}

void
delivery_free(struct delivery *d)
{
	inflight_free(&d->inflight);
}
