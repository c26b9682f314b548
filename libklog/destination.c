#include <inttypes.h>
#include <stdlib.h>

#include "checkpoint.h"
#include "destination.h"

#define CHUNK ((size_t)64 * 1024)

/* The leader epoch of the record before `offset`, -1 where nothing says. */
static int32_t
epoch_before(const struct klog_reader *r, int64_t offset)
{
	struct klog_epochs epochs;
	struct klog_err ignored;
	int32_t epoch = -1;
	size_t i;

	if (offset <= 0)
		return -1;
	if (r->has_state && r->state.epoch_start < offset)
		return r->state.leader_epoch;
	if (klog_epochs_read(r->dir, &epochs, &ignored) == -1)
		return -1;
	for (i = 0; i < epochs.count && epochs.list[i].start < offset; i++)
		epoch = epochs.list[i].epoch;
	klog_epochs_free(&epochs);
	return epoch;
}

/* Into what the log has, which is said. */
static int64_t
bound(int64_t to, int64_t start, int64_t end, const struct klog_say *say,
	const char *label)
{
	if (to >= start && to <= end)
		return to;
	if (to > end)
		klog_sayf(say, 0,
			"%s: offset %" PRId64 " is past the end; it becomes "
			"the end, %" PRId64,
			label, to, end);
	else
		klog_sayf(say, 0,
			"%s: offset %" PRId64 " is before the start; it "
			"becomes the start, %" PRId64,
			label, to, start);
	return to > end ? end : start;
}

/* In a partition that is open: 0, -1. */
static int
aim(struct klog_group_change *c, struct klog_reader *r, struct klog_decoder *d,
	const struct klog_say *say, const char *label, struct klog_err *err)
{
	int64_t start = klog_reader_start(r, err), end;

	end = start == -1 ? -1 : klog_reader_end(r, err);
	if (end == -1)
		return -1;
	if (c->how == KLOG_TO_PLACE &&
		klog_lookup(r, d, c->at, end, &c->to, NULL, err) == -1)
		return -1;
	if (c->how == KLOG_TO_STORED)
		c->to = c->from;
	if (c->how == KLOG_TO_SHIFT &&
		__builtin_add_overflow(c->from, c->at.value, &c->to))
		c->to = c->at.value > 0 ? INT64_MAX : 0;
	c->to = bound(c->to, start, end, say, label);
	return 0;
}

int
klog_destination_find(struct klog_topic *topic, struct klog_group_change *c,
	bool damaged, struct klog_decoder *d, const struct klog_say *say,
	const char *label, int32_t *epoch, struct klog_err *err)
{
	struct klog_reader r;
	int got;

	c->to = -1;
	*epoch = -1;
	if (c->how == KLOG_TO_NONE)
		return 0;
	if (c->how != KLOG_TO_PLACE && damaged)
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: damaged: what was committed is not known; say "
			"where to go on",
			label);
	if (c->how != KLOG_TO_PLACE && c->from == -1) {
		klog_sayf(say, 0, "%s: no commit, so it stays", label);
		return 0;
	}
	if (klog_topic_reader(topic, c->partition, say, CHUNK, &r, err) == -1)
		return -1;
	got = aim(c, &r, d, say, label, err);
	if (got == 0)
		*epoch = epoch_before(&r, c->to);
	klog_reader_close(&r);
	return got;
}
