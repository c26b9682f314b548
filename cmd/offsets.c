#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libklog/err.h"
#include "offsets.h"
#include "place.h"

/* ---- which topics ---- */

static int
add_topic(struct offsets *o, char *name, struct klog_err *err)
{
	struct offsets_topic *grown;

	grown = realloc(o->topics, (o->count + 1) * sizeof(*grown));
	if (grown == NULL || name == NULL) {
		free(name);
		return klog_fail_memory(err);
	}
	o->topics = grown;
	memset(&grown[o->count], 0, sizeof(*grown));
	grown[o->count++].name = name;
	return 0;
}

int
offsets_add(struct offsets *o, const char *operand, struct klog_err *err)
{
	struct args_topic topic;
	size_t i;

	if (args_topic(operand, &topic, err) == -1)
		return -1;
	o->given = true;
	for (i = 0; i < o->count; i++)
		if (strcmp(o->topics[i].name, topic.name) == 0)
			break;
	if (i == o->count) {
		if (add_topic(o, topic.name, err) == -1)
			return -1;
	} else {
		free(topic.name);
		if (topic.partition == -1 || o->topics[i].partitions.count == 0)
			return klog_fail(err, KLOG_EUSAGE, "%s is said twice",
				o->topics[i].name);
	}
	return topic.partition == -1
		? 0
		: args_list_add(&o->topics[i].partitions, topic.partition, err);
}

int
offsets_add_all(struct offsets *o, struct klog_err *err)
{
	struct klog_topic_info *list;
	size_t i, count;
	int r = 0;

	if (klog_topics(o->klog, &list, &count, err) == -1)
		return -1;
	for (i = 0; r == 0 && i < count; i++)
		r = add_topic(o, strdup(list[i].name), err);
	free(list);
	return r;
}

void
offsets_free(struct offsets *o)
{
	size_t i;

	for (i = 0; i < o->count; i++) {
		free(o->topics[i].name);
		free(o->topics[i].partitions.numbers);
	}
	free(o->topics);
}

/* ---- which partitions ---- */

bool
offsets_wants(const struct offsets_topic *topic, int32_t partition)
{
	size_t i;

	for (i = 0; i < topic->partitions.count; i++)
		if (topic->partitions.numbers[i] == partition)
			return true;
	return topic->partitions.count == 0;
}

int
offsets_check(const struct offsets_topic *topic, size_t partitions,
	struct klog_err *err)
{
	size_t n = topic->partitions.count;

	if (n == 0 || (size_t)topic->partitions.numbers[n - 1] < partitions)
		return 0;
	return klog_fail(err, KLOG_ENOTFOUND,
		"topic %s: no partition %" PRId32 ", it has %zu", topic->name,
		topic->partitions.numbers[n - 1], partitions);
}

/* ---- groups ---- */

int64_t
offsets_lag(
	const struct offsets_topic *topic, const struct klog_group_info *info)
{
	int64_t lag = 0;
	size_t i;

	for (i = 0; i < info->count; i++) {
		if (!offsets_wants(topic, info->partitions[i].partition))
			continue;
		if (info->partitions[i].lag == -1)
			return -1;
		lag += info->partitions[i].lag;
	}
	return lag;
}

void
offsets_damage(const struct offsets_topic *topic, const char *group,
	int32_t partition, struct klog_err *err)
{
	char one[16] = "";

	/* which a path cannot say */
	if (strchr(topic->name, '/') == NULL)
		snprintf(one, sizeof(one), ":%" PRId32, partition);
	klog_fail(err, KLOG_ECORRUPT,
		"group %s: %s/groups/%s/%" PRId32
		": damaged: no committed offset in it is whole; set it with "
		"klog-offsets -g %s --reset OFFSET %s%s",
		group, topic->name, group, partition, group, topic->name, one);
}

static void
note(const struct offsets *o, const struct offsets_topic *topic,
	const char *group, const struct klog_group_partition *p)
{
	if (p->torn)
		cli_note(o->cli,
			"group %s: %s/%" PRId32
			": a commit was torn; the one before it counts",
			group, topic->name, p->partition);
	if (p->committed > p->end)
		cli_note(o->cli,
			"group %s: %s/%" PRId32 ": committed is %" PRId64
			", which is past the end, %" PRId64,
			group, topic->name, p->partition, p->committed, p->end);
	if (p->committed != -1 && p->committed < p->start)
		cli_note(o->cli,
			"group %s: %s/%" PRId32 ": committed is %" PRId64
			", which is before the start, %" PRId64,
			group, topic->name, p->partition, p->committed,
			p->start);
}

int
offsets_judge(const struct offsets *o, const struct offsets_topic *topic,
	const struct klog_group_info *info)
{
	struct klog_err err;
	int status = 0;
	size_t i;

	for (i = 0; i < info->count; i++) {
		const struct klog_group_partition *p = &info->partitions[i];

		if (!offsets_wants(topic, p->partition))
			continue;
		if (p->damaged) {
			offsets_damage(topic, info->group, p->partition, &err);
			status = cli_fail(o->cli, &err);
		} else {
			note(o, topic, info->group, p);
		}
	}
	return status;
}

int
offsets_no_group(const struct offsets *o, const char *topic)
{
	char place[PLACE_SIZE] = "?";
	struct klog_err err;

	(void)place_cluster(o->cli->cluster, place, &err);
	if (topic != NULL)
		klog_fail(&err, KLOG_ENOTFOUND,
			"topic %s has no group %s; klog-offsets --groups "
			"lists those that there are",
			topic, o->group);
	else
		klog_fail(&err, KLOG_ENOTFOUND,
			"no group %s in cluster %s; klog-offsets --groups "
			"lists those that there are",
			o->group, place);
	return cli_fail(o->cli, &err);
}
