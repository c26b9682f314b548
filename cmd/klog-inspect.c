/* Shows what is there, and what is wrong with it. */
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

enum { VERIFY = CLI_LONG };

static const struct cli_opt opts[] = {
	{ VERIFY, "verify", NULL,
		"look at every byte; status 3 when something is damaged", 0 },
	{ 'J', "json", NULL, "print a JSON object a line", 0 },
	{ 0 },
};

static int
run(struct inspect *in)
{
	if (cli_given(in->cli, VERIFY))
		return inspect_verify(in);
	return in->count == 0 ? inspect_topics(in) : inspect_partitions(in);
}

static int
inspect(struct cli *cli, const struct args_topic *topics, size_t count)
{
	struct inspect in = { cli, NULL, topics, count, cli_given(cli, 'J') };
	bool paths_only = count > 0;
	int status = 0;
	size_t i;

	for (i = 0; i < count; i++)
		paths_only &= strchr(topics[i].name, '/') != NULL;
	in.klog = cli_open(cli, topics[0].name, paths_only, &status);
	if (in.klog == NULL)
		return status;
	status = run(&in);
	klog_close(in.klog);
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
			"differ from the default; or goes deeper.",
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
