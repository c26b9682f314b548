#include "bytes.h"
#include "index.h"
#include "io.h"

/* Entries are looked at a page at a time: a search in the largest index
 * costs a dozen reads. */
#define PAGE_ENTRIES 340

struct table {
	int fd;
	size_t width;
	int64_t count;
	int64_t page; /* the one in bytes, or -1 */
	uint8_t bytes[PAGE_ENTRIES * KLOG_TIME_ENTRY];
	size_t got;
};

static void
table_open(struct table *t, int fd, size_t width)
{
	struct klog_err ignored;
	int64_t size = -1;

	t->fd = fd;
	t->width = width;
	t->page = -1;
	t->got = 0;
	if (fd != -1)
		size = klog_file_size(fd, "index", &ignored);
	t->count = size > 0 ? size / (int64_t)width : 0;
}

/* Entry i, or NULL past the end: unreadable, or in a zero tail. */
static const uint8_t *
entry(struct table *t, int64_t i)
{
	static const uint8_t zero[KLOG_TIME_ENTRY];
	struct klog_err ignored;
	const uint8_t *p;
	size_t offset_at = t->width - 4; /* of a time entry */
	int64_t page = i / PAGE_ENTRIES;
	size_t at = (size_t)(i % PAGE_ENTRIES) * t->width;

	if (i >= t->count)
		return NULL;
	if (page != t->page) {
		t->page = page;
		if (klog_read_at(t->fd, t->bytes, PAGE_ENTRIES * t->width,
			    page * PAGE_ENTRIES * (int64_t)t->width, &t->got,
			    "index", &ignored) == -1)
			t->got = 0;
	}
	if (at + t->width > t->got)
		return NULL;
	p = t->bytes + at;
	if (t->width == KLOG_INDEX_ENTRY)
		offset_at = 0;
	/* a genuine entry has a position past 0, and an offset past the base
	 * but for the very first */
	if (memcmp(p, zero, t->width) == 0 ||
		(i > 0 && klog_get_be32(p + offset_at) == 0))
		return NULL;
	return p;
}

static int64_t
index_offset(const uint8_t *p)
{
	return klog_get_be32(p);
}

static int64_t
index_position(const uint8_t *p)
{
	return klog_get_be32(p + 4);
}

static int64_t
time_stamp(const uint8_t *p)
{
	return (int64_t)klog_get_be64(p);
}

static int64_t
time_offset(const uint8_t *p)
{
	return klog_get_be32(p + 8);
}

/* How many leading entries have key(entry) < limit; they are sorted. */
static int64_t
count_below(struct table *t, int64_t (*key)(const uint8_t *), int64_t limit)
{
	int64_t low = 0, high = t->count;

	while (low < high) {
		int64_t mid = low + (high - low) / 2;
		const uint8_t *p = entry(t, mid);

		if (p != NULL && key(p) < limit)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int
klog_index_put(int fd, uint32_t at, int64_t base, int64_t offset,
	int64_t position, struct klog_err *err)
{
	uint8_t p[KLOG_INDEX_ENTRY];

	klog_set_be32(p, (uint32_t)(offset - base));
	klog_set_be32(p + 4, (uint32_t)position);
	return klog_write_at(fd, p, sizeof(p), (int64_t)at * KLOG_INDEX_ENTRY,
		NULL, ".index", err);
}

int
klog_timeindex_put(int fd, uint32_t at, int64_t base, int64_t timestamp_ms,
	int64_t offset, struct klog_err *err)
{
	uint8_t p[KLOG_TIME_ENTRY];

	klog_set_be64(p, (uint64_t)timestamp_ms);
	klog_set_be32(p + 8, (uint32_t)(offset - base));
	return klog_write_at(fd, p, sizeof(p), (int64_t)at * KLOG_TIME_ENTRY,
		NULL, ".timeindex", err);
}

static void
last_below(struct table *t, int64_t (*key)(const uint8_t *), int64_t limit,
	int64_t base, int64_t *position, int64_t *offset)
{
	int64_t n = count_below(t, key, limit);
	const uint8_t *p = n > 0 ? entry(t, n - 1) : NULL;

	*position = p != NULL ? index_position(p) : 0;
	*offset = p != NULL ? base + index_offset(p) : -1;
}

void
klog_index_find(
	int fd, int64_t base, int64_t offset, int64_t *position, int64_t *found)
{
	struct table t;

	table_open(&t, fd, KLOG_INDEX_ENTRY);
	last_below(&t, index_offset, offset - base + 1, base, position, found);
}

void
klog_index_find_position(int fd, int64_t base, int64_t position,
	int64_t *found_position, int64_t *found_offset)
{
	struct table t;

	table_open(&t, fd, KLOG_INDEX_ENTRY);
	last_below(&t, index_position, position + 1, base, found_position,
		found_offset);
}

uint32_t
klog_index_count_below(int fd, int64_t position)
{
	struct table t;

	table_open(&t, fd, KLOG_INDEX_ENTRY);
	return (uint32_t)count_below(&t, index_position, position);
}

uint32_t
klog_timeindex_count_below(int fd, int64_t base, int64_t offset)
{
	struct table t;

	table_open(&t, fd, KLOG_TIME_ENTRY);
	return (uint32_t)count_below(&t, time_offset, offset - base);
}

/* What an entry says, if it is one. */
static bool
time_of(const uint8_t *p, int64_t base, int64_t *timestamp_ms, int64_t *offset)
{
	if (p == NULL)
		return false;
	*timestamp_ms = time_stamp(p);
	*offset = base + time_offset(p);
	return true;
}

bool
klog_timeindex_find(int fd, int64_t base, int64_t timestamp_ms,
	int64_t *found_ms, int64_t *offset)
{
	struct table t;
	int64_t n;

	table_open(&t, fd, KLOG_TIME_ENTRY);
	n = count_below(&t, time_stamp, timestamp_ms);
	return n > 0 && time_of(entry(&t, n - 1), base, found_ms, offset);
}

bool
klog_timeindex_get(int fd, uint32_t at, int64_t base, int64_t *timestamp_ms,
	int64_t *offset)
{
	struct table t;

	table_open(&t, fd, KLOG_TIME_ENTRY);
	return time_of(entry(&t, at), base, timestamp_ms, offset);
}

bool
klog_timeindex_last(
	int fd, int64_t base, int64_t *timestamp_ms, int64_t *offset)
{
	struct table t;
	int64_t n;

	table_open(&t, fd, KLOG_TIME_ENTRY);
	if (t.count == 0)
		return false;
	if (time_of(entry(&t, t.count - 1), base, timestamp_ms, offset))
		return true;
	/* a zero tail: the last before it */
	n = count_below(&t, time_stamp, INT64_MAX);
	return n > 0 && time_of(entry(&t, n - 1), base, timestamp_ms, offset);
}
