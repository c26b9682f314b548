#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "output.h"
#include "stop.h"

#define PIPE_SIZE (1024 * 1024)
#define STOPPED_MS 2000
#define MEANWHILE_MS 500

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

/* How much to write at once; 0: it was stopped, and nobody reads. */
static size_t
at_once(const struct output *out, size_t left)
{
	struct pollfd fd = { .fd = out->fd, .events = POLLOUT };

	if (stop_signal() == 0)
		return left;
	if (poll(&fd, 1, STOPPED_MS) == 0)
		return 0;
	/* so much a pipe has room for, and does not wait */
	return left < PIPE_BUF ? left : PIPE_BUF;
}

/* Waits until the pipe has room, and cuts *size down to it: so that no write is
 * held up for long. */
static int
wait_for_room(const struct output *out, size_t *size, struct klog_err *err)
{
	struct pollfd fd = { .fd = out->fd, .events = POLLOUT };
	int unread = 0, room = 0;

	do
		if (out->meanwhile(out->of, err) == -1)
			return -1;
	while (stop_signal() == 0 && poll(&fd, 1, MEANWHILE_MS) == 0);
	/* the pages at both ends may be used in part only */
	if (ioctl(out->fd, FIONREAD, &unread) == 0)
		room = fcntl(out->fd, F_GETPIPE_SZ) - unread - 2 * PIPE_BUF;
	if (room < PIPE_BUF)
		room = PIPE_BUF;
	if (*size > (size_t)room)
		*size = (size_t)room;
	return 0;
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
	struct pollfd fd = { .fd = out->fd, .events = POLLOUT };
	size_t done = 0, size;
	ssize_t n;

	while (done < out->buf.size) {
		size = at_once(out, out->buf.size - done);
		if (out->meanwhile != NULL && stop_signal() == 0) {
			if (wait_for_room(out, &size, err) == -1)
				return drop(out);
			if (stop_signal() != 0)
				continue;
		}
		n = size > 0 ? write(out->fd, out->buf.data + done, size) : -1;
		if (n >= 0) {
			done += (size_t)n;
			out->written += n;
		} else if (size > 0 && errno == EAGAIN) {
			/* somebody else's descriptor, made non-blocking */
			(void)poll(&fd, 1, -1);
		} else if (size == 0 || errno != EINTR) {
			if (size == 0)
				klog_fail(err, KLOG_ESYSTEM,
					"stdout: stopped while its reader "
					"took nothing");
			else
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
