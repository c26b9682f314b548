#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "compact.h"
#include "index.h"
#include "io.h"

#define AHEAD 16 /* records; a power of two */
#define OUT_FULL ((size_t)512 * 1024)

/* ---- what is dirty ---- */

void
klog_compact_look(struct klog_dirt *dirt, const struct klog_segment_fact *facts,
	size_t count, int64_t first_dirty, int64_t stable, int64_t oldest_ms,
	const struct klog_settings *settings, int64_t now_ms)
{
	int64_t lag = settings->min_compaction_lag_ms, to;
	int64_t most = settings->max_compaction_lag_ms;
	size_t i;

	memset(dirt, 0, sizeof(*dirt));
	dirt->from = first_dirty;
	to = count > 0 ? facts[count - 1].base : first_dirty;
	dirt->open_transaction = stable < to;
	if (stable < to)
		to = stable;
	for (i = 0; lag > 0 && i + 1 < count; i++) {
		if (facts[i].next <= first_dirty)
			continue;
		if (facts[i].newest_ms > now_ms - lag) {
			to = facts[i].base < to ? facts[i].base : to;
			break;
		}
	}
	if (to < first_dirty)
		to = first_dirty;
	/* down to the beginning of its segment */
	for (i = count; i > 0 && facts[i - 1].base > to; i--)
		;
	if (i > 0 && facts[i - 1].base < to)
		to = facts[i - 1].base;
	dirt->to = to > first_dirty ? to : first_dirty;
	/* one that the last round ended in is, as in Kafka, among both */
	for (i = 0; i < count && facts[i].base < dirt->to; i++) {
		if (facts[i].base < first_dirty)
			dirt->clean += facts[i].bytes;
		if (facts[i].next > first_dirty)
			dirt->dirty += facts[i].bytes;
	}
	if (dirt->to == dirt->from || dirt->dirty == 0)
		return;
	/* more than, in millionths; no sum of file sizes overflows that */
	dirt->due = (double)dirt->dirty * 1000000.0 >
			(double)settings->min_cleanable_dirty_ratio_ppm *
				(double)(dirt->clean + dirt->dirty) ||
		(oldest_ms >= 0 && most < now_ms && oldest_ms < now_ms - most);
}

/* ---- the map ---- */

static int
open_scan(struct klog_compaction *c, int64_t base, struct klog_err *err)
{
	c->scan.fd = klog_segment_open(c->dir, base, ".log", O_RDONLY, err);
	if (c->scan.fd == -1)
		return klog_err_in(err, "%s", c->path);
	klog_scan_name(&c->scan, base);
	klog_scan_init(&c->scan, c->scan.fd, 0, 0);
	return 0;
}

/* The end of a closed segment; anything but that is damage. */
static int
close_scan(struct klog_compaction *c, int got, struct klog_err *err)
{
	klog_close_fd(&c->scan.fd);
	if (got == KLOG_SCAN_END)
		return 0;
	if (got == KLOG_SCAN_SHORT || got == KLOG_SCAN_BAD) {
		err->code = KLOG_ECORRUPT;
		return klog_err_in(err,
			"%s: damaged, and not compacted: %s: batch at %" PRId64,
			c->path, c->scan.name, c->scan.position);
	}
	return klog_err_in(err, "%s", c->path);
}

/* The records of a batch, each decoded some before it is its turn. */
struct records {
	struct klog_batch_iter it;
	struct {
		struct klog_record rec;
		struct klog_keymap_hash hash; /* of a key that is not null */
	} ahead[AHEAD];
	unsigned taken, given;
	bool end;
};

static int
open_records(struct klog_compaction *c, struct records *records,
	struct klog_err *err)
{
	struct klog_decoder *d = c->decoder;

	records->taken = records->given = 0;
	records->end = false;
	return klog_batch_open(&c->scan.batch, c->scan.bytes, &d->compressor,
		d->limit, &d->scratch, &records->it, err);
}

/* 1 with the next and the hash of its key, 0 at the end, -1. */
static int
next_record(struct klog_compaction *c, struct records *records,
	const struct klog_record **rec, const struct klog_keymap_hash **hash,
	struct klog_err *err)
{
	unsigned i;
	int r;

	while (!records->end && records->taken - records->given < AHEAD) {
		i = records->taken % AHEAD;
		r = klog_batch_next(&records->it, &records->ahead[i].rec, err);
		if (r == -1)
			return -1;
		if (r == 0) {
			records->end = true;
			break;
		}
		if (records->ahead[i].rec.key.data != NULL)
			klog_keymap_hash(&c->map, records->ahead[i].rec.key,
				&records->ahead[i].hash);
		records->taken++;
	}
	if (records->given == records->taken)
		return 0;
	i = records->given++ % AHEAD;
	*rec = &records->ahead[i].rec;
	*hash = &records->ahead[i].hash;
	return 1;
}

/* Maps a batch: 1, 0 the map is full, -1. */
static int
map_batch(struct klog_compaction *c, const struct klog_dirt *dirt,
	struct klog_err *err)
{
	const struct klog_batch *b = &c->scan.batch;
	const struct klog_keymap_hash *hash;
	const struct klog_record *rec;
	struct records records;
	int r;

	if (b->attributes & KLOG_ATTR_CONTROL ||
		klog_batch_last_offset(b) < dirt->from ||
		klog_producers_aborted(c->producers, b)) {
		c->latest = klog_batch_last_offset(b);
		return 1;
	}
	if (open_records(c, &records, err) == -1)
		return -1;
	while ((r = next_record(c, &records, &rec, &hash, err)) == 1) {
		if (rec->offset < dirt->from)
			continue;
		if (rec->key.data != NULL &&
			!klog_keymap_put_hash(&c->map, hash, rec->offset))
			return 0;
		c->latest = rec->offset;
	}
	if (r == 0)
		c->latest = klog_batch_last_offset(b);
	return r == 0 ? 1 : -1;
}

static int
map_segment(struct klog_compaction *c, const struct klog_dirt *dirt,
	int64_t base, struct klog_err *err)
{
	int got, r = 1;

	if (open_scan(c, base, err) == -1)
		return -1;
	while (r == 1 &&
		(got = klog_scan_next(&c->scan, err)) == KLOG_SCAN_BATCH)
		r = map_batch(c, dirt, err);
	if (r != 1) {
		klog_close_fd(&c->scan.fd);
		return r == 0 ? 0 : klog_err_in(err, "%s", c->path);
	}
	return close_scan(c, got, err) == -1 ? -1 : 1;
}

int
klog_compact_map(struct klog_compaction *c, const struct klog_dirt *dirt,
	size_t buffer, struct klog_err *err)
{
	/* there are no more keys than offsets */
	size_t most = klog_keymap_bytes((uint64_t)(dirt->to - dirt->from));
	struct klog_bases bases;
	size_t i;
	int r = 1;

	if (most < buffer)
		buffer = most;
	if (klog_keymap_init(&c->map, buffer, err) == -1)
		return -1;
	c->latest = dirt->from - 1;
	if (klog_segment_list(c->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", c->path);
	for (i = klog_bases_find(&bases, dirt->from);
		r == 1 && i < bases.count && bases.base[i] < dirt->to; i++) {
		r = map_segment(c, dirt, bases.base[i], err);
		/* all of it is mapped, gaps at its end too */
		if (r == 1)
			c->latest = (i + 1 < bases.count ? bases.base[i + 1]
							 : dirt->to) -
				1;
	}
	klog_bases_free(&bases);
	c->to = c->latest + 1;
	if (r == 0 && c->to == dirt->from)
		return klog_fail(err, KLOG_EREFUSED,
			"%s: not even the first dirty record fits into the "
			"buffer; raise --buffer",
			c->path);
	return r == -1 ? -1 : 0;
}

/* ---- rows of segments ---- */

int
klog_compact_rows(struct klog_compaction *c,
	const struct klog_segment_fact *facts, size_t count,
	struct klog_plan *plan, struct klog_err *err)
{
	struct klog_swap_row *row = NULL;
	int64_t bytes = 0;
	size_t i;

	plan->rows = calloc(count + 1, sizeof(plan->rows[0]));
	if (plan->rows == NULL)
		return klog_fail_memory(err);
	/* the last one is active, and never among them */
	for (i = 0; i + 1 < count && facts[i].base < c->to; i++) {
		if (row == NULL ||
			bytes + facts[i].bytes > c->settings->segment_bytes ||
			facts[i].next - 1 - row->base > INT32_MAX) {
			if (plan->count == KLOG_PLAN_ROWS) {
				c->to = row->next;
				break;
			}
			row = &plan->rows[plan->count++];
			row->base = facts[i].base;
			bytes = 0;
		}
		row->next = facts[i].next;
		bytes += facts[i].bytes;
	}
	plan->to = c->to;
	if (c->to <= plan->from)
		return klog_fail(err, KLOG_EREFUSED,
			"%s: more than %d segments before what is dirty; raise "
			"segment.bytes",
			c->path, KLOG_PLAN_ROWS);
	return 0;
}

/* ---- writing ---- */

static int
create(struct klog_compaction *c, const char *suffix, struct klog_err *err)
{
	char name[KLOG_FILE_NAME];

	klog_file_name(name, c->base, suffix);
	klog_remove_file(c->dir, name);
	return klog_create_file(c->dir, name, NULL, err);
}

static int
begin_output(struct klog_compaction *c, int64_t base, struct klog_err *err)
{
	c->base = base;
	c->length = c->unindexed = 0;
	c->newest_ms = c->time_indexed_ms = -1;
	c->newest_offset = base;
	c->index_entries = c->time_entries = 0;
	c->out.size = 0;
	c->fd = create(c, ".log.cleaned", err);
	c->index_fd = c->fd == -1 ? -1 : create(c, ".index.cleaned", err);
	c->time_fd = c->index_fd == -1 ? -1
				       : create(c, ".timeindex.cleaned", err);
	return c->time_fd == -1 ? klog_err_in(err, "%s", c->path) : 0;
}

static int
flush(struct klog_compaction *c, struct klog_err *err)
{
	int64_t at = c->length - (int64_t)c->out.size;

	if (klog_write_at(c->fd, c->out.data, c->out.size, at, NULL,
		    ".log.cleaned", err) == -1)
		return klog_err_in(err, "%s", c->path);
	c->out.size = 0;
	return 0;
}

static int
note_time(struct klog_compaction *c, struct klog_err *err)
{
	if (c->newest_ms <= c->time_indexed_ms)
		return 0;
	if (klog_timeindex_put(c->time_fd, c->time_entries, c->base,
		    c->newest_ms, c->newest_offset, err) == -1)
		return -1;
	c->time_entries++;
	c->time_indexed_ms = c->newest_ms;
	return 0;
}

/* A batch behind the others, and index entries as an append would make. */
static int
put(struct klog_compaction *c, const struct klog_batch *was,
	struct klog_slice bytes, int64_t max_ms, struct klog_err *err)
{
	int64_t last = klog_batch_last_offset(was);

	if (max_ms > c->newest_ms) {
		c->newest_ms = max_ms;
		c->newest_offset = last;
	}
	if (c->unindexed > c->settings->index_interval_bytes) {
		if (klog_index_put(c->index_fd, c->index_entries, c->base, last,
			    c->length, err) == -1 ||
			note_time(c, err) == -1)
			return klog_err_in(err, "%s", c->path);
		c->index_entries++;
		c->unindexed = 0;
	}
	if (klog_buf_put(&c->out, bytes.data, bytes.size) == -1)
		return klog_fail_memory(err);
	c->unindexed += (int64_t)bytes.size;
	c->length += (int64_t)bytes.size;
	return c->out.size < OUT_FULL ? 0 : flush(c, err);
}

static void
close_output(struct klog_compaction *c)
{
	klog_close_fd(&c->fd);
	klog_close_fd(&c->index_fd);
	klog_close_fd(&c->time_fd);
}

/* Synced, and as old as the last of the segments it stands for: without
 * timestamps that is what its age is taken from. */
static int
end_output(struct klog_compaction *c, const struct stat *newest,
	struct klog_err *err)
{
	struct timespec times[2] = { newest->st_mtim, newest->st_mtim };

	if (flush(c, err) == -1 || note_time(c, err) == -1)
		return -1;
	klog_set_times(c->fd, times);
	if (klog_sync_file(c->fd, ".log.cleaned", err) == -1 ||
		klog_sync_file(c->index_fd, ".index.cleaned", err) == -1 ||
		klog_sync_file(c->time_fd, ".timeindex.cleaned", err) == -1 ||
		klog_sync_dir(c->dir, ".cleaned", err) == -1)
		return klog_err_in(err, "%s", c->path);
	return 0;
}

/* ---- what stays ---- */

/* What is decided of a batch as a whole. */
struct verdict {
	bool discard;    /* none of its records stays */
	bool may_empty;  /* without records its header stays */
	bool gone_txn;   /* a marker, and nothing of its transaction is left */
	int64_t horizon; /* of its tombstones, -1 none yet */
};

static void
judge(struct klog_compaction *c, const struct klog_batch *b, struct verdict *v)
{
	bool control = (b->attributes & KLOG_ATTR_CONTROL) != 0;
	bool gone = klog_producers_pass(c->producers, b);

	v->horizon = b->attributes & KLOG_ATTR_DELETE_HORIZON
		? b->base_timestamp_ms
		: -1;
	v->gone_txn = control && gone;
	v->discard = control
		? gone && v->horizon != -1 && v->horizon <= c->now_ms
		: klog_producers_aborted(c->producers, b);
	v->may_empty = klog_producers_last(c->producers, b, c->now_ms) ||
		klog_batch_last_offset(b) + 1 == c->to;
}

static bool
stays(const struct klog_compaction *c, const struct verdict *v,
	const struct klog_batch *b, const struct klog_record *rec,
	const struct klog_keymap_hash *hash)
{
	if (v->discard)
		return false;
	if (b->attributes & KLOG_ATTR_CONTROL || rec->offset > c->latest)
		return true;
	if (rec->key.data == NULL ||
		rec->offset < klog_keymap_get_hash(&c->map, hash))
		return false;
	return rec->value.data != NULL || v->horizon == -1 ||
		c->now_ms < v->horizon;
}

/* Walks the records: how many stay, and whether a tombstone is among them; 0
 * or -1. */
static int
count_kept(struct klog_compaction *c, const struct verdict *v, int32_t *kept,
	bool *tombstone, struct klog_err *err)
{
	const struct klog_batch *b = &c->scan.batch;
	const struct klog_keymap_hash *hash;
	const struct klog_record *rec;
	struct records records;
	int r;

	*kept = 0;
	*tombstone = false;
	if (b->record_count == 0)
		return 0;
	if (open_records(c, &records, err) == -1)
		return -1;
	while ((r = next_record(c, &records, &rec, &hash, err)) == 1) {
		if (!stays(c, v, b, rec, hash))
			continue;
		(*kept)++;
		*tombstone |= rec->value.data == NULL;
	}
	return r;
}

static int
rebuild(struct klog_compaction *c, const struct verdict *v, int64_t horizon,
	struct klog_err *err)
{
	const struct klog_batch *b = &c->scan.batch;
	const struct klog_keymap_hash *hash;
	const struct klog_record *rec;
	struct records records;
	int r = klog_rebuild_begin(&c->rebuilt, horizon, err);

	if (r == -1 || b->record_count == 0)
		return r;
	if (open_records(c, &records, err) == -1)
		return -1;
	while ((r = next_record(c, &records, &rec, &hash, err)) == 1)
		if (stays(c, v, b, rec, hash) &&
			klog_rebuild_add(&c->rebuilt, b, rec, err) == -1)
			return -1;
	return r;
}

static int
copy_batch(struct klog_compaction *c, struct klog_err *err)
{
	const struct klog_batch *b = &c->scan.batch;
	struct klog_slice out = c->scan.bytes;
	int64_t max_ms = b->max_timestamp_ms, horizon;
	struct verdict v;
	bool tombstone, first;
	int32_t kept;

	judge(c, b, &v);
	if (count_kept(c, &v, &kept, &tombstone, err) == -1)
		return -1;
	c->read += b->record_count;
	c->kept += kept;
	if (kept == 0 && !v.may_empty)
		return 0;
	/* the first time that a tombstone is seen: it begins to wait */
	first = v.horizon == -1 && kept > 0 &&
		((tombstone && !(b->attributes & KLOG_ATTR_CONTROL)) ||
			v.gone_txn);
	if (kept == b->record_count && !first && kept > 0)
		return put(c, b, out, max_ms, err);
	horizon = v.horizon;
	if (first)
		horizon = klog_sum(c->now_ms, c->settings->delete_retention_ms);
	if (rebuild(c, &v, horizon, err) == -1 ||
		klog_rebuild_seal(&c->rebuilt, b, &c->decoder->compressor,
			INT32_MIN, &c->sealed, &out, err) == -1)
		return -1;
	if (kept > 0 && !(b->attributes & KLOG_ATTR_LOG_APPEND_TIME))
		max_ms = c->rebuilt.max_timestamp_ms;
	return put(c, b, out, max_ms, err);
}

static int
copy_segment(struct klog_compaction *c, int64_t base, struct stat *st,
	struct klog_err *err)
{
	int got = KLOG_SCAN_END, r = 0;

	if (open_scan(c, base, err) == -1)
		return -1;
	if (fstat(c->scan.fd, st) == -1)
		memset(st, 0, sizeof(*st));
	while (r == 0 &&
		(got = klog_scan_next(&c->scan, err)) == KLOG_SCAN_BATCH)
		r = copy_batch(c, err);
	if (r == -1) {
		klog_close_fd(&c->scan.fd);
		return klog_err_in(err, "%s: %s: batch before %" PRId64,
			c->path, c->scan.name, c->scan.position);
	}
	return close_scan(c, got, err);
}

int
klog_compact_copy(struct klog_compaction *c, const struct klog_swap_row *row,
	struct klog_err *err)
{
	struct klog_bases bases;
	struct stat newest;
	size_t i;
	int r;

	memset(&newest, 0, sizeof(newest));
	if (klog_segment_list(c->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", c->path);
	r = begin_output(c, row->base, err);
	for (i = 0; r == 0 && i < bases.count; i++)
		if (bases.base[i] >= row->base && bases.base[i] < row->next)
			r = copy_segment(c, bases.base[i], &newest, err);
	klog_bases_free(&bases);
	if (r == 0)
		r = end_output(c, &newest, err);
	close_output(c);
	return r;
}

void
klog_compact_free(struct klog_compaction *c)
{
	klog_keymap_free(&c->map);
	klog_scan_free(&c->scan);
	klog_rebuild_free(&c->rebuilt);
	klog_buf_free(&c->sealed);
	klog_buf_free(&c->out);
}
