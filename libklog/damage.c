#include "crc32c.h"
#include "damage.h"
#include "io.h"

/* In the front of a batch of any format. */
enum { AT_LENGTH = 8, AT_MAGIC = 16, AT_CRC = 17, CHECKED = 21 };

/* The next of `most` places at which the byte of the magic, or in the old
 * formats the length, is what it may be. */
static size_t
next_place(const struct klog_damage *d, const uint8_t *p, size_t i, size_t most)
{
	const uint8_t *found;

	if (!d->scan->old_formats) {
		found = memchr(p + i + AT_MAGIC, KLOG_BATCH_MAGIC, most - i);
		return found != NULL ? (size_t)(found - p) - AT_MAGIC : most;
	}
	while (i < most &&
		(p[i + AT_MAGIC] > KLOG_BATCH_MAGIC ||
			klog_get_be32(p + i + AT_LENGTH) == 0))
		i++;
	return i;
}

/* Whether bytes could be the front of a batch of this segment. */
static bool
plausible(const struct klog_damage *d, const uint8_t *p, size_t size,
	int64_t at, struct klog_batch *b)
{
	struct klog_err ignored;

	if (klog_batch_parse(klog_slice_of(p, size), b, &ignored) == -1)
		return false;
	return b->base_offset >= d->base &&
		klog_batch_last_offset(b) >= d->expected &&
		klog_batch_last_offset(b) < d->next &&
		klog_batch_last_offset(b) - d->base <= INT32_MAX &&
		b->size <= d->end - at;
}

int
klog_damage_good_at(
	const struct klog_damage *d, int64_t position, struct klog_err *err)
{
	struct klog_err why;
	int got;

	klog_scan_init(d->scan, d->scan->fd, position, KLOG_DAMAGE_CHUNK);
	got = klog_scan_next(d->scan, &why);
	d->scan->position = position;
	if (got == -1)
		*err = why;
	return got == -1 ? -1 : got == KLOG_SCAN_BATCH;
}

int
klog_damage_end(const struct klog_damage *d, int64_t from, int64_t *to,
	struct klog_err *err)
{
	uint8_t piece[16 * 1024];
	struct klog_batch b;
	int64_t at = from + 1;
	int good;

	while (at < d->end && d->budget[0] > 0) {
		size_t got, i, most;

		if (klog_read_at(d->scan->fd, piece, sizeof(piece), at, &got,
			    d->scan->name, err) == -1)
			return -1;
		if (got < KLOG_BATCH_HEADER)
			break;
		most = got - KLOG_BATCH_HEADER + 1;
		for (i = next_place(d, piece, 0, most);
			i < most && d->budget[0] > 0;
			i = next_place(d, piece, i + 1, most)) {
			*to = at + (int64_t)i;
			if (!plausible(d, piece + i, got - i, *to, &b))
				continue;
			d->budget[0] -= b.size;
			good = klog_damage_good_at(d, *to, err);
			if (good != 0)
				return good == -1 ? -1 : 0;
		}
		at += (int64_t)most;
	}
	*to = d->end;
	return 0;
}

int
klog_damage_is_length(const struct klog_damage *d, int64_t position,
	bool *length, struct klog_err *err)
{
	int64_t rest = d->end - position;
	uint8_t head[KLOG_BATCH_HEADER], piece[16 * 1024];
	const char *name = d->scan->name;
	uint32_t crc = 0;
	int64_t at;
	size_t got;

	*length = false;
	if (rest < KLOG_BATCH_HEADER || rest > INT32_MAX)
		return 0;
	if (klog_read_at(d->scan->fd, head, sizeof(head), position, &got, name,
		    err) == -1)
		return -1;
	if (got < sizeof(head) || head[AT_MAGIC] != KLOG_BATCH_MAGIC)
		return 0;
	for (at = position + CHECKED; at < d->end; at += (int64_t)got) {
		size_t want = d->end - at < (int64_t)sizeof(piece)
			? (size_t)(d->end - at)
			: sizeof(piece);

		if (klog_read_at(d->scan->fd, piece, want, at, &got, name,
			    err) == -1)
			return -1;
		if (got == 0)
			return 0;
		crc = klog_crc32c_add(crc, piece, got);
	}
	*length = crc == klog_get_be32(head + AT_CRC);
	return 0;
}

int
klog_damage_is_zeros(const struct klog_damage *d, int64_t position, bool *zeros,
	struct klog_err *err)
{
	uint8_t piece[16 * 1024];
	int64_t at;
	size_t got = 1, i;

	*zeros = false;
	for (at = position; at < d->end && got > 0; at += (int64_t)got) {
		if (klog_read_at(d->scan->fd, piece, sizeof(piece), at, &got,
			    d->scan->name, err) == -1)
			return -1;
		for (i = 0; i < got; i++)
			if (piece[i] != 0)
				return 0;
	}
	*zeros = true;
	return 0;
}
