#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "crc32c.h"
#include "index.h"
#include "io.h"
#include "listing.h"

#define NONE INT64_MIN

enum kind { INDEX, TIMEINDEX, TXNINDEX, SNAPSHOT, EPOCHS };

struct klog_entry_kind {
	enum kind kind;
	const char *suffix;
	int width;
	const char *names[KLOG_FIELDS_MAX];
};

static const struct klog_entry_kind kinds[] = {
	{ INDEX, ".index", KLOG_INDEX_ENTRY, { "offset", "position" } },
	{ TIMEINDEX, ".timeindex", KLOG_TIME_ENTRY, { "timestamp", "offset" } },
	{ TXNINDEX, ".txnindex", KLOG_TXN_ENTRY,
		{ "version", "producer_id", "first_offset", "last_offset",
			"last_stable_offset" } },
	{ SNAPSHOT, ".snapshot", KLOG_SNAPSHOT_ENTRY,
		{ "producer_id", "producer_epoch", "coordinator_epoch",
			"current_txn_first_offset", "last_timestamp",
			"first_sequence", "last_sequence", "last_offset",
			"offset_delta", "timestamp" } },
	{ EPOCHS, KLOG_EPOCH_NAME, 0, { "epoch", "start_offset" } },
};

static int64_t
get(const uint8_t *p, size_t at)
{
	return (int64_t)klog_get_be64(p + at);
}

static int32_t
get32(const uint8_t *p, size_t at)
{
	return (int32_t)klog_get_be32(p + at);
}

/* ---- opening ---- */

static int
fail(struct klog_listing *l, const char *why, struct klog_err *err)
{
	return klog_fail(err, KLOG_ECORRUPT, "%s: %s", l->label, why);
}

/* The head of a snapshot, and its checksum. */
static int
begin_snapshot(struct klog_listing *l, struct klog_err *err)
{
	uint8_t head[KLOG_SNAPSHOT_HEAD], piece[4096];
	uint32_t crc = 0;
	int64_t at = 6;
	size_t got;

	if (klog_read_at(l->fd, head, sizeof(head), 0, &got, l->label, err) ==
		-1)
		return -1;
	if (got < sizeof(head))
		return fail(l, "shorter than a snapshot's head", err);
	if (klog_get_be16(head) != 1)
		return fail(l, "a snapshot of an unknown version", err);
	do {
		if (klog_read_at(l->fd, piece, sizeof(piece), at, &got,
			    l->label, err) == -1)
			return -1;
		crc = klog_crc32c_add(crc, piece, got);
		at += (int64_t)got;
	} while (got > 0);
	l->left = klog_get_be32(head + 6);
	l->damaged = crc != klog_get_be32(head + 2) ||
		l->left * KLOG_SNAPSHOT_ENTRY !=
			at - (int64_t)KLOG_SNAPSHOT_HEAD;
	if (l->damaged)
		klog_fail(&l->why, KLOG_ECORRUPT,
			"%s: bad checksum, %" PRIu32 " stored and %" PRIu32
			" computed, of %" PRId64 " producers in %" PRId64
			" bytes",
			l->label, klog_get_be32(head + 2), crc, l->left, at);
	return 0;
}

int
klog_listing_open(struct klog_listing *l, int dir, const char *name,
	const char *label, struct klog_err *err)
{
	size_t i, n = strlen(name);
	int from = 0;

	l->label = label;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t m = strlen(kinds[i].suffix);

		if (n >= m && strcmp(name + n - m, kinds[i].suffix) == 0 &&
			(kinds[i].kind == EPOCHS ||
				klog_file_base(name, kinds[i].suffix) != -1))
			l->kind = &kinds[i];
	}
	if (l->kind == NULL)
		return klog_fail(err, KLOG_ENOTFOUND,
			"%s: no file of a partition: those are named by 20 "
			"digits and .log, .index, .timeindex, .txnindex or "
			".snapshot, or " KLOG_EPOCH_NAME,
			label);
	if (l->kind->kind == EPOCHS)
		return klog_epochs_read(dir, &l->epochs, err) == -1
			? klog_err_in(err, "%s", label)
			: 0;
	l->base = klog_file_base(name, l->kind->suffix);
	l->fd = klog_open_file(dir, name, O_RDONLY, err);
	if (l->fd == -1)
		return -1;
	l->left = INT64_MAX;
	if (l->kind->kind == SNAPSHOT) {
		from = KLOG_SNAPSHOT_HEAD;
		if (begin_snapshot(l, err) == -1)
			return -1;
	}
	return klog_entries_open(
		&l->entries, l->fd, l->kind->width, from, label, err);
}

void
klog_listing_close(struct klog_listing *l)
{
	klog_close_fd(&l->fd);
	klog_epochs_free(&l->epochs);
}

size_t
klog_listing_fields(const struct klog_listing *l, const char *const **names)
{
	size_t n = 0;

	if (l->kind == NULL)
		return 0;
	while (n < KLOG_FIELDS_MAX && l->kind->names[n] != NULL)
		n++;
	*names = l->kind->names;
	return n;
}

/* ---- entries ---- */

/* A Kafka that has the file open has zeros behind the entries. */
static bool
is_zero(const struct klog_listing *l, const uint8_t *p)
{
	size_t width = (size_t)l->kind->width, i;

	for (i = 0; i < width; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static void
take_producer(const uint8_t *p, int64_t *v)
{
	int64_t last = get(p, 14);
	int64_t sequence = get32(p, 10), delta = get32(p, 22);

	v[0] = get(p, 0);
	v[1] = (int16_t)klog_get_be16(p + 8);
	v[2] = get32(p, 34);
	v[3] = get(p, 38) >= 0 ? get(p, 38) : NONE;
	v[4] = v[9] = get(p, 26);
	v[5] = sequence >= delta ? sequence - delta
				 : INT32_MAX - (delta - sequence) + 1;
	v[6] = sequence;
	v[7] = last;
	v[8] = delta;
	/* a producer of whom only a marker is known */
	if (last < 0)
		v[5] = v[6] = v[7] = v[8] = v[9] = NONE;
}

/* The base is of a name, and may be anything. */
static int64_t
absolute(const struct klog_listing *l, uint32_t relative)
{
	return (int64_t)((uint64_t)l->base + relative);
}

static void
take(const struct klog_listing *l, const uint8_t *p, int64_t *v)
{
	switch (l->kind->kind) {
	case INDEX:
		v[0] = absolute(l, klog_get_be32(p));
		v[1] = klog_get_be32(p + 4);
		break;
	case TIMEINDEX:
		v[0] = get(p, 0);
		v[1] = absolute(l, klog_get_be32(p + 8));
		break;
	case TXNINDEX:
		v[0] = (int16_t)klog_get_be16(p);
		v[1] = get(p, 2);
		v[2] = get(p, 10);
		v[3] = get(p, 18);
		v[4] = get(p, 26);
		break;
	default:
		take_producer(p, v);
		break;
	}
}

static int
end_of_entries(struct klog_listing *l, struct klog_err *err)
{
	int64_t rest = l->entries.size - l->entries.at;

	if (l->damaged) {
		l->damaged = false;
		*err = l->why;
		return -1;
	}
	if (rest <= 0 || rest >= l->kind->width)
		return 0;
	l->entries.at = l->entries.size;
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: %" PRId64 " bytes that are no whole entry at the end",
		l->label, rest);
}

int
klog_listing_next(struct klog_listing *l, int64_t values[KLOG_FIELDS_MAX],
	struct klog_err *err)
{
	const uint8_t *p;
	int r;

	if (l->kind == NULL)
		return 0;
	if (l->kind->kind == EPOCHS) {
		if (l->epoch == l->epochs.count)
			return 0;
		values[0] = l->epochs.list[l->epoch].epoch;
		values[1] = l->epochs.list[l->epoch++].start;
		return 1;
	}
	r = l->left > 0 ? klog_entries_next(&l->entries, &p, err) : 0;
	if (r == 1 && l->kind->kind <= TIMEINDEX && is_zero(l, p)) {
		l->entries.at = l->entries.size;
		return 0;
	}
	if (r == 0)
		return end_of_entries(l, err);
	if (r == 1) {
		l->left--;
		take(l, p, values);
	}
	return r;
}
