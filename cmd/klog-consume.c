/* Prints the records of topics. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "cli.h"
#include "libklog/err.h"
#include "libklog/settings.h"
#include "libklog/time.h"
#include "output.h"
#include "print.h"
#include "stop.h"

enum { SINCE = CLI_LONG, UNTIL, IDLE_TIMEOUT, SYNCED };

static const struct cli_opt opts[] = {
	{ 'p', "partitions", "LIST", "only these partitions", 0 },
	{ 'o', "offset", "OFFSET|RANGE", "where to begin (and to end)", 0 },
	{ SINCE, "since", "TIME", "begin with the first record of TIME", 0 },
	{ UNTIL, "until", "TIME", "end before the first record of TIME", 0 },
	{ 'c', "count", "COUNT", "end after COUNT records", 0 },
	{ 'n', "tail", "N", "begin with the N newest records", 0 },
	{ 'f', "follow", NULL, "wait for records yet to come", 0 },
	{ IDLE_TIMEOUT, "idle-timeout", "DURATION",
		"end when nothing came for so long", 0 },
	{ SYNCED, "synced", NULL, "only what would outlive a power cut", 0 },
	{ 'F', "format", "FORMAT", "print records so; see below", 0 },
	{ 'K', "key-delimiter", "DELIM", "print the key and DELIM first", 0 },
	{ 'D', "delimiter", "DELIM", "what ends a record [\\n]", 0 },
	{ '0', "null-delimiter", NULL, "the same as -D '\\0'", 0 },
	{ 'Z', "null", NULL, "print a null as NULL, not as nothing", 0 },
	{ 'X', "setting", "KEY=VALUE", "a setting of this run; repeatable",
		CLI_MANY },
	{ 0 },
};

struct options {
	struct args_range range;
	struct klog_at since;
	struct klog_at until;
	struct args_list partitions;
	struct args_settings settings;
	struct print print;
	int64_t count; /* -1: no bound */
	int64_t tail;
	int64_t idle_ms; /* -1: for ever */
	bool follow;
	const char **topics;
	size_t topic_count;
};

/* ---- options ---- */

static int
take_time(const char *text, int64_t now_ms, struct klog_at *at,
	struct klog_err *err)
{
	at->where = KLOG_AT_TIME;
	at->epoch = -1;
	return klog_time_parse(text, now_ms, &at->value, err);
}

static int
take_option(
	struct cli *cli, struct options *o, int letter, struct klog_err *err)
{
	int64_t now_ms = klog_now_ms();

	switch (letter) {
	case 'p':
		return args_list(cli->arg, &o->partitions, err);
	case 'o':
		return args_range(cli->arg, now_ms, &o->range, err);
	case SINCE:
		return take_time(cli->arg, now_ms, &o->since, err);
	case UNTIL:
		return take_time(cli->arg, now_ms, &o->until, err);
	case 'c':
		o->count = cli_number(cli, 0, INT64_MAX);
		return 0;
	case 'n':
		o->tail = cli_number(cli, 0, INT64_MAX);
		return 0;
	case IDLE_TIMEOUT:
		return klog_duration_parse(cli->arg, &o->idle_ms, err);
	case 'F':
		if (*cli->arg == '\0')
			return klog_fail(err, KLOG_EUSAGE, "an empty format");
		return format_parse(&o->print.format, cli->arg, err);
	case 'K':
		return args_delim(cli->arg, &o->print.key_delim, err);
	case 'D':
		return args_delim(cli->arg, &o->print.delim, err);
	case 'X':
		return args_setting_text(&o->settings, cli->arg, err);
	default: /* the flags are looked up */
		return 0;
	}
}

static void
check_options(const struct cli *cli, struct options *o)
{
	static const int pairs[][2] = { { 'o', SINCE }, { 'n', 'o' },
		{ 'n', SINCE }, { 'f', UNTIL }, { 'D', '0' }, { 'F', 'K' },
		{ 'F', 'D' }, { 'F', '0' } };
	struct klog_err err;
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		cli_exclude(cli, pairs[i][0], pairs[i][1]);
	if (o->range.to.where != KLOG_AT_UNSET) {
		if (cli_given(cli, UNTIL))
			cli_usage(cli,
				"-o says where to end, and so does "
				"--until");
		if (cli_given(cli, 'f'))
			cli_usage(cli, "-f has no end, but -o says where");
	}
	if (args_settings_check(&o->settings, KLOG_OF_CONSUMER, &err) == -1)
		cli_usage(cli, "%s", err.text);
}

static void
take_options(struct cli *cli, struct options *o)
{
	struct klog_err err;
	int letter;

	while ((letter = cli_next(cli)) != -1) {
		if (take_option(cli, o, letter, &err) == -1)
			cli_bad_arg(cli, &err);
	}
	check_options(cli, o);
	if (o->since.where != KLOG_AT_UNSET)
		o->range.from = o->since;
	if (o->until.where != KLOG_AT_UNSET)
		o->range.to = o->until;
	o->follow = cli_given(cli, 'f');
	o->print.format.show_null = cli_given(cli, 'Z');
	if (o->print.delim.size == 0 &&
		klog_buf_put(&o->print.delim, cli_given(cli, '0') ? "" : "\n",
			1) == -1)
		exit(cli_finish(cli, 1));
}

/* ---- topics ---- */

static void
add_topic(struct cli *cli, struct options *o, const struct args_topic *topic)
{
	struct klog_err err;
	size_t i;

	if (topic->partition != -1) {
		if (cli_given(cli, 'p'))
			cli_usage(cli, "TOPIC:PARTITION excludes -p");
		if (args_list_add(&o->partitions, topic->partition, &err) == -1)
			cli_usage(cli, "%s", err.text);
	}
	for (i = 0; i < o->topic_count; i++) {
		if (strcmp(o->topics[i], topic->name) != 0)
			continue;
		if (topic->partition == -1)
			cli_usage(cli, "%s is given twice", topic->name);
		free(topic->name);
		return;
	}
	o->topics[o->topic_count++] = topic->name;
}

static void
take_topics(struct cli *cli, struct options *o)
{
	struct args_topic topic;
	size_t split = 0;
	struct klog_err err;
	int i;

	if (cli->first == cli->argc)
		cli_usage(cli, "no topic");
	o->topics = calloc((size_t)cli->argc, sizeof(*o->topics));
	if (o->topics == NULL)
		exit(cli_finish(cli, 1));
	for (i = cli->first; i < cli->argc; i++) {
		if (args_topic(cli->argv[i], &topic, &err) == -1)
			cli_usage(cli, "%s", err.text);
		split += topic.partition != -1;
		add_topic(cli, o, &topic);
	}
	if (split > 0 &&
		(o->topic_count > 1 ||
			split != (size_t)(cli->argc - cli->first)))
		cli_usage(cli,
			"TOPIC:PARTITION goes with one topic only; "
			"-p is for several");
}

/* ---- reading ---- */

/* Waits until there may be more: 1, 0 when nothing came for too long. */
static int
wait_more(const struct options *o, struct klog_consumer *in, struct output *out,
	int64_t last_tick, struct klog_err *err)
{
	int64_t left = -1;

	if (o->idle_ms >= 0) {
		left = o->idle_ms - (klog_tick_ms() - last_tick);
		if (left <= 0)
			return 0;
	}
	if (klog_consumer_wait(in, left, out->fd, err) == -1 &&
		!(err->code == KLOG_ESYSTEM && err->sys_errno == EINTR))
		return -1;
	/* the end that writing to it would have been */
	if (output_gone(out))
		stop_die(SIGPIPE);
	return 1;
}

static int
copy(struct options *o, struct klog_consumer *in, struct output *out,
	struct klog_err *err)
{
	int64_t last_tick = klog_tick_ms();
	struct klog_run run;
	size_t count;
	int r;

	while (o->count == -1 || o->print.count < o->count) {
		r = klog_consumer_next(in, &run, err);
		if (r == 1) {
			count = run.count;
			if (o->count != -1 &&
				(int64_t)count > o->count - o->print.count)
				count = (size_t)(o->count - o->print.count);
			if (print_run(&o->print, out, &run, count, err) == -1)
				return -1;
			last_tick = klog_tick_ms();
			continue;
		}
		if (r == -1 || !o->follow)
			return r;
		/* nobody waits for what is in the buffer */
		if (output_flush(out, err) == -1)
			return -1;
		r = wait_more(o, in, out, last_tick, err);
		if (r != 1)
			return r;
	}
	return 0;
}

static int
consume(struct cli *cli, struct options *o)
{
	struct klog_consume what = {
		.topics = o->topics,
		.topic_count = o->topic_count,
		.partitions = o->partitions.numbers,
		.partition_count = o->partitions.count,
		.from = o->range.from,
		.to = o->range.to,
		.tail = o->tail,
		.follow = o->follow,
		.synced = cli_given(cli, SYNCED),
		.settings = o->settings.list,
		.setting_count = o->settings.count,
	};
	struct klog_consumer *in = NULL;
	struct klog_err err, flush_err;
	struct output out = { .fd = -1 };
	struct klog *klog;
	int status = 0;

	klog = cli_open(cli, &status);
	if (klog == NULL)
		return status;
	in = klog_consumer_open(klog, &what, &err);
	if (in == NULL)
		status = cli_fail_topic(cli, o->topics[0], &err);
	else if (output_init(&out, STDOUT_FILENO, &err) == -1)
		status = cli_fail(cli, &err);
	else {
		if (copy(o, in, &out, &err) == -1)
			status = -1;
		/* the good records before the bad one */
		if (output_flush(&out, &flush_err) == -1 && status == 0) {
			status = -1;
			err = flush_err;
		}
		if (status == -1)
			status = cli_fail(cli, &err);
	}
	output_free(&out);
	if (in != NULL)
		klog_consumer_close(in);
	klog_close(klog);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = { .count = -1, .tail = -1, .idle_ms = -1 };
	struct cli cli = {
		.tool = "klog-consume",
		.operands = "TOPIC...",
		.text = "Prints the records that are there, and ends; with -f "
			"waits for more.",
		.after = "OFFSET   N, N/EPOCH, -N, beginning, end, "
			 "max-timestamp, @TIME; RANGE is FROM..TO\n"
			 "FORMAT   %s value, %S its length, %R length in 4 "
			 "bytes, %k key, %K its length,\n"
			 "         %t topic, %p partition, %o offset, %T "
			 "timestamp in ms, %d{STRFTIME},\n"
			 "         %h headers, %e leader epoch, %i ordinal, "
			 "%v and %V as %s and %S, %%;\n"
			 "         \\n \\t \\xNN; nothing is put behind it",
		.opts = opts,
	};
	size_t i;
	int status;

	cli_start(&cli, argc, argv);
	take_options(&cli, &o);
	take_topics(&cli, &o);
	status = consume(&cli, &o);
	for (i = 0; i < o.topic_count; i++)
		free((char *)(uintptr_t)o.topics[i]);
	free(o.topics);
	free(o.partitions.numbers);
	args_settings_free(&o.settings);
	print_free(&o.print);
	return cli_finish(&cli, status);
}
