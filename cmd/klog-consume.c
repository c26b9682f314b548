/* Prints the records of topics. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "args.h"
#include "cli.h"
#include "copy.h"
#include "given.h"
#include "libklog/err.h"
#include "libklog/names.h"
#include "libklog/settings.h"
#include "libklog/time.h"
#include "stop.h"

enum {
	SINCE = CLI_LONG,
	UNTIL,
	IDLE_TIMEOUT,
	SYNCED,
	MERGE,
	BATCH,
	RETRIES,
	RETRY_BACKOFF,
	COMMAND_TIMEOUT,
	DEAD_LETTER
};

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
	{ MERGE, "merge", NULL, "in order of timestamp over all partitions",
		0 },
	{ 'g', "group", "GROUP",
		"go on where the group is, and share with its "
		"members",
		0 },
	{ 'F', "format", "FORMAT", "print records so; see below", 0 },
	{ 'J', "json", NULL, "print records as JSON, a line each", 0 },
	{ 'K', "key-delimiter", "DELIM", "print the key and DELIM first", 0 },
	{ 'D', "delimiter", "DELIM", "what ends a record [\\n]", 0 },
	{ '0', "null-delimiter", NULL, "the same as -D '\\0'", 0 },
	{ 'Z', "null", NULL, "print a null as NULL, not as nothing", 0 },
	{ 'X', "setting", "KEY=VALUE", "a setting of this run; repeatable",
		CLI_MANY },
	{ BATCH, "batch", "N", "at most N records a run of COMMAND [1000]", 0 },
	{ RETRIES, "retries", "N", "run it again N times when it fails [3]",
		0 },
	{ RETRY_BACKOFF, "retry-backoff", "DURATION",
		"before that wait so long, then longer [100ms]", 0 },
	{ COMMAND_TIMEOUT, "command-timeout", "DURATION",
		"end a run that takes longer", 0 },
	{ DEAD_LETTER, "dead-letter", "TOPIC",
		"append there what fails for good, and go on", 0 },
	{ 0 },
};

struct options {
	struct args_range range;
	struct klog_at since;
	struct klog_at until;
	struct args_list partitions;
	struct given settings;
	struct copy copy;
	int64_t tail;
	const char *group;
	bool stored;         /* -o stored, which is what a group does anyway */
	struct rlimit files; /* as it was */
	struct args_topics topics;
};

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
	struct work *work = &o->copy.work;

	switch (letter) {
	case 'p':
		return args_list(cli->arg, &o->partitions, err);
	case 'o':
		o->stored = strcmp(cli->arg, "stored") == 0;
		if (o->stored)
			return 0;
		return args_range(cli->arg, now_ms, &o->range, err);
	case SINCE:
		return take_time(cli->arg, now_ms, &o->since, err);
	case UNTIL:
		return take_time(cli->arg, now_ms, &o->until, err);
	case 'c':
		o->copy.count = cli_number(cli, 0, INT64_MAX);
		return 0;
	case 'n':
		o->tail = cli_number(cli, 0, INT64_MAX);
		return 0;
	case IDLE_TIMEOUT:
		return klog_duration_parse(cli->arg, &o->copy.idle_ms, err);
	case 'g':
		o->group = cli->arg;
		return klog_group_name_check(cli->arg, err);
	case BATCH:
		work->batch = (size_t)cli_number(cli, 1, WORK_BATCH_MAX);
		return 0;
	case RETRIES:
		work->retries = cli_number(cli, 0, INT32_MAX);
		return 0;
	case RETRY_BACKOFF:
		return klog_duration_parse(cli->arg, &work->backoff_ms, err);
	case COMMAND_TIMEOUT:
		return klog_duration_parse(
			cli->arg, &work->command.timeout_ms, err);
	case DEAD_LETTER:
		work->dead_letter = cli->arg;
		return 0;
	case 'F':
		if (*cli->arg == '\0')
			return klog_fail(err, KLOG_EUSAGE, "an empty format");
		return format_parse(&o->copy.print.format, cli->arg, err);
	case 'K':
		return args_delim(cli->arg, &o->copy.print.key_delim, err);
	case 'D':
		return args_delim(cli->arg, &o->copy.print.delim, err);
	case 'X':
		return given_text(&o->settings, cli->arg, err);
	default: /* the flags are looked up */
		return 0;
	}
}

static void
check_options(const struct cli *cli, struct options *o)
{
	static const int pairs[][2] = { { 'o', SINCE }, { 'n', 'o' },
		{ 'n', SINCE }, { 'f', UNTIL }, { 'D', '0' }, { 'F', 'K' },
		{ 'F', 'D' }, { 'F', '0' }, { 'F', 'J' }, { 'J', 'K' },
		{ 'g', 'p' }, { 'g', 'n' } };
	static const int of_command[] = { BATCH, RETRIES, RETRY_BACKOFF,
		COMMAND_TIMEOUT, DEAD_LETTER };
	struct klog_err err;
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		cli_exclude(cli, pairs[i][0], pairs[i][1]);
	if (o->range.to.where != KLOG_AT_UNSET) {
		if (cli_given(cli, UNTIL))
			cli_usage(cli,
				"-o says where to end, and so does "
				"--until");
		if (cli_given(cli, 'f') && o->range.to.where != KLOG_AT_OFFSET)
			cli_usage(cli,
				"with -f only an offset can be the end: "
				"the others are of now");
	}
	if (o->stored && o->group == NULL)
		cli_usage(cli,
			"-o stored: only a group has stored offsets, "
			"say which with -g");
	for (i = 0; i < sizeof(of_command) / sizeof(of_command[0]); i++)
		if (cli->command == NULL && cli_given(cli, of_command[i]))
			cli_usage(cli,
				"--batch, --retries, --retry-backoff, "
				"--command-timeout and --dead-letter go with a "
				"COMMAND behind --");
	if (given_check(&o->settings, KLOG_OF_CONSUMER, &err) == -1)
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
	o->copy.print.json = cli_given(cli, 'J');
	o->copy.print.format.show_null = cli_given(cli, 'Z');
	if (o->copy.print.delim.size == 0 &&
		klog_buf_put(&o->copy.print.delim,
			cli_given(cli, '0') ? "" : "\n", 1) == -1) {
		klog_fail_memory(&err);
		exit(cli_finish(cli, cli_fail(cli, &err)));
	}
}

static void
take_topics(struct cli *cli, struct options *o)
{
	struct klog_err err;
	int i;

	if (cli->first == cli->argc)
		cli_usage(cli, "no topic");
	for (i = cli->first; i < cli->argc; i++) {
		if (args_topics_add(&o->topics, cli->argv[i], &err) == -1)
			cli_usage(cli, "%s", err.text);
	}
	for (i = 0;
		o->copy.work.dead_letter != NULL && (size_t)i < o->topics.count;
		i++)
		if (strcmp(o->topics.names[i], o->copy.work.dead_letter) == 0)
			cli_usage(cli,
				"%s is read, and cannot be its own "
				"dead letter",
				o->topics.names[i]);
	if (o->topics.partitions.count == 0)
		return;
	if (cli_given(cli, 'p'))
		cli_usage(cli, "TOPIC:PARTITION excludes -p");
	if (cli_given(cli, 'g'))
		cli_usage(cli,
			"the members of a group share all partitions: "
			"name the topic alone");
	o->partitions = o->topics.partitions;
	memset(&o->topics.partitions, 0, sizeof(o->topics.partitions));
}

/* A file of each partition is open for as long as it is its own. */
static void
allow_more_files(struct options *o)
{
	/* of a COMMAND that is none of the business */
	if (cli_more_files(&o->files))
		o->copy.work.command.files = &o->files;
}

/* Whether what fails would be read again, under whatever name. */
static int
check_dead_letter(
	const struct options *o, struct klog *klog, struct klog_err *err)
{
	const char *dead = o->copy.work.dead_letter;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && dead != NULL && i < o->topics.count; i++)
		r = klog_topic_same(klog, o->topics.names[i], dead, err);
	if (r == 1)
		return klog_fail(err, KLOG_EUSAGE,
			"%s is read, and cannot be its own dead letter", dead);
	return r;
}

static int
copy(struct cli *cli, struct options *o, struct klog *klog)
{
	struct copy *c = &o->copy;
	struct klog_err err;
	int r;

	if (cli->command != NULL) {
		c->work.command.argv = cli->command;
		c->work.in = c->in;
		c->work.group = o->group != NULL;
		c->work.print = &c->print;
		r = check_dead_letter(o, klog, &err);
		if (r == 0)
			r = work_init(&c->work, klog, &err);
		if (r == -1)
			return cli_fail_topic(cli, c->work.dead_letter, &err);
	} else {
		static const struct klog_buf none;
		bool ended = c->print.format.count == 0;

		r = output_init(&c->out, STDOUT_FILENO, &err);
		if (r == 0)
			r = delivery_init(&c->delivery, o->group != NULL, c->in,
				&c->out, ended ? &c->print.delim : &none, &err);
	}
	if (r == 0)
		r = copy_records(c, &err);
	return r == -1 ? cli_fail(cli, &err) : 0;
}

static int
consume(struct cli *cli, struct options *o)
{
	struct klog_consume what = {
		.topics = (const char *const *)o->topics.names,
		.topic_count = o->topics.count,
		.partitions = o->partitions.numbers,
		.partition_count = o->partitions.count,
		.from = o->range.from,
		.to = o->range.to,
		.tail = o->tail,
		.follow = cli_given(cli, 'f'),
		.merge = cli_given(cli, MERGE),
		.synced = cli_given(cli, SYNCED),
		.group = o->group,
		.stay = cli->command != NULL ? o->copy.work.batch : 0,
		.settings = o->settings.list,
		.setting_count = o->settings.count,
	};
	const char *dead = o->copy.work.dead_letter;
	struct klog_err err;
	struct klog *klog;
	int status = 0;

	klog = cli_open(cli, o->topics.names[0],
		o->topics.paths_only &&
			(dead == NULL || strchr(dead, '/') != NULL),
		&status);
	if (klog == NULL)
		return status;
	o->copy.in = klog_consumer_open(klog, &what, &err);
	if (o->copy.in == NULL)
		status = cli_fail_topic(cli, o->topics.names[0], &err);
	else
		status = copy(cli, o, klog);
	work_free(&o->copy.work);
	output_free(&o->copy.out);
	delivery_free(&o->copy.delivery);
	klog_consumer_close(o->copy.in);
	klog_close(klog);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.copy = { .count = -1,
			.idle_ms = -1,
			.out = { .fd = -1 },
			.work = { .batch = WORK_BATCH,
				.retries = 3,
				.backoff_ms = 100,
				.command = { .timeout_ms = -1 } } },
		.tail = -1
	};
	struct cli cli = {
		.tool = "klog-consume",
		.operands = "TOPIC... [-- COMMAND [ARG...]]",
		.takes_command = true,
		.text = "Prints the records that are there, and ends; with -f "
			"waits for more.\n"
			"With a COMMAND, gives it records on its stdin, and "
			"takes them as done when it\n"
			"exits 0.",
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
	int status;

	cli_start(&cli, argc, argv);
	take_options(&cli, &o);
	take_topics(&cli, &o);
	/* what is in hand is finished, and committed */
	o.copy.stops = o.group != NULL || cli.command != NULL;
	if (o.copy.stops)
		stop_init();
	if (o.group != NULL)
		allow_more_files(&o);
	status = consume(&cli, &o);
	if (stop_signal() != 0)
		stop_die(stop_signal());
	args_topics_free(&o.topics);
	free(o.partitions.numbers);
	given_free(&o.settings);
	print_free(&o.copy.print);
	return cli_finish(&cli, status);
}
