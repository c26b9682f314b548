/* Shows what is there: topics, partitions, settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "libklog/err.h"
#include "table.h"

static const struct cli_opt opts[] = {
	{ 'J', "json", NULL, "print a JSON object a line", 0 },
	{ 0 },
};

static const char *const topic_heads[] = { "TOPIC", "PARTITIONS", "RECORDS",
	"BYTES" };
static const char *const partition_heads[] = { "TOPIC", "PARTITION", "LEADER",
	"REPLICAS", "ISR", "START", "END", "BYTES" };
static const char *const setting_heads[] = { "TOPIC", "SETTING", "VALUE" };

static int
print(const struct cli *cli, struct table *table)
{
	struct klog_err err;
	int status = 0;

	if (table_print(table) == -1) {
		klog_fail_memory(&err);
		status = cli_fail(cli, &err);
	}
	table_free(table);
	return status;
}

/* A topic that cannot be read hides no other. */
static int
say_why(const struct cli *cli, struct klog *klog, const char *topic)
{
	struct klog_partition_info *list;
	struct klog_err err;
	size_t count;

	if (klog_topic_describe(klog, topic, &list, &count, &err) == -1)
		return cli_fail(cli, &err);
	free(list);
	return 1; /* it can by now */
}

static int
list_topics(const struct cli *cli, struct klog *klog)
{
	struct klog_topic_info *list;
	struct klog_err err;
	struct table table;
	size_t i, count;
	int status = 0, one;

	if (klog_topics(klog, &list, &count, &err) == -1)
		return cli_fail(cli, &err);
	table_init(&table, topic_heads, CLI_COUNT(topic_heads),
		cli_given(cli, 'J'));
	for (i = 0; i < count; i++) {
		if (list[i].partitions == -1) {
			one = say_why(cli, klog, list[i].name);
			status = one > status ? one : status;
			continue;
		}
		table_text(&table, list[i].name);
		table_number(&table, list[i].partitions);
		table_number(&table, list[i].records);
		table_number(&table, list[i].bytes);
	}
	free(list);
	one = print(cli, &table);
	return one > status ? one : status;
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
}

static int
add_partitions(const struct cli *cli, struct klog *klog,
	const struct args_topic *topic, struct table *table)
{
	struct klog_partition_info *list;
	size_t i, count, found = 0;
	struct klog_err err;

	if (klog_topic_describe(klog, topic->name, &list, &count, &err) == -1)
		return cli_fail_topic(cli, topic->name, &err);
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
	klog_fail(&err, KLOG_ENOTFOUND, "topic %s has no partition %d",
		topic->name, topic->partition);
	return cli_fail(cli, &err);
}

static int
add_settings(const struct cli *cli, struct klog *klog, const char *topic,
	struct table *table)
{
	struct klog_setting *list;
	struct klog_err err;
	size_t i, count;

	if (klog_topic_settings(klog, topic, &list, &count, &err) == -1)
		return cli_fail(cli, &err);
	for (i = 0; i < count; i++) {
		table_text(table, topic);
		table_text(table, list[i].key);
		table_text(table, list[i].value);
	}
	free(list);
	return 0;
}

static int
show(struct cli *cli, struct klog *klog, const struct args_topic *topics,
	size_t count)
{
	bool json = cli_given(cli, 'J');
	struct table partitions, settings;
	int status = 0, one;
	size_t i;

	table_init(
		&partitions, partition_heads, CLI_COUNT(partition_heads), json);
	table_init(&settings, setting_heads, CLI_COUNT(setting_heads), json);
	for (i = 0; i < count; i++) {
		one = add_partitions(cli, klog, &topics[i], &partitions);
		if (one == 0)
			one = add_settings(
				cli, klog, topics[i].name, &settings);
		status = one > status ? one : status;
	}
	if (partitions.count > 0) {
		one = print(cli, &partitions);
		status = one > status ? one : status;
	}
	if (settings.count > 0) {
		if (!json)
			putchar('\n');
		one = print(cli, &settings);
		status = one > status ? one : status;
	}
	return status;
}

static int
inspect(struct cli *cli, const struct args_topic *topics, size_t count)
{
	int status = 0;
	bool paths_only = count > 0;
	struct klog *klog;
	size_t i;

	for (i = 0; i < count; i++)
		paths_only &= strchr(topics[i].name, '/') != NULL;
	klog = cli_open(cli, topics[0].name, paths_only, &status);
	if (klog == NULL)
		return status;
	status = count == 0 ? list_topics(cli, klog)
			    : show(cli, klog, topics, count);
	klog_close(klog);
	return status;
}

int
main(int argc, char **argv)
{
	struct cli cli = {
		.tool = "klog-inspect",
		.operands = "[TOPIC|PATH...]",
		.text = "Lists the topics of a cluster, or a topic's "
			"partitions and the settings that\n"
			"differ from the default.",
		.opts = opts,
	};
	struct args_topic *topics;
	struct klog_err err;
	size_t count, i;
	int status;

	cli_start(&cli, argc, argv);
	while (cli_next(&cli) != -1)
		;
	count = (size_t)(argc - cli.first);
	topics = calloc(count + 1, sizeof(*topics));
	if (topics == NULL)
		return cli_finish(&cli, 1);
	for (i = 0; i < count; i++) {
		if (args_topic(argv[cli.first + (int)i], &topics[i], &err) ==
			-1)
			cli_usage(&cli, "%s", err.text);
	}
	status = inspect(&cli, topics, count);
	for (i = 0; i < count; i++)
		free(topics[i].name);
	free(topics);
	return cli_finish(&cli, status);
}
