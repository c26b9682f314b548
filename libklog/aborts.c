#include <fcntl.h>
#include <inttypes.h>

#include "aborts.h"
#include "io.h"
#include "record.h"
#include "segment.h"

enum { ABORT = 0, COMMIT = 1, NO_MARKER = -1 };

/* An entry, decoded. */
struct entry {
	int version;
	int64_t producer_id, first, last, stable;
};

int
klog_aborts_begin(
	struct klog_aborts *a, int dir, int64_t base, struct klog_err *err)
{
	a->base = base;
	klog_file_name(a->name, base, ".txnindex");
	a->fd = klog_segment_open(dir, base, ".txnindex", O_RDONLY, err);
	if (a->fd == -1 && err->code != KLOG_ENOTFOUND)
		return -1;
	if (klog_entries_open(
		    &a->entries, a->fd, KLOG_TXN_ENTRY, 0, a->name, err) == 0)
		return 0;
	klog_aborts_close(a);
	return -1;
}

void
klog_aborts_close(struct klog_aborts *a)
{
	klog_close_fd(&a->fd);
}

void
klog_aborts_skip(struct klog_aborts *a)
{
	a->known = false;
	a->gaps = true;
}

/* ---- what is open ---- */

static size_t
find(const struct klog_aborts *a, int64_t producer_id)
{
	size_t i;

	for (i = 0; i < a->open_count; i++)
		if (a->open[i].producer_id == producer_id)
			break;
	return i;
}

static void
begin(struct klog_aborts *a, int64_t producer_id, int64_t first)
{
	if (find(a, producer_id) < a->open_count)
		return;
	if (a->open_count == KLOG_ABORTS_OPEN) {
		a->known = false;
		return;
	}
	a->open[a->open_count].producer_id = producer_id;
	a->open[a->open_count++].first = first;
}

/* What is stable once the transaction at `i` has ended at `last`. */
static int64_t
stable(const struct klog_aborts *a, size_t i, int64_t last)
{
	int64_t first = last + 1;
	size_t j;

	for (j = 0; j < a->open_count; j++)
		if (j != i && a->open[j].first < first)
			first = a->open[j].first;
	return first;
}

/* ---- entries ---- */

static void
decode(const uint8_t *p, struct entry *e)
{
	e->version = klog_get_be16(p);
	e->producer_id = (int64_t)klog_get_be64(p + 2);
	e->first = (int64_t)klog_get_be64(p + 10);
	e->last = (int64_t)klog_get_be64(p + 18);
	e->stable = (int64_t)klog_get_be64(p + 26);
}

static int
tell(struct klog_aborts *a, int64_t at, const struct entry *e, const char *why,
	struct klog_err *err)
{
	return klog_findings_add(a->out, KLOG_FOUND_INDEX, a->name, at,
		KLOG_TXN_ENTRY, e->last, err,
		"entry %" PRId64 ": producer %" PRId64 ", offsets %" PRId64
		" to %" PRId64 ", %s",
		at / KLOG_TXN_ENTRY, e->producer_id, e->first, e->last, why);
}

/* What is wrong with the entry of a marker, or NULL. */
static const char *
wrong_with(const struct klog_aborts *a, const struct entry *e, size_t i,
	int64_t producer_id, int64_t last)
{
	bool seen = i < a->open_count;

	if (e->version != 0)
		return "of an unknown version";
	if (e->last != last || e->producer_id != producer_id)
		return "which no marker ends";
	if (e->first < 0 || e->first >= last ||
		(seen && !a->gaps && e->first != a->open[i].first))
		return "which does not begin there";
	if (e->stable < 0 || e->stable > last + 1 ||
		(a->known && !a->gaps && e->stable != stable(a, i, last)))
		return "with a wrong last stable offset";
	return NULL;
}

/* A marker that aborts: the next entry is about it, if one is. */
static int
check_abort(struct klog_aborts *a, size_t i, int64_t producer_id, int64_t last,
	struct klog_err *err)
{
	bool seen = i < a->open_count && a->known && !a->gaps;
	const char *why;
	const uint8_t *p;
	struct entry e;
	int64_t at;
	int r;

	for (;;) {
		r = klog_entries_peek(&a->entries, &p, err);
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		decode(p, &e);
		why = wrong_with(a, &e, i, producer_id, last);
		/* of a later marker, or with a wrong offset */
		if (e.last > last && !seen)
			return 0;
		at = a->entries.at;
		a->entries.at += KLOG_TXN_ENTRY;
		if (why == NULL)
			return 0;
		if (tell(a, at, &e, why, err) == -1)
			return -1;
		/* it was this marker's, but for what is wrong with it */
		if (e.last >= last)
			return 0;
	}
	if (!seen)
		return 0;
	return klog_findings_add(a->out, KLOG_FOUND_INDEX, a->name,
		a->entries.at, 0, last, err,
		"no entry for the transaction of producer %" PRId64
		" that was aborted at offset %" PRId64,
		producer_id, last);
}

/* ---- batches ---- */

/* What a control batch says: its one record's key is version and type. */
static int
marker_of(const struct klog_batch *b, struct klog_slice bytes)
{
	struct klog_slice in = klog_slice_of(
		bytes.data + KLOG_BATCH_HEADER, b->size - KLOG_BATCH_HEADER);
	struct klog_record rec;
	struct klog_err ignored;

	if (b->record_count < 1 ||
		(b->attributes & KLOG_ATTR_CODEC) != KLOG_CODEC_NONE ||
		klog_record_take(&in, &rec, &ignored) == -1 || rec.key.size < 4)
		return NO_MARKER;
	return klog_get_be16(rec.key.data + 2);
}

int
klog_aborts_batch(struct klog_aborts *a, const struct klog_batch *b,
	struct klog_slice bytes, struct klog_err *err)
{
	int64_t last = klog_batch_last_offset(b);
	int marker, r = 0;
	size_t i;

	if (b->magic != KLOG_BATCH_MAGIC || b->producer_id < 0)
		return 0;
	if (!(b->attributes & KLOG_ATTR_CONTROL)) {
		if (b->attributes & KLOG_ATTR_TRANSACTIONAL)
			begin(a, b->producer_id, b->base_offset);
		return 0;
	}
	marker = marker_of(b, bytes);
	if (marker != ABORT && marker != COMMIT)
		return 0;
	i = find(a, b->producer_id);
	if (marker == ABORT)
		r = check_abort(a, i, b->producer_id, last, err);
	if (i < a->open_count)
		a->open[i] = a->open[--a->open_count];
	return r;
}

int
klog_aborts_end(struct klog_aborts *a, bool finished, struct klog_err *err)
{
	int64_t part;
	const uint8_t *p;
	struct entry e;
	int64_t at;
	int r = 0;

	while (finished && (r = klog_entries_peek(&a->entries, &p, err)) == 1) {
		decode(p, &e);
		at = a->entries.at;
		a->entries.at += KLOG_TXN_ENTRY;
		if (tell(a, at, &e, "which no marker ends", err) == -1)
			return -1;
	}
	part = a->entries.size % KLOG_TXN_ENTRY;
	if (r == -1 || part == 0 || !finished)
		return r;
	return klog_findings_add(a->out, KLOG_FOUND_INDEX, a->name,
		a->entries.size - part, part, -1, err,
		"%" PRId64 " bytes that are no whole entry", part);
}
