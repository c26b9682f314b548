/*
 * libclock.so, for LD_PRELOAD: KLOG_CLOCK=SECONDS, and the clock is so much
 * ahead, or behind.  KLOG_TICK=MS: whoever asks the monotonic clock is told so
 * much more each time.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	static long long asked;
	const char *shift = getenv("KLOG_CLOCK"), *tick = getenv("KLOG_TICK");
	long r = syscall(SYS_clock_gettime, clock, t);

	if (r == 0 && shift != NULL &&
		(clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += strtol(shift, NULL, 10);
	if (r == 0 && tick != NULL && clock == CLOCK_MONOTONIC) {
		asked += strtol(tick, NULL, 10);
		t->tv_sec += asked / 1000;
	}
	return (int)r;
}
