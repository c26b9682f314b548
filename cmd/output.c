#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libklog/time.h"
#include "output.h"
#include "stop.h"

#define PIPE_SIZE (1024 * 1024)
/* After a signal a reader has so long. */
#define TAKES_NOTHING_MS 2000
#define TAKES_MS 10000
#define MEANWHILE_MS 500
#define MEASURE_MS 4
#define FAST_PER_MS 65536 /* bytes */
#define FAST_PIECE (256 * 1024)
#define SOCKET_PIECE 16384 /* so much, at the least, poll(2) means by room */

int
output_init(struct output *out, int fd, struct klog_err *err)
{
	memset(out, 0, sizeof(*out));
	out->fd = fd;
	out->full = fd != -1 ? OUTPUT_FULL : SIZE_MAX;
	if (fd == -1)
		return 0;
	/* what is no pipe, or beyond the user's limit, stays as it is */
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	if (klog_buf_reserve(&out->buf, OUTPUT_FULL + OUTPUT_FULL / 4) == -1)
		return klog_fail_memory(err);
	return 0;
}

int
output_unread(const struct output *out)
{
	int unread = 0;

	/* the first is of sockets only; what knows neither is a device */
	if (ioctl(out->fd, SIOCOUTQ, &unread) == 0 ||
		ioctl(out->fd, FIONREAD, &unread) == 0)
		return unread;
	return 0;
}

/* How much may be written without waiting for long, when poll(2) says that
 * there is room. */
static size_t
room_of(const struct output *out)
{
	int all = fcntl(out->fd, F_GETPIPE_SZ), least;

	if (all == -1)
		return SOCKET_PIECE;
	/* a fast reader makes more while it is written */
	least = out->fast ? FAST_PIECE : PIPE_BUF;
	/* the pages at both ends may be used in part only */
	all -= output_unread(out) + 2 * PIPE_BUF;
	return all > least ? (size_t)all : (size_t)least;
}

/* Whether its reader takes so much that no write is held up for long. */
static void
measure(struct output *out, int unread)
{
	int64_t now = klog_tick_ms(), taken = out->written - unread;
	int64_t ms = now - out->measured_ms;

	if (ms < MEASURE_MS)
		return;
	out->fast = taken - out->measured >= ms * FAST_PER_MS;
	out->measured_ms = now;
	out->measured = taken;
}

bool
output_late(struct output *out, int64_t since_ms)
{
	int64_t now = klog_tick_ms();

	if (stop_signal() == 0)
		return false;
	if (out->stopped_ms == 0)
		out->stopped_ms = now;
	return stop_at_once() != 0 || now - since_ms > TAKES_NOTHING_MS ||
		now - out->stopped_ms > TAKES_MS;
}

/* Waits until there is room: 0, or -1, also when its reader is late. */
static int
wait_for_room(struct output *out, struct klog_err *err)
{
	struct pollfd fd = { .fd = out->fd, .events = POLLOUT };
	int64_t since = klog_tick_ms();
	int had = -1, has;

	for (;; had = has) {
		if (out->meanwhile != NULL &&
			out->meanwhile(out->of, err) == -1)
			return -1;
		has = output_unread(out);
		measure(out, has);
		if (stop_signal() == 0 || has != had)
			since = klog_tick_ms();
		if (output_late(out, since))
			return klog_fail(err, KLOG_ESYSTEM,
				"stdout: stopped before its reader took all");
		if (poll(&fd, 1, MEANWHILE_MS) > 0)
			return 0;
	}
}

/* A second attempt must not print anything twice. */
static int
drop(struct output *out)
{
	out->buf.size = 0;
	out->failed = true;
	return -1;
}

int
output_flush(struct output *out, struct klog_err *err)
{
	size_t done = 0, size, room;
	ssize_t n;

	while (done < out->buf.size) {
		size = out->buf.size - done;
		if (out->meanwhile != NULL || stop_signal() != 0) {
			if (wait_for_room(out, err) == -1)
				return drop(out);
			room = room_of(out);
			if (size > room)
				size = room;
		}
		n = write(out->fd, out->buf.data + done, size);
		if (n >= 0) {
			done += (size_t)n;
			out->written += n;
		} else if (errno == EAGAIN) {
			/* somebody else's descriptor, made non-blocking */
			if (wait_for_room(out, err) == -1)
				return drop(out);
		} else if (errno != EINTR) {
			klog_fail_errno(err, "stdout");
			return drop(out);
		}
	}
	out->buf.size = 0;
	return 0;
}

bool
output_gone(const struct output *out)
{
	struct pollfd fd = { .fd = out->fd, .events = 0 };

	return poll(&fd, 1, 0) == 1 && (fd.revents & (POLLERR | POLLHUP)) != 0;
}

void
output_free(struct output *out)
{
	klog_buf_free(&out->buf);
}
