#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "stop.h"

#define GRACE_S 1

static const int ends[] = { SIGTERM, SIGINT, SIGHUP };

/* a handler has no argument of ours */
static volatile sig_atomic_t caught, again;

static void
on_signal(int number)
{
	if (caught == 0) {
		caught = number;
	} else if (again == 0) {
		again = number;
		alarm(GRACE_S);
	}
}

static void
on_alarm(int number)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	(void)number;
	/* pending until this handler returns, then it is the end */
	sigaction(again, &dfl, NULL);
	raise(again);
}

void
stop_init(void)
{
	struct sigaction action = { .sa_handler = on_signal }, before;
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (sigaction(ends[i], &action, &before) == 0 &&
			before.sa_handler == SIG_IGN)
			sigaction(ends[i], &before, NULL);
	}
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
}

int
stop_signal(void)
{
	return caught;
}

int
stop_at_once(void)
{
	return again;
}

int
stop_wait(int fd, int64_t timeout_ms, int known)
{
	struct timespec limit = { .tv_sec = (time_t)(timeout_ms / 1000),
		.tv_nsec = (long)(timeout_ms % 1000) * 1000000 };
	struct pollfd input = { .fd = fd, .events = POLLIN };
	sigset_t held, before;
	int r = -1;
	size_t i;

	if (timeout_ms == 0) /* it does not wait, so no signal can slip in */
		return caught != known || again != 0 ? -1 : poll(&input, 1, 0);
	sigemptyset(&held);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&held, ends[i]);
	sigprocmask(SIG_BLOCK, &held, &before);
	if (caught == known && again == 0)
		r = ppoll(&input, 1, timeout_ms < 0 ? NULL : &limit, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (r == -1 && caught == known && again == 0)
		return 0; /* stopped and continued: the caller looks again */
	return r;
}

void
stop_die(int number)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	sigaction(number, &dfl, NULL);
	raise(number);
	exit(128 + number);
}
