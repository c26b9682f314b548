#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libklog/err.h"
#include "libklog/time.h"
#include "metrics.h"
#include "replace.h"

/* What is kept of a partition from one metric to the next. */
struct sample {
	size_t topic; /* in offsets.topics */
	int32_t partition;
	int64_t values[4]; /* of the first four metrics; -1: not known */
};

struct samples {
	struct sample *list;
	size_t count;
};

struct metric {
	const char *name;
	const char *help;
	bool seconds; /* the value is in ms */
};

static const struct metric log_metrics[] = {
	{ "klog_log_start_offset", "First offset that is still there.", false },
	{ "klog_log_end_offset", "Offset of the record that comes next.",
		false },
	{ "klog_log_bytes", "Size of the .log files.", false },
	{ "klog_last_append_age_seconds",
		"Time since the newest timestamp of a record.", true },
};

enum { GROUP_OFFSET, GROUP_LAG, GROUP_LAG_SECONDS };

static const struct metric group_metrics[] = {
	{ "klog_group_offset", "Offset that the group has committed.", false },
	{ "klog_group_lag",
		"Records from the committed offset, or the start, to the end.",
		false },
	{ "klog_group_lag_seconds",
		"How long the oldest record not yet consumed has waited.",
		true },
};

/* ---- the format ---- */

static void
print_head(FILE *out, const struct metric *m)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", m->name, m->help,
		m->name);
}

/* A label's value; a path may hold anything. */
static void
print_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*value == '"' || *value == '\\')
			putc('\\', out);
		putc(*value, out);
	}
	fputs("\",", out);
}

static void
print_sample(FILE *out, const struct metric *m, const char *group,
	const char *topic, int32_t partition, int64_t value)
{
	if (value < 0)
		return;
	fprintf(out, "%s{", m->name);
	if (group != NULL)
		print_label(out, "group", group);
	print_label(out, "topic", topic);
	fprintf(out, "partition=\"%" PRId32 "\"} ", partition);
	if (m->seconds)
		fprintf(out, "%" PRId64 ".%03d\n", value / 1000,
			(int)(value % 1000));
	else
		fprintf(out, "%" PRId64 "\n", value);
}

/* ---- of logs ---- */

static int
keep(struct samples *all, size_t topic, const struct klog_partition_info *info,
	int64_t now_ms, struct klog_err *err)
{
	struct sample *grown, *s;

	grown = klog_grow(all->list, all->count, sizeof(*grown));
	if (grown == NULL)
		return klog_fail_memory(err);
	all->list = grown;
	s = &all->list[all->count++];
	s->topic = topic;
	s->partition = info->partition;
	s->values[0] = info->start;
	s->values[1] = info->end;
	s->values[2] = info->bytes;
	s->values[3] = info->newest_ms == -1 ? -1
		: now_ms > info->newest_ms   ? now_ms - info->newest_ms
					     : 0;
	return 0;
}

static int
gather(const struct offsets *o, size_t topic, struct samples *all)
{
	struct klog_partition_info *list;
	struct klog_err err;
	size_t i, count;
	int r = 0;

	if (klog_topic_describe(
		    o->klog, o->topics[topic].name, &list, &count, &err) == -1)
		return cli_fail_topic(o->cli, o->topics[topic].name, &err);
	for (i = 0; r == 0 && i < count; i++)
		if (offsets_wants(&o->topics[topic], list[i].partition))
			r = keep(all, topic, &list[i], klog_now_ms(), &err);
	free(list);
	if (r == 0)
		r = offsets_check(&o->topics[topic], count, &err);
	return r == 0 ? 0 : cli_fail(o->cli, &err);
}

/* failed[i]: of topic i it is said that it cannot be read. */
static int
print_logs(const struct offsets *o, FILE *out, bool *failed)
{
	struct samples all = { NULL, 0 };
	size_t i, k;
	int status = 0;

	for (i = 0; i < o->count; i++) {
		int one = gather(o, i, &all);

		failed[i] = one != 0;
		status = cli_worse(status, one);
	}
	for (k = 0; k < CLI_COUNT(log_metrics); k++) {
		print_head(out, &log_metrics[k]);
		for (i = 0; i < all.count; i++)
			print_sample(out, &log_metrics[k], NULL,
				o->topics[all.list[i].topic].name,
				all.list[i].partition, all.list[i].values[k]);
	}
	free(all.list);
	return status;
}

/* ---- of groups ---- */

static int64_t
value_of(const struct klog_group_partition *p, size_t metric)
{
	switch (metric) {
	case GROUP_OFFSET:
		return p->committed;
	case GROUP_LAG:
		return p->lag;
	default:
		return p->lag_ms;
	}
}

/* One metric of the groups in a topic; what is wrong is said with the first. */
static int
print_groups(const struct offsets *o, const struct offsets_topic *topic,
	size_t metric, FILE *out, size_t *found)
{
	struct klog_group_info info;
	struct klog_groups *groups;
	struct klog_err err;
	int status = 0, r;
	size_t i;

	groups = klog_groups_open(o->klog, topic->name, o->group,
		metric == GROUP_LAG_SECONDS, &err);
	if (groups == NULL)
		return metric == 0 ? cli_fail_topic(o->cli, topic->name, &err)
				   : 0;
	while ((r = klog_groups_next(groups, &info, &err)) != 0) {
		(*found)++;
		if (r == -1) {
			if (metric == 0)
				status = cli_worse(
					status, cli_fail(o->cli, &err));
			continue;
		}
		if (metric == 0)
			status = cli_worse(
				status, offsets_judge(o, topic, &info));
		for (i = 0; i < info.count; i++)
			if (offsets_wants(topic, info.partitions[i].partition))
				print_sample(out, &group_metrics[metric],
					info.group, topic->name,
					info.partitions[i].partition,
					value_of(&info.partitions[i], metric));
	}
	klog_groups_close(groups);
	return status;
}

/* The samples of a metric stand together, so the groups are walked once for
 * each: a thousand groups are not kept. */
static int
print_all(const struct offsets *o, FILE *out)
{
	bool *failed = calloc(o->count + 1, sizeof(*failed));
	size_t i, k, found = 0;
	struct klog_err err;
	int status;

	if (failed == NULL) {
		klog_fail_memory(&err);
		return cli_fail(o->cli, &err);
	}
	status = print_logs(o, out, failed);
	for (k = 0; k < CLI_COUNT(group_metrics); k++) {
		print_head(out, &group_metrics[k]);
		for (i = 0; i < o->count; i++)
			if (!failed[i])
				status = cli_worse(status,
					print_groups(o, &o->topics[i], k, out,
						&found));
	}
	free(failed);
	if (o->group != NULL && found == 0)
		status = cli_worse(status, offsets_no_group(o, NULL));
	return status;
}

int
metrics_run(const struct offsets *o, const char *output)
{
	struct replace file;
	struct klog_err err;
	int status;

	if (output == NULL)
		return print_all(o, stdout);
	if (replace_begin(&file, output, &err) == -1)
		return cli_fail(o->cli, &err);
	status = print_all(o, file.out);
	return replace_end(&file, &err) == 0
		? status
		: cli_worse(status, cli_fail(o->cli, &err));
}
