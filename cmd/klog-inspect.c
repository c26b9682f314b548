/* Shows what is there, and what is wrong with it. */
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

enum {
	SEGMENTS = CLI_LONG,
	BATCHES,
	RECORDS,
	BYTES,
	TIMELINE,
	VERIFY,
	REPAIR,
	DRY_RUN
};

static const struct cli_opt opts[] = {
	{ SEGMENTS, "segments", NULL, "list segments", 0 },
	{ BATCHES, "batches", NULL, "list batches", 0 },
	{ RECORDS, "records", NULL, "list records, control records too", 0 },
	{ BYTES, "bytes", "OFFSET", "show each byte of the batch at OFFSET",
		0 },
	{ TIMELINE, "timeline", NULL,
		"draw records and bytes over time, by the time indexes", 0 },
	{ VERIFY, "verify", NULL,
		"look at every byte; status 3 when something is damaged", 0 },
	{ REPAIR, "repair", NULL,
		"make anew what is derived, cut a damaged end", 0 },
	{ DRY_RUN, "dry-run", NULL,
		"say what --repair would do, and do nothing", 0 },
	{ 'J', "json", NULL, "print a JSON object a line", 0 },
	{ 0 },
};

/* The options of which one says what is shown. */
static const int views[] = { SEGMENTS, BATCHES, RECORDS, BYTES, TIMELINE,
	VERIFY, REPAIR };

/* Entries are all that there is in some files. */
static bool
only_entries(const struct inspect *in)
{
	size_t i;

	for (i = 0; i < in->count; i++)
		if (!inspect_is_entries(in, in->topics[i].name))
			return false;
	return in->count > 0;
}

static int
run(struct inspect *in, int64_t offset)
{
	const struct cli *cli = in->cli;

	if (cli_given(cli, VERIFY))
		return inspect_verify(in);
	if (cli_given(cli, REPAIR))
		return inspect_repair(in, cli_given(cli, DRY_RUN));
	if (cli_given(cli, TIMELINE))
		return inspect_timeline(in);
	if (cli_given(cli, BYTES))
		return inspect_bytes(in, offset);
	if (cli_given(cli, RECORDS))
		return inspect_dump(in, INSPECT_RECORDS);
	if (cli_given(cli, BATCHES))
		return inspect_dump(in, INSPECT_BATCHES);
	if (cli_given(cli, SEGMENTS) || only_entries(in))
		return inspect_dump(in, INSPECT_SEGMENTS);
	return in->count == 0 ? inspect_topics(in) : inspect_partitions(in);
}

static int
inspect(struct cli *cli, const struct args_topic *topics, size_t count,
	bool paths_only, int64_t offset)
{
	struct inspect in = { cli, NULL, topics, count, cli_given(cli, 'J') };
	int status = 0;

	in.klog = cli_open(cli, topics[0].name, paths_only, &status);
	if (in.klog == NULL)
		return status;
	status = run(&in, offset);
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
	size_t count, i, j;
	int64_t offset = 0;
	bool paths_only;
	int letter, status;

	cli_start(&cli, argc, argv);
	while ((letter = cli_next(&cli)) != -1)
		if (letter == BYTES)
			offset = cli_number(&cli, 0, INT64_MAX - 1);
	for (i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		for (j = 0; j < i; j++)
			cli_exclude(&cli, views[j], views[i]);
	count = (size_t)(argc - cli.first);
	if (cli_given(&cli, BYTES) && count != 1)
		cli_usage(&cli, "--bytes takes one TOPIC:PARTITION or PATH");
	if (cli_given(&cli, REPAIR) && count == 0)
		cli_usage(&cli, "--repair takes a TOPIC");
	if (cli_given(&cli, TIMELINE) && count == 0)
		cli_usage(&cli, "--timeline takes a TOPIC or PATH");
	if (cli_given(&cli, DRY_RUN) && !cli_given(&cli, REPAIR))
		cli_usage(&cli, "--dry-run is for --repair");
	if (args_topic_list(
		    argv + cli.first, count, &topics, &paths_only, &err) == -1)
		cli_usage(&cli, "%s", err.text);
	status = inspect(&cli, topics, count, paths_only, offset);
	args_topic_list_free(topics, count);
	return cli_finish(&cli, status);
}
