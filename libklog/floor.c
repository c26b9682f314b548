#include <stdlib.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "clean.h"
#include "facts.h"
#include "floor.h"
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
klog_floor_keep(struct klog_cluster *cluster, int64_t least, bool dry_run,
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
		r = klog_floor_disk(cluster, &have, &whole, err);
	for (i = 0; r == 0 && i < all.count && have < least; i++) {
		struct candidate *one = &all.list[i];

		*freed += one->fact.bytes;
		if (dry_run)
			have += one->fact.bytes;
		else if ((r = remove_candidate(
				  cluster, names[one->topic], one, err)) == 0)
			r = klog_floor_disk(cluster, &have, &whole, err);
	}
	free(all.list);
	free(names);
	return r == -1 ? -1 : have >= least;
}
