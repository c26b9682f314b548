#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libklog/err.h"
#include "libklog/time.h"
#include "listing.h"
#include "table.h"

static const char *const log_heads[] = { "TOPIC", "PARTITION", "START", "END",
	"RECORDS", "BYTES" };
static const char *const at_heads[] = { "TOPIC", "PARTITION", "OFFSET", "TS" };
static const char *const group_heads[] = { "GROUP", "TOPIC", "MEMBERS", "LAG" };
static const char *const commit_heads[] = { "GROUP", "TOPIC", "PARTITION",
	"START", "END", "COMMITTED", "LAG", "LAG_MS", "OWNER", "SINCE",
	"STATE" };
static const char *const commit_keys[] = { "GROUP", "TOPIC", "PARTITION",
	"START", "END", "RECORDS", "BYTES", "COMMITTED", "LAG", "LAG_MS",
	"OWNER" };

/* ---- of logs ---- */

static int
list_log(const struct offsets *o, const struct offsets_topic *topic,
	struct table *table)
{
	struct klog_partition_info *list;
	struct klog_err err;
	size_t i, count;
	int found;

	if (klog_topic_describe(o->klog, topic->name, &list, &count, &err) ==
		-1)
		return cli_fail_topic(o->cli, topic->name, &err);
	for (i = 0; i < count; i++) {
		if (!offsets_wants(topic, list[i].partition))
			continue;
		table_text(table, topic->name);
		table_number(table, list[i].partition);
		table_number(table, list[i].start);
		table_number(table, list[i].end);
		table_number(table, list[i].end - list[i].start);
		table_number(table, list[i].bytes);
	}
	free(list);
	found = offsets_check(topic, count, &err);
	return found == 0 ? 0 : cli_fail(o->cli, &err);
}

/* ---- of a place ---- */

static int
list_at(const struct offsets *o, const struct offsets_topic *topic,
	struct klog_at at, struct table *table)
{
	struct klog_partition_info *list;
	struct klog_err err;
	int64_t offset, ms;
	size_t i, count;
	int status = 0;

	if (klog_topic_describe(o->klog, topic->name, &list, &count, &err) ==
		-1)
		return cli_fail_topic(o->cli, topic->name, &err);
	for (i = 0; i < count; i++) {
		if (!offsets_wants(topic, list[i].partition))
			continue;
		if (klog_offset_at(o->klog, topic->name, list[i].partition, at,
			    &offset, &ms, &err) == -1) {
			status = cli_worse(status, cli_fail(o->cli, &err));
			continue;
		}
		if (offset < list[i].start)
			offset = list[i].start;
		if (ms == -1 && offset > list[i].end)
			offset = list[i].end;
		table_text(table, topic->name);
		table_number(table, list[i].partition);
		table_number(table, offset);
		table_known(table, ms);
	}
	free(list);
	return offsets_check(topic, count, &err) == 0
		? status
		: cli_worse(status, cli_fail(o->cli, &err));
}

/* ---- of a group ---- */

static void
add_owner_value(struct table *table, const struct klog_owner *owner)
{
	char text[512];

	/* the library lets no character through that JSON would escape */
	snprintf(text, sizeof(text),
		"{\"member\":\"%s\",\"pid\":%" PRId32
		",\"host\":\"%s\",\"since\":%" PRId64 ",\"state\":\"%s\"}",
		owner->member, owner->pid, owner->host, owner->since_ms,
		owner->stopped ? "stopped" : "live");
	table_value(table, text);
}

static void
add_owner(struct table *table, const struct klog_owner *owner)
{
	char text[KLOG_TIME_TEXT + 128];

	snprintf(text, sizeof(text), "%" PRId32 "@%s", owner->pid, owner->host);
	table_text(table, text);
	klog_time_text(owner->since_ms, text);
	table_text(table, text);
	table_text(table, owner->stopped ? "stopped" : "live");
}

static void
add_commit(struct table *table, const char *group, const char *topic,
	const struct klog_group_partition *p)
{
	table_text(table, group);
	table_text(table, topic);
	table_number(table, p->partition);
	table_number(table, p->start);
	table_number(table, p->end);
	if (table->json) {
		table_number(table, p->end - p->start);
		table_number(table, p->bytes);
	}
	table_known(table, p->committed);
	table_known(table, p->lag);
	table_known(table, p->lag_ms);
	if (table->json && p->owned) {
		add_owner_value(table, &p->owner);
	} else if (p->owned) {
		add_owner(table, &p->owner);
	} else {
		table_none(table);
		if (!table->json) {
			table_none(table);
			table_none(table);
		}
	}
}

/* Adds the rows of one group, or of all, in a topic; *found counts them. */
static int
list_groups(const struct offsets *o, const struct offsets_topic *topic,
	struct table *table, size_t *found)
{
	struct klog_group_info info;
	struct klog_groups *groups;
	struct klog_err err;
	int status = 0, r;
	size_t i;

	groups = klog_groups_open(
		o->klog, topic->name, o->group, o->group != NULL, &err);
	if (groups == NULL)
		return cli_fail_topic(o->cli, topic->name, &err);
	while ((r = klog_groups_next(groups, &info, &err)) != 0) {
		(*found)++;
		if (r == -1 || offsets_check(topic, info.count, &err) == -1) {
			status = cli_worse(status, cli_fail(o->cli, &err));
			continue;
		}
		status = cli_worse(status, offsets_judge(o, topic, &info));
		if (o->group == NULL) {
			table_text(table, info.group);
			table_text(table, topic->name);
			table_number(table, (int64_t)info.members);
			table_known(table, offsets_lag(topic, &info));
			continue;
		}
		for (i = 0; i < info.count; i++)
			if (offsets_wants(topic, info.partitions[i].partition))
				add_commit(table, info.group, topic->name,
					&info.partitions[i]);
	}
	klog_groups_close(groups);
	return status;
}

static int
list_group(const struct offsets *o, const struct offsets_topic *topic,
	struct table *table, size_t *found)
{
	size_t here = 0;
	int status = list_groups(o, topic, table, &here);

	*found += here;
	return here == 0 && status == 0 && o->given
		? offsets_no_group(o, topic->name)
		: status;
}

/* ---- all of them ---- */

static void
begin_table(enum listing what, bool json, struct table *table)
{
	switch (what) {
	case LISTING_LOGS:
		table_init(table, log_heads, CLI_COUNT(log_heads), json);
		break;
	case LISTING_PLACES:
		table_init(table, at_heads, CLI_COUNT(at_heads), json);
		break;
	case LISTING_GROUPS:
		table_init(table, group_heads, CLI_COUNT(group_heads), json);
		break;
	case LISTING_COMMITS:
		if (json)
			table_init(table, commit_keys, CLI_COUNT(commit_keys),
				true);
		else
			table_init(table, commit_heads, CLI_COUNT(commit_heads),
				false);
		break;
	}
}

static int
list_topic(const struct offsets *o, const struct offsets_topic *topic,
	enum listing what, struct klog_at at, struct table *table,
	size_t *found)
{
	switch (what) {
	case LISTING_LOGS:
		return list_log(o, topic, table);
	case LISTING_PLACES:
		return list_at(o, topic, at, table);
	case LISTING_GROUPS:
		return list_groups(o, topic, table, found);
	default:
		return list_group(o, topic, table, found);
	}
}

int
listing_run(const struct offsets *o, enum listing what, struct klog_at at,
	bool json)
{
	struct table table;
	struct klog_err err;
	size_t i, found = 0;
	int status = 0;

	begin_table(what, json, &table);
	for (i = 0; i < o->count; i++)
		status = cli_worse(status,
			list_topic(o, &o->topics[i], what, at, &table, &found));
	if (what == LISTING_COMMITS && !o->given && found == 0 && status == 0)
		status = offsets_no_group(o, NULL);
	else if ((table.count > 0 || status == 0) &&
		table_print(&table) == -1) {
		klog_fail_memory(&err);
		status = cli_worse(status, cli_fail(o->cli, &err));
	}
	table_free(&table);
	return status;
}
