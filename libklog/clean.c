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

/* ---- the report ---- */

static int
add_line(struct work *w, const struct klog_segment_fact *fact,
	const char *action, const char *rule, struct klog_err *err)
{
	struct klog_clean_report *report = w->report;
	struct klog_clean_segment *line;

	if ((report->count & (report->count - 1)) == 0) {
		size_t room = report->count == 0 ? 1 : 2 * report->count;
		void *grown = realloc(
			report->segments, room * sizeof(report->segments[0]));

		if (grown == NULL)
			return klog_fail_memory(err);
		report->segments = grown;
	}
	line = &report->segments[report->count++];
	line->partition = w->partition;
	line->base = fact->base;
	line->next = fact->next;
	line->bytes = fact->bytes;
	line->newest_ms = fact->newest_ms;
	line->action = action;
	line->rule = rule;
	line->when_ms = fact->when_ms;
	line->group = NULL;
	if (fact->rule == KLOG_STAYS_GROUP && w->holder != NULL)
		line->group = strdup(w->holder);
	return 0;
}

void
klog_clean_report_free(struct klog_clean_report *report)
{
	size_t i;

	for (i = 0; i < report->count; i++)
		free((char *)(uintptr_t)report->segments[i].group);
	free(report->segments);
	memset(report, 0, sizeof(*report));
}

/* ---- removing (C1) ---- */

/* Removes the first `gone` segments, the log start first. */
static int
remove_segments(struct work *w, size_t gone, struct klog_err *err)
{
	const struct klog_log *log = &w->log.replica[0];
	size_t i;

	if (gone == 0)
		return 0;
	/* all of them: there is always one to write to */
	if (gone == w->count && klog_partition_roll(&w->log, err) == -1)
		return -1;
	if (klog_partition_raise_start(&w->log, w->facts[gone - 1].next, err) ==
		-1)
		return -1;
	for (i = 0; i < gone; i++) {
		if (klog_segment_remove(log->dir, w->facts[i].base, err) == -1)
			return klog_err_in(err, "%s", w->reader.path);
		w->report->removed++;
		w->report->removed_bytes += w->facts[i].bytes;
	}
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
	r = klog_lookup(&w->reader, &d, w->how->before, end, offset, NULL, err);
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
raise_start(struct work *w, struct klog_err *err)
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

static void
add_forecast(struct work *w)
{
	struct klog_clean_report *report = w->report;
	int64_t per_day, to_come;

	klog_retention_forecast(
		w->facts, w->count, w->settings, w->now_ms, &per_day, &to_come);
	report->per_day += per_day;
	if (to_come == INT64_MAX || report->to_come == INT64_MAX)
		report->to_come = INT64_MAX;
	else
		report->to_come += to_come;
}

static int
apply_retention(struct work *w, struct klog_err *err)
{
	struct klog_retention how = { .settings = w->settings,
		.now_ms = w->now_ms };
	size_t i, gone;

	if (find_holder(w, err) == -1)
		return -1;
	how.log_start = w->reader.state.log_start;
	how.held_from = w->held_from;
	gone = klog_retention_judge(w->facts, w->count, &how);
	for (i = 0; i < w->count; i++) {
		const struct klog_segment_fact *fact = &w->facts[i];

		if (add_line(w, fact, i < gone ? "remove" : "keep",
			    klog_rule_text(fact->rule), err) == -1)
			return -1;
	}
	return w->how->dry_run ? 0 : remove_segments(w, gone, err);
}

/* ---- compacting (C2) ---- */

/* The timestamp of the oldest first batch among the dirty segments, which
 * max.compaction.lag.ms counts from; -1: it does not matter. */
static int64_t
oldest_dirty(struct work *w, int64_t first_dirty)
{
	struct klog_scan scan = { .fd = -1 };
	struct klog_err ignored;
	int64_t oldest = -1;
	size_t i;

	if (w->settings->max_compaction_lag_ms == INT64_MAX)
		return -1;
	for (i = 0; i + 1 < w->count; i++) {
		if (w->facts[i].next <= first_dirty)
			continue;
		scan.fd = klog_segment_open_log(
			w->reader.dir, w->facts[i].base, &ignored);
		klog_scan_init(&scan, scan.fd, 0, 4096);
		if (scan.fd != -1 &&
			klog_scan_header(&scan, &ignored) == KLOG_SCAN_BATCH &&
			(oldest == -1 || scan.batch.max_timestamp_ms < oldest))
			oldest = scan.batch.max_timestamp_ms;
		klog_close_fd(&scan.fd);
	}
	klog_scan_free(&scan);
	return oldest;
}

/* Each group is built, and takes the place of its segments. */
static int
replace_groups(struct work *w, struct klog_compaction *c,
	struct klog_plan *plan, struct klog_err *err)
{
	size_t i;

	if (klog_plan_write(c->dir, plan, err) == -1 ||
		klog_partition_raise_dirty(&w->log, c->to, err) == -1)
		return -1;
	for (i = 0; i < plan->count; i++) {
		if (klog_compact_copy(c, &plan->groups[i], err) == -1) {
			struct klog_err ignored;

			/* perhaps the disk is full of what it wrote */
			klog_swap_tidy(c->dir, plan, &ignored);
			return -1;
		}
		if (klog_swap_in(c->dir, &plan->groups[i], err) == -1)
			return klog_err_in(err, "%s", c->path);
	}
	return klog_plan_end(c->dir, plan, err);
}

static int
compact(struct work *w, const struct klog_dirt *dirt,
	struct klog_producers *producers, struct klog_err *err)
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
	plan.to = c.to;
	if (r == 0)
		r = klog_compact_group(&c, w->facts, w->count, &plan, err);
	if (r == 0)
		r = replace_groups(w, &c, &plan, err);
	w->report->compacted += r == 0;
	w->report->records_read += c.read;
	w->report->records_kept += c.kept;
	klog_plan_free(&plan);
	klog_compact_free(&c);
	klog_decoder_free(&decoder);
	return r;
}

/* The lines of a topic that is compacted and never loses a segment as such. */
static int
explain_compaction(
	struct work *w, const struct klog_dirt *dirt, struct klog_err *err)
{
	size_t i;

	for (i = 0; i < w->count; i++) {
		const struct klog_segment_fact *fact = &w->facts[i];
		const char *action = "keep", *rule = "active";

		if (i + 1 < w->count)
			rule = fact->next <= dirt->from ? "clean"
				: fact->base >= dirt->to
				? "min.compaction.lag.ms"
				: "min.cleanable.dirty.ratio";
		if (dirt->due && fact->base < dirt->to) {
			action = "compact";
			rule = "dirty";
		}
		if (add_line(w, fact, action, rule, err) == -1)
			return -1;
	}
	return 0;
}

/* 1 it was compacted, 0 it is not due, -1. */
static int
apply_compaction(struct work *w, const struct klog_plan *before, bool explain,
	struct klog_err *err)
{
	int64_t first_dirty = w->reader.state.first_dirty;
	struct klog_producers producers;
	struct klog_dirt dirt;
	int r;

	if (first_dirty < w->reader.state.log_start)
		first_dirty = w->reader.state.log_start;
	/* a run that was killed is done again, from where it began */
	if (before->to > before->from && before->from < first_dirty)
		first_dirty = before->from;
	r = klog_producers_walk(&producers, w->reader.dir, w->reader.path, err);
	if (r == 0) {
		klog_compact_look(&dirt, w->facts, w->count, first_dirty,
			producers.stable, oldest_dirty(w, first_dirty),
			w->settings, w->now_ms);
		dirt.due |= before->to > before->from && dirt.dirty > 0;
		if (explain)
			r = explain_compaction(w, &dirt, err);
	}
	if (r == 0 && dirt.due && !w->how->dry_run)
		r = compact(w, &dirt, &producers, err) == -1 ? -1 : 1;
	klog_producers_free(&producers);
	return r;
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

static int
look_anew(struct work *w, struct klog_err *err)
{
	if (klog_reader_look(&w->reader, err) == -1)
		return -1;
	return klog_facts_find(&w->reader, &w->facts, &w->count, err);
}

static int
clean_log(struct work *w, struct klog_plan *plan, struct klog_err *err)
{
	int64_t policy = w->settings->cleanup_policy;
	int r = 0;

	if (klog_facts_find(&w->reader, &w->facts, &w->count, err) == -1 ||
		raise_start(w, err) == -1)
		return -1;
	if (w->how->dry_run)
		add_forecast(w);
	if (policy & KLOG_CLEANUP_COMPACT)
		r = apply_compaction(
			w, plan, !(policy & KLOG_CLEANUP_DELETE), err);
	if (r == 1)
		r = look_anew(w, err);
	if (r == 0 && plan->to > plan->from && !w->how->dry_run &&
		!(policy & KLOG_CLEANUP_COMPACT))
		r = klog_plan_end(w->reader.dir, plan, err);
	if (r == 0 && policy == KLOG_CLEANUP_COMPACT) {
		/* the log start counts in any case */
		struct klog_retention how = { .settings = w->settings,
			.now_ms = w->now_ms,
			.log_start = w->reader.state.log_start,
			.held_from = INT64_MAX };
		size_t gone = klog_retention_judge(w->facts, w->count, &how);

		return w->how->dry_run ? 0 : remove_segments(w, gone, err);
	}
	return r == 0 ? apply_retention(w, err) : r;
}

static int
clean_partition(struct work *w, struct klog_err *err)
{
	struct klog_plan plan = { .count = 0 };
	struct klog_topic *t = w->topic;
	int r = 0;

	if (!w->how->dry_run) {
		if (klog_partition_open(&w->log, t->dir, t->label, w->partition,
			    &t->config, &w->cluster->say,
			    w->cluster->lock_timeout_ms, err) == -1)
			return err->code == KLOG_ENOTFOUND
				? klog_topic_lacks(t, w->partition, err)
				: -1;
		if (klog_partition_clean_begin(&w->log, err) == -1) {
			klog_partition_close(&w->log);
			return -1;
		}
		r = tidy(w, &plan, err);
	}
	if (r == 0)
		r = klog_topic_reader(t, w->partition, &w->cluster->say, CHUNK,
			&w->reader, err);
	if (r == 0) {
		r = clean_log(w, &plan, err);
		klog_reader_close(&w->reader);
	}
	free(w->facts);
	w->facts = NULL;
	klog_plan_free(&plan);
	if (!w->how->dry_run) {
		klog_partition_clean_end(&w->log);
		klog_partition_close(&w->log);
	}
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

/* Does one thing with each partition that is meant.  With `all` one that fails
 * hides no other, and all but the first failure are said. */
static int
for_each(struct klog_cluster *cluster, struct klog_topic *t,
	const struct klog_clean *clean, struct klog_clean_report *report,
	int (*what)(struct work *w, struct klog_err *err), bool all,
	struct klog_err *err)
{
	struct klog_err other;
	int32_t i;
	int r = 0;

	for (i = 0; (all || r == 0) && i < klog_topic_partitions(t); i++) {
		struct work w = { .cluster = cluster,
			.topic = t,
			.partition = i,
			.settings = &t->config.settings,
			.how = clean,
			.report = report,
			.now_ms = klog_now_ms() };

		if ((clean->partition != -1 && clean->partition != i) ||
			what(&w, r == 0 ? err : &other) == 0)
			continue;
		if (r == -1)
			klog_sayf(&cluster->say, 0, "%s", other.text);
		r = -1;
	}
	return r;
}

int
klog_dir_clean(struct klog_cluster *cluster, const char *topic,
	const struct klog_clean *clean, struct klog_clean_report *report,
	struct klog_err *err)
{
	struct klog_topic t;
	int r = 0;

	memset(report, 0, sizeof(*report));
	if (klog_topic_open(&t, cluster, topic, true, err) == -1)
		return -1;
	if (clean->partition != -1 && !klog_topic_has(&t, clean->partition))
		r = klog_fail(err, KLOG_ENOTFOUND,
			"topic %s: no partition %" PRId32 ", it has %" PRId32,
			t.label, clean->partition, klog_topic_partitions(&t));
	if (r == 0 && clean->before.where != KLOG_AT_UNSET)
		r = for_each(
			cluster, &t, clean, report, check_before, false, err);
	if (r == 0)
		r = for_each(
			cluster, &t, clean, report, clean_partition, true, err);
	klog_topic_close(&t);
	return r;
}
