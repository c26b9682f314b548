#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "clean.h"
#include "facts.h"
#include "floor.h"
#include "report.h"
#include "topic.h"

#define CHUNK ((size_t)64 * 1024)

int
klog_floor_disk(struct klog_cluster *cluster, int64_t *free_bytes,
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
add_partition(struct klog_cluster *cluster, struct klog_topic *t,
	int32_t partition, size_t topic, struct candidates *all,
	struct klog_err *err)
{
	struct candidate one = {
		.topic = topic, .partition = partition, .age_ms = -1
	};
	struct klog_segment_fact *facts = NULL;
	struct klog_reader reader;
	size_t i, count;
	int r = klog_topic_reader(
		t, partition, &cluster->say, CHUNK, &reader, err);

	if (r == -1)
		return -1;
	r = klog_facts_find(&reader, &facts, &count, err);
	for (i = 0; r == 0 && i + 1 < count; i++) {
		one.fact = facts[i];
		if (one.fact.newest_ms > one.age_ms)
			one.age_ms = one.fact.newest_ms;
		if (add_candidate(all, &one) == -1)
			r = klog_fail_memory(err);
	}
	free(facts);
	klog_reader_close(&reader);
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
		i++)
		r = add_partition(cluster, &t, i, topic, all, err);
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

/* Only thought of: its line says so, where it has one. */
static int
plan_candidate(const char *name, const struct candidate *one,
	struct klog_clean_report *report, int64_t *freed, struct klog_err *err)
{
	const char *rule = klog_rule_text(KLOG_GOES_FREE);
	struct klog_clean_segment *line = klog_report_find(
		report, name, one->partition, one->fact.base);

	if (line != NULL && strcmp(line->action, "remove") == 0)
		return 0;
	*freed += one->fact.bytes;
	if (line == NULL)
		return klog_report_add(report, name, one->partition, &one->fact,
			"remove", rule, NULL, err);
	line->action = "remove";
	line->rule = rule;
	return 0;
}

static int64_t
planned_bytes(const struct klog_clean_report *report)
{
	int64_t bytes = 0;
	size_t i;

	for (i = 0; i < report->count; i++)
		if (strcmp(report->segments[i].action, "remove") == 0)
			bytes += report->segments[i].bytes;
	return bytes;
}

/* A topic that fails stands in no other's way, and one that is gone in none. */
static void
tell(struct klog_cluster *cluster, int r, const struct klog_err *err,
	struct klog_err *worst, bool *failed)
{
	if (r != -1 || err->code == KLOG_ENOTFOUND ||
		err->code == KLOG_EDELETED)
		return;
	if (*failed)
		klog_sayf(&cluster->say, 0, "%s", worst->text);
	*worst = *err;
	*failed = true;
}

/* Removes candidates until as much is free: 1, 0, -1. */
static int
remove_oldest(struct klog_cluster *cluster, char **names,
	const struct candidates *all, int64_t least, int64_t *freed,
	struct klog_err *worst, bool *failed)
{
	struct klog_clean_report report = { .count = 0 };
	int64_t have = 0, whole;
	struct klog_err err;
	size_t i;
	int r = klog_floor_disk(cluster, &have, &whole, worst);

	for (i = 0; r == 0 && i < all->count && have < least; i++) {
		const struct candidate *one = &all->list[i];

		r = klog_dir_remove_before(cluster, names[one->topic],
			one->partition, one->fact.next, &report, &err);
		tell(cluster, r, &err, worst, failed);
		r = klog_floor_disk(cluster, &have, &whole, worst);
	}
	*freed = report.removed_bytes;
	return r == -1 ? -1 : have >= least;
}

static int
plan_oldest(struct klog_cluster *cluster, char **names,
	const struct candidates *all, int64_t least,
	struct klog_clean_report *report, int64_t *freed, struct klog_err *err)
{
	int64_t have = 0, whole;
	size_t i;
	int r = klog_floor_disk(cluster, &have, &whole, err);

	have += planned_bytes(report);
	for (i = 0; r == 0 && i < all->count && have + *freed < least; i++)
		r = plan_candidate(names[all->list[i].topic], &all->list[i],
			report, freed, err);
	return r == -1 ? -1 : have + *freed >= least;
}

int
klog_floor_keep(struct klog_cluster *cluster, int64_t least, bool dry_run,
	struct klog_clean_report *report, int64_t *freed, struct klog_err *err)
{
	struct candidates all = { NULL, 0 };
	struct klog_err other;
	bool failed = false;
	char **names;
	size_t i, count;
	int r;

	*freed = 0;
	if (klog_cluster_topics(cluster, &names, &count, err) == -1)
		return -1;
	for (i = 0; i < count; i++)
		tell(cluster, add_topic(cluster, names[i], i, &all, &other),
			&other, err, &failed);
	if (all.count > 1)
		qsort(all.list, all.count, sizeof(all.list[0]), by_age);
	if (dry_run)
		r = plan_oldest(
			cluster, names, &all, least, report, freed, err);
	else
		r = remove_oldest(
			cluster, names, &all, least, freed, err, &failed);
	free(all.list);
	free(names);
	return failed ? -1 : r;
}
