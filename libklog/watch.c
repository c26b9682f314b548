#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "io.h"
#include "state.h"
#include "watch.h"

#define EVENTS                                                                 \
	(IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_DELETE_SELF |    \
		IN_MOVE_SELF)
#define ENDS (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE)

static void
fall_back(struct klog_watch *w, const struct klog_say *say, const char *why)
{
	klog_close_fd(&w->fd);
	klog_sayf(say, 1, "no inotify (%s): looking every %d ms", why,
		KLOG_WATCH_POLL_MS);
}

void
klog_watch_open(struct klog_watch *w, const struct klog_say *say)
{
	memset(w, 0, sizeof(*w));
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd == -1)
		fall_back(w, say, strerror(errno));
}

void
klog_watch_close(struct klog_watch *w)
{
	klog_close_fd(&w->fd);
	free(w->owner);
	free(w->events);
	w->owner = NULL;
	w->events = NULL;
	w->owners = w->at = w->have = 0;
}

static int
remember(struct klog_watch *w, int wd, int32_t owner)
{
	size_t need = (size_t)wd + 1;
	int32_t *list;

	if (need > w->owners) {
		size_t n = need * 2;

		list = realloc(w->owner, n * sizeof(list[0]));
		if (list == NULL)
			return -1;
		while (w->owners < n)
			list[w->owners++] = -1;
		w->owner = list;
	}
	w->owner[wd] = owner;
	return 0;
}

static void
add(struct klog_watch *w, int fd, uint32_t events, int32_t owner,
	const struct klog_say *say)
{
	const char *remote = klog_remote_file_system(fd);
	char path[64];
	int wd;

	if (w->fd == -1)
		return;
	/* another machine's writes make no event */
	if (remote != NULL) {
		fall_back(w, say, remote);
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(w->fd, path, events);
	if (wd == -1 || remember(w, wd, owner) == -1)
		fall_back(w, say, strerror(errno));
}

void
klog_watch_add(
	struct klog_watch *w, int fd, int32_t owner, const struct klog_say *say)
{
	add(w, fd, EVENTS, owner, say);
}

void
klog_watch_add_ends(
	struct klog_watch *w, int fd, int32_t owner, const struct klog_say *say)
{
	add(w, fd, ENDS, owner, say);
}

/* Reads what there is, as many whole events as fit; false: none. */
static bool
refill(struct klog_watch *w)
{
	ssize_t n;

	if (w->events == NULL)
		w->events = malloc(KLOG_WATCH_EVENTS);
	if (w->events == NULL)
		return false;
	n = read(w->fd, w->events, KLOG_WATCH_EVENTS);
	w->at = 0;
	w->have = n > 0 ? (size_t)n : 0;
	return w->have > 0;
}

int
klog_watch_take(struct klog_watch *w, int32_t *owner)
{
	struct inotify_event event;

	*owner = -1;
	if (w->fd == -1)
		return 0;
	if (w->at >= w->have && !refill(w))
		return 0;
	/* one of a file is 16 bytes, so a read brings many */
	memcpy(&event, w->events + w->at, sizeof(event));
	w->at += sizeof(event) + event.len;
	if (event.mask & IN_Q_OVERFLOW)
		return 1;
	if (event.wd >= 0 && (size_t)event.wd < w->owners)
		*owner = w->owner[event.wd];
	return 1;
}

int
klog_watch_wait(struct klog_watch *w, int64_t timeout_ms, int hangup_fd,
	struct klog_err *err)
{
	struct pollfd fds[2] = { { w->fd, POLLIN, 0 }, { hangup_fd, 0, 0 } };
	int64_t wait = timeout_ms;
	int n;

	if (w->at < w->have)
		return 1;
	if (w->fd == -1 && (wait < 0 || wait > KLOG_WATCH_POLL_MS))
		wait = KLOG_WATCH_POLL_MS;
	n = poll(fds, 2, wait < 0 ? -1 : wait > INT_MAX ? INT_MAX : (int)wait);
	if (n == -1)
		return klog_fail_errno(err, "wait");
	/* polling: there may always be something */
	if (n == 0 && w->fd == -1)
		return wait != timeout_ms;
	return n > 0;
}
