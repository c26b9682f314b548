#include <errno.h>
#include <signal.h>

#include "copy.h"
#include "libklog/time.h"
#include "stop.h"

#define LOOK_MS 1000

static bool
has_command(const struct copy *copy)
{
	return copy->work.command.argv != NULL;
}

/* Waits until there may be more: 1, 0 when nothing came for too long. */
static int
wait_more(struct copy *copy, int64_t last_tick, struct klog_err *err)
{
	int hangup = has_command(copy) ? -1 : copy->out.fd;
	int64_t left = klog_consumer_due_ms(copy->in);
	int64_t due = delivery_due_ms(&copy->delivery);

	/* a record that is held back by a heap came, so it is not idle */
	if (copy->idle_ms >= 0 && left == -1) {
		left = copy->idle_ms - (klog_tick_ms() - last_tick);
		if (left <= 0)
			return 0;
	}
	if (due != -1 && (left == -1 || due < left))
		left = due;
	/* a signal that came just before it sleeps is seen at the latest so
	 * much later */
	if (copy->stops && (left == -1 || left > LOOK_MS))
		left = LOOK_MS;
	if (klog_consumer_wait(copy->in, left, hangup, err) == -1 &&
		!(err->code == KLOG_ESYSTEM && err->sys_errno == EINTR))
		return -1;
	/* nobody reads it any more: the end is that of writing to it */
	if (!has_command(copy) && output_gone(&copy->out))
		stop_die(SIGPIPE);
	return 1;
}

static int
take_run(struct copy *copy, const struct klog_run *run, struct klog_err *err)
{
	size_t count = run->count, i;
	int64_t left = copy->count - copy->print.count;
	struct klog_run part;

	if (copy->count != -1 && (int64_t)count > left)
		count = (size_t)left;
	if (has_command(copy))
		return work_put(&copy->work, run, count, err);
	for (i = 0; i < count; i += part.count) {
		part = *run;
		part.records += i;
		part.count = delivery_piece(&copy->delivery);
		if (part.count > count - i)
			part.count = count - i;
		if (print_run(&copy->print, &copy->out, &part, part.count,
			    err) == -1 ||
			delivery_took(&copy->delivery, run, i + part.count,
				err) == -1)
			return -1;
	}
	return 0;
}

/* There is no more at hand: nobody waits for what is gathered. */
static int
flush(struct copy *copy, struct klog_err *err)
{
	return has_command(copy) ? work_flush(&copy->work, err)
				 : output_flush(&copy->out, err);
}

/* Other members wait for partitions that this one has. */
static int
give_up(struct copy *copy, struct klog_err *err)
{
	if (!has_command(copy) &&
		delivery_settle(&copy->delivery, false, err) == -1)
		return -1;
	klog_consumer_leave(copy->in);
	return 0;
}

static int
copy_all(struct copy *copy, struct klog_err *err)
{
	int64_t last_tick = klog_tick_ms();
	struct klog_run run;
	int r;

	while (copy->count == -1 || copy->print.count < copy->count) {
		if (stop_signal() != 0)
			return 0;
		if (delivery_step(&copy->delivery, err) == -1)
			return -1;
		r = klog_consumer_next(copy->in, &run, err);
		if (r == 1) {
			if (take_run(copy, &run, err) == -1)
				return -1;
			last_tick = klog_tick_ms();
			continue;
		}
		if (r == -1)
			return -1;
		if (flush(copy, err) == -1)
			return -1;
		if (stop_signal() != 0)
			return 0;
		if (klog_consumer_leaving(copy->in)) {
			if (give_up(copy, err) == -1)
				return -1;
			continue;
		}
		if (klog_consumer_done(copy->in))
			return 0;
		r = wait_more(copy, last_tick, err);
		if (r != 1)
			return r;
	}
	return 0;
}

int
copy_records(struct copy *copy, struct klog_err *err)
{
	int r = copy_all(copy, err), last = 0;
	struct klog_err last_err;

	/* the good records before the bad one */
	if (!has_command(copy) && !copy->out.failed)
		last = delivery_settle(&copy->delivery, true, &last_err);
	else if (has_command(copy) && stop_signal() == 0)
		last = work_flush(&copy->work, &last_err);
	if (r == 0 && last == -1)
		*err = last_err;
	return r == -1 || last == -1 ? -1 : 0;
}
