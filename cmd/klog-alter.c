/* Changes topics: settings, more partitions. */
#include <stdlib.h>

#include "args.h"
#include "cli.h"
#include "edit.h"
#include "given.h"
#include "libklog/err.h"
#include "libklog/settings.h"

enum { CONFIG = CLI_LONG, EDIT };

static const struct cli_opt opts[] = {
	{ 'p', "partitions", "PARTITIONS", "so many, more than before", 0 },
	{ 'X', "setting", "KEY=VALUE",
		"a setting; KEY= is its default; repeatable", CLI_MANY },
	{ CONFIG, "config", "FILE", "settings, KEY=VALUE lines", 0 },
	{ EDIT, "edit", NULL, "all settings of one TOPIC, in $EDITOR", 0 },
	{ 0 },
};

static int
take_option(struct cli *cli, struct klog_alter *alter, struct given *settings,
	int letter, struct klog_err *err)
{
	switch (letter) {
	case 'p':
		alter->partitions = (int32_t)cli_number(cli, 1, INT32_MAX);
		return 0;
	case 'X':
		return given_text(settings, cli->arg, err);
	case CONFIG:
		return given_file(settings, cli->arg, err);
	default: /* the flag is looked up */
		return 0;
	}
}

static void
take_options(struct cli *cli, struct klog_alter *alter, struct given *settings)
{
	struct klog_err err;
	int letter;

	while ((letter = cli_next(cli)) != -1) {
		if (take_option(cli, alter, settings, letter, &err) == 0)
			continue;
		if (err.code == KLOG_EUSAGE)
			cli_bad_arg(cli, &err);
		exit(cli_finish(cli, cli_fail(cli, &err)));
	}
	cli_exclude(cli, EDIT, 'p');
	cli_exclude(cli, EDIT, 'X');
	cli_exclude(cli, EDIT, CONFIG);
	if (given_check(settings, KLOG_OF_TOPIC, &err) == -1)
		cli_usage(cli, "%s", err.text);
	alter->settings = settings->list;
	alter->setting_count = settings->count;
}

static void
take_topics(struct cli *cli, struct args_topics *topics)
{
	struct klog_err err;

	if (args_whole_topics(topics, cli->argv + cli->first,
		    cli->argc - cli->first, &err) == -1)
		cli_usage(cli, "%s", err.text);
	if (cli_given(cli, EDIT) && topics->count > 1)
		cli_usage(cli, "--edit takes one topic");
	if (!cli_given(cli, EDIT) && !cli_given(cli, 'p') &&
		!cli_given(cli, 'X') && !cli_given(cli, CONFIG))
		cli_usage(cli, "nothing to change: -p, -X, --config or --edit");
}

static int
alter_one(struct cli *cli, struct klog *klog, const char *topic,
	const struct klog_alter *alter)
{
	struct klog_err err;

	if (cli_given(cli, EDIT))
		return edit_topic(cli, klog, topic);
	if (klog_topic_alter(klog, topic, alter, &err) == 0)
		return 0;
	return cli_fail_topic(cli, topic, &err);
}

int
main(int argc, char **argv)
{
	struct cli cli = {
		.tool = "klog-alter",
		.operands = "TOPIC...",
		.text = "Changes the settings of topics, or gives them more "
			"partitions.",
		.after = "Running producers follow from their next batch on.",
		.opts = opts,
	};
	struct klog_alter alter = { 0 };
	struct given settings = { .resets = true };
	struct args_topics topics = { 0 };
	int status = 0, one;
	struct klog *klog;
	size_t i;

	cli_start(&cli, argc, argv);
	take_options(&cli, &alter, &settings);
	take_topics(&cli, &topics);
	klog = cli_open(&cli, topics.names[0], topics.paths_only, &status);
	for (i = 0; klog != NULL && i < topics.count; i++) {
		one = alter_one(&cli, klog, topics.names[i], &alter);
		status = one > status ? one : status;
	}
	klog_close(klog);
	args_topics_free(&topics);
	given_free(&settings);
	return cli_finish(&cli, status);
}
