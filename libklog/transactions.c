#include <fcntl.h>
#include <stdlib.h>

#include "crc32c.h"
#include "index.h"
#include "io.h"
#include "transactions.h"

#define SNAPSHOT_MAX ((size_t)64 * 1024 * 1024)
#define SNAPSHOT_ENTRY 46
#define HEADER_CHUNK 4096
#define DONE_KEPT 64 /* transactions that the reader may have passed */

static void
free_walk(struct klog_txn_walk *w)
{
	free(w->open);
	free(w->done);
	memset(w, 0, sizeof(*w));
}

void
klog_transactions_free(struct klog_transactions *t)
{
	free_walk(&t->ahead);
	free_walk(&t->near);
}

/* ---- what is open ---- */

static int
begin_txn(struct klog_txn_walk *w, int64_t producer_id, int64_t first,
	struct klog_err *err)
{
	struct klog_open_txn *open;
	size_t i;

	for (i = 0; i < w->open_count; i++)
		if (w->open[i].producer_id == producer_id)
			return 0;
	open = realloc(w->open, (w->open_count + 1) * sizeof(open[0]));
	if (open == NULL)
		return klog_fail_memory(err);
	w->open = open;
	open[w->open_count].producer_id = producer_id;
	open[w->open_count++].first = first;
	return 0;
}

static int
remember_done(struct klog_txn_walk *w, const struct klog_open_txn *open,
	int64_t last, bool aborted, struct klog_err *err)
{
	struct klog_done_txn *done = realloc(
		w->done, (w->done_count + 1) * sizeof(done[0]));

	if (done == NULL)
		return klog_fail_memory(err);
	w->done = done;
	done[w->done_count].producer_id = open->producer_id;
	done[w->done_count].first = open->first;
	done[w->done_count].last = last;
	done[w->done_count++].aborted = aborted;
	return 0;
}

/* A marker; one of a producer that has nothing open changes nothing. */
static int
end_txn(struct klog_txn_walk *w, bool keep, int64_t producer_id, int64_t last,
	bool aborted, struct klog_err *err)
{
	size_t i;

	for (i = 0; i < w->open_count; i++) {
		if (w->open[i].producer_id != producer_id)
			continue;
		if (keep &&
			remember_done(w, &w->open[i], last, aborted, err) == -1)
			return -1;
		w->open[i] = w->open[--w->open_count];
		break;
	}
	return 0;
}

/* ---- where a walk begins ---- */

/* The entries of a .snapshot; false when it is not whole. */
static bool
take_snapshot(struct klog_txn_walk *w, struct klog_slice in)
{
	struct klog_err ignored;
	uint32_t i, count;
	const uint8_t *p = in.data;

	if (in.size < 10 || klog_get_be16(p) != 1 ||
		klog_get_be32(p + 2) != klog_crc32c(p + 6, in.size - 6))
		return false;
	count = klog_get_be32(p + 6);
	if (count > (in.size - 10) / SNAPSHOT_ENTRY)
		return false;
	for (i = 0, p += 10; i < count; i++, p += SNAPSHOT_ENTRY) {
		int64_t first = (int64_t)klog_get_be64(p + 38);

		if (first >= 0 &&
			begin_txn(w, (int64_t)klog_get_be64(p), first,
				&ignored) == -1)
			return false;
	}
	return true;
}

/* The offset of the newest .snapshot below `bound`, or -1. */
static int64_t
newest_snapshot(int dir, int64_t bound)
{
	struct klog_list list = { NULL };
	struct klog_err ignored;
	int64_t newest = -1;
	const char *name;

	while (klog_list_next(&list, dir, &name, &ignored) > 0) {
		int64_t at = klog_file_base(name, ".snapshot");

		if (at > newest && at < bound)
			newest = at;
	}
	klog_list_close(&list);
	return newest;
}

/* Begins at the newest whole snapshot at or below `offset`, else at the log's
 * first segment. */
static void
begin_walk(struct klog_txn_walk *w, const struct klog_reader *r, int64_t offset)
{
	struct klog_buf text = { NULL, 0, 0 };
	char name[KLOG_FILE_NAME];
	struct klog_err ignored;
	int64_t at = offset < INT64_MAX ? offset + 1 : offset;
	bool whole = false;

	w->begun = true;
	w->base = -1;
	while (r->only_base == -1 && !whole &&
		(at = newest_snapshot(r->dir, at)) != -1) {
		klog_file_name(name, at, ".snapshot");
		w->open_count = 0;
		whole = klog_read_file(r->dir, name, SNAPSHOT_MAX, &text,
				&ignored) == 0 &&
			take_snapshot(w, klog_slice_of(text.data, text.size));
	}
	if (!whole)
		w->open_count = 0;
	w->next = whole ? at : 0;
	klog_buf_free(&text);
}

/* ---- walking ---- */

static void
enter_segment(struct klog_txn_walk *w, int64_t base)
{
	w->base = w->expected = base;
	w->position = 0;
}

/* Opens the segment of w->next, or the one behind the segment that was walked
 * to its end: 1, 0 there is none, -1. */
static int
next_segment(struct klog_txn_walk *w, const struct klog_reader *r,
	struct klog_err *err)
{
	struct klog_bases bases;
	size_t i = 0;
	int found = 0;

	if (r->only_base != -1) {
		found = w->base == -1;
		enter_segment(w, r->only_base);
		return found;
	}
	if (klog_segment_list_all(r->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", r->path);
	if (bases.count > 0 && w->base == -1)
		i = klog_bases_find(&bases, w->next);
	while (i < bases.count && bases.base[i] <= w->base)
		i++;
	if (i < bases.count) {
		enter_segment(w, bases.base[i]);
		found = 1;
	}
	klog_bases_free(&bases);
	return found;
}

/* The batch at hand ends a transaction.  No Kafka compresses it, but another
 * may. */
static int
take_marker(struct klog_txn_walk *w, bool keep, struct klog_scan *scan,
	struct klog_err *err)
{
	struct klog_compressor compressor = { 0 };
	struct klog_buf scratch = { NULL, 0, 0 };
	struct klog_batch_iter it;
	struct klog_record rec;
	int r = 0;

	if (klog_batch_open(&scan->batch, scan->bytes, &compressor,
		    KLOG_DECODED_MAX, &scratch, &it, err) == 0 &&
		klog_batch_next(&it, &rec, err) == 1 && rec.key.size >= 4)
		r = end_txn(w, keep, scan->batch.producer_id,
			klog_batch_last_offset(&scan->batch),
			klog_get_be16(rec.key.data + 2) == 0, err);
	klog_buf_free(&scratch);
	klog_compressor_free(&compressor);
	return r;
}

/* Behind the batch that was taken. */
static void
pass(struct klog_txn_walk *w, const struct klog_scan *scan)
{
	w->position = scan->position;
	w->expected = klog_batch_last_offset(&scan->batch) + 1;
}

/* One batch of the open segment: as klog_scan_next. */
static int
step(struct klog_txn_walk *w, bool keep, struct klog_scan *scan,
	struct klog_err *err)
{
	const struct klog_batch *b = &scan->batch;
	int got = klog_scan_header(scan, err);

	if (got != KLOG_SCAN_BATCH)
		return got;
	klog_batch_raise_base(&scan->batch, w->expected);
	if (b->base_offset < w->expected)
		return KLOG_SCAN_BAD;
	/* What the snapshot knows, in the segment that its offset is in. */
	if (klog_batch_last_offset(b) < w->next) {
		pass(w, scan);
		return got;
	}
	if (b->attributes & KLOG_ATTR_CONTROL) {
		scan->position -= b->size;
		got = klog_scan_look_again(scan, err);
		if (got != KLOG_SCAN_BATCH)
			return got;
		scan->position += b->size;
		if (take_marker(w, keep, scan, err) == -1)
			return -1;
	} else if (b->attributes & KLOG_ATTR_TRANSACTIONAL &&
		begin_txn(w, b->producer_id, b->base_offset, err) == -1) {
		return -1;
	}
	pass(w, scan);
	w->next = w->expected;
	return got;
}

/* Walks to the end, or until so many are done: 0 or -1. */
static int
walk(struct klog_txn_walk *w, const struct klog_reader *r, size_t until_done,
	struct klog_err *err)
{
	bool keep = until_done != SIZE_MAX;
	struct klog_scan scan = { .fd = -1, .old_formats = !r->has_state };
	int got = KLOG_SCAN_END;

	while (!w->damaged && w->done_count < until_done) {
		int more = 1;

		if (scan.fd == -1 && w->base != -1)
			scan.fd = klog_segment_open_log(r->dir, w->base, err);
		if (scan.fd != -1) {
			klog_scan_init(
				&scan, scan.fd, w->position, HEADER_CHUNK);
			while (w->done_count < until_done &&
				(got = step(w, keep, &scan, err)) ==
					KLOG_SCAN_BATCH)
				;
			if (got == -1)
				break;
		}
		if (w->done_count >= until_done)
			break;
		more = next_segment(w, r, err);
		if (more != 1) {
			got = more == -1 ? -1 : got;
			break;
		}
		w->damaged = got == KLOG_SCAN_BAD || got == KLOG_SCAN_SHORT;
		klog_close_fd(&scan.fd);
	}
	if (got == KLOG_SCAN_BAD)
		w->damaged = true;
	klog_scan_free(&scan);
	klog_close_fd(&scan.fd);
	return got == -1 ? klog_err_in(err, "%s", r->path) : 0;
}

int64_t
klog_transactions_stable(struct klog_transactions *t,
	const struct klog_reader *r, struct klog_err *err)
{
	struct klog_txn_walk *w = &t->ahead;
	int64_t stable;
	size_t i;

	if (!w->begun)
		begin_walk(w, r, INT64_MAX);
	if (walk(w, r, SIZE_MAX, err) == -1)
		return -1;
	/* what was synced and is not there the reader has to find (D6) */
	stable = w->damaged || w->next < r->foreign_point ? INT64_MAX : w->next;
	for (i = 0; i < w->open_count; i++)
		if (w->open[i].first < stable)
			stable = w->open[i].first;
	return stable;
}

/* Forgets what the reader has passed. */
static void
forget(struct klog_txn_walk *w, int64_t offset)
{
	size_t i, kept = 0;

	if (w->done_count < DONE_KEPT)
		return;
	for (i = 0; i < w->done_count; i++)
		if (w->done[i].last >= offset)
			w->done[kept++] = w->done[i];
	w->done_count = kept;
}

int
klog_transactions_aborted(struct klog_transactions *t,
	const struct klog_reader *r, struct klog_err *err)
{
	const struct klog_batch *b = &r->scan.batch;
	struct klog_txn_walk *w = &t->near;
	size_t i = 0;

	if (!w->begun)
		begin_walk(w, r, b->base_offset);
	forget(w, b->base_offset);
	for (;;) {
		size_t before = w->done_count;

		for (; i < before; i++)
			if (w->done[i].producer_id == b->producer_id &&
				w->done[i].first <= b->base_offset &&
				w->done[i].last >= b->base_offset)
				return w->done[i].aborted;
		if (walk(w, r, before + 1, err) == -1)
			return -1;
		/* no marker to come: it is not aborted, as far as is known */
		if (w->done_count == before)
			return 0;
	}
}
