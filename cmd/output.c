#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "output.h"

#define PIPE_SIZE (1024 * 1024)

int
output_init(struct output *out, int fd, struct klog_err *err)
{
	memset(out, 0, sizeof(*out));
	out->fd = fd;
	/* what is no pipe, or beyond the user's limit, stays as it is */
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	if (klog_buf_reserve(&out->buf, OUTPUT_FULL + OUTPUT_FULL / 4) == -1)
		return klog_fail_memory(err);
	return 0;
}

int
output_flush(struct output *out, struct klog_err *err)
{
	struct pollfd fd = { .fd = out->fd, .events = POLLOUT };
	size_t done = 0;
	ssize_t n;

	while (done < out->buf.size) {
		n = write(out->fd, out->buf.data + done, out->buf.size - done);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			/* somebody else's descriptor, made non-blocking */
			(void)poll(&fd, 1, -1);
		} else if (errno != EINTR) {
			klog_fail_errno(err, "stdout");
			/* a second attempt must not print anything twice */
			out->buf.size = 0;
			return -1;
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
