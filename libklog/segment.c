#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"
#include "segment.h"

#define CHUNK ((size_t)512 * 1024)

static int
by_base(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
put_base(struct klog_buf *all, int64_t base, struct klog_err *err)
{
	if (klog_buf_put(all, &base, sizeof(base)) == -1)
		return klog_fail_memory(err);
	return 0;
}

/* The bases of names that end so; those from `bound` on are left out. */
static int
list(int dir, const char *suffix, int64_t bound, struct klog_buf *all,
	struct klog_err *err)
{
	struct klog_list names = { NULL };
	const char *name;
	int r;

	while ((r = klog_list_next(&names, dir, &name, err)) > 0) {
		int64_t base = klog_file_base(name, suffix);

		if (base >= 0 && base < bound &&
			put_base(all, base, err) == -1) {
			r = -1;
			break;
		}
	}
	klog_list_close(&names);
	return r;
}

static void
sort(struct klog_buf *all, struct klog_bases *bases)
{
	size_t i, n = all->size / sizeof(int64_t);

	bases->base = (int64_t *)(void *)all->data;
	bases->count = 0;
	if (n > 1)
		qsort(bases->base, n, sizeof(int64_t), by_base);
	for (i = 0; i < n; i++)
		if (i == 0 || bases->base[i] != bases->base[i - 1])
			bases->base[bases->count++] = bases->base[i];
}

int
klog_segment_list(int dir, struct klog_bases *bases, struct klog_err *err)
{
	struct klog_buf all = { NULL, 0, 0 };

	if (list(dir, ".log", INT64_MAX, &all, err) == -1) {
		klog_buf_free(&all);
		return -1;
	}
	sort(&all, bases);
	return 0;
}

int
klog_segment_list_all(int dir, struct klog_bases *bases, struct klog_err *err)
{
	struct klog_buf all = { NULL, 0, 0 };
	struct klog_list names = { NULL };
	int64_t bound = INT64_MAX, base;
	bool swaps = false;
	const char *name;
	int r;

	/* one pass, as a rule: there is neither */
	while ((r = klog_list_next(&names, dir, &name, err)) > 0) {
		swaps |= klog_file_base(name, ".log" KLOG_SWAP) >= 0;
		base = klog_file_base(name, ".log.cleaned");
		if (base >= 0 && base < bound)
			bound = base;
		base = klog_file_base(name, ".log");
		if (base >= 0 && put_base(&all, base, err) == -1) {
			r = -1;
			break;
		}
	}
	klog_list_close(&names);
	if (r == 0 && swaps)
		r = list(dir, ".log" KLOG_SWAP, bound, &all, err);
	if (r == -1) {
		klog_buf_free(&all);
		return -1;
	}
	sort(&all, bases);
	return 0;
}

void
klog_bases_free(struct klog_bases *bases)
{
	free(bases->base);
	bases->base = NULL;
	bases->count = 0;
}

bool
klog_segment_any(int dir)
{
	struct klog_list list = { NULL };
	struct klog_err ignored;
	const char *name;
	bool any = false;

	while (!any && klog_list_next(&list, dir, &name, &ignored) > 0)
		any = klog_file_base(name, ".log") >= 0;
	klog_list_close(&list);
	return any;
}

size_t
klog_bases_find(const struct klog_bases *bases, int64_t offset)
{
	size_t low = 0, high = bases->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (bases->base[mid] <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

int
klog_segment_open(int dir, int64_t base, const char *suffix, int flags,
	struct klog_err *err)
{
	char name[KLOG_FILE_NAME];

	klog_file_name(name, base, suffix);
	return klog_open_file(dir, name, flags, err);
}

int
klog_segment_open_log(int dir, int64_t base, struct klog_err *err)
{
	int fd = klog_segment_open(dir, base, ".log", O_RDONLY, err);

	if (fd == -1 && err->code == KLOG_ENOTFOUND)
		fd = klog_segment_open(
			dir, base, ".log" KLOG_SWAP, O_RDONLY, err);
	return fd;
}

void
klog_scan_init(struct klog_scan *scan, int fd, int64_t position, size_t chunk)
{
	scan->fd = fd;
	scan->position = position;
	scan->chunk = chunk != 0 ? chunk : CHUNK;
	scan->buf.size = 0;
	scan->buf_at = position;
}

void
klog_scan_name(struct klog_scan *scan, int64_t base)
{
	klog_file_name(scan->name, base, ".log");
}

static const char *
name_of(const struct klog_scan *scan)
{
	return scan->name[0] != '\0' ? scan->name : ".log";
}

void
klog_scan_free(struct klog_scan *scan)
{
	klog_buf_free(&scan->buf);
}

void
klog_scan_forget(struct klog_scan *scan)
{
	scan->buf.size = 0;
	scan->buf_at = scan->position;
}

/* Bytes at hand from position on. */
static struct klog_slice
at_hand(const struct klog_scan *scan)
{
	size_t skip = (size_t)(scan->position - scan->buf_at);

	return klog_slice_of(scan->buf.data + skip, scan->buf.size - skip);
}

/* Brings at least `need` bytes from position on to hand, if the file has
 * them.  Room is made only for bytes that are known to be there. */
static int
fill(struct klog_scan *scan, size_t need, struct klog_err *err)
{
	struct klog_slice rest = at_hand(scan);
	size_t want = need > scan->chunk ? need : scan->chunk;
	size_t got;

	if (rest.size >= need)
		return 0;
	if (need > scan->chunk) {
		int64_t size = klog_file_size(scan->fd, name_of(scan), err);

		if (size == -1)
			return -1;
		if (size - scan->position < (int64_t)need)
			want = size > scan->position + (int64_t)rest.size
				? (size_t)(size - scan->position)
				: rest.size;
		if (want > need)
			want = need;
	}
	if (rest.size > 0 && rest.data != scan->buf.data)
		memmove(scan->buf.data, rest.data, rest.size);
	scan->buf_at = scan->position;
	scan->buf.size = rest.size;
	if (want <= rest.size)
		return 0;
	if (klog_buf_reserve(&scan->buf, want - rest.size) == -1)
		return klog_fail_memory(err);
	if (klog_read_at(scan->fd, scan->buf.data + rest.size, want - rest.size,
		    scan->position + (int64_t)rest.size, &got, name_of(scan),
		    err) == -1)
		return -1;
	scan->buf.size += got;
	return 0;
}

/* The header at position: as klog_scan_next, which position stays. */
static int
take_header(struct klog_scan *scan, struct klog_err *err)
{
	struct klog_slice in;

	if (fill(scan, KLOG_BATCH_HEADER, err) == -1)
		return -1;
	in = at_hand(scan);
	if (in.size == 0)
		return KLOG_SCAN_END;
	if (in.size < KLOG_BATCH_HEADER &&
		in.size < klog_batch_header_size(in)) {
		klog_fail(err, KLOG_ECORRUPT, "%zu bytes of a batch header",
			in.size);
		return KLOG_SCAN_SHORT;
	}
	if (klog_batch_parse(in, &scan->batch, err) == -1)
		return KLOG_SCAN_BAD;
	if (scan->batch.magic != KLOG_BATCH_MAGIC && !scan->old_formats) {
		klog_fail(err, KLOG_ECORRUPT,
			"a message of the old format %d (before Kafka 0.11), "
			"which klog does not write",
			scan->batch.magic);
		return KLOG_SCAN_BAD;
	}
	return KLOG_SCAN_BATCH;
}

int
klog_scan_header(struct klog_scan *scan, struct klog_err *err)
{
	int64_t size;
	int got = take_header(scan, err);

	if (got != KLOG_SCAN_BATCH)
		return got;
	if (at_hand(scan).size >= scan->batch.size) {
		scan->position += scan->batch.size;
		return KLOG_SCAN_BATCH;
	}
	size = klog_file_size(scan->fd, name_of(scan), err);
	if (size == -1)
		return -1;
	if (size - scan->position < (int64_t)scan->batch.size) {
		klog_fail(err, KLOG_ECORRUPT, "%jd of a batch's %u bytes",
			(intmax_t)(size - scan->position), scan->batch.size);
		return KLOG_SCAN_SHORT;
	}
	scan->position += scan->batch.size;
	klog_scan_forget(scan);
	return KLOG_SCAN_BATCH;
}

int
klog_scan_peek(
	struct klog_scan *scan, struct klog_batch *next, struct klog_err *err)
{
	struct klog_batch here = scan->batch;
	int got = take_header(scan, err);

	*next = scan->batch;
	scan->batch = here;
	return got;
}

int
klog_scan_next(struct klog_scan *scan, struct klog_err *err)
{
	struct klog_slice in;
	int got = take_header(scan, err);

	if (got != KLOG_SCAN_BATCH)
		return got;
	if (fill(scan, scan->batch.size, err) == -1)
		return -1;
	in = at_hand(scan);
	if (in.size < scan->batch.size) {
		klog_fail(err, KLOG_ECORRUPT, "%zu of a batch's %u bytes",
			in.size, scan->batch.size);
		return KLOG_SCAN_SHORT;
	}
	in.size = scan->batch.size;
	if (!klog_batch_check(&scan->batch, in)) {
		klog_fail(err, KLOG_ECORRUPT, "bad checksum");
		return KLOG_SCAN_BAD;
	}
	scan->bytes = in;
	scan->position += scan->batch.size;
	return KLOG_SCAN_BATCH;
}

int
klog_scan_look_again(struct klog_scan *scan, struct klog_err *err)
{
	int r;

	klog_scan_forget(scan);
	r = klog_scan_next(scan, err);
	if (r == KLOG_SCAN_BATCH)
		scan->position -= scan->batch.size;
	return r;
}

int
klog_scan_batch_follows(
	struct klog_scan *scan, int64_t window, struct klog_err *err)
{
	struct klog_scan at = { .fd = scan->fd };
	uint8_t piece[4096];
	int64_t from = scan->position + 1;
	int64_t end = from + window;
	int r = 0;

	/* Only where a header could begin: magic 2 at byte 16, and a length
	 * whose high byte is 0, so that few places cost a checksum. */
	while (r == 0 && from < end) {
		size_t got, i;

		r = klog_read_at(scan->fd, piece, sizeof(piece), from, &got,
			name_of(scan), err);
		if (r == -1 || got < KLOG_BATCH_HEADER)
			break;
		for (i = 0; r == 0 && i + 17 <= got; i++) {
			if (piece[i + 16] != 2 || piece[i] != 0 ||
				piece[i + 8] != 0)
				continue;
			klog_scan_init(&at, scan->fd, from + (int64_t)i, 4096);
			r = klog_scan_next(&at, err);
			r = r == KLOG_SCAN_BATCH ? 1 : r == -1 ? -1 : 0;
		}
		from += (int64_t)got - 16;
	}
	klog_scan_free(&at);
	return r;
}
