/* Makes topics. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "given.h"
#include "libklog/err.h"
#include "libklog/names.h"
#include "libklog/settings.h"
#include "place.h"

enum { ASSIGNMENT = CLI_LONG, CONFIG, MODE, OWNER_GROUP, IF_NOT_EXISTS };

static const struct cli_opt opts[] = {
	{ 'p', "partitions", "PARTITIONS", "how many [1]", 0 },
	{ 'r', "replicas", "REPLICAS", "copies of each partition [1]", 0 },
	{ ASSIGNMENT, "replica-assignment", "LIST",
		"the broker of each partition: 0,0,0", 0 },
	{ 'X', "setting", "KEY=VALUE", "a setting of the topic; repeatable",
		CLI_MANY },
	{ CONFIG, "config", "FILE", "settings, KEY=VALUE lines", 0 },
	{ MODE, "mode", "MODE", "of the topic's directories, in octal", 0 },
	{ OWNER_GROUP, "owner-group", "GROUP", "who owns the files", 0 },
	{ IF_NOT_EXISTS, "if-not-exists", NULL, "a topic that is there is fine",
		0 },
	{ 0 },
};

/* A broker for each partition; several, as in 0:1, would be its replicas. */
static int
take_assignment(const char *text, int32_t *partitions, struct klog_err *err)
{
	const char *p = text;

	for (*partitions = 1; p[0] == '0' && p[1] == ','; p += 2)
		++*partitions;
	if (strcmp(p, "0") == 0)
		return 0;
	return klog_fail(err, KLOG_EUSAGE,
		"'%s' is not 0 for each partition: broker 0 is the only one",
		text);
}

static int
take_mode(const char *text, int64_t *mode, struct klog_err *err)
{
	size_t size = strspn(text, "01234567");

	if (size == 0 || size > 4 || text[size] != '\0')
		return klog_fail(err, KLOG_EUSAGE,
			"'%s' is not an octal mode such as 2770", text);
	*mode = strtol(text, NULL, 8);
	if ((*mode & 0700) != 0700)
		return klog_fail(err, KLOG_EUSAGE,
			"'%s' locks the owner out of the topic", text);
	return 0;
}

static int
take_option(struct cli *cli, struct klog_create *create, struct given *settings,
	int letter, struct klog_err *err)
{
	switch (letter) {
	case 'p':
		create->partitions = (int32_t)cli_number(cli, 1, INT32_MAX);
		return 0;
	case 'r':
		if (cli_number(cli, 1, INT16_MAX) > 1)
			return klog_fail(err, KLOG_EUSAGE,
				"%s: a cluster of one broker holds one replica",
				cli->arg);
		return 0;
	case ASSIGNMENT:
		return take_assignment(cli->arg, &create->partitions, err);
	case 'X':
		return given_text(settings, cli->arg, err);
	case CONFIG:
		return given_file(settings, cli->arg, err);
	case MODE:
		return take_mode(cli->arg, &create->mode, err);
	case OWNER_GROUP:
		create->group = cli->arg;
		return 0;
	default: /* the flag is looked up */
		return 0;
	}
}

static void
take_options(
	struct cli *cli, struct klog_create *create, struct given *settings)
{
	struct klog_err err;
	int letter, i, k;

	while ((letter = cli_next(cli)) != -1) {
		if (take_option(cli, create, settings, letter, &err) == 0)
			continue;
		if (err.code == KLOG_EUSAGE)
			cli_bad_arg(cli, &err);
		exit(cli_finish(cli, cli_fail(cli, &err)));
	}
	cli_exclude(cli, ASSIGNMENT, 'p');
	cli_exclude(cli, ASSIGNMENT, 'r');
	if (cli->first == cli->argc)
		cli_usage(cli, "no topic");
	for (i = cli->first; i < cli->argc; i++) {
		if (klog_topic_name_check(cli->argv[i], &err) == -1)
			cli_usage(cli, "%s", err.text);
		for (k = cli->first; k < i; k++) {
			if (strcmp(cli->argv[k], cli->argv[i]) == 0)
				cli_usage(
					cli, "%s is given twice", cli->argv[i]);
		}
	}
	if (given_check(settings, KLOG_OF_TOPIC, &err) == -1)
		cli_usage(cli, "%s", err.text);
	create->settings = settings->list;
	create->setting_count = settings->count;
}

/* Whether the topic itself is there, not only one that Kafka would confuse
 * with it. */
static bool
exists(const char *cluster, const char *topic)
{
	struct klog_partition_info *list = NULL;
	struct klog_err err;
	struct klog *klog = klog_open(cluster, NULL, &err);
	size_t count;
	bool there;

	if (klog == NULL)
		return false;
	there = klog_topic_describe(klog, topic, &list, &count, &err) == 0;
	free(list);
	klog_close(klog);
	return there;
}

static int
create_one(struct cli *cli, const char *cluster, const char *topic,
	const struct klog_create *create)
{
	struct klog_options options = cli_options(cli);
	struct klog_err err;

	if (klog_topic_create(cluster, &options, topic, create, &err) == 0)
		return 0;
	if (err.code == KLOG_EEXIST && cli_given(cli, IF_NOT_EXISTS) &&
		exists(cluster, topic))
		return 0;
	return cli_fail(cli, &err);
}

int
main(int argc, char **argv)
{
	struct klog_create create = { .partitions = 1, .mode = -1 };
	struct given settings = { 0 };
	struct cli cli = {
		.tool = "klog-create",
		.operands = "TOPIC...",
		.text = "Makes topics, and the cluster where there is none.",
		.after =
			"Nothing expires by itself: klog-clean, from cron or a "
			"timer, applies retention.ms\nand retention.bytes.",
		.opts = opts,
	};
	char cluster[PLACE_SIZE];
	struct klog_err err;
	int status = 0, one, i;

	cli_start(&cli, argc, argv);
	take_options(&cli, &create, &settings);
	if (place_cluster(cli.cluster, cluster, &err) == -1)
		return cli_finish(&cli, cli_fail(&cli, &err));
	for (i = cli.first; i < argc; i++) {
		one = create_one(&cli, cluster, argv[i], &create);
		status = one > status ? one : status;
	}
	given_free(&settings);
	return cli_finish(&cli, status);
}
