#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "clean.h"
#include "compact.h"
#include "group.h"
#include "io.h"
#include "partition.h"
#include "time.h"
#include "topic.h"

#define BUFFER ((size_t)64 * 1024 * 1024)
#define CHUNK ((size_t)64 * 1024)
#define MINUTE_MS 60000
#define DAY_MS 86400000

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

/* ---- what there is ---- */

static int64_t
written_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 +
		st->st_mtim.tv_nsec / 1000000;
}

static int
find_fact(struct work *w, int64_t base, struct klog_segment_fact *fact,
	struct klog_err *err)
{
	char name[KLOG_FILE_NAME];
	struct stat st;

	memset(fact, 0, sizeof(*fact));
	fact->base = base;
	fact->when_ms = -1;
	klog_file_name(name, base, ".log");
	if (fstatat(w->reader.dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return klog_fail_errno(err, "%s: %s", w->reader.path, name);
	fact->bytes = st.st_size;
	if (klog_lookup_newest(&w->reader, base, &fact->newest_ms, err) == -1)
		return -1;
	if (fact->newest_ms < 0)
		fact->newest_ms = written_ms(&st);
	return 0;
}

/* The segments as they are now; the last one is active. */
static int
find_facts(struct work *w, struct klog_err *err)
{
	struct klog_bases bases;
	size_t i;
	int r = 0;

	free(w->facts);
	w->facts = NULL;
	w->count = 0;
	if (klog_segment_list(w->reader.dir, &bases, err) == -1)
		return klog_err_in(err, "%s", w->reader.path);
	w->facts = calloc(bases.count + 1, sizeof(w->facts[0]));
	if (w->facts == NULL)
		r = klog_fail_memory(err);
	for (i = 0; r == 0 && i < bases.count; i++) {
		r = find_fact(w, bases.base[i], &w->facts[i], err);
		w->count++;
		if (i > 0)
			w->facts[i - 1].next = bases.base[i];
	}
	klog_bases_free(&bases);
	if (r == 0 && w->count > 0)
		w->facts[w->count - 1].next = w->reader.state.next_offset;
	return r;
}

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

/* What came in the last day, by the segments' newest records, as bytes in a
 * day. */
static int64_t
bytes_per_day(const struct work *w)
{
	int64_t from = w->now_ms - DAY_MS, span;
	double bytes = 0;
	size_t i;

	if (w->count == 0)
		return 0;
	for (i = 0; i < w->count; i++) {
		const struct klog_segment_fact *fact = &w->facts[i];
		int64_t begin = i > 0 ? fact[-1].newest_ms : fact->newest_ms;
		double part = 1;

		if (fact->newest_ms <= from)
			continue;
		if (begin < from)
			part = (double)(fact->newest_ms - from) /
				(double)(fact->newest_ms - begin);
		bytes += part * (double)fact->bytes;
	}
	if (w->facts[0].newest_ms > from)
		from = w->facts[0].newest_ms;
	span = w->now_ms - from;
	if (span < MINUTE_MS)
		span = MINUTE_MS;
	bytes *= (double)DAY_MS / (double)span;
	return bytes < (double)(INT64_MAX / 2) ? (int64_t)bytes : INT64_MAX / 2;
}

/* How much it still grows, at that rate, until as much goes as comes. */
static void
forecast(struct work *w)
{
	const struct klog_settings *s = w->settings;
	int64_t rate = bytes_per_day(w), have = 0, most = INT64_MAX;
	double kept = (double)rate / (double)DAY_MS * (double)s->retention_ms;
	size_t i;

	for (i = 0; i < w->count; i++)
		have += w->facts[i].bytes;
	if (s->cleanup_policy & KLOG_CLEANUP_DELETE) {
		if (s->retention_ms >= 0 && kept < (double)(INT64_MAX / 2))
			most = (int64_t)kept;
		/* it shrinks by whole segments */
		if (s->retention_bytes >= 0 &&
			s->retention_bytes < most - s->segment_bytes)
			most = s->retention_bytes + s->segment_bytes;
	} else {
		most = have; /* by new keys only, of which nobody knows */
	}
	w->report->per_day += rate;
	if (most == INT64_MAX && rate > 0)
		w->report->to_come = INT64_MAX;
	else if (w->report->to_come != INT64_MAX && rate > 0 && most > have)
		w->report->to_come += most - have;
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
	return find_facts(w, err);
}

static int
clean_log(struct work *w, struct klog_plan *plan, struct klog_err *err)
{
	int64_t policy = w->settings->cleanup_policy;
	int r = 0;

	if (find_facts(w, err) == -1 || raise_start(w, err) == -1)
		return -1;
	if (w->how->dry_run)
		forecast(w);
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

int
klog_dir_clean(struct klog_cluster *cluster, const char *topic,
	const struct klog_clean *clean, struct klog_clean_report *report,
	struct klog_err *err)
{
	bool check = clean->before.where != KLOG_AT_UNSET;
	struct klog_topic t;
	int32_t i, count;
	int r = 0;

	memset(report, 0, sizeof(*report));
	if (klog_topic_open(&t, cluster, topic, true, err) == -1)
		return -1;
	if (clean->partition != -1 && !klog_topic_has(&t, clean->partition))
		r = klog_fail(err, KLOG_ENOTFOUND,
			"topic %s: no partition %" PRId32 ", it has %" PRId32,
			t.label, clean->partition, klog_topic_partitions(&t));
	count = klog_topic_partitions(&t);
	for (i = check ? -count : 0; r == 0 && i < count; i++) {
		struct work w = { .cluster = cluster,
			.topic = &t,
			.partition = i < 0 ? i + count : i,
			.settings = &t.config.settings,
			.how = clean,
			.report = report,
			.now_ms = klog_now_ms() };

		if (clean->partition != -1 && clean->partition != w.partition)
			continue;
		r = i < 0 ? check_before(&w, err) : clean_partition(&w, err);
	}
	klog_topic_close(&t);
	return r;
}

/* ---- a floor of free disk ---- */

int
klog_dir_disk(struct klog_cluster *cluster, int64_t *free_bytes,
	int64_t *all_bytes, struct klog_err *err)
{
	struct statvfs v;

	if (fstatvfs(cluster->dir, &v) == -1)
		return klog_fail_errno(err, "cluster %s", cluster->path);
	*free_bytes = (int64_t)(v.f_bavail * v.f_frsize);
	*all_bytes = (int64_t)(v.f_blocks * v.f_frsize);
	return 0;
}

/* A closed segment that may go. */
struct candidate {
	size_t topic;
	int32_t partition;
	struct klog_segment_fact fact;
	int64_t age_ms; /* when the newest of it and of those before it came */
};

struct candidates {
	struct candidate *list;
	size_t count;
};

static int
add_candidate(struct candidates *all, const struct candidate *one)
{
	size_t n = all->count;

	if ((n & (n - 1)) == 0) {
		size_t room = n == 0 ? 1 : 2 * n;
		void *grown = realloc(all->list, room * sizeof(all->list[0]));

		if (grown == NULL)
			return -1;
		all->list = grown;
	}
	all->list[all->count++] = *one;
	return 0;
}

static int
add_partition(struct work *w, size_t topic, struct candidates *all,
	struct klog_err *err)
{
	struct candidate one = { .topic = topic, .partition = w->partition };
	size_t i;
	int r = klog_topic_reader(w->topic, w->partition, &w->cluster->say,
		CHUNK, &w->reader, err);

	if (r == -1)
		return -1;
	r = find_facts(w, err);
	one.age_ms = -1;
	for (i = 0; r == 0 && i + 1 < w->count; i++) {
		one.fact = w->facts[i];
		if (one.fact.newest_ms > one.age_ms)
			one.age_ms = one.fact.newest_ms;
		if (add_candidate(all, &one) == -1)
			r = klog_fail_memory(err);
	}
	free(w->facts);
	w->facts = NULL;
	klog_reader_close(&w->reader);
	return r;
}

/* Of a topic that loses whole segments; one that is compacted keeps its keys. */
static int
add_topic(struct klog_cluster *cluster, const char *name, size_t topic,
	struct candidates *all, struct klog_err *err)
{
	struct klog_topic t;
	int32_t i;
	int r = 0;

	if (klog_topic_open(&t, cluster, name, false, err) == -1)
		return -1;
	for (i = 0; r == 0 && t.kind == KLOG_TOPIC &&
		t.config.settings.cleanup_policy & KLOG_CLEANUP_DELETE &&
		i < klog_topic_partitions(&t);
		i++) {
		struct work w = { .cluster = cluster,
			.topic = &t,
			.partition = i,
			.settings = &t.config.settings };

		r = add_partition(&w, topic, all, err);
	}
	klog_topic_close(&t);
	return r;
}

static int
by_age(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->age_ms != y->age_ms)
		return x->age_ms < y->age_ms ? -1 : 1;
	if (x->topic != y->topic)
		return x->topic < y->topic ? -1 : 1;
	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	return (x->fact.base > y->fact.base) - (x->fact.base < y->fact.base);
}

static int
remove_candidate(struct klog_cluster *cluster, const char *name,
	struct candidate *one, struct klog_err *err)
{
	struct klog_clean how = { .partition = one->partition };
	struct klog_clean_report report;
	int r;

	/* as everything that lies before an offset */
	how.before.where = KLOG_AT_OFFSET;
	how.before.value = one->fact.next;
	how.before.epoch = -1;
	r = klog_dir_clean(cluster, name, &how, &report, err);
	klog_clean_report_free(&report);
	return r;
}

int
klog_dir_clean_free(struct klog_cluster *cluster, int64_t least, bool dry_run,
	int64_t *freed, struct klog_err *err)
{
	struct candidates all = { NULL, 0 };
	int64_t have = 0, whole;
	char **names;
	size_t i, count;
	int r = 0;

	*freed = 0;
	if (klog_cluster_topics(cluster, &names, &count, err) == -1)
		return -1;
	for (i = 0; r == 0 && i < count; i++)
		r = add_topic(cluster, names[i], i, &all, err);
	if (all.count > 1)
		qsort(all.list, all.count, sizeof(all.list[0]), by_age);
	if (r == 0)
		r = klog_dir_disk(cluster, &have, &whole, err);
	for (i = 0; r == 0 && i < all.count && have < least; i++) {
		struct candidate *one = &all.list[i];

		*freed += one->fact.bytes;
		if (dry_run)
			have += one->fact.bytes;
		else if ((r = remove_candidate(
				  cluster, names[one->topic], one, err)) == 0)
			r = klog_dir_disk(cluster, &have, &whole, err);
	}
	free(all.list);
	free(names);
	return r == -1 ? -1 : have >= least;
}
