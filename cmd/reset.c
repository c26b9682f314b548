#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libklog/err.h"
#include "libklog/names.h"
#include "libklog/time.h"
#include "plan.h"
#include "reset.h"
#include "table.h"

static const char *const heads[] = { "GROUP", "TOPIC", "PARTITION", "FROM",
	"TO" };

/* ---- where to ---- */

int
reset_parse(const char *text, struct reset *reset, struct klog_err *err)
{
	reset->kind = RESET_TO;
	reset->at.where = KLOG_AT_UNSET;
	return strcmp(text, "current") == 0 || strcmp(text, "stored") == 0
		? 0
		: args_offset(text, klog_now_ms(), &reset->at, err);
}

int
reset_parse_shift(const char *text, struct reset *reset, struct klog_err *err)
{
	int64_t n = klog_number(
		text + (*text == '+' || *text == '-'), INT64_MAX);

	if (n == -1)
		return klog_fail(err, KLOG_EUSAGE,
			"%s: not a number of records: +N or -N", text);
	reset->kind = RESET_SHIFT;
	reset->at.value = *text == '-' ? -n : n;
	return 0;
}

static enum klog_group_to
how_of(const struct reset *reset)
{
	switch (reset->kind) {
	case RESET_SHIFT:
		return KLOG_TO_SHIFT;
	case RESET_DELETE:
		return KLOG_TO_NONE;
	default:
		return reset->at.where == KLOG_AT_UNSET ? KLOG_TO_STORED
							: KLOG_TO_PLACE;
	}
}

/* ---- which partitions ---- */

/* The changes of this run; topics are borrowed. */
struct changes {
	struct klog_group_change *list;
	size_t count;
};

static int
add(struct changes *all, const struct reset *reset,
	const struct offsets_topic *topic, int32_t partition,
	struct klog_err *err)
{
	struct klog_group_change *grown, *c;

	if (!offsets_wants(topic, partition))
		return 0;
	grown = klog_grow(all->list, all->count, sizeof(*grown));
	if (grown == NULL)
		return klog_fail_memory(err);
	all->list = grown;
	c = &all->list[all->count++];
	memset(c, 0, sizeof(*c));
	c->topic = topic->name;
	c->partition = partition;
	c->how = how_of(reset);
	c->at = reset->at;
	return 0;
}

/* Of a topic in which the group is: 1, 0 it is not, -1. */
static int
add_known(const struct offsets *o, const struct reset *reset,
	const struct offsets_topic *topic, struct changes *all,
	struct klog_err *err)
{
	struct klog_group_info info;
	struct klog_groups *groups;
	size_t i;
	int r;

	groups = klog_groups_open(o->klog, topic->name, o->group, false, err);
	if (groups == NULL)
		return -1;
	r = klog_groups_next(groups, &info, err);
	if (r == 1 && offsets_check(topic, info.count, err) == -1)
		r = -1;
	for (i = 0; r == 1 && i < info.count; i++)
		if (add(all, reset, topic, info.partitions[i].partition, err) ==
			-1)
			r = -1;
	klog_groups_close(groups);
	return r;
}

/* Of a topic that the group has not read yet. */
static int
add_new(const struct offsets *o, const struct reset *reset,
	const struct offsets_topic *topic, struct changes *all,
	struct klog_err *err)
{
	struct klog_partition_info *list;
	size_t i, count;
	int r = 0;

	if (klog_topic_describe(o->klog, topic->name, &list, &count, err) == -1)
		return -1;
	for (i = 0; r == 0 && i < count; i++)
		r = add(all, reset, topic, list[i].partition, err);
	free(list);
	return r == 0 ? offsets_check(topic, count, err) : -1;
}

static int
gather(const struct offsets *o, const struct reset *reset, struct changes *all)
{
	struct klog_err err;
	size_t i;
	int r;

	for (i = 0; i < o->count; i++) {
		const struct offsets_topic *topic = &o->topics[i];

		r = add_known(o, reset, topic, all, &err);
		if (r == 0 && o->given && how_of(reset) == KLOG_TO_PLACE)
			r = add_new(o, reset, topic, all, &err);
		else if (r == 0 && o->given)
			return offsets_no_group(o, topic->name);
		if (r == -1)
			return cli_fail_topic(o->cli, topic->name, &err);
	}
	return all->count == 0 ? offsets_no_group(o, NULL) : 0;
}

/* ---- what came of it ---- */

/* Where there was no commit, and is none, nothing happened. */
static int
print(const struct offsets *o, const struct reset *reset,
	const struct klog_group_change *list, size_t count)
{
	bool csv = reset->dry_run && !reset->json;
	struct table table;
	struct klog_err err;
	int r = 0;
	size_t i;

	table_init(&table, heads, CLI_COUNT(heads), reset->json);
	for (i = 0; i < count; i++) {
		if (list[i].from == -1 && list[i].to == -1)
			continue;
		if (csv) {
			plan_print(&list[i]);
			continue;
		}
		table_text(&table, o->group);
		table_text(&table, list[i].topic);
		table_number(&table, list[i].partition);
		table_known(&table, list[i].from);
		table_known(&table, list[i].to);
	}
	if (!csv)
		r = table_print(&table);
	table_free(&table);
	if (r == 0)
		return 0;
	klog_fail_memory(&err);
	return cli_fail(o->cli, &err);
}

/* ---- the ways ---- */

static int
run_to(const struct offsets *o, const struct reset *reset)
{
	struct changes all = { NULL, 0 };
	struct klog_err err;
	int status = gather(o, reset, &all);

	if (status == 0 &&
		klog_group_reset(o->klog, o->group, all.list, all.count,
			reset->dry_run, NULL, &err) == -1)
		status = cli_fail(o->cli, &err);
	if (status == 0)
		status = print(o, reset, all.list, all.count);
	free(all.list);
	return status;
}

static int
set_plan(const struct offsets *o, const struct reset *reset, struct plan *plan,
	struct klog_err *err)
{
	size_t wrong;

	if (plan_read(plan, reset->file, o, err) == -1 ||
		plan_check(plan, reset->file, err) == -1)
		return -1;
	if (plan->count == 0)
		return klog_fail(err, KLOG_EINVALID,
			"%s: no line is about group %s%s", reset->file,
			o->group, o->given ? " and these topics" : "");
	if (klog_group_reset(o->klog, o->group, plan->list, plan->count,
		    reset->dry_run, &wrong, err) == 0)
		return 0;
	if (wrong < plan->count)
		klog_err_in(
			err, "%s: line %zu", reset->file, plan->lines[wrong]);
	return -1;
}

static int
run_plan(const struct offsets *o, const struct reset *reset)
{
	struct klog_err err;
	struct plan plan;
	int status;

	status = set_plan(o, reset, &plan, &err) == 0
		? print(o, reset, plan.list, plan.count)
		: cli_fail(o->cli, &err);
	if (status == 0 && plan.others > 0)
		cli_note(o->cli,
			"%s: lines of other groups or topics passed over: %zu",
			reset->file, plan.others);
	plan_free(&plan);
	return status;
}

static int
run_undo(const struct offsets *o, const struct reset *reset)
{
	struct klog_group_change *list = NULL;
	const char **topics = calloc(o->count + 1, sizeof(*topics));
	struct klog_err err;
	size_t i, count;
	int status;

	if (topics == NULL) {
		klog_fail_memory(&err);
		return cli_fail(o->cli, &err);
	}
	for (i = 0; i < o->count; i++)
		topics[i] = o->topics[i].name;
	status = klog_group_undo(o->klog, o->group, topics, o->count,
			 reset->dry_run, &list, &count, &err) == 0
		? print(o, reset, list, count)
		: cli_fail_topic(o->cli, topics[0], &err);
	free(list);
	free(topics);
	return status;
}

int
reset_run(const struct offsets *o, const struct reset *reset)
{
	struct rlimit was;
	size_t i;

	/* the offset files of a topic are locked together */
	(void)cli_more_files(&was);
	for (i = 0; reset->kind == RESET_UNDO && i < o->count; i++)
		if (o->topics[i].partitions.count > 0)
			cli_usage(o->cli,
				"--undo takes back an operation in whole "
				"topics, not in partition %d",
				o->topics[i].partitions.numbers[0]);
	switch (reset->kind) {
	case RESET_FROM_FILE:
		return run_plan(o, reset);
	case RESET_UNDO:
		return run_undo(o, reset);
	default:
		return run_to(o, reset);
	}
}
