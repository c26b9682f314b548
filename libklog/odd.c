#include <inttypes.h>
#include <stdio.h>

#include "odd.h"

static const struct klog_state *
state_of(const struct klog_odd *q)
{
	return q->r->has_state ? &q->r->state : NULL;
}

/* What leader-epoch-checkpoint says of an offset, -1 when it does not. */
static int32_t
wanted_epoch(const struct klog_odd *q, int64_t offset)
{
	const struct klog_epochs *epochs = q->epochs;
	const struct klog_state *st = state_of(q);
	int32_t want = st != NULL && offset >= st->log_start ? 0 : -1;
	size_t i;

	if (st != NULL && st->leader_epoch > 0 && offset >= st->epoch_start)
		return st->leader_epoch;
	if (epochs == NULL)
		return -1;
	for (i = 0; i < epochs->count && epochs->list[i].start <= offset; i++)
		want = epochs->list[i].epoch;
	return want;
}

static bool
is_odd(const struct klog_odd *q, const struct klog_batch *b, int32_t want)
{
	const struct klog_state *st = state_of(q);

	if (want != -1 && b->leader_epoch != want)
		return true;
	/* before the first line */
	if (st != NULL && b->base_offset >= st->log_start &&
		q->epochs != NULL && q->epochs->count > 0 &&
		b->base_offset < q->epochs->list[0].start &&
		b->leader_epoch >= q->epochs->list[0].epoch)
		return true;
	if (want == -1 && q->epochs != NULL && q->epochs->count > 0 &&
		b->leader_epoch > q->epochs->list[0].epoch)
		return true;
	return b->leader_epoch < q->seen_epoch ||
		(st != NULL &&
			(b->leader_epoch > st->leader_epoch ||
				b->leader_epoch < 0));
}

/* Whether an epoch is said to begin inside of the batch, where none can. */
static bool
begins_within(const struct klog_odd *q, const struct klog_batch *b)
{
	const struct klog_epochs *epochs = q->epochs;
	size_t i;

	for (i = 0; epochs != NULL && i < epochs->count; i++)
		if (epochs->list[i].start > b->base_offset &&
			epochs->list[i].start <= klog_batch_last_offset(b))
			return true;
	return false;
}

/* Whether the log would do with the batch as it is: then a line of the file may
 * be wrong as well, and that loses nothing.  What is newest the state knows. */
static bool
fits(const struct klog_odd *q, const struct klog_batch *b)
{
	const struct klog_state *st = state_of(q);
	size_t i;

	if (b->leader_epoch < q->seen_epoch || q->epochs == NULL ||
		(st != NULL && b->leader_epoch == st->leader_epoch &&
			st->leader_epoch > 0 &&
			b->base_offset < st->epoch_start))
		return false;
	for (i = 0; i < q->epochs->count; i++)
		if (q->epochs->list[i].epoch == b->leader_epoch)
			return true;
	return false;
}

static int
tell_line(struct klog_odd *q, const struct klog_odd_range *o,
	struct klog_err *err)
{
	if (o->want == o->epoch)
		return klog_findings_add(q->out, KLOG_FOUND_INDEX,
			KLOG_EPOCH_NAME, 0, q->epochs_size, o->offset, err,
			"no line for offset %" PRId64
			", which is of leader epoch %" PRId32,
			o->offset, o->epoch);
	return klog_findings_add(q->out, KLOG_FOUND_INDEX, KLOG_EPOCH_NAME, 0,
		q->epochs_size, o->offset, err,
		"leader epoch %" PRId32 " at offset %" PRId64 ", but %s of "
		"%" PRId32,
		o->want, o->offset,
		o->batches > 1 ? "the batches from there on are"
			       : "the batch there is",
		o->epoch);
}

static int
tell_odd(struct klog_odd *q, const struct klog_odd_range *o,
	struct klog_err *err)
{
	char name[KLOG_FILE_NAME], want[16] = "another";

	if (o->want != -1)
		snprintf(want, sizeof(want), "%" PRId32, o->want);
	klog_file_name(name, o->base, ".log");
	return klog_findings_add(q->out, KLOG_FOUND_DAMAGE, name, o->position,
		o->size, o->offset, err,
		"leader epoch %" PRId32 " where it is %s", o->epoch, want);
}

/*
 * A batch of another epoch than is said of its offset: one is wrong.  Which
 * one shows when it is known how many batches there are.
 */
int
klog_odd_batch(struct klog_odd *q, int64_t base, const struct klog_batch *b,
	int64_t position, struct klog_err *err)
{
	struct klog_odd_range *o = q->count > 0 ? &q->list[q->count - 1] : NULL;
	int32_t want;

	if (b->magic != KLOG_BATCH_MAGIC)
		return 0;
	want = wanted_epoch(q, b->base_offset);
	if (o != NULL && o->last && b->leader_epoch < o->epoch)
		o->fits = false;
	if (!is_odd(q, b, want)) {
		if (o != NULL)
			o->last = false;
		q->seen_epoch = b->leader_epoch;
		return 0;
	}
	if (o != NULL && o->base == base && o->position + o->size == position &&
		o->epoch == b->leader_epoch) {
		o->size += b->size;
		o->batches++;
		o->within |= begins_within(q, b);
		return 0;
	}
	if (q->count == KLOG_ODD_MAX) {
		if (tell_odd(q, &q->list[0], err) == -1)
			return -1;
		memmove(q->list, q->list + 1,
			sizeof(q->list) - sizeof(q->list[0]));
		q->count--;
	}
	o = &q->list[q->count++];
	o->base = base;
	o->position = position;
	o->size = b->size;
	o->offset = b->base_offset;
	o->epoch = b->leader_epoch;
	o->want = want != -1 ? want : q->seen_epoch;
	o->batches = 1;
	o->within = begins_within(q, b);
	o->last = true;
	o->fits = fits(q, b);
	return 0;
}

int
klog_odd_end(struct klog_odd *q, struct klog_err *err)
{
	bool said = false;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < q->count; i++) {
		const struct klog_odd_range *o = &q->list[i];
		bool known = !q->r->has_state ||
			(o->epoch >= 0 && o->epoch <= q->r->state.leader_epoch);
		/* one flipped bit is in one batch; so many agree */
		bool line = q->epochs != NULL && known &&
			(o->batches > 1 || o->within || o->fits);

		if (!line)
			r = tell_odd(q, o, err);
		else if (!said)
			r = tell_line(q, o, err);
		said |= line;
	}
	q->count = 0;
	return r;
}
