/*
 * What compaction makes of a batch: to the byte what Kafka's record filter
 * made of it, with each codec, and when there is work to do.
 */
#include <stdlib.h>

#include "golden.h"
#include "hex.h"
#include "libklog/compact.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define T0 INT64_C(1700000000000)
#define LIMIT ((size_t)1 << 20)
#define DAY 86400000

static struct klog_err err;
static struct klog_compressor compressor;

/* ---- batches ---- */

/* Rebuilds a batch from those of its records whose offset is in `keep`, from
 * `first` on; the caller drops what comes of it. */
static struct klog_slice
rebuild(struct klog_slice bytes, int64_t first, const char *keep,
	int64_t horizon)
{
	struct klog_buf scratch = { 0 }, sealed = { 0 };
	struct klog_rebuilt rebuilt = { 0 };
	struct klog_batch_iter it;
	struct klog_batch batch;
	struct klog_record rec;
	struct klog_slice out = { NULL, 0 };
	int r = -1;

	if (klog_batch_parse(bytes, &batch, &err) == 0 &&
		klog_rebuild_begin(&rebuilt, horizon, &err) == 0 &&
		klog_batch_open(&batch, bytes, &compressor, LIMIT, &scratch,
			&it, &err) == 0)
		while ((r = klog_batch_next(&it, &rec, &err)) > 0)
			if (strchr(keep, '0' + (int)(rec.offset - first)))
				r |= klog_rebuild_add(
					&rebuilt, &batch, &rec, &err);
	if (r == 0)
		r = klog_rebuild_seal(&rebuilt, &batch, &compressor, INT32_MIN,
			&sealed, &out, &err);
	ok(r == 0, "rebuilt: %s", r == 0 ? "yes" : err.text);
	out.data = copy_of(out.data, out.size);
	klog_rebuild_free(&rebuilt);
	klog_buf_free(&sealed);
	klog_buf_free(&scratch);
	return out;
}

/* "OFFSET+TIME " for each record; why not, otherwise. */
static const char *
records(struct klog_slice bytes, struct klog_batch *batch)
{
	static char text[256];
	struct klog_buf scratch = { 0 };
	struct klog_batch_iter it;
	struct klog_record rec;
	int r;

	text[0] = '\0';
	if (klog_batch_parse(bytes, batch, &err) == -1 ||
		!klog_batch_check(batch, bytes) ||
		klog_batch_open(batch, bytes, &compressor, LIMIT, &scratch, &it,
			&err) == -1)
		return "cannot open";
	while ((r = klog_batch_next(&it, &rec, &err)) > 0) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used,
			"%" PRId64 "%+" PRId64 " ", rec.offset,
			rec.timestamp_ms - T0);
	}
	klog_buf_free(&scratch);
	return r == 0 ? text : "failed";
}

static void
as_kafka(void)
{
	struct klog_slice was = unhex(golden_plain[2].hex), want, have;

	want = unhex(golden_plain[6].hex);
	have = rebuild(was, 1000, "", -1);
	ok(same_bytes(have, want), "%s", golden_plain[6].name);
	drop(have);
	have = rebuild(was, 1000, "", T0 + DAY);
	ok(same_bytes(have, want), "without records there is no horizon");
	drop(have);
	drop(want);
	want = unhex(golden_plain[7].hex);
	have = rebuild(was, 1000, "13", -1);
	ok(same_bytes(have, want), "%s", golden_plain[7].name);
	drop(have);
	drop(want);
	have = rebuild(was, 1000, "0123", -1);
	ok(same_bytes(have, was), "all kept is the same batch");
	drop(have);
	drop(was);
	/* a horizon stays as it is when the batch is written once more */
	was = unhex(golden_plain[8].hex);
	have = rebuild(was, 1010, "02", T0 + DAY);
	ok(same_bytes(have, was), "%s", golden_plain[8].name);
	drop(have);
	drop(was);
}

static void
horizon(void)
{
	struct klog_slice was = unhex(golden_plain[2].hex), have;
	struct klog_batch batch;

	have = rebuild(was, 1000, "13", T0 + DAY);
	is_str(records(have, &batch), "1001+5000 1003+1100 ",
		"horizon: the records keep their times");
	is_int(batch.base_timestamp_ms, T0 + DAY,
		"horizon: it is the base timestamp");
	is_int(batch.attributes, KLOG_ATTR_DELETE_HORIZON,
		"horizon: and the attributes say so");
	is_int(batch.max_timestamp_ms, T0 + 5000, "horizon: largest time");
	is_int(batch.base_offset, 1000, "horizon: base offset as it was");
	is_int(batch.last_offset_delta, 3, "horizon: last offset as it was");
	drop(have);
	drop(was);
}

static void
append_time(void)
{
	struct klog_slice was = unhex(golden_plain[3].hex), have;
	struct klog_batch batch;

	have = rebuild(was, 1004, "0", -1);
	is_str(records(have, &batch), "1004+9999 ",
		"LogAppendTime: the time of the batch");
	is_int(batch.max_timestamp_ms, T0 + 9999,
		"LogAppendTime: largest time as it was");
	is_int(batch.attributes, KLOG_ATTR_LOG_APPEND_TIME,
		"LogAppendTime: still");
	drop(have);
	have = rebuild(was, 1004, "1", T0 + DAY);
	is_str(records(have, &batch), "1005+9999 ",
		"LogAppendTime with a horizon: the time of the batch");
	is_int(batch.max_timestamp_ms, T0 + 9999,
		"LogAppendTime with a horizon: largest time as it was");
	drop(have);
	drop(was);
}

static void
codecs(void)
{
	size_t i;

	for (i = 0; i < COUNT(golden_compressed); i++) {
		const char *name = golden_compressed[i].name;
		struct klog_slice was = unhex(golden_compressed[i].hex), have;
		struct klog_batch old, batch;

		klog_batch_parse(was, &old, &err);
		have = rebuild(was, 10, "1", -1);
		is_str(records(have, &batch), "11+1 ", "%s: one record", name);
		is_int(batch.attributes, old.attributes, "%s: codec", name);
		drop(have);
		have = rebuild(was, 10, "", -1);
		is_str(records(have, &batch), "", "%s: emptied", name);
		is_int(batch.attributes, 0, "%s: emptied, no codec", name);
		is_int((int64_t)have.size, KLOG_BATCH_HEADER,
			"%s: emptied, a header", name);
		is_int(batch.max_timestamp_ms, old.max_timestamp_ms,
			"%s: emptied, largest time as it was", name);
		drop(have);
		drop(was);
	}
}

/* ---- when there is work ---- */

/* Four segments of ten offsets, 100 bytes each, an active one behind; of each
 * how long ago its newest record was written. */
struct one {
	const char *name;
	int64_t from, stable;    /* first dirty offset, last stable one */
	int64_t ratio, lag, max; /* ppm, ms, ms */
	int64_t first_age;       /* of the first dirty batch */
	int64_t ages[4];
	int64_t to, clean, dirty;
	bool due;
};

#define ALL INT64_MAX
#define OLD                                                                    \
	{                                                                      \
		400, 300, 200, 100                                             \
	}

static const struct one cases[] = {
	{ "all is dirty", 0, ALL, 500000, 0, ALL, 400, OLD, 40, 0, 400, true },
	{ "all is clean", 40, ALL, 0, 0, ALL, -1, OLD, 40, 400, 0, false },
	{ "the ratio itself is not more than the ratio", 20, ALL, 500000, 0,
		ALL, 200, OLD, 40, 200, 200, false },
	{ "a little less is asked for", 20, ALL, 499999, 0, ALL, 200, OLD, 40,
		200, 200, true },
	{ "a segment that the last round ended in counts as both", 15, ALL,
		600000, 0, ALL, 200, OLD, 40, 200, 300, false },
	{ "ratio 0", 30, ALL, 0, 0, ALL, 100, OLD, 40, 300, 100, true },
	{ "ratio 1 is never passed", 0, ALL, 1000000, 0, ALL, 400, OLD, 40, 0,
		400, false },
	{ "but for max.compaction.lag.ms", 0, ALL, 1000000, 0, 399, 400, OLD,
		40, 0, 400, true },
	{ "as old as that is not older", 0, ALL, 1000000, 0, 400, 400, OLD, 40,
		0, 400, false },
	{ "min.compaction.lag.ms: from the first young one on", 0, ALL, 0, 250,
		ALL, 400, OLD, 20, 0, 200, true },
	{ "one that is young protects those behind it", 0, ALL, 0, 250, ALL,
		400, { 400, 10, 400, 400 }, 10, 0, 100, true },
	{ "all are too young", 0, ALL, 0, 1000, ALL, 400, OLD, 0, 0, 0, false },
	{ "young ones that are clean do not count", 20, ALL, 0, 150, ALL, 200,
		{ 10, 10, 400, 400 }, 40, 200, 200, true },
	{ "an open transaction: down to its segment", 0, 25, 0, 0, ALL, 400,
		OLD, 20, 0, 200, true },
	{ "an open transaction in the first segment", 0, 5, 0, 0, ALL, 400, OLD,
		0, 0, 0, false },
	{ "an open transaction in the active segment", 0, 45, 0, 0, ALL, 400,
		OLD, 40, 0, 400, true },
};

static void
look(const struct one *c)
{
	struct klog_segment_fact facts[5] = { { 0 } };
	struct klog_settings s;
	struct klog_dirt dirt;
	int i;

	klog_settings_init(&s);
	s.min_cleanable_dirty_ratio_ppm = c->ratio;
	s.min_compaction_lag_ms = c->lag;
	s.max_compaction_lag_ms = c->max;
	for (i = 0; i < 5; i++) {
		facts[i].base = i * 10;
		facts[i].next = i * 10 + 10;
		facts[i].bytes = 100;
		facts[i].newest_ms = T0 - (i < 4 ? c->ages[i] : 0);
	}
	klog_compact_look(&dirt, facts, 5, c->from, c->stable,
		c->first_age == -1 ? -1 : T0 - c->first_age, &s, T0);
	is_int(dirt.to, c->to, "%s: up to", c->name);
	is_int(dirt.clean, c->clean, "%s: clean bytes", c->name);
	is_int(dirt.dirty, c->dirty, "%s: dirty bytes", c->name);
	ok(dirt.due == c->due, "%s: %s", c->name, c->due ? "due" : "not due");
}

/* ---- rows of segments ---- */

/* "BASE-NEXT " for each group of segments of so many bytes. */
static void
row(const char *name, const int64_t *bytes, size_t count, int64_t step,
	int64_t to, const char *want)
{
	struct klog_segment_fact facts[8] = { { 0 } };
	struct klog_plan plan = { .from = 0 };
	struct klog_compaction c = { .to = to };
	struct klog_settings s;
	char text[128] = "";
	size_t i;

	klog_settings_init(&s);
	s.segment_bytes = 1000;
	c.settings = &s;
	for (i = 0; i < count; i++) {
		facts[i].base = (int64_t)i * step;
		facts[i].next = (int64_t)i * step + step;
		facts[i].bytes = bytes[i];
	}
	klog_compact_rows(&c, facts, count, &plan, &err);
	for (i = 0; i < plan.count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used,
			"%" PRId64 "-%" PRId64 " ", plan.rows[i].base,
			plan.rows[i].next);
	}
	is_str(text, want, "rows: %s", name);
	klog_plan_free(&plan);
}

static void
rows(void)
{
	static const int64_t half[] = { 500, 500, 500, 500, 100 };
	static const int64_t mixed[] = { 900, 101, 2000, 1, 1, 1 };
	static const int64_t none[] = { 0, 0, 0, 0, 0 };

	row("up to segment.bytes", half, 5, 10, 40, "0-20 20-40 ");
	row("one larger than it is its own", mixed, 6, 10, 50,
		"0-10 10-20 20-30 30-50 ");
	row("the active one never", none, 5, 10, 50, "0-40 ");
	row("those past the end of the round not", none, 5, 10, 15, "0-20 ");
	row("2^31 offsets at most", none, 4, INT64_C(1) << 30, INT64_MAX,
		"0-2147483648 2147483648-3221225472 ");
}

/* A log of so many segments of which no two fit into one. */
static void
too_many(size_t count, int64_t from, int64_t to, int64_t want)
{
	struct klog_segment_fact *facts = calloc(count, sizeof(facts[0]));
	struct klog_plan plan = { .from = from };
	struct klog_compaction c = { .path = "t/0", .to = to };
	struct klog_settings s;
	size_t i;
	int r;

	klog_settings_init(&s);
	s.segment_bytes = 1;
	c.settings = &s;
	for (i = 0; i < count; i++) {
		facts[i].base = (int64_t)i * 10;
		facts[i].next = (int64_t)i * 10 + 10;
		facts[i].bytes = 1;
	}
	r = klog_compact_rows(&c, facts, count, &plan, &err);
	is_int(r, want == -1 ? -1 : 0, "%zu segments: %s", count,
		r == -1 ? err.text : "rows");
	if (r == 0) {
		is_int(c.to, want, "%zu segments: the round ends", count);
		is_int(plan.to, want, "%zu segments: as the plan", count);
		is_int((int64_t)plan.count, (want + 9) / 10,
			"%zu segments: rows", count);
	}
	klog_plan_free(&plan);
	free(facts);
}

int
main(void)
{
	const int64_t most = KLOG_PLAN_ROWS * INT64_C(10);
	size_t i;

	as_kafka();
	horizon();
	append_time();
	codecs();
	for (i = 0; i < COUNT(cases); i++)
		look(&cases[i]);
	rows();
	too_many(KLOG_PLAN_ROWS + 1, 0, most, most);
	too_many(KLOG_PLAN_ROWS + 1, 0, most - 15, most - 15);
	too_many(KLOG_PLAN_ROWS + 5, most - 10, most + 30, most);
	too_many(KLOG_PLAN_ROWS + 5, most, most + 30, -1);
	klog_compressor_free(&compressor);
	return done();
}
