/* What klog-inspect lists: topics, partitions, settings. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "libklog/err.h"
#include "libklog/time.h"

static const char *const topic_heads[] = { "TOPIC", "PARTITIONS", "RECORDS",
	"BYTES" };
static const char *const partition_heads[] = { "TOPIC", "PARTITION", "LEADER",
	"REPLICAS", "ISR", "START", "END", "BYTES", "OLDEST", "NEWEST" };
static const char *const setting_heads[] = { "TOPIC", "SETTING", "VALUE" };

int
inspect_print(const struct inspect *in, struct table *table)
{
	struct klog_err err;
	int status = 0;

	if (table_print(table) == -1) {
		klog_fail_memory(&err);
		status = cli_fail(in->cli, &err);
	}
	table_free(table);
	return status;
}

void
inspect_add_words(struct table *table, const char *text)
{
	char words[512];
	size_t i;

	if (table->json) {
		table_text(table, text);
		return;
	}
	for (i = 0; text[i] != '\0' && i + 1 < sizeof(words); i++)
		words[i] = text[i] == ' ' ? '_' : text[i];
	words[i] = '\0';
	table_text(table, words);
}

/* A topic that cannot be read hides no other. */
static int
say_why(const struct inspect *in, const char *topic)
{
	struct klog_partition_info *list;
	struct klog_err err;
	size_t count;

	if (klog_topic_describe(in->klog, topic, &list, &count, &err) == -1)
		return cli_fail(in->cli, &err);
	free(list);
	return 1; /* it can by now */
}

int
inspect_topics(struct inspect *in)
{
	struct klog_topic_info *list;
	struct klog_err err;
	struct table table;
	size_t i, count;
	int status = 0;

	if (klog_topics(in->klog, &list, &count, &err) == -1)
		return cli_fail(in->cli, &err);
	table_init(&table, topic_heads, CLI_COUNT(topic_heads), in->json);
	for (i = 0; i < count; i++) {
		if (list[i].partitions == -1) {
			status = cli_worse(status, say_why(in, list[i].name));
			continue;
		}
		table_text(&table, list[i].name);
		table_number(&table, list[i].partitions);
		table_number(&table, list[i].records);
		table_number(&table, list[i].bytes);
	}
	free(list);
	return cli_worse(status, inspect_print(in, &table));
}

/* Broker ids; "-" where the files do not say. */
static void
add_ids(struct table *table, const char *ids)
{
	if (strcmp(ids, "-") == 0)
		table_none(table);
	else
		table_list(table, ids);
}

/* A time: for people local, to the second; in JSON as milliseconds. */
static void
add_time(struct table *table, int64_t ms)
{
	enum { SECOND = 19 };
	char text[KLOG_TIME_TEXT];

	klog_time_text(ms, text);
	if (strlen(text) > SECOND)
		text[SECOND] = '\0';
	if (ms < 0)
		table_none(table);
	else if (table->json)
		table_number(table, ms);
	else
		table_text(table, text);
}

static void
add_partition(struct table *table, const char *topic,
	const struct klog_partition_info *info)
{
	table_text(table, topic);
	table_number(table, info->partition);
	if (info->leader == -1)
		table_none(table);
	else
		table_number(table, info->leader);
	add_ids(table, info->replicas);
	add_ids(table, info->isr);
	table_number(table, info->start);
	table_number(table, info->end);
	table_number(table, info->bytes);
	add_time(table, info->oldest_ms);
	add_time(table, info->newest_ms);
}

static int
add_partitions(const struct inspect *in, const struct args_topic *topic,
	struct table *table)
{
	struct klog_partition_info *list;
	size_t i, count, found = 0;
	struct klog_err err;

	if (klog_topic_describe(in->klog, topic->name, &list, &count, &err) ==
		-1)
		return cli_fail_topic(in->cli, topic->name, &err);
	for (i = 0; i < count; i++) {
		if (topic->partition != -1 &&
			topic->partition != list[i].partition)
			continue;
		add_partition(table, topic->name, &list[i]);
		found++;
	}
	free(list);
	if (found > 0 || topic->partition == -1)
		return 0;
	klog_fail(&err, KLOG_ENOTFOUND,
		"topic %s: no partition %" PRId32 ", it has %zu", topic->name,
		topic->partition, count);
	return cli_fail(in->cli, &err);
}

static int
add_settings(const struct inspect *in, const char *topic, struct table *table)
{
	struct klog_setting *list;
	struct klog_err err;
	size_t i, count;

	if (klog_topic_settings(in->klog, topic, &list, &count, &err) == -1)
		return cli_fail(in->cli, &err);
	for (i = 0; i < count; i++) {
		table_text(table, topic);
		table_text(table, list[i].key);
		table_text(table, list[i].value);
	}
	free(list);
	return 0;
}

int
inspect_partitions(struct inspect *in)
{
	struct table partitions, settings;
	int status = 0, one;
	size_t i;

	table_init(&partitions, partition_heads, CLI_COUNT(partition_heads),
		in->json);
	table_init(
		&settings, setting_heads, CLI_COUNT(setting_heads), in->json);
	for (i = 0; i < in->count; i++) {
		one = add_partitions(in, &in->topics[i], &partitions);
		if (one == 0)
			one = add_settings(in, in->topics[i].name, &settings);
		status = cli_worse(status, one);
	}
	if (partitions.count > 0)
		status = cli_worse(status, inspect_print(in, &partitions));
	if (settings.count > 0) {
		if (!in->json)
			putchar('\n');
		status = cli_worse(status, inspect_print(in, &settings));
	}
	table_free(&partitions);
	table_free(&settings);
	return status;
}
