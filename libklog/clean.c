#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clean.h"
#include "compact.h"
#include "facts.h"
#include "group.h"
#include "io.h"
#include "partition.h"
#include "report.h"
#include "time.h"
#include "topic.h"

#define BUFFER ((size_t)64 * 1024 * 1024)
#define CHUNK ((size_t)64 * 1024)

/* A partition that is cleaned, or looked at only. */
struct work {
	struct klog_cluster *cluster;
	struct klog_topic *topic;
	int32_t partition;
	const struct klog_settings *settings;
	const struct klog_clean *how;
	int64_t floor; /* only what lies before this offset is to go; -1 */
	struct klog_clean_report *report;
	int64_t now_ms;
	struct klog_partition log; /* not with dry_run */
	struct klog_reader reader;
	struct klog_segment_fact *facts;
	size_t count;
	int64_t held_from;  /* retention.groups: from here on it is not read */
	const char *holder; /* by this one, within `groups` */
	char groups[KLOG_SETTING_TEXT];
};

/* ---- what groups hold ---- */

/* How far the groups have read that retention.groups names. */
static int
find_holder(struct work *w, struct klog_err *err)
{
	char *rest = w->groups, *name;

	w->held_from = INT64_MAX;
	w->holder = NULL;
	strcpy(w->groups, w->settings->retention_groups);
	while (*w->groups != '\0' && (name = strsep(&rest, ",")) != NULL) {
		struct klog_commits commits = { .now = { .offset = -1 } };
		int dir = klog_group_open(w->topic, name, false, err);
		int fd = dir == -1
			? -1
			: klog_group_open_file(dir, w->partition, false, err);
		int r = 0;

		klog_close_fd(&dir);
		if (fd != -1)
			r = klog_commits_read(fd, &commits, name, err);
		else if (err->code != KLOG_ENOTFOUND)
			r = -1;
		klog_close_fd(&fd);
		/* nothing of what may be needed goes by mistake */
		if (r == -1)
			return klog_err_in(
				err, "retention.groups: group %s", name);
		if (commits.now.offset < w->held_from) {
			w->held_from = commits.now.offset;
			w->holder = name;
		}
	}
	return 0;
}

/* ---- removing (C1) ---- */

static void
forget_facts(struct work *w, size_t gone)
{
	w->count -= gone;
	memmove(w->facts, w->facts + gone, w->count * sizeof(w->facts[0]));
}

/* Removes the first `gone` segments, the log start first. */
static int
remove_segments(struct work *w, size_t gone, struct klog_err *err)
{
	const struct klog_log *log = &w->log.replica[0];
	size_t i;
	int r;

	/* all of them: there is always one to write to, and what was written
	 * since they were judged keeps the last one */
	if (gone > 0 && gone == w->count) {
		r = klog_partition_roll(&w->log, w->facts[gone - 1].next, err);
		if (r == -1)
			return -1;
		if (r == 0)
			gone--;
	}
	if (gone == 0)
		return 0;
	if (klog_partition_raise_start(&w->log, w->facts[gone - 1].next, err) ==
		-1)
		return -1;
	for (i = 0; i < gone; i++) {
		if (klog_segment_remove(log->dir, w->facts[i].base, err) == -1)
			return klog_err_in(err, "%s", w->reader.path);
		w->report->removed++;
		w->report->removed_bytes += w->facts[i].bytes;
	}
	if (w->reader.state.log_start < w->facts[gone - 1].next)
		w->reader.state.log_start = w->facts[gone - 1].next;
	forget_facts(w, gone);
	return 0;
}

/* Where delete-records is to raise the log start to. */
static int
find_before(struct work *w, int64_t *offset, struct klog_err *err)
{
	struct klog_decoder d;
	int64_t end = w->reader.state.next_offset;
	int r;

	if (!(w->settings->cleanup_policy & KLOG_CLEANUP_DELETE))
		return klog_fail(err, KLOG_EREFUSED,
			"%s: its cleanup.policy has no delete: records go by "
			"compaction only",
			w->reader.path);
	klog_decoder_init(&d);
	r = klog_lookup_surely(
		&w->reader, &d, w->how->before, end, offset, err);
	klog_decoder_free(&d);
	if (r == 0 && *offset > end)
		r = klog_fail(err, KLOG_EOFFSET,
			"%s: offset %" PRId64 " is past the end at %" PRId64
			"; nothing was changed",
			w->reader.path, *offset, end);
	return r;
}

/* Delete-records: whatever lies before the offset. */
static int
delete_before(struct work *w, struct klog_err *err)
{
	int64_t offset;

	if (w->how->before.where == KLOG_AT_UNSET)
		return 0;
	if (find_before(w, &offset, err) == -1)
		return -1;
	if (offset <= w->reader.state.log_start)
		return 0;
	if (!w->how->dry_run &&
		klog_partition_raise_start(&w->log, offset, err) == -1)
		return -1;
	w->reader.state.log_start = offset;
	return 0;
}

/* The header of a segment's first batch: 1, 0 it has none, -1. */
static int
first_batch(const struct work *w, int64_t base, struct klog_batch *batch,
	struct klog_err *err)
{
	struct klog_scan scan = { .fd = -1 };
	int got = -1;

	scan.fd = klog_segment_open_log(w->reader.dir, base, err);
	if (scan.fd != -1) {
		klog_scan_name(&scan, base);
		klog_scan_init(&scan, scan.fd, 0, 4096);
		got = klog_scan_header(&scan, err);
	}
	*batch = scan.batch;
	klog_close_fd(&scan.fd);
	klog_scan_free(&scan);
	if (got == KLOG_SCAN_BATCH || got == KLOG_SCAN_END)
		return got == KLOG_SCAN_BATCH;
	if (got != -1)
		klog_err_in(err, "damaged: %s: batch at 0", scan.name);
	return klog_err_in(err, "%s", w->reader.path);
}

static void
add_forecast(struct work *w)
{
	struct klog_clean_report *report = w->report;
	int64_t per_day, to_come, begin_ms = -1;
	struct klog_batch batch;
	struct klog_err ignored;

	if (w->count > 0 &&
		first_batch(w, w->facts[0].base, &batch, &ignored) == 1)
		begin_ms = batch.max_timestamp_ms;
	klog_retention_forecast(w->facts, w->count, begin_ms, w->settings,
		w->now_ms, &per_day, &to_come);
	report->per_day = klog_sum(report->per_day, per_day);
	report->to_come = klog_sum(report->to_come, to_come);
}

/* Judges all segments; how many of the oldest go. */
static int
judge(struct work *w, size_t *gone, struct klog_err *err)
{
	struct klog_retention how = { .settings = w->settings,
		.now_ms = w->now_ms };

	if (w->settings->cleanup_policy & KLOG_CLEANUP_DELETE &&
		find_holder(w, err) == -1)
		return -1;
	how.log_start = w->reader.state.log_start;
	how.held_from = w->held_from;
	*gone = klog_retention_judge(w->facts, w->count, &how);
	return 0;
}

static int
explain(struct work *w, const struct klog_segment_fact *fact,
	const char *action, const char *rule, struct klog_err *err)
{
	return klog_report_add(w->report, w->topic->label, w->partition, fact,
		action, rule, fact->held ? w->holder : NULL, err);
}

static int
apply_retention(struct work *w, struct klog_err *err)
{
	size_t i, gone;

	if (judge(w, &gone, err) == -1)
		return -1;
	if (w->how->dry_run)
		add_forecast(w);
	for (i = 0; i < gone; i++)
		if (explain(w, &w->facts[i], "remove",
			    klog_rule_text(w->facts[i].rule), err) == -1)
			return -1;
	if (!w->how->dry_run)
		return remove_segments(w, gone, err);
	forget_facts(w, gone);
	return 0;
}

/* ---- compacting (C2) ---- */

/* What max.compaction.lag.ms counts from (klog_compact_look); -1: it does not
 * matter. */
static int
oldest_dirty(const struct work *w, int64_t first_dirty, int64_t *oldest,
	struct klog_err *err)
{
	struct klog_batch batch;
	size_t i;
	int r;

	*oldest = -1;
	if (w->settings->max_compaction_lag_ms == INT64_MAX)
		return 0;
	for (i = 0; i + 1 < w->count; i++) {
		if (w->facts[i].next <= first_dirty)
			continue;
		r = first_batch(w, w->facts[i].base, &batch, err);
		if (r == -1)
			return -1;
		/* as in Kafka what has no time, or 0, has none to count from */
		if (r == 1 && batch.max_timestamp_ms > 0 &&
			(*oldest == -1 || batch.max_timestamp_ms < *oldest))
			*oldest = batch.max_timestamp_ms;
	}
	return 0;
}

/* Each row is built, and takes the place of its segments. */
static int
replace_rows(struct work *w, struct klog_compaction *c, struct klog_plan *plan,
	int64_t begun, struct klog_err *err)
{
	size_t i;

	if (klog_plan_write(c->dir, plan, err) == -1)
		return klog_err_in(err, "%s", c->path);
	if (klog_partition_raise_dirty(&w->log, c->to, err) == -1)
		return -1;
	for (i = 0; i < plan->count; i++) {
		if (klog_compact_copy(c, &plan->rows[i], err) == -1) {
			struct klog_err ignored;

			/* perhaps the disk is full of what it wrote */
			klog_swap_tidy(c->dir, plan, &ignored);
			return -1;
		}
		if (klog_swap_in(c->dir, &plan->rows[i], err) == -1)
			return klog_err_in(err, "%s", c->path);
	}
	return klog_plan_end(c->dir, plan, begun, err) == -1
		? klog_err_in(err, "%s", c->path)
		: 0;
}

static int
compact(struct work *w, const struct klog_dirt *dirt,
	const struct klog_plan *before, struct klog_producers *producers,
	struct klog_err *err)
{
	struct klog_plan plan = { .from = dirt->from };
	struct klog_decoder decoder;
	struct klog_compaction c = { .dir = w->reader.dir,
		.path = w->reader.path,
		.settings = w->settings,
		.now_ms = w->now_ms,
		.producers = producers,
		.decoder = &decoder,
		.scan = { .fd = -1 },
		.fd = -1,
		.index_fd = -1,
		.time_fd = -1 };
	int r;

	klog_decoder_init(&decoder);
	r = klog_compact_map(
		&c, dirt, w->how->buffer > 0 ? w->how->buffer : BUFFER, err);
	if (r == 0)
		r = klog_compact_rows(&c, w->facts, w->count, &plan, err);
	if (r == 0)
		r = replace_rows(w, &c, &plan, before->to, err);
	w->report->compacted += r == 0;
	w->report->records_read += c.read;
	w->report->records_kept += c.kept;
	klog_plan_free(&plan);
	klog_compact_free(&c);
	klog_decoder_free(&decoder);
	return r;
}

static const char *
why_not_compacted(const struct work *w, const struct klog_dirt *dirt, size_t i)
{
	const struct klog_segment_fact *fact = &w->facts[i];

	/* when it goes says more than why it is left as it is */
	if (w->settings->cleanup_policy & KLOG_CLEANUP_DELETE)
		return klog_rule_text(fact->rule);
	if (i + 1 == w->count)
		return "active";
	if (fact->next <= dirt->from)
		return "clean";
	if (fact->base < dirt->to)
		return "min.cleanable.dirty.ratio";
	return dirt->open_transaction ? "open-transaction"
				      : "min.compaction.lag.ms";
}

/* What retention left. */
static int
explain_rest(struct work *w, const struct klog_dirt *dirt, struct klog_err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < w->count; i++) {
		if (dirt->due && w->facts[i].base < dirt->to)
			r = explain(w, &w->facts[i], "compact",
				w->facts[i].next <= dirt->from ? "clean"
							       : "dirty",
				err);
		else
			r = explain(w, &w->facts[i], "keep",
				why_not_compacted(w, dirt, i), err);
	}
	return r;
}

/* What there is to do, with records up to the last stable offset; a run that
 * was killed is done again, from where it began. */
static int
find_dirt(struct work *w, const struct klog_plan *before, int64_t stable,
	struct klog_dirt *dirt, struct klog_err *err)
{
	int64_t from = w->reader.state.first_dirty, oldest;
	bool again = before->to > before->from;

	if (again && before->from < from)
		from = before->from;
	if (from < w->reader.state.log_start)
		from = w->reader.state.log_start;
	if (oldest_dirty(w, from, &oldest, err) == -1)
		return -1;
	klog_compact_look(dirt, w->facts, w->count, from, stable, oldest,
		w->settings, w->now_ms);
	dirt->due |= again && dirt->dirty > 0;
	return 0;
}

/* 1 it was compacted, 0, -1. */
static int
apply_compaction(
	struct work *w, const struct klog_plan *before, struct klog_err *err)
{
	struct klog_producers producers;
	struct klog_dirt dirt = { .due = false };
	int r;

	if (w->settings->cleanup_policy & KLOG_CLEANUP_COMPACT &&
		find_dirt(w, before, INT64_MAX, &dirt, err) == -1)
		return -1;
	/* what is not due with all transactions ended is not due in any case */
	if (!dirt.due)
		return explain_rest(w, &dirt, err);
	r = klog_producers_walk(&producers, w->reader.dir, w->reader.path, err);
	if (r == 0)
		r = find_dirt(w, before, producers.stable, &dirt, err);
	if (r == 0)
		r = explain_rest(w, &dirt, err);
	if (r == 0 && dirt.due && !w->how->dry_run)
		r = compact(w, &dirt, before, &producers, err) == -1 ? -1 : 1;
	klog_producers_free(&producers);
	return r;
}

/* The rows of a run that was killed are done, or dropped. */
static int
settle_plan(struct work *w, struct klog_plan *plan, struct klog_err *err)
{
	if (plan->count == 0)
		return 0;
	plan->count = 0;
	return klog_plan_write(w->reader.dir, plan, err) == -1
		? klog_err_in(err, "%s", w->reader.path)
		: 0;
}

/* ---- a partition ---- */

/* What a killed run left (C3); its plan in *plan. */
static int
tidy(struct work *w, struct klog_plan *plan, struct klog_err *err)
{
	int dir = w->log.replica[0].dir;

	if (klog_plan_read(dir, plan, err) == -1 ||
		klog_swap_tidy(dir, plan, err) == -1)
		return klog_err_in(err, "%s", w->log.path);
	return 0;
}

/* Removing first: on a full disk it makes the room for compaction. */
static int
clean_log(struct work *w, struct klog_plan *plan, struct klog_err *err)
{
	int r;

	if (klog_facts_find(&w->reader, &w->facts, &w->count, err) == -1 ||
		delete_before(w, err) == -1)
		return -1;
	if (apply_retention(w, err) == -1)
		return -1;
	r = apply_compaction(w, plan, err);
	if (w->how->dry_run)
		return r == -1 ? -1 : 0;
	if (r == 0)
		r = settle_plan(w, plan, err);
	return r == -1 ? -1 : klog_partition_trim_epochs(&w->log, err);
}

/* Nothing but what lies before an offset. */
static int
clean_floor(struct work *w, struct klog_err *err)
{
	size_t gone = 0;

	if (klog_facts_find(&w->reader, &w->facts, &w->count, err) == -1)
		return -1;
	while (gone + 1 < w->count && w->facts[gone].next <= w->floor)
		gone++;
	if (remove_segments(w, gone, err) == -1)
		return -1;
	return klog_partition_trim_epochs(&w->log, err);
}

static int
clean_open(struct work *w, struct klog_err *err)
{
	struct klog_plan plan = { .count = 0 };
	int r = w->how->dry_run ? 0 : tidy(w, &plan, err);

	if (r == 0)
		r = klog_topic_reader(w->topic, w->partition, &w->cluster->say,
			CHUNK, &w->reader, err);
	if (r == 0) {
		if (w->how->dry_run)
			r = klog_plan_read(w->reader.dir, &plan, err);
		if (r != -1)
			r = w->floor == -1 ? clean_log(w, &plan, err)
					   : clean_floor(w, err);
		klog_reader_close(&w->reader);
	}
	free(w->facts);
	klog_plan_free(&plan);
	return r;
}

static int
clean_partition(struct work *w, struct klog_err *err)
{
	struct klog_topic *t = w->topic;
	int r;

	if (w->how->dry_run)
		return clean_open(w, err);
	if (klog_partition_open(&w->log, t->dir, t->label, w->partition,
		    &t->config, &w->cluster->say, w->cluster->lock_timeout_ms,
		    err) == -1)
		return err->code == KLOG_ENOTFOUND
			? klog_topic_lacks(t, w->partition, err)
			: -1;
	r = klog_partition_clean_begin(&w->log, err);
	if (r == 0) {
		r = clean_open(w, err);
		/* whatever it then stumbled over */
		if (r == -1 && klog_partition_is_deleted(&w->log))
			klog_fail(err, KLOG_EDELETED,
				"%s: the topic was deleted", w->log.path);
		klog_partition_clean_end(&w->log);
	}
	klog_partition_close(&w->log);
	return r;
}

/* An offset that one partition does not have is refused for all of them. */
static int
check_before(struct work *w, struct klog_err *err)
{
	int64_t offset;
	int r = klog_topic_reader(w->topic, w->partition, &w->cluster->say,
		CHUNK, &w->reader, err);

	if (r == 0) {
		r = find_before(w, &offset, err);
		klog_reader_close(&w->reader);
	}
	return r;
}

static struct work
work_on(struct klog_cluster *cluster, struct klog_topic *t, int32_t partition,
	const struct klog_clean *how, struct klog_clean_report *report)
{
	return (struct work){ .cluster = cluster,
		.topic = t,
		.partition = partition,
		.settings = &t->config.settings,
		.how = how,
		.floor = -1,
		.report = report,
		.held_from = INT64_MAX,
		.now_ms = klog_now_ms() };
}

/* Does one thing with each partition that is meant; with `all` one that fails
 * hides no other. */
static int
for_each(struct klog_cluster *cluster, struct klog_topic *t,
	const struct klog_clean *clean, struct klog_clean_report *report,
	int (*what)(struct work *w, struct klog_err *err), bool all,
	struct klog_err *err)
{
	struct klog_failures failures = { .any = false };
	struct klog_err why;
	int32_t i;

	for (i = 0; (all || !failures.any) && i < klog_topic_partitions(t);
		i++) {
		struct work w = work_on(cluster, t, i, clean, report);

		if ((clean->partition != -1 && clean->partition != i) ||
			what(&w, &why) == 0)
			continue;
		klog_failures_add(&failures, &cluster->say, &why);
		if (why.code == KLOG_EDELETED)
			break;
	}
	return klog_failures_end(&failures, err);
}

int
klog_dir_clean(struct klog_cluster *cluster, const char *topic,
	const struct klog_clean *clean, struct klog_clean_report *report,
	struct klog_err *err)
{
	struct klog_topic t;
	int r;

	if (klog_topic_open(&t, cluster, topic, true, err) == -1)
		return -1;
	r = klog_topic_need(&t, clean->partition, err);
	if (r == 0 && clean->before.where != KLOG_AT_UNSET)
		r = for_each(
			cluster, &t, clean, report, check_before, false, err);
	if (r == 0)
		r = for_each(
			cluster, &t, clean, report, clean_partition, true, err);
	klog_topic_close(&t);
	return r;
}

int
klog_dir_remove_before(struct klog_cluster *cluster, const char *topic,
	const uint8_t id[KLOG_TOPIC_ID], int32_t partition, int64_t offset,
	struct klog_clean_report *report, struct klog_err *err)
{
	static const struct klog_clean how = { .partition = -1 };
	struct klog_topic t;
	struct work w;
	int r;

	if (klog_topic_open(&t, cluster, topic, true, err) == -1)
		return -1;
	w = work_on(cluster, &t, partition, &how, report);
	w.floor = offset;
	r = memcmp(t.config.id, id, KLOG_TOPIC_ID) == 0
		? clean_partition(&w, err)
		: klog_fail(err, KLOG_EDELETED,
			  "topic %s: deleted, and another made under its name",
			  topic);
	klog_topic_close(&t);
	return r;
}
