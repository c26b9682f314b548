#include <stdlib.h>

#include "merge.h"
#include "time.h"

void
klog_merge_init(struct klog_merge *m)
{
	memset(m, 0, sizeof(*m));
	m->look = true;
}

void
klog_merge_free(struct klog_merge *m)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		klog_buf_free(&m->heads[i].bytes);
	free(m->heads);
	free(m->heap);
}

/* ---- the heap ---- */

/* Of two sources with one timestamp the first one goes first. */
static bool
before(const struct klog_merge *m, size_t a, size_t b)
{
	int64_t at = m->heads[a].rec.timestamp_ms;
	int64_t bt = m->heads[b].rec.timestamp_ms;

	return at != bt ? at < bt : a < b;
}

static void
exchange(struct klog_merge *m, size_t i, size_t k)
{
	size_t source = m->heap[i];

	m->heap[i] = m->heap[k];
	m->heap[k] = source;
}

static void
add(struct klog_merge *m, size_t source)
{
	size_t i = m->heap_count++;

	m->heap[i] = source;
	for (; i > 0 && before(m, m->heap[i], m->heap[(i - 1) / 2]);
		i = (i - 1) / 2)
		exchange(m, i, (i - 1) / 2);
}

/* The child of i that goes first, or heap_count. */
static size_t
first_child(const struct klog_merge *m, size_t i)
{
	size_t child = 2 * i + 1;

	if (child >= m->heap_count)
		return m->heap_count;
	if (child + 1 < m->heap_count &&
		before(m, m->heap[child + 1], m->heap[child]))
		child++;
	return child;
}

/* heap[0] is another one, or has another head. */
static void
sink(struct klog_merge *m)
{
	size_t i = 0, child;

	while ((child = first_child(m, i)) < m->heap_count &&
		before(m, m->heap[child], m->heap[i])) {
		exchange(m, i, child);
		i = child;
	}
}

/* ---- heads ---- */

/* New partitions become sources while they are read. */
static int
make_room(struct klog_merge *m, size_t count, struct klog_err *err)
{
	struct klog_head *heads;
	size_t *heap;

	if (count == m->count)
		return 0;
	heap = realloc(m->heap, count * sizeof(heap[0]));
	if (heap != NULL)
		m->heap = heap;
	heads = realloc(m->heads, count * sizeof(heads[0]));
	if (heads != NULL)
		m->heads = heads;
	if (heap == NULL || heads == NULL)
		return klog_fail_memory(err);
	memset(heads + m->count, 0, (count - m->count) * sizeof(heads[0]));
	for (; m->count < count; m->count++)
		heads[m->count].found_end = true;
	return 0;
}

/* The batch is copied: the source may have to give up its buffer. */
static int
open_batch(struct klog_sources *all, struct klog_source *s,
	struct klog_decoder *d, struct klog_head *head, struct klog_err *err)
{
	int r = klog_source_batch(all, s, d, &head->cursor, err);

	if (r == 1 && klog_batch_keep(&head->cursor.it, &head->bytes) == -1)
		return klog_fail_memory(err);
	if (s->open)
		klog_reader_trim(&s->reader, 0);
	return r;
}

/* Takes the next record of a source, over batches without one. */
static int
find_head(struct klog_sources *all, struct klog_source *s,
	struct klog_decoder *d, struct klog_head *head, struct klog_err *err)
{
	size_t n;
	int r;

	head->there = false;
	for (;;) {
		if (!head->cursor.open) {
			r = open_batch(all, s, d, head, err);
			if (r != 1)
				break;
			if (head->found_end)
				head->flowing_tick = klog_tick_ms();
			head->found_end = false;
		}
		if (klog_source_take(
			    s, &head->cursor, &head->rec, 1, &n, err) == -1)
			return -1;
		if (n == 1) {
			head->there = true;
			return 0;
		}
	}
	s->idle = head->found_end = true;
	klog_buf_free(&head->bytes);
	return r;
}

static int
find_one(struct klog_merge *m, struct klog_sources *all, size_t source,
	struct klog_decoder *d, struct klog_err *err)
{
	struct klog_head *head = &m->heads[source];

	if (head->there || all->list[source].idle)
		return 0;
	if (find_head(all, &all->list[source], d, head, err) == -1)
		return -1;
	if (head->there)
		add(m, source);
	return 0;
}

/* Every source has a head then, but those that are idle. */
static int
find_heads(struct klog_merge *m, struct klog_sources *all,
	struct klog_decoder *d, struct klog_err *err)
{
	size_t i;

	if (!m->look)
		return m->count == 0 ? 0 : find_one(m, all, m->turn, d, err);
	if (make_room(m, all->count, err) == -1)
		return -1;
	for (i = 0; i < all->count; i++)
		if (find_one(m, all, i, d, err) == -1)
			return -1;
	m->look = false;
	return 0;
}

/* ---- waiting for those without one ---- */

bool
klog_merge_waits(const struct klog_merge *m, const struct klog_sources *all)
{
	size_t i;

	if (!all->follow || m->heap_count == all->count)
		return false;
	for (i = 0; i < all->count; i++)
		if ((i >= m->count || !m->heads[i].there) &&
			!klog_source_done(&all->list[i]))
			return true;
	return false;
}

int64_t
klog_merge_due_ms(const struct klog_merge *m, const struct klog_sources *all)
{
	int64_t due;

	if (m->heap_count == 0)
		return -1;
	if (!klog_merge_waits(m, all))
		return 0;
	due = m->heads[m->heap[0]].flowing_tick + KLOG_MERGE_WAIT_MS -
		klog_tick_ms();
	return due > 0 ? due : 0;
}

/* ---- runs ---- */

/* The records of the first source up to where another one's head goes
 * first, or its batch ends. */
static size_t
fill_run(struct klog_merge *m, const struct klog_source *s,
	struct klog_record *records, size_t max)
{
	struct klog_head *head = &m->heads[m->turn];
	size_t rival = first_child(m, 0), n = 0, more;

	do {
		records[n++] = head->rec;
		if (klog_source_take(s, &head->cursor, &head->rec, 1, &more,
			    &m->err) == -1)
			m->failed = true;
		head->there = more == 1;
	} while (head->there && n < max &&
		(rival == m->heap_count || before(m, m->turn, m->heap[rival])));
	if (!head->there)
		m->heap[0] = m->heap[--m->heap_count];
	sink(m);
	return n;
}

int
klog_merge_next(struct klog_merge *m, struct klog_sources *all,
	struct klog_decoder *d, struct klog_record *records, size_t max,
	size_t *count, struct klog_err *err)
{
	if (m->failed) {
		*err = m->err;
		return -1;
	}
	if (find_heads(m, all, d, err) == -1) {
		/* what is damaged is not passed over by asking again */
		m->failed = err->code == KLOG_ECORRUPT;
		m->err = *err;
		return -1;
	}
	if (klog_merge_due_ms(m, all) != 0)
		return 0;
	m->turn = m->heap[0];
	*count = fill_run(m, &all->list[m->turn], records, max);
	return 1;
}
