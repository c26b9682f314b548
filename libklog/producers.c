#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "io.h"
#include "producers.h"

#define INDEX_LEAST 2000 /* producers that the index has room for at first */
#define MARKER_MAX 4096  /* bytes; Kafka's have 78 */
#define HEADER_CHUNK 4096
#define EXPIRES_MS 86400000 /* Kafka's producer.id.expiration.ms */

static struct klog_slice
key_of(const int64_t *id)
{
	return klog_slice_of(id, sizeof(*id));
}

static struct klog_producer_fact *
find(const struct klog_producers *p, int64_t id)
{
	int64_t at = p->index.slots == NULL
		? -1
		: klog_keymap_get(&p->index, key_of(&id));

	return at == -1 ? NULL : &p->list[at];
}

/* Makes the index anew, with room for twice as many. */
static int
grow_index(struct klog_producers *p, struct klog_err *err)
{
	uint64_t room = p->count < INDEX_LEAST / 2 ? INDEX_LEAST : 2 * p->count;
	struct klog_keymap larger;
	size_t i;

	if (klog_keymap_init(&larger, klog_keymap_bytes(room), err) == -1)
		return -1;
	for (i = 0; i < p->count; i++)
		klog_keymap_put(&larger, key_of(&p->list[i].id), (int64_t)i);
	klog_keymap_free(&p->index);
	p->index = larger;
	return 0;
}

static bool
put_index(struct klog_producers *p, int64_t id)
{
	return p->index.slots != NULL &&
		klog_keymap_put(&p->index, key_of(&id), (int64_t)p->count);
}

static struct klog_producer_fact *
find_or_add(struct klog_producers *p, int64_t id, struct klog_err *err)
{
	struct klog_producer_fact *fact = find(p, id);
	void *grown;

	if (fact != NULL)
		return fact;
	grown = klog_grow(p->list, p->count, sizeof(p->list[0]));
	if (grown == NULL) {
		klog_fail_memory(err);
		return NULL;
	}
	p->list = grown;
	if (!put_index(p, id)) {
		if (grow_index(p, err) == -1)
			return NULL;
		put_index(p, id);
	}
	fact = &p->list[p->count++];
	memset(fact, 0, sizeof(*fact));
	fact->id = id;
	fact->last_data = fact->open = -1;
	return fact;
}

/* ---- the walk ---- */

enum { EMPTIED, COMMIT, ABORT };

/*
 * Which marker it is, whose header was taken, or -1.  It decides whether the
 * records of a whole transaction go, and none but this looks at it before they
 * do: its checksum has to hold.
 */
static int
read_marker(const struct klog_scan *scan, struct klog_err *err)
{
	uint8_t bytes[MARKER_MAX];
	struct klog_batch_iter it;
	struct klog_buf scratch = { NULL, 0, 0 };
	struct klog_compressor c = { 0 };
	struct klog_record rec;
	size_t size = scan->batch.size, got;
	int r;

	if (size > sizeof(bytes))
		return klog_fail(err, KLOG_ECORRUPT,
			"a transaction marker of %zu bytes", size);
	if (klog_read_at(scan->fd, bytes, size, scan->position - (int64_t)size,
		    &got, scan->name, err) == -1)
		return -1;
	if (got != size ||
		!klog_batch_check(&scan->batch, klog_slice_of(bytes, size)))
		return klog_fail(err, KLOG_ECORRUPT, "bad checksum");
	if (scan->batch.record_count == 0)
		return EMPTIED;
	r = klog_batch_open(&scan->batch, klog_slice_of(bytes, size), &c,
		sizeof(bytes), &scratch, &it, err);
	if (r == 0)
		r = klog_batch_next(&it, &rec, err);
	if (r == 1 && rec.key.size >= 4)
		r = klog_get_be16(rec.key.data + 2) == 0 ? ABORT : COMMIT;
	else if (r != -1)
		r = klog_fail(err, KLOG_ECORRUPT,
			"a transaction marker that does not say which");
	klog_buf_free(&scratch);
	klog_compressor_free(&c);
	return r;
}

static int
remember_abort(struct klog_producers *p, const struct klog_producer_fact *fact,
	int64_t last, struct klog_err *err)
{
	size_t n = p->aborted_count;
	void *grown = klog_grow(p->aborted, n, sizeof(p->aborted[0]));

	if (grown == NULL)
		return klog_fail_memory(err);
	p->aborted = grown;
	p->aborted[n].id = fact->id;
	p->aborted[n].first = fact->open;
	p->aborted[n].last = last;
	p->aborted_count++;
	return 0;
}

/* What a batch of a producer says: 0 or -1. */
static int
note(struct klog_producers *p, const struct klog_scan *scan,
	struct klog_err *err)
{
	const struct klog_batch *b = &scan->batch;
	struct klog_producer_fact *fact;
	bool control = b->attributes & KLOG_ATTR_CONTROL;
	int marker = control ? read_marker(scan, err) : EMPTIED;
	int r = 0;

	if (marker == -1 ||
		(fact = find_or_add(p, b->producer_id, err)) == NULL)
		return -1;
	/* a producer that began anew, or was fenced */
	if (b->producer_epoch != fact->epoch)
		fact->last_data = -1;
	fact->epoch = b->producer_epoch;
	fact->last_ms = b->max_timestamp_ms;
	if (!control) {
		fact->last_data = klog_batch_last_offset(b);
		if (b->attributes & KLOG_ATTR_TRANSACTIONAL && fact->open == -1)
			fact->open = b->base_offset;
	} else if (marker != EMPTIED) {
		if (marker == ABORT && fact->open != -1)
			r = remember_abort(
				p, fact, klog_batch_last_offset(b), err);
		fact->open = -1;
	}
	return r;
}

static int
damaged(const struct klog_scan *scan, int64_t at, struct klog_err *err)
{
	err->code = KLOG_ECORRUPT;
	return klog_err_in(err,
		"damaged, and not compacted: %s: batch at %" PRId64, scan->name,
		at);
}

/* One batch: as klog_scan_header. */
static int
step(struct klog_producers *p, struct klog_scan *scan, struct klog_err *err)
{
	int got = klog_scan_header(scan, err);

	if (got != KLOG_SCAN_BATCH || scan->batch.producer_id < 0 ||
		note(p, scan, err) == 0)
		return got;
	if (err->code == KLOG_ECORRUPT)
		damaged(scan, scan->position - scan->batch.size, err);
	return -1;
}

static int
walk_segment(struct klog_producers *p, int dir, const char *path, int64_t base,
	bool last, struct klog_scan *scan, struct klog_err *err)
{
	int r;

	scan->fd = klog_segment_open(dir, base, ".log", O_RDONLY, err);
	if (scan->fd == -1)
		return klog_err_in(err, "%s", path);
	klog_scan_name(scan, base);
	klog_scan_init(scan, scan->fd, 0, HEADER_CHUNK);
	while ((r = step(p, scan, err)) == KLOG_SCAN_BATCH)
		;
	klog_close_fd(&scan->fd);
	/* the last one may be written to just now */
	if (r == KLOG_SCAN_END || (last && r != -1))
		return 0;
	if (r != -1)
		damaged(scan, scan->position, err);
	return klog_err_in(err, "%s", path);
}

static int
by_id(const void *a, const void *b)
{
	const struct klog_aborted *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

int
klog_producers_walk(struct klog_producers *p, int dir, const char *path,
	struct klog_err *err)
{
	struct klog_scan scan = { .fd = -1 };
	struct klog_bases bases;
	size_t i;
	int r = 0;

	memset(p, 0, sizeof(*p));
	p->stable = INT64_MAX;
	if (klog_segment_list(dir, &bases, err) == -1)
		return klog_err_in(err, "%s", path);
	for (i = 0; r == 0 && i < bases.count; i++)
		r = walk_segment(p, dir, path, bases.base[i],
			i + 1 == bases.count, &scan, err);
	klog_scan_free(&scan);
	klog_bases_free(&bases);
	if (p->aborted_count > 1)
		qsort(p->aborted, p->aborted_count, sizeof(p->aborted[0]),
			by_id);
	for (i = 0; i < p->count; i++)
		if (p->list[i].open != -1 && p->list[i].open < p->stable)
			p->stable = p->list[i].open;
	return r;
}

void
klog_producers_free(struct klog_producers *p)
{
	klog_keymap_free(&p->index);
	free(p->list);
	free(p->aborted);
	memset(p, 0, sizeof(*p));
}

/* ---- what it says of a batch ---- */

bool
klog_producers_aborted(
	const struct klog_producers *p, const struct klog_batch *b)
{
	size_t low = 0, high = p->aborted_count;
	const struct klog_aborted *a;

	if (!(b->attributes & KLOG_ATTR_TRANSACTIONAL))
		return false;
	/* the last one of this producer that begins at or before it */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		a = &p->aborted[mid];
		if (a->id < b->producer_id ||
			(a->id == b->producer_id && a->first <= b->base_offset))
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return false;
	a = &p->aborted[low - 1];
	return a->id == b->producer_id && b->base_offset <= a->last;
}

bool
klog_producers_pass(struct klog_producers *p, const struct klog_batch *b)
{
	struct klog_producer_fact *fact = find(p, b->producer_id);
	bool gone;

	if (!(b->attributes & KLOG_ATTR_CONTROL)) {
		if (fact != NULL && b->attributes & KLOG_ATTR_TRANSACTIONAL)
			fact->touched = true;
		return false;
	}
	gone = fact == NULL || !fact->touched || b->record_count == 0;
	if (fact != NULL)
		fact->touched = false;
	return gone;
}

bool
klog_producers_last(const struct klog_producers *p, const struct klog_batch *b,
	int64_t now_ms)
{
	const struct klog_producer_fact *fact = b->producer_id >= 0
		? find(p, b->producer_id)
		: NULL;

	if (fact == NULL || fact->last_ms < now_ms - EXPIRES_MS)
		return false;
	if (fact->last_data != -1)
		return klog_batch_last_offset(b) == fact->last_data;
	return b->attributes & KLOG_ATTR_CONTROL &&
		b->producer_epoch == fact->epoch;
}
