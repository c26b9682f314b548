#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dump.h"
#include "io.h"

#define CHUNK ((size_t)256 * 1024)
#define PAUSE_US 5000

/* ---- segments, one after the other ---- */

static void
close_segment(struct klog_dump *d)
{
	klog_close_fd(&d->fd);
	d->in_batch = false;
}

static void
close_partition(struct klog_dump *d)
{
	close_segment(d);
	klog_bases_free(&d->bases);
	if (d->open)
		klog_reader_close(&d->r);
	d->open = false;
}

/* Where the .log is, as a message names it. */
static void
name_file(struct klog_dump *d)
{
	char name[KLOG_FILE_NAME];
	const char *path = d->r.path;

	klog_file_name(name, d->base, ".log");
	if (d->t.kind == KLOG_LOG_FILE)
		snprintf(d->file, sizeof(d->file), "%s", path);
	else
		snprintf(d->file, sizeof(d->file), "%s/%s", path, name);
}

/* The next partition: 1, 0 there is none, -1. */
static int
next_partition(struct klog_dump *d, struct klog_err *err)
{
	int32_t n;

	close_partition(d);
	do {
		if (d->i == klog_topic_partitions(&d->t))
			return 0;
		n = klog_topic_number(&d->t, d->i++);
	} while (d->asked != -1 && d->asked != n);
	if (klog_topic_reader(&d->t, n, NULL, 0, &d->r, err) == -1)
		return -1;
	d->open = true;
	d->segment = 0;
	d->t.partition = n;
	if (klog_segment_list_all(d->r.dir, &d->bases, err) == -1)
		return klog_err_in(err, "%s", d->r.path);
	return 1;
}

/* The next segment of all: 1 it is open, 0 there is none, -1. */
static int
next_segment(struct klog_dump *d, struct klog_err *err)
{
	int r;

	close_segment(d);
	while (d->fd == -1) {
		if (!d->open || d->segment == d->bases.count) {
			r = next_partition(d, err);
			if (r != 1)
				return r;
			continue;
		}
		d->base = d->bases.base[d->segment++];
		if (d->r.only_base != -1 && d->base != d->r.only_base)
			continue;
		d->fd = klog_segment_open_log(d->r.dir, d->base, err);
		if (d->fd == -1 && err->code != KLOG_ENOTFOUND)
			return klog_err_in(err, "%s", d->r.path);
	}
	name_file(d);
	klog_scan_name(&d->scan, d->base);
	klog_scan_init(&d->scan, d->fd, 0, CHUNK);
	d->scan.old_formats = !d->r.has_state;
	d->expected = d->base;
	d->end = klog_file_size(d->fd, d->file, err);
	return d->end == -1 ? -1 : 1;
}

/* Goes on behind bytes that are no batch: not in this segment. */
static int
give_up(struct klog_dump *d, const struct klog_err *why, struct klog_err *err)
{
	char text[256];

	snprintf(text, sizeof(text), "%.250s", why->text);
	klog_fail(err, KLOG_ECORRUPT, "%s: batch at %" PRId64 ": %s", d->file,
		d->scan.position, text);
	d->scan.position = d->end;
	return -1;
}

/* A batch that is not whole at the end of a log may be on its way. */
static bool
may_be_on_its_way(struct klog_dump *d)
{
	return d->segment == d->bases.count;
}

/*
 * The next batch by its header, and its bytes if they are there and `whole` is
 * asked for: 1, 0 the segment is at its end, -1.
 */
static int
next_batch(struct klog_dump *d, bool whole, bool *valid, struct klog_err *err)
{
	struct klog_scan *scan = &d->scan;
	struct klog_err why;
	int got;

	*valid = true;
	if (scan->position >= d->end)
		return 0;
	got = whole ? klog_scan_next(scan, &why) : klog_scan_header(scan, &why);
	if (got == KLOG_SCAN_BAD && strcmp(why.text, "bad checksum") == 0) {
		*valid = false;
		scan->position += scan->batch.size;
		got = KLOG_SCAN_BATCH;
	}
	if (got == KLOG_SCAN_SHORT && may_be_on_its_way(d)) {
		scan->position = d->end;
		return 0;
	}
	if (got == KLOG_SCAN_END)
		return 0;
	if (got == -1)
		*err = why;
	if (got != KLOG_SCAN_BATCH)
		return got == -1 ? klog_err_in(err, "%s", d->file)
				 : give_up(d, &why, err);
	klog_batch_raise_base(&scan->batch, d->expected);
	if (klog_batch_last_offset(&scan->batch) >= d->expected)
		d->expected = klog_batch_last_offset(&scan->batch) + 1;
	return 1;
}

/* ---- what is told of them ---- */

static int32_t
last_sequence(const struct klog_batch *b)
{
	if (b->base_sequence < 0)
		return -1;
	/* Kafka's sequences begin anew at 0 after 2^31-1 */
	if (b->base_sequence > INT32_MAX - b->last_offset_delta)
		return (int32_t)((int64_t)b->base_sequence +
			b->last_offset_delta - INT32_MAX - 1);
	return b->base_sequence + b->last_offset_delta;
}

static void
describe(struct klog_dump *d, bool valid)
{
	const struct klog_batch *b = &d->scan.batch;
	struct klog_batch_info *info = &d->info;

	memset(info, 0, sizeof(*info));
	info->file = d->file;
	info->base_offset = b->base_offset;
	info->last_offset = klog_batch_last_offset(b);
	info->records = b->record_count;
	info->position = d->scan.position - b->size;
	info->size = b->size;
	info->crc = b->crc;
	info->codec = klog_codec_name(b->attributes & KLOG_ATTR_CODEC);
	info->magic = b->magic;
	info->epoch = b->leader_epoch;
	info->timestamp_type = b->magic == 0                ? "none"
		: b->attributes & KLOG_ATTR_LOG_APPEND_TIME ? "logappend"
							    : "create";
	info->max_timestamp_ms = b->max_timestamp_ms;
	info->producer_id = b->producer_id;
	info->producer_epoch = b->producer_epoch;
	info->base_sequence = b->base_sequence;
	info->last_sequence = last_sequence(b);
	info->transactional = (b->attributes & KLOG_ATTR_TRANSACTIONAL) != 0;
	info->control = (b->attributes & KLOG_ATTR_CONTROL) != 0;
	info->delete_horizon_ms = b->attributes & KLOG_ATTR_DELETE_HORIZON
		? b->base_timestamp_ms
		: -1;
	info->valid = valid;
}

static int
open_batch(struct klog_dump *d, struct klog_err *err)
{
	struct klog_decoder *c = &d->decoder;

	if (klog_batch_open(&d->scan.batch, d->scan.bytes, &c->compressor,
		    c->limit, &c->scratch, &d->it, err) == 0)
		return 0;
	return klog_err_in(
		err, "%s: batch at %" PRId64, d->file, d->info.position);
}

/* A wrapper of the old formats does not say how many it holds, nor where it
 * begins. */
static int
count_records(struct klog_dump *d, struct klog_err *err)
{
	struct klog_record rec;
	int64_t n = 0;
	int got;

	if (open_batch(d, err) == -1)
		return -1;
	while ((got = klog_batch_next(&d->it, &rec, err)) == 1)
		if (n++ == 0)
			d->info.base_offset = rec.offset;
	d->info.records = n;
	return got == -1 ? klog_err_in(err, "%s: batch at %" PRId64, d->file,
				   d->info.position)
			 : 0;
}

int
klog_dump_batch(
	struct klog_dump *d, struct klog_batch_info *info, struct klog_err *err)
{
	bool valid;
	int r;

	for (;;) {
		if (d->fd == -1) {
			r = next_segment(d, err);
			if (r != 1)
				return r;
		}
		r = next_batch(d, true, &valid, err);
		if (r == -1)
			return -1;
		if (r == 1)
			break;
		close_segment(d);
	}
	describe(d, valid);
	if (d->info.records == -1 && valid && count_records(d, err) == -1)
		return -1;
	*info = d->info;
	return 1;
}

int
klog_dump_segment(struct klog_dump *d, struct klog_segment_info *info,
	struct klog_err *err)
{
	bool valid;
	int r;

	if (d->damaged) {
		d->damaged = false;
		*err = d->why;
		return -1;
	}
	r = next_segment(d, err);
	if (r != 1)
		return r;
	info->file = d->file;
	info->base_offset = d->base;
	info->last_offset = -1;
	info->size = d->end;
	info->records = 0;
	/* what holds is told of the batches before any that does not */
	while ((r = next_batch(d, !d->r.has_state, &valid, err)) == 1) {
		describe(d, valid);
		if (d->info.records == -1 && valid &&
			count_records(d, err) == -1)
			break;
		info->records += d->info.records > 0 ? d->info.records : 0;
		info->last_offset = d->info.last_offset;
	}
	/* the error is told by the next call, which finds nothing there */
	if (r == -1 && err->code != KLOG_ECORRUPT)
		return -1;
	d->damaged = r == -1;
	d->why = *err;
	close_segment(d);
	return 1;
}

int
klog_dump_records(struct klog_dump *d, struct klog_run *run,
	struct klog_batch_info *info, struct klog_err *err)
{
	size_t n = 0;
	int r = 1;

	while (n == 0) {
		if (!d->in_batch) {
			r = klog_dump_batch(d, info, err);
			if (r != 1)
				return r;
			if (!info->valid)
				return klog_fail(err, KLOG_ECORRUPT,
					"%s: batch at %" PRId64
					": bad checksum, offsets %" PRId64
					" to %" PRId64,
					d->file, info->position,
					info->base_offset, info->last_offset);
			if (open_batch(d, err) == -1)
				return -1;
			d->in_batch = true;
		}
		while (n < KLOG_DUMP_RUN &&
			(r = klog_batch_next(&d->it, &d->records[n], err)) == 1)
			d->records[n++].partition = d->t.partition;
		if (n < KLOG_DUMP_RUN)
			d->in_batch = false;
		if (r == -1 && n == 0)
			return klog_err_in(err, "%s: batch at %" PRId64,
				d->file, d->info.position);
	}
	*info = d->info;
	memset(run, 0, sizeof(*run));
	run->topic = d->t.name;
	run->partition = d->t.partition;
	run->leader_epoch = d->info.epoch;
	run->log_append_time = strcmp(d->info.timestamp_type, "logappend") == 0;
	run->no_timestamps = d->info.magic == 0;
	run->records = d->records;
	run->count = n;
	run->next_offset = d->records[n - 1].offset + 1;
	return 1;
}

struct klog_marker
klog_marker_of(const struct klog_record *rec)
{
	static const char *const types[] = { "ABORT", "COMMIT", "LEADER_CHANGE",
		"SNAPSHOT_HEADER", "SNAPSHOT_FOOTER", "KRAFT_VERSION",
		"KRAFT_VOTERS" };
	struct klog_marker m = { "UNKNOWN", -1 };
	size_t type;

	if (rec->key.size < 4)
		return m;
	type = klog_get_be16(rec->key.data + 2);
	if (type < sizeof(types) / sizeof(types[0]))
		m.type = types[type];
	if (type <= 1 && rec->value.size >= 6)
		m.coordinator_epoch = (int32_t)klog_get_be32(
			rec->value.data + 2);
	return m;
}

/* ---- one batch, taken apart ---- */

/* The header walk may lead past the offset where batches are missing. */
static int
find_batch(struct klog_dump *d, int64_t offset, struct klog_err *err)
{
	bool valid;
	int r;

	while ((r = next_batch(d, false, &valid, err)) == 1)
		if (klog_batch_last_offset(&d->scan.batch) >= offset)
			break;
	if (r == 1 && d->scan.batch.base_offset <= offset)
		return 1;
	return r == -1 ? -1 : 0;
}

int
klog_dump_find(struct klog_dump *d, int64_t offset,
	struct klog_batch_info *info, struct klog_err *err)
{
	struct klog_decoder *c = &d->decoder;
	struct klog_slice records = { NULL, 0 };
	struct klog_scan *scan = &d->scan;
	struct klog_err why;
	bool valid;
	int r;

	if (d->asked == -1 && klog_topic_partitions(&d->t) > 1)
		return klog_fail(err, KLOG_EUSAGE,
			"%s has %" PRId32
			" partitions; name one, as TOPIC:PARTITION",
			d->t.label, klog_topic_partitions(&d->t));
	r = next_partition(d, err);

	if (r == 1 && d->bases.count > 0)
		d->segment = klog_bases_find(&d->bases, offset);
	if (r == 1)
		r = next_segment(d, err);
	if (r == 1)
		r = find_batch(d, offset, err);
	if (r == 0)
		return klog_fail(err, KLOG_EOFFSET,
			"%s: no batch holds offset %" PRId64, d->t.label,
			offset);
	if (r == -1)
		return -1;
	/* once more, with its bytes */
	klog_scan_init(scan, d->fd, scan->position - scan->batch.size, CHUNK);
	r = klog_scan_next(scan, &why);
	valid = r == KLOG_SCAN_BATCH;
	if (!valid && strcmp(why.text, "bad checksum") != 0)
		return give_up(d, &why, err);
	if (!valid) {
		scan->bytes = klog_slice_of(
			scan->buf.data + (scan->position - scan->buf_at),
			scan->batch.size);
		scan->position += scan->batch.size;
	}
	describe(d, valid);
	if (d->info.records == -1 && valid && count_records(d, err) == -1)
		return -1;
	*info = d->info;
	/* what cannot be decompressed is shown as it is */
	if (klog_batch_open(&scan->batch, scan->bytes, &c->compressor, c->limit,
		    &c->scratch, &d->it, &why) == 0 &&
		!d->it.old)
		records = d->it.rest;
	klog_anatomy_init(&d->anatomy, &scan->batch, scan->bytes, records);
	d->anatomy_begun = true;
	return 1;
}

int
klog_dump_field(
	struct klog_dump *d, struct klog_field *field, struct klog_err *err)
{
	if (!d->anatomy_begun)
		return 0;
	return klog_anatomy_next(&d->anatomy, field, err);
}

/* ---- files of entries ---- */

size_t
klog_dump_fields(const struct klog_dump *d, const char *const **names)
{
	return d->listing.kind == NULL
		? 0
		: klog_listing_fields(&d->listing, names);
}

int
klog_dump_entry(struct klog_dump *d, const char **file,
	int64_t values[KLOG_FIELDS_MAX], struct klog_err *err)
{
	*file = d->t.label;
	return d->listing.kind == NULL
		? 0
		: klog_listing_next(&d->listing, values, err);
}

/* ---- opening and closing ---- */

static int
open_operand(struct klog_dump *d, struct klog_cluster *cluster,
	const char *operand, struct klog_err *err)
{
	if (strchr(operand, '/') != NULL &&
		klog_topic_find_file(&d->t, operand, d->only, err) == 0 &&
		klog_file_base(d->only, ".log") == -1)
		return klog_listing_open(
			&d->listing, d->t.dir, d->only, d->t.label, err);
	klog_topic_close(&d->t);
	return klog_topic_open(&d->t, cluster, operand, false, err);
}

struct klog_dump *
klog_dir_dump_open(struct klog_cluster *cluster, const char *operand,
	int32_t partition, struct klog_err *err)
{
	struct klog_dump *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		klog_fail_memory(err);
		return NULL;
	}
	d->t.dir = d->fd = d->listing.fd = -1;
	d->asked = partition;
	klog_decoder_init(&d->decoder);
	if (open_operand(d, cluster, operand, err) == -1 ||
		klog_topic_need(&d->t, partition, err) == -1) {
		klog_dump_close(d);
		return NULL;
	}
	return d;
}

void
klog_dump_close(struct klog_dump *d)
{
	if (d == NULL)
		return;
	close_partition(d);
	klog_listing_close(&d->listing);
	klog_scan_free(&d->scan);
	klog_decoder_free(&d->decoder);
	klog_topic_close(&d->t);
	free(d);
}
