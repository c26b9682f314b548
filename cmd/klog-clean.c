/* Applies retention and compaction: from cron, or a timer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "libklog/err.h"
#include "libklog/names.h"
#include "libklog/time.h"
#include "table.h"

#define DAY_MS 86400000
#define FAR_DAYS 36525 /* a hundred years */

enum { DRY_RUN = CLI_LONG, EXPLAIN, BEFORE, MIN_FREE, BUFFER };

static const struct cli_opt opts[] = {
	{ DRY_RUN, "dry-run", NULL, "change nothing, print what would go", 0 },
	{ EXPLAIN, "explain", NULL,
		"change nothing, print why each segment stays or goes", 0 },
	{ BEFORE, "before", "OFFSET|@TIME", "remove what lies before", 0 },
	{ MIN_FREE, "min-free", "SIZE|PERCENT%",
		"keep so much of the disk free, oldest data first", 0 },
	{ BUFFER, "buffer", "SIZE", "memory for the keys of a log [64MiB]", 0 },
	{ 'J', "json", NULL, "print a JSON object a line", 0 },
	{ 0 },
};

static const char *const heads[] = { "TOPIC", "PARTITION", "SEGMENT", "BYTES",
	"NEWEST", "ACTION", "RULE", "GROUP", "WHEN" };

struct options {
	struct klog_clean clean;
	int64_t min_free; /* bytes, or -1 */
	int64_t percent;  /* of the disk, or -1 */
	struct args_topic *topics;
	size_t count; /* 0: all of the cluster's */
	bool paths_only;
};

static int
take_min_free(const char *text, struct options *o, struct klog_err *err)
{
	size_t size = strlen(text);
	char number[16];

	if (size == 0 || text[size - 1] != '%')
		return klog_size_parse(text, &o->min_free, err);
	if (size <= sizeof(number)) {
		memcpy(number, text, size - 1);
		number[size - 1] = '\0';
		o->percent = klog_number(number, 100);
	}
	return o->percent == -1
		? klog_fail(err, KLOG_EUSAGE, "%s: not 0%% to 100%%", text)
		: 0;
}

static int
take(struct cli *cli, struct options *o, int letter, struct klog_err *err)
{
	int64_t size;

	switch (letter) {
	case BEFORE:
		return args_offset(
			cli->arg, klog_now_ms(), &o->clean.before, err);
	case MIN_FREE:
		return take_min_free(cli->arg, o, err);
	case BUFFER:
		if (klog_size_parse(cli->arg, &size, err) == -1)
			return -1;
		if (size < 1024 || size > INT64_C(1) << 40)
			return klog_fail(err, KLOG_EUSAGE,
				"%s: a buffer has 1KiB to 1TiB", cli->arg);
		o->clean.buffer = (size_t)size;
		return 0;
	default:
		return 0;
	}
}

/* ---- what is printed ---- */

static void
add_time(struct table *table, int64_t ms)
{
	char text[KLOG_TIME_TEXT];

	if (ms < 0) {
		table_none(table);
	} else if (table->json) {
		table_number(table, ms);
	} else {
		klog_time_text(ms, text);
		table_text(table, text);
	}
}

static void
add_segment(struct table *table, const struct klog_clean_segment *s)
{
	table_text(table, s->topic);
	table_number(table, s->partition);
	table_number(table, s->base);
	table_number(table, s->bytes);
	add_time(table, s->newest_ms);
	table_text(table, s->action);
	table_text(table, s->rule);
	if (s->group != NULL)
		table_text(table, s->group);
	else
		table_none(table);
	add_time(table, s->when_ms);
}

/* When the disk is full, if it goes on like that. */
static int
print_forecast(const struct cli *cli, struct klog *klog,
	const struct klog_clean_report *f)
{
	int64_t have, all, full = -1;
	char when[KLOG_TIME_TEXT];
	struct klog_err err;
	bool grows;

	if (klog_disk(klog, &have, &all, &err) == -1)
		return cli_fail(cli, &err);
	grows = f->per_day > 0 && f->to_come > have;
	/* what lies further off than that may not be a time at all */
	if (grows && have / f->per_day < FAR_DAYS)
		full = klog_now_ms() +
			(int64_t)((double)have / (double)f->per_day * DAY_MS);
	if (cli_given(cli, 'J')) {
		printf("{\"free\":%" PRId64 ",\"size\":%" PRId64
		       ",\"per_day\":%" PRId64 ",\"full\":",
			have, all, f->per_day);
		if (full == -1)
			printf("null}\n");
		else
			printf("%" PRId64 "}\n", full);
		return 0;
	}
	klog_time_text(full, when);
	printf("\ndisk: %" PRId64 " of %" PRId64 " bytes free, %" PRId64
	       " bytes a day come, %s%s\n",
		have, all, f->per_day,
		full != -1      ? "full about "
			: grows ? "not full within 100 years"
				: "it does not fill up",
		full != -1 ? when : "");
	return 0;
}

/* With --explain all of them, else what would go or be compacted. */
static int
print_segments(const struct cli *cli, const struct klog_clean_report *report)
{
	bool all = cli_given(cli, EXPLAIN);
	struct table table;
	size_t i;
	int r = 0;

	table_init(&table, heads, sizeof(heads) / sizeof(heads[0]),
		cli_given(cli, 'J'));
	for (i = 0; i < report->count; i++)
		if (all || strcmp(report->segments[i].action, "keep") != 0)
			add_segment(&table, &report->segments[i]);
	if (table.count > 0 && table_print(&table) == -1)
		r = 1;
	table_free(&table);
	return r;
}

/* `named`: by the caller, so that it has to be there. */
static int
clean_topic(const struct cli *cli, struct klog *klog, const char *topic,
	bool named, const struct options *o, struct klog_clean_report *report)
{
	const struct klog_clean_report was = *report;
	struct klog_err err;
	int status = 0;

	if (klog_clean_topic(klog, topic, &o->clean, report, &err) == -1 &&
		(named ||
			(err.code != KLOG_ENOTFOUND &&
				err.code != KLOG_EDELETED)))
		status = cli_fail_topic(cli, topic, &err);
	if (cli->verbose && !o->clean.dry_run)
		cli_note(cli,
			"%s: %" PRId64 " segments of %" PRId64
			" bytes removed, %" PRId64 " partitions compacted, "
			"%" PRId64 " of %" PRId64 " records kept",
			topic, report->removed - was.removed,
			report->removed_bytes - was.removed_bytes,
			report->compacted - was.compacted,
			report->records_kept - was.records_kept,
			report->records_read - was.records_read);
	return status;
}

/* ---- a floor of free disk ---- */

static int
keep_free(const struct cli *cli, struct klog *klog, const struct options *o,
	struct klog_clean_report *report)
{
	int64_t have, all, least = o->min_free, freed = 0;
	struct klog_err err;
	int r, status = 0;

	if (klog_disk(klog, &have, &all, &err) == -1)
		return cli_fail(cli, &err);
	if (o->percent != -1)
		least = all / 100 * o->percent;
	r = klog_clean_free(
		klog, least, o->clean.dry_run, report, &freed, &err);
	if (freed > 0 && (cli->verbose || o->clean.dry_run))
		cli_note(cli, "--min-free: %" PRId64 " bytes%s", freed,
			o->clean.dry_run ? " would go" : " went");
	if (r == -1)
		status = cli_fail(cli, &err);
	if (r == 1 || o->clean.dry_run)
		return status;
	if (klog_disk(klog, &have, &all, &err) == -1)
		return cli_fail(cli, &err);
	if (have >= least)
		return status;
	cli_warn(cli,
		"--min-free: less than %" PRId64 " bytes are free, and no "
		"closed segment is left that may go",
		least);
	return cli_worse(status, 1);
}

/* ---- topics ---- */

static int
clean_named(const struct cli *cli, struct klog *klog, struct options *o,
	struct klog_clean_report *report)
{
	int status = 0;
	size_t i;

	for (i = 0; i < o->count; i++) {
		o->clean.partition = o->topics[i].partition;
		status = cli_worse(status,
			clean_topic(
				cli, klog, o->topics[i].name, true, o, report));
	}
	return status;
}

/* What --before refuses in one topic is done in none. */
static int
check_before(const struct cli *cli, struct klog *klog, struct options *o)
{
	struct klog_clean_report ignored = { .count = 0 };
	struct klog_clean how = o->clean;
	struct klog_err err;
	int status = 0;
	size_t i;

	how.dry_run = true;
	for (i = 0; status == 0 && i < o->count; i++) {
		how.partition = o->topics[i].partition;
		if (klog_clean_topic(klog, o->topics[i].name, &how, &ignored,
			    &err) == -1)
			status = cli_fail_topic(cli, o->topics[i].name, &err);
	}
	klog_clean_report_free(&ignored);
	return status;
}

static int
clean_all(const struct cli *cli, struct klog *klog, struct options *o,
	struct klog_clean_report *report)
{
	struct klog_topic_info *list;
	struct klog_err err;
	size_t i, count;
	int status = 0;

	if (klog_topics(klog, &list, &count, &err) == -1)
		return cli_fail(cli, &err);
	if (count == 0)
		cli_note(cli, "no topic to clean in this cluster");
	for (i = 0; i < count; i++)
		status = cli_worse(status,
			clean_topic(cli, klog, list[i].name, false, o, report));
	free(list);
	return status;
}

static int
run(struct cli *cli, struct options *o)
{
	struct klog_clean_report report = { .count = 0 };
	struct klog *klog;
	int status = 0;

	klog = cli_open(cli, o->count > 0 ? o->topics[0].name : NULL,
		o->paths_only, &status);
	if (klog == NULL)
		return status;
	if (cli_given(cli, BEFORE) && o->count > 1)
		status = check_before(cli, klog, o);
	if (status == 0)
		status = o->count > 0 ? clean_named(cli, klog, o, &report)
				      : clean_all(cli, klog, o, &report);
	if (cli_given(cli, MIN_FREE))
		status = cli_worse(status, keep_free(cli, klog, o, &report));
	if (o->clean.dry_run && print_segments(cli, &report) != 0)
		status = 1;
	/* of a PATH nobody says which cluster's disk it fills */
	if (cli_given(cli, EXPLAIN) && !o->paths_only)
		status = cli_worse(status, print_forecast(cli, klog, &report));
	klog_clean_report_free(&report);
	klog_close(klog);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.clean = { .partition = -1 }, .min_free = -1, .percent = -1
	};
	struct cli cli = {
		.tool = "klog-clean",
		.operands = "[TOPIC[:PARTITION]...]",
		.text = "Removes and compacts what the settings of the topics "
			"say; of all, or of those named.\n"
			"Says nothing when all is well.",
		.opts = opts,
	};
	struct klog_err err;
	int letter, status;
	size_t i;

	cli_start(&cli, argc, argv);
	while ((letter = cli_next(&cli)) != -1)
		if (take(&cli, &o, letter, &err) == -1)
			cli_bad_arg(&cli, &err);
	cli_exclude(&cli, DRY_RUN, EXPLAIN);
	cli_exclude(&cli, BEFORE, MIN_FREE);
	o.clean.dry_run = cli_given(&cli, DRY_RUN) || cli_given(&cli, EXPLAIN);
	if (cli_given(&cli, 'J') && !o.clean.dry_run)
		cli_usage(&cli, "-J goes with --dry-run and --explain");
	if (cli_given(&cli, BEFORE) && cli.first == cli.argc)
		cli_usage(&cli, "--before needs a topic");
	o.count = (size_t)(argc - cli.first);
	if (args_topic_list(argv + cli.first, o.count, &o.topics, &o.paths_only,
		    &err) == -1)
		cli_usage(&cli, "%s", err.text);
	for (i = 0; cli_given(&cli, MIN_FREE) && i < o.count; i++)
		if (strchr(o.topics[i].name, '/') != NULL)
			cli_usage(&cli,
				"--min-free is about the topics of a cluster; "
				"name it with -C, and no path");
	status = run(&cli, &o);
	args_topic_list_free(o.topics, o.count);
	return cli_finish(&cli, status);
}
