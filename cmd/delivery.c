#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delivery.h"
#include "libklog/time.h"
#include "stop.h"

#define LOOK_MS 1000
#define READER_MS 500 /* marked at one look, committed at the next */
#define POLL_MS 5     /* nothing tells when a pipe is empty */
#define POLL_MOST_MS 50
#define GRACE_MS 5      /* for a reader that took all, and used a part of it */
#define STOPPED_MS 2000 /* after a signal its reader has so long */

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

int
delivery_init(struct delivery *d, bool group, struct klog_consumer *in,
	struct output *out, const struct klog_buf *end, struct klog_err *err)
{
	memset(d, 0, sizeof(*d));
	d->kind = group ? kind_of(out->fd) : TO_NOBODY;
	d->in = in;
	d->out = out;
	d->look_tick = klog_tick_ms() + look_ms(d);
	if (d->kind == TO_FILE && ends_torn(out->fd, end))
		return output_put(out, end->data, end->size, err);
	return 0;
}

void
delivery_took(struct delivery *d, const struct klog_run *run, size_t count)
{
	struct klog_position to = { .source = run->source,
		.leader_epoch = run->leader_epoch,
		.offset = run->next_offset };

	if (d->kind == TO_NOBODY || count == 0)
		return;
	if (count < run->count)
		to.offset = run->records[count - 1].offset + 1;
	klog_consumer_took(d->in, &to);
	d->news = true;
}

/* Bytes that were written, and that the reader took. */
static int64_t
taken(const struct delivery *d)
{
	int unread = 0;

	if (ioctl(d->out->fd, d->kind == TO_PIPE ? FIONREAD : SIOCOUTQ,
		    &unread) == -1)
		unread = 0; /* it cannot tell: as a device */
	return d->out->written - unread;
}

static void
mark(struct delivery *d)
{
	klog_consumer_mark(d->in);
	d->mark = d->out->written + (int64_t)d->out->buf.size;
	d->marked = true;
	d->news = false;
}

static int
commit(struct delivery *d, struct klog_err *err)
{
	d->marked = false;
	return klog_consumer_commit(d->in, err);
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

/* What is all in the output is marked, written, and committed. */
static int
write_and_commit(struct delivery *d, struct klog_err *err)
{
	mark(d);
	if (output_flush(d->out, err) == -1 ||
		(d->kind == TO_FILE && sync_file(d, err) == -1))
		return -1;
	return commit(d, err);
}

int
delivery_step(struct delivery *d, struct klog_err *err)
{
	int64_t now;

	if (d->kind == TO_NOBODY || (!d->news && !d->marked))
		return 0;
	now = klog_tick_ms();
	if (now < d->look_tick)
		return 0;
	d->look_tick = now + look_ms(d);
	if (!asks_reader(d))
		return write_and_commit(d, err);
	/* the mark is of a while ago: a reader that goes away with what it
	 * took, and did not use, has mostly done so by now */
	if (d->marked && taken(d) >= d->mark && !output_gone(d->out) &&
		commit(d, err) == -1)
		return -1;
	if (!d->marked && d->news)
		mark(d);
	return 0;
}

int64_t
delivery_due_ms(const struct delivery *d)
{
	int64_t left;

	if (d->kind == TO_NOBODY || (!d->news && !d->marked))
		return -1;
	left = d->look_tick - klog_tick_ms();
	return left > 0 ? left : 0;
}

/* Waits until the reader took all; false when it was stopped before. */
static bool
wait_for_reader(const struct delivery *d)
{
	struct pollfd fd = { .fd = d->out->fd, .events = 0 };
	int64_t since = klog_tick_ms();
	int wait = POLL_MS;

	while (taken(d) < d->out->written) {
		if (stop_at_once() != 0 ||
			(stop_signal() != 0 &&
				klog_tick_ms() - since > STOPPED_MS))
			return false;
		if (poll(&fd, 1, wait) == 1)
			end_without_reader();
		wait = wait < POLL_MOST_MS ? wait + 1 : POLL_MOST_MS;
	}
	return true;
}

int
delivery_settle(struct delivery *d, bool end, struct klog_err *err)
{
	struct pollfd fd = { .fd = d->out->fd, .events = 0 };

	if (output_flush(d->out, err) == -1)
		return -1;
	if (d->kind == TO_NOBODY)
		return 0;
	if (!asks_reader(d))
		return write_and_commit(d, err);
	/* stopped before: as much as it took of what was marked */
	if (!wait_for_reader(d))
		return d->marked && taken(d) >= d->mark ? commit(d, err) : 0;
	if (poll(&fd, 1, end ? GRACE_MS : 0) == 1)
		end_without_reader();
	mark(d);
	return commit(d, err);
}
