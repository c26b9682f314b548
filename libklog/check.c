#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "index.h"
#include "io.h"

static int
damaged(struct klog_log *log, int64_t base, int64_t position,
	const struct klog_err *why, struct klog_err *err)
{
	char text[256];

	snprintf(text, sizeof(text), "%.250s", why->text);
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: %020" PRId64 ".log: batch at %" PRId64
		": %s; nothing was changed",
		log->path, base, position, text);
}

int
klog_check_foreign(
	const struct klog_log *log, int64_t base, struct klog_err *err)
{
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: %020" PRId64 ".log: batch before %" PRId64
		": whole, but of offset %" PRId64 " and leader epoch %" PRId32
		", which klog did not write; nothing was changed",
		log->path, base, log->scan.position,
		log->scan.batch.base_offset, log->scan.batch.leader_epoch);
}

/* Whether the batch at hand is the next: dense, but where the log was
 * compacted, of an epoch that has begun, and no further from the segment's
 * base than an index entry can say. */
static bool
follows(const struct klog_log *log, const struct klog_check *so_far)
{
	const struct klog_batch *b = &log->scan.batch;
	int64_t next = so_far->end.offset;

	if (b->leader_epoch < so_far->epoch ||
		b->leader_epoch > log->state.leader_epoch ||
		!klog_batch_fits(b, so_far->end.base))
		return false;
	return b->base_offset == next ||
		(b->base_offset > next && next < log->state.first_dirty);
}

/* Reads the batches from one position on up to another: the offset behind the
 * one that ends there in *next, -1 when none does. */
static int
find_end(struct klog_log *log, int fd, int64_t from, int64_t to, int64_t *next,
	struct klog_err *err)
{
	int r = KLOG_SCAN_BATCH;

	*next = -1;
	klog_scan_init(&log->scan, fd, from, 0);
	while (log->scan.position < to &&
		(r = klog_scan_next(&log->scan, err)) == KLOG_SCAN_BATCH)
		if (log->scan.position == to)
			*next = klog_batch_last_offset(&log->scan.batch) + 1;
	return r == -1 ? klog_err_in(err, "%s", log->path) : 0;
}

/*
 * Offsets lie outside the checksum: whether the batches that lead up to the
 * recovery point end at its offset.  From the last index entry before it, so
 * it costs as much in a large segment as in a small one.
 */
static int
check_joint(struct klog_log *log, int fd, const struct klog_place *joint,
	struct klog_err *err)
{
	struct klog_err why;
	int64_t from, offset, next;
	int index = klog_segment_open(
		log->dir, joint->base, ".index", O_RDONLY, &why);

	klog_index_find_position(
		index, joint->base, joint->position - 1, &from, &offset);
	klog_close_fd(&index);
	if (find_end(log, fd, from, joint->position, &next, err) == -1)
		return -1;
	/* a foolish index may point into the middle of a batch */
	if (next != joint->offset && from > 0 &&
		find_end(log, fd, 0, joint->position, &next, err) == -1)
		return -1;
	if (next == joint->offset)
		return 0;
	klog_fail(&why, KLOG_ECORRUPT,
		"it is synced, but what leads up to it does not end at offset "
		"%" PRId64,
		joint->offset);
	return damaged(log, joint->base, joint->position, &why, err);
}

/* Walks one segment from a position; sets out->end, and torn when it is not
 * good to its end (which only the last segment may be). */
static int
check_segment(struct klog_log *log, int64_t base, int64_t position,
	struct klog_check *out, struct klog_err *err)
{
	struct klog_err why = { KLOG_OK, 0, "" };
	int fd = klog_segment_open(log->dir, base, ".log", O_RDONLY, err);
	int64_t size;
	int r = -1;

	if (fd == -1)
		return klog_err_in(err, "%s", log->path);
	klog_scan_name(&log->scan, base);
	size = klog_file_size(fd, log->scan.name, err);
	out->end.base = base;
	out->end.position = position;
	if (size != -1 && size < position) {
		klog_fail(&why, KLOG_ECORRUPT,
			"the file ends at %" PRId64 ", before what was synced",
			size);
		damaged(log, base, position, &why, err);
	} else if (size != -1 && position == 0 && base < out->end.offset) {
		/* its batches cannot be the next: whoever wrote that state or
		 * that name, what is there is not cut for it */
		klog_fail(&why, KLOG_ECORRUPT,
			"its segment begins before offset %" PRId64
			", which is next",
			out->end.offset);
		damaged(log, base, 0, &why, err);
	} else if (size != -1 && position > 0 &&
		check_joint(log, fd, &out->end, err) == -1) {
		r = -1;
	} else if (size != -1) {
		klog_scan_init(&log->scan, fd, position, 0);
		while ((r = klog_scan_next(&log->scan, &why)) ==
				KLOG_SCAN_BATCH &&
			follows(log, out)) {
			out->end.position = log->scan.position;
			out->epoch = log->scan.batch.leader_epoch;
			out->end.offset = klog_batch_last_offset(
						  &log->scan.batch) +
				1;
		}
		if (r == KLOG_SCAN_BATCH &&
			log->scan.batch.leader_epoch > log->state.leader_epoch)
			r = klog_check_foreign(log, base, &why);
		if (r == KLOG_SCAN_BATCH)
			klog_fail(&why, KLOG_ECORRUPT,
				"offset %" PRId64 " in leader epoch %" PRId32
				" where %" PRId64 " is next",
				log->scan.batch.base_offset,
				log->scan.batch.leader_epoch, out->end.offset);
		if (r == -1)
			*err = why;
		out->torn = size - out->end.position;
		out->why = why;
	}
	klog_close_fd(&fd);
	return r == -1 ? -1 : 0;
}

int
klog_check_log(
	struct klog_log *log, struct klog_check *out, struct klog_err *err)
{
	const struct klog_state *s = &log->state;
	struct klog_bases bases;
	size_t i;
	int r = 0;

	out->end.base = s->recovery_base;
	out->end.position = 0;
	out->end.offset = s->recovery_offset;
	out->torn = 0;
	out->epoch = -1;
	if (klog_segment_list(log->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", log->path);
	i = bases.count > 0 ? klog_bases_find(&bases, s->recovery_base) : 0;
	if (i < bases.count && bases.base[i] < s->recovery_base)
		i++; /* its file is gone */
	if (s->recovery_position > 0 && i == bases.count)
		r = klog_fail(err, KLOG_ECORRUPT,
			"%s: %020" PRId64 ".log: missing, and it held synced "
			"records; restore it",
			log->path, s->recovery_base);
	for (; r == 0 && i < bases.count; i++) {
		int64_t base = bases.base[i];

		if (base > out->end.offset) {
			if (out->end.offset >= s->first_dirty &&
				out->end.offset >= s->log_start)
				r = klog_fail(err, KLOG_ECORRUPT,
					"%s: offsets %" PRId64 " to %" PRId64
					": their segment is missing; restore "
					"it",
					log->path, out->end.offset, base - 1);
			out->end.offset = base;
		}
		if (r == -1)
			break;
		r = check_segment(log, base,
			base == s->recovery_base ? s->recovery_position : 0,
			out, err);
		if (r == 0 && out->torn > 0 && i + 1 < bases.count)
			r = damaged(
				log, base, out->end.position, &out->why, err);
	}
	klog_bases_free(&bases);
	return r;
}

int
klog_check_known(
	struct klog_log *log, struct klog_check *out, struct klog_err *err)
{
	const struct klog_state *s = &log->state;

	if (klog_check_log(log, out, err) == -1)
		return -1;
	if (out->end.base == s->active_base &&
		(out->end.position < s->length
				? out->end.offset <= s->next_offset
				: out->end.offset == s->next_offset))
		return 0;
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: %020" PRId64 ".log: good up to offset %" PRId64
		", but %s says that the log ends in %020" PRId64
		".log at %" PRId64 "; nothing was changed",
		log->path, out->end.base, out->end.offset, KLOG_STATE_NAME,
		s->active_base, s->next_offset);
}
