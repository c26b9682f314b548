#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clean.h"
#include "facts.h"
#include "floor.h"
#include "report.h"
#include "topic.h"

#define CHUNK ((size_t)64 * 1024)
#define ROOM_TRIES 10
#define ROOM_PAUSE_US 20000

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
	int64_t newest_ms; /* of it and of those before it */
	bool passed_over;  /* its partition could not be cleaned */
};

struct candidates {
	struct candidate *list;
	size_t count;
	char **names; /* of topics */
	uint8_t (*ids)[KLOG_TOPIC_ID];
};

static int
add_candidate(struct candidates *all, const struct candidate *one)
{
	void *grown = klog_grow(all->list, all->count, sizeof(all->list[0]));

	if (grown == NULL)
		return -1;
	all->list = grown;
	all->list[all->count++] = *one;
	return 0;
}

static int
add_partition(struct klog_cluster *cluster, struct klog_topic *t,
	int32_t partition, size_t topic, struct candidates *all,
	struct klog_err *err)
{
	struct candidate one = {
		.topic = topic, .partition = partition, .newest_ms = -1
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
		if (one.fact.newest_ms > one.newest_ms)
			one.newest_ms = one.fact.newest_ms;
		if (add_candidate(all, &one) == -1)
			r = klog_fail_memory(err);
	}
	free(facts);
	klog_reader_close(&reader);
	return r;
}

/* What is gone is no trouble. */
static void
tell(struct klog_cluster *cluster, const struct klog_err *err,
	struct klog_failures *failures)
{
	if (err->code != KLOG_ENOTFOUND && err->code != KLOG_EDELETED)
		klog_failures_add(failures, &cluster->say, err);
}

/* Of a topic that loses whole segments; one that is compacted keeps its keys. */
static void
add_topic(struct klog_cluster *cluster, size_t topic, struct candidates *all,
	struct klog_failures *failures)
{
	struct klog_topic t;
	struct klog_err err;
	int32_t i;

	if (klog_topic_open(&t, cluster, all->names[topic], false, &err) ==
		-1) {
		tell(cluster, &err, failures);
		return;
	}
	memcpy(all->ids[topic], t.config.id, KLOG_TOPIC_ID);
	for (i = 0; t.kind == KLOG_TOPIC &&
		t.config.settings.cleanup_policy & KLOG_CLEANUP_DELETE &&
		i < klog_topic_partitions(&t);
		i++)
		if (add_partition(cluster, &t, i, topic, all, &err) == -1)
			tell(cluster, &err, failures);
	klog_topic_close(&t);
}

static int
by_newest(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->newest_ms != y->newest_ms)
		return x->newest_ms < y->newest_ms ? -1 : 1;
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

static void
pass_over(struct candidates *all, const struct candidate *like)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		if (all->list[i].topic == like->topic &&
			all->list[i].partition == like->partition)
			all->list[i].passed_over = true;
}

/* Some file systems count what was removed a little later. */
static int
wait_for_room(struct klog_cluster *cluster, int64_t least, int64_t *have,
	struct klog_err *err)
{
	int64_t whole;
	int tries;

	for (tries = 0; *have < least && tries < ROOM_TRIES; tries++) {
		usleep(ROOM_PAUSE_US);
		if (klog_floor_disk(cluster, have, &whole, err) == -1)
			return -1;
	}
	return 0;
}

/* Removes candidates until as much is free: 1, 0, -1. */
static int
remove_oldest(struct klog_cluster *cluster, struct candidates *all,
	int64_t least, int64_t *freed, struct klog_failures *failures,
	struct klog_err *err)
{
	struct klog_clean_report report = { .count = 0 };
	int64_t have = 0, before, whole;
	struct klog_err why;
	size_t i;
	int r = klog_floor_disk(cluster, &have, &whole, err);

	before = have;
	for (i = 0; r == 0 && i < all->count && have < least; i++) {
		const struct candidate *one = &all->list[i];

		if (one->passed_over)
			continue;
		if (klog_dir_remove_before(cluster, all->names[one->topic],
			    all->ids[one->topic], one->partition,
			    one->fact.next, &report, &why) == -1) {
			tell(cluster, &why, failures);
			pass_over(all, one);
		}
		r = klog_floor_disk(cluster, &have, &whole, err);
		if (r == 0 && before + report.removed_bytes >= least)
			r = wait_for_room(cluster, least, &have, err);
	}
	*freed = report.removed_bytes;
	return r == -1 ? -1 : have >= least;
}

static int
plan_oldest(struct klog_cluster *cluster, const struct candidates *all,
	int64_t least, struct klog_clean_report *report, int64_t *freed,
	struct klog_err *err)
{
	int64_t have = 0, whole;
	size_t i;
	int r = klog_floor_disk(cluster, &have, &whole, err);

	have += planned_bytes(report);
	for (i = 0; r == 0 && i < all->count && have + *freed < least; i++)
		r = plan_candidate(all->names[all->list[i].topic],
			&all->list[i], report, freed, err);
	return r == -1 ? -1 : have + *freed >= least;
}

int
klog_floor_keep(struct klog_cluster *cluster, int64_t least, bool dry_run,
	struct klog_clean_report *report, int64_t *freed, struct klog_err *err)
{
	struct klog_failures failures = { .any = false };
	struct candidates all = { NULL, 0, NULL, NULL };
	size_t i, count;
	int r;

	*freed = 0;
	if (klog_cluster_topics(cluster, &all.names, &count, err) == -1)
		return -1;
	all.ids = calloc(count + 1, sizeof(all.ids[0]));
	if (all.ids == NULL) {
		free(all.names);
		return klog_fail_memory(err);
	}
	for (i = 0; i < count; i++)
		add_topic(cluster, i, &all, &failures);
	if (all.count > 1)
		qsort(all.list, all.count, sizeof(all.list[0]), by_newest);
	r = dry_run
		? plan_oldest(cluster, &all, least, report, freed, err)
		: remove_oldest(cluster, &all, least, freed, &failures, err);
	free(all.list);
	free(all.ids);
	free(all.names);
	return r == -1 || klog_failures_end(&failures, err) == -1 ? -1 : r;
}
