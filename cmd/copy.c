#include <errno.h>
#include <signal.h>

#include "copy.h"
#include "libklog/time.h"
#include "stop.h"

/* Waits until there may be more: 1, 0 when nothing came for too long. */
static int
wait_more(const struct copy *copy, struct klog_consumer *in, struct output *out,
	int64_t last_tick, struct klog_err *err)
{
	int64_t left = klog_consumer_due_ms(in);

	/* a record that is held back has come */
	if (copy->idle_ms >= 0 && left == -1) {
		left = copy->idle_ms - (klog_tick_ms() - last_tick);
		if (left <= 0)
			return 0;
	}
	if (klog_consumer_wait(in, left, out->fd, err) == -1 &&
		!(err->code == KLOG_ESYSTEM && err->sys_errno == EINTR))
		return -1;
	/* the end that writing to it would have been */
	if (output_gone(out))
		stop_die(SIGPIPE);
	return 1;
}

static int
print_some(struct copy *copy, struct output *out, const struct klog_run *run,
	struct klog_err *err)
{
	size_t count = run->count;
	int64_t left = copy->count - copy->print.count;

	if (copy->count != -1 && (int64_t)count > left)
		count = (size_t)left;
	return print_run(&copy->print, out, run, count, err);
}

int
copy_records(struct copy *copy, struct klog_consumer *in, struct output *out,
	struct klog_err *err)
{
	int64_t last_tick = klog_tick_ms();
	struct klog_run run;
	int r;

	while (copy->count == -1 || copy->print.count < copy->count) {
		r = klog_consumer_next(in, &run, err);
		if (r == 1) {
			if (print_some(copy, out, &run, err) == -1)
				return -1;
			last_tick = klog_tick_ms();
			continue;
		}
		if (r == -1 || klog_consumer_done(in))
			return r;
		/* nobody waits for what is in the buffer */
		if (output_flush(out, err) == -1)
			return -1;
		r = wait_more(copy, in, out, last_tick, err);
		if (r != 1)
			return r;
	}
	return 0;
}
