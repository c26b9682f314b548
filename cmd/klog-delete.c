/* Deletes topics. */
#include "args.h"
#include "cli.h"
#include "libklog/err.h"

enum { IF_EXISTS = CLI_LONG };

static const struct cli_opt opts[] = {
	{ IF_EXISTS, "if-exists", NULL, "a topic that is not there is fine",
		0 },
	{ 0 },
};

static int
delete_one(struct cli *cli, struct klog *klog, const char *topic)
{
	struct klog_err err;

	if (klog_topic_delete(klog, topic, &err) == 0)
		return 0;
	if (err.code == KLOG_ENOTFOUND && cli_given(cli, IF_EXISTS))
		return 0;
	return cli_fail_topic(cli, topic, &err);
}

int
main(int argc, char **argv)
{
	struct cli cli = {
		.tool = "klog-delete",
		.operands = "TOPIC...",
		.text = "Deletes topics with all their records.  Their writers "
			"and followers end.",
		.opts = opts,
	};
	struct args_topics topics = { 0 };
	struct klog_err err;
	int status = 0, one;
	struct klog *klog;
	size_t i;

	cli_start(&cli, argc, argv);
	while (cli_next(&cli) != -1)
		;
	if (args_whole_topics(
		    &topics, argv + cli.first, argc - cli.first, &err) == -1)
		cli_usage(&cli, "%s", err.text);
	klog = cli_open(&cli, topics.names[0], topics.paths_only, &status);
	for (i = 0; klog != NULL && i < topics.count; i++) {
		one = delete_one(&cli, klog, topics.names[i]);
		status = one > status ? one : status;
	}
	klog_close(klog);
	args_topics_free(&topics);
	return cli_finish(&cli, status);
}
