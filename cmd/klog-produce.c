/* Appends lines to a topic. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "feed.h"
#include "given.h"
#include "libklog/err.h"
#include "libklog/settings.h"
#include "stop.h"

enum { ACKS = CLI_LONG, LINGER, BATCH_SIZE, NO_SYNC, ON_ERROR, ON_FULL };

static const struct cli_opt opts[] = {
	{ 'p', "partition", "PARTITION", "append to this partition", 0 },
	{ 'k', "key", "KEY", "the key of every record", 0 },
	{ 'K', "key-delimiter", "DELIM",
		"a line is its key, DELIM and its value", 0 },
	{ 'H', "header", "NAME=VALUE", "a header of every record; repeatable",
		CLI_MANY },
	{ 'D', "delimiter", "DELIM", "what ends a line [\\n]", 0 },
	{ '0', "null-delimiter", NULL, "the same as -D '\\0'", 0 },
	{ 'J', "json", NULL, "a line is a record as JSON; see below", 0 },
	{ 'Z', "null", NULL, "an empty value is a null", 0 },
	{ 'X', "setting", "KEY=VALUE", "a setting of this run; repeatable",
		CLI_MANY },
	{ ACKS, "acks", "all|1", "synced on all replicas, or the leader", 0 },
	{ 'z', "compression", "CODEC",
		"none, gzip, snappy, lz4 or zstd [the topic's]", 0 },
	{ 'T', "tee", NULL, "copy the lines to stdout", 0 },
	{ LINGER, "linger", "DURATION", "how long a batch may wait for more",
		0 },
	{ BATCH_SIZE, "batch-size", "SIZE", "bytes of a full batch", 0 },
	{ NO_SYNC, "no-sync", NULL, "do not sync: faster, lost in a power cut",
		0 },
	{ ON_ERROR, "on-error", "stop|skip",
		"what to do about a refused line [stop]", 0 },
	{ ON_FULL, "on-full", "fail|wait",
		"what to do about a full disk [fail]", 0 },
	{ 0 },
};

struct options {
	struct feed feed;
	struct given settings;
	struct klog_buf headers;
	int32_t partition;
};

/* Which of two words the argument is; exits 2 when neither. */
static bool
second_of(const struct cli *cli, const char *first, const char *second)
{
	struct klog_err err;

	if (strcmp(cli->arg, second) == 0)
		return true;
	if (strcmp(cli->arg, first) == 0)
		return false;
	klog_fail(&err, KLOG_EUSAGE, "'%s' is neither %s nor %s", cli->arg,
		first, second);
	cli_bad_arg(cli, &err);
}

static int
take_option(
	struct cli *cli, struct options *o, int letter, struct klog_err *err)
{
	struct feed *feed = &o->feed;

	switch (letter) {
	case 'p':
		o->partition = (int32_t)cli_number(cli, 0, INT32_MAX);
		return 0;
	case 'k':
		feed->like.key = klog_slice_of(cli->arg, strlen(cli->arg));
		return 0;
	case 'K':
		return args_delim(cli->arg, &feed->key_delim, err);
	case 'H':
		feed->like.header_count++;
		return args_header(cli->arg, &o->headers, err);
	case 'D':
		return args_delim(cli->arg, &feed->delim, err);
	case 'X':
		return given_text(&o->settings, cli->arg, err);
	case ACKS:
		return given_put(&o->settings, "acks", cli->arg, err);
	case 'z':
		return given_put(
			&o->settings, "compression.type", cli->arg, err);
	case LINGER:
		return given_put(&o->settings, "linger.ms", cli->arg, err);
	case BATCH_SIZE:
		return given_put(&o->settings, "batch.size", cli->arg, err);
	case ON_ERROR:
		feed->skip = second_of(cli, "stop", "skip");
		return 0;
	case ON_FULL:
		feed->wait = second_of(cli, "fail", "wait");
		return 0;
	default: /* the flags are looked up */
		return 0;
	}
}

static void
take_options(struct cli *cli, struct options *o)
{
	struct feed *feed = &o->feed;
	struct klog_err err;
	int letter;

	while ((letter = cli_next(cli)) != -1) {
		if (take_option(cli, o, letter, &err) == -1)
			cli_bad_arg(cli, &err);
	}
	cli_exclude(cli, 'p', 'k');
	cli_exclude(cli, 'p', 'K');
	cli_exclude(cli, 'k', 'K');
	cli_exclude(cli, 'D', '0');
	feed->json = cli_given(cli, 'J');
	feed->null_empty = cli_given(cli, 'Z');
	feed->no_sync = cli_given(cli, NO_SYNC);
	feed->tee = cli_given(cli, 'T');
	if (feed->delim.size == 0 &&
		klog_buf_put(&feed->delim, cli_given(cli, '0') ? "" : "\n",
			1) == -1) {
		klog_fail_memory(&err);
		exit(cli_finish(cli, cli_fail(cli, &err)));
	}
	if (given_check(&o->settings, KLOG_OF_PRODUCER, &err) == -1)
		cli_usage(cli, "%s", err.text);
}

/* TOPIC:PARTITION says what -p says. */
static char *
take_topic(struct cli *cli, struct options *o)
{
	struct args_topic topic;
	struct klog_err err;

	if (cli->first == cli->argc)
		cli_usage(cli, "no topic");
	if (args_topic(cli->argv[cli->first++], &topic, &err) == -1)
		cli_usage(cli, "%s", err.text);
	if (topic.partition == -1)
		return topic.name;
	if (cli_given(cli, 'p') || cli_given(cli, 'k') || cli_given(cli, 'K'))
		cli_usage(cli, "TOPIC:PARTITION excludes -p, -k and -K");
	o->partition = topic.partition;
	return topic.name;
}

/* How long a line of JSON may be, that the topic can take. */
static int
bound_lines(struct feed *feed, struct klog *klog, const char *topic,
	struct klog_err *err)
{
	struct klog_settings settings;
	struct klog_setting *list;
	size_t i, count;
	int r = 0;

	if (klog_topic_settings(klog, topic, &list, &count, err) == -1)
		return -1;
	klog_settings_init(&settings);
	for (i = 0; r == 0 && i < count; i++)
		r = klog_settings_set(&settings, KLOG_OF_TOPIC, list[i].key,
			list[i].value, err);
	feed->longest = json_longest((size_t)settings.max_message_bytes);
	free(list);
	return r;
}

static int
feed_all(struct cli *cli, struct options *o)
{
	struct feed *feed = &o->feed;
	int i;

	if (cli->first == cli->argc)
		feed_input(feed, "-");
	for (i = cli->first; i < cli->argc; i++) {
		if (!feed_input(feed, cli->argv[i]))
			break;
	}
	return feed_finish(feed);
}

static int
produce(struct cli *cli, struct options *o, const char *topic)
{
	struct klog_produce how = {
		.settings = o->settings.list,
		.setting_count = o->settings.count,
		.no_sync = o->feed.no_sync,
		.partition = o->partition,
	};
	struct feed *feed = &o->feed;
	struct klog_err err;
	struct klog *klog;
	int status = 1;

	klog = cli_open(cli, topic, strchr(topic, '/') != NULL, &status);
	if (klog == NULL)
		return status;
	feed->cli = cli;
	feed->like.partition = o->partition;
	feed->like.timestamp_ms = -1;
	feed->like.headers = klog_slice_of(o->headers.data, o->headers.size);
	feed->producer = klog_producer_open(klog, topic, &how, &err);
	if (feed->producer == NULL) {
		status = cli_fail_topic(cli, topic, &err);
	} else if ((feed->json && bound_lines(feed, klog, topic, &err) == -1) ||
		feed_init(feed, &err) == -1) {
		status = cli_fail(cli, &err);
		klog_producer_abandon(feed->producer);
	} else {
		stop_init();
		status = feed_all(cli, o);
	}
	klog_close(klog);
	return status;
}

int
main(int argc, char **argv)
{
	static struct options o = { .partition = -1 };
	struct cli cli = {
		.tool = "klog-produce",
		.operands = "TOPIC [FILE...]",
		.text = "Appends the lines of stdin, or of the FILEs in turn, "
			"to a topic, and syncs them.",
		.after = "JSON     {\"key\":K,\"payload\":P,\"ts\":MILLIS,"
			 "\"partition\":N,\n"
			 "          \"headers\":[[NAME,VALUE]...]}, and what "
			 "else "
			 "klog-consume -J prints",
		.opts = opts,
	};
	char *topic;
	int status;

	cli_start(&cli, argc, argv);
	take_options(&cli, &o);
	topic = take_topic(&cli, &o);
	/* a file limit is an error like a full disk, not a death */
	signal(SIGXFSZ, SIG_IGN);
	status = produce(&cli, &o, topic);
	free(topic);
	given_free(&o.settings);
	klog_buf_free(&o.headers);
	klog_buf_free(&o.feed.delim);
	klog_buf_free(&o.feed.key_delim);
	return cli_finish(&cli, status);
}
