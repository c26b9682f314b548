/* Offsets: of logs, of times, and of consumer groups. */
#include <stdlib.h>
#include <string.h>

#include "libklog/err.h"
#include "libklog/names.h"
#include "libklog/time.h"
#include "listing.h"
#include "metrics.h"
#include "monitor.h"
#include "offsets.h"
#include "reset.h"

enum {
	AT = CLI_LONG,
	GROUPS,
	RESET,
	SHIFT,
	RESET_FROM,
	DRY_RUN,
	UNDO,
	DELETE,
	PROMETHEUS,
	OUTPUT,
	CHECK,
	WARN,
	CRIT
};

static const struct cli_opt opts[] = {
	{ 'g', "group", "GROUP", "what this group has committed, and its lag",
		0 },
	{ AT, "at", "TIME|OFFSET", "the offset that this stands for", 0 },
	{ GROUPS, "groups", NULL, "list the groups", 0 },
	{ RESET, "reset", "OFFSET", "the group goes on from there", 0 },
	{ SHIFT, "shift", "N", "the group goes on N records later, or -N", 0 },
	{ RESET_FROM, "reset-from", "FILE", "offsets as CSV, - is stdin", 0 },
	{ UNDO, "undo", NULL, "take back what was last done by hand", 0 },
	{ DELETE, "delete", NULL, "the group has committed nothing", 0 },
	{ DRY_RUN, "dry-run", NULL, "only print what would be set, as CSV", 0 },
	{ PROMETHEUS, "prometheus", NULL, "print metrics", 0 },
	{ OUTPUT, "output", "FILE", "into FILE, which is replaced", 0 },
	{ CHECK, "check", NULL, "say whether the lag is too large", 0 },
	{ WARN, "warn", "N", "a lag above N is a warning", 0 },
	{ CRIT, "crit", "N", "a lag above N is critical", 0 },
	{ 'J', "json", NULL, "print a JSON object a line", 0 },
	{ 0 },
};

/* Of these one is done, or the offsets are listed. */
static const int modes[] = { AT, GROUPS, RESET, SHIFT, RESET_FROM, UNDO, DELETE,
	PROMETHEUS, CHECK };

/* ---- what was asked for ---- */

/* OFFSET, else TIME. */
static struct klog_at
parse_at(const struct cli *cli, const char *text)
{
	struct klog_at at = { .where = KLOG_AT_TIME, .epoch = -1 };
	int64_t now_ms = klog_now_ms();
	struct klog_err err;

	if (args_offset(text, now_ms, &at, &err) == 0)
		return at;
	at.where = KLOG_AT_TIME;
	at.epoch = -1;
	if (*text == '@' || strcmp(text, "stored") == 0 ||
		klog_time_parse(text, now_ms, &at.value, &err) == -1)
		cli_bad_arg(cli, &err);
	return at;
}

struct asked {
	struct klog_at at;
	struct reset reset;
	const char *output;
	struct monitor monitor;
};

static void
take(struct cli *cli, struct offsets *o, struct asked *a, int letter)
{
	struct klog_err err;

	switch (letter) {
	case 'g':
		o->group = cli->arg;
		if (klog_group_name_check(cli->arg, &err) == -1)
			cli_bad_arg(cli, &err);
		break;
	case AT:
		a->at = parse_at(cli, cli->arg);
		break;
	case RESET:
		if (reset_parse(cli->arg, &a->reset, &err) == -1)
			cli_bad_arg(cli, &err);
		break;
	case SHIFT:
		if (reset_parse_shift(cli->arg, &a->reset, &err) == -1)
			cli_bad_arg(cli, &err);
		break;
	case RESET_FROM:
		a->reset.kind = RESET_FROM_FILE;
		a->reset.file = cli->arg;
		break;
	case UNDO:
		a->reset.kind = RESET_UNDO;
		break;
	case DELETE:
		a->reset.kind = RESET_DELETE;
		break;
	case OUTPUT:
		a->output = cli->arg;
		break;
	case WARN:
		a->monitor.warn = cli_number(cli, 0, INT64_MAX);
		break;
	case CRIT:
		a->monitor.crit = cli_number(cli, 0, INT64_MAX);
		break;
	}
}

/* An option makes sense only beside one of the others. */
static void
needs(const struct cli *cli, int letter, const char *name, bool there,
	const char *what)
{
	if (cli_given(cli, letter) && !there)
		cli_usage(cli, "%s needs %s", name, what);
}

static bool
is_change(const struct cli *cli)
{
	return cli_given(cli, RESET) || cli_given(cli, SHIFT) ||
		cli_given(cli, RESET_FROM) || cli_given(cli, UNDO) ||
		cli_given(cli, DELETE);
}

static void
check_options(const struct cli *cli, const struct asked *a)
{
	bool group = cli_given(cli, 'g'), check = cli_given(cli, CHECK);
	size_t i, k;

	for (i = 0; i < CLI_COUNT(modes); i++)
		for (k = 0; k < i; k++)
			cli_exclude(cli, modes[k], modes[i]);
	cli_exclude(cli, 'g', AT);
	cli_exclude(cli, 'g', GROUPS);
	cli_exclude(cli, 'J', PROMETHEUS);
	cli_exclude(cli, 'J', CHECK);
	needs(cli, RESET, "--reset", group, "-g GROUP");
	needs(cli, SHIFT, "--shift", group, "-g GROUP");
	needs(cli, RESET_FROM, "--reset-from", group, "-g GROUP");
	needs(cli, UNDO, "--undo", group, "-g GROUP");
	needs(cli, DELETE, "--delete", group, "-g GROUP");
	needs(cli, DRY_RUN, "--dry-run", is_change(cli),
		"--reset, --shift, --reset-from, --undo or --delete");
	needs(cli, OUTPUT, "--output", cli_given(cli, PROMETHEUS),
		"--prometheus");
	needs(cli, WARN, "--warn", check, "--check");
	needs(cli, CRIT, "--crit", check, "--check");
	needs(cli, CHECK, "--check",
		cli_given(cli, WARN) && cli_given(cli, CRIT),
		"--warn N and --crit N");
	if (check && a->monitor.warn > a->monitor.crit)
		cli_usage(cli, "--warn is above --crit");
}

/* A monitoring system waits for its verdict, also of a misuse. */
static bool
asks_for_verdict(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strlen(argv[i]) >= strlen("--ch") &&
			strncmp("--check", argv[i], strlen(argv[i])) == 0)
			return true;
	return false;
}

static int
act(struct offsets *o, struct asked *a)
{
	struct klog_err err;

	a->reset.dry_run = cli_given(o->cli, DRY_RUN);
	a->reset.json = cli_given(o->cli, 'J');
	if (!o->given && a->reset.kind != RESET_UNDO &&
		offsets_add_all(o, &err) == -1)
		return cli_fail(o->cli, &err);
	if (a->reset.kind != RESET_NOTHING)
		return reset_run(o, &a->reset);
	if (cli_given(o->cli, PROMETHEUS))
		return metrics_run(o, a->output);
	if (cli_given(o->cli, CHECK))
		return monitor_run(o, &a->monitor);
	return listing_run(o,
		cli_given(o->cli, AT)               ? LISTING_PLACES
			: cli_given(o->cli, GROUPS) ? LISTING_GROUPS
			: o->group != NULL          ? LISTING_COMMITS
						    : LISTING_LOGS,
		a->at, cli_given(o->cli, 'J'));
}

static int
offsets(struct offsets *o, struct asked *a)
{
	bool paths_only = o->given;
	int status = 0;
	size_t i;

	for (i = 0; i < o->count; i++)
		paths_only &= strchr(o->topics[i].name, '/') != NULL;
	o->klog = cli_open(o->cli, o->given ? o->topics[0].name : NULL,
		paths_only, &status);
	if (o->klog == NULL)
		return status;
	status = act(o, a);
	klog_close(o->klog);
	return status;
}

int
main(int argc, char **argv)
{
	struct cli cli = {
		.tool = "klog-offsets",
		.operands = "[TOPIC[:PARTITION]...]",
		.text = "Shows where partitions start and end, where a time "
			"is in them, and what consumer\n"
			"groups have committed; sets what a group has "
			"committed.",
		.after = "OFFSET is N, N/EPOCH, -N, earliest, latest, "
			 "max-timestamp, @TIME (@-10m) or\n"
			 "current.  See klog-args(7).",
		.opts = opts,
	};
	struct offsets o = { .cli = &cli };
	struct asked a = { 0 };
	struct klog_err err;
	int letter, status, i;

	cli_start(&cli, argc, argv);
	if (asks_for_verdict(argc, argv))
		cli.verdict = MONITOR_UNKNOWN;
	while ((letter = cli_next(&cli)) != -1)
		take(&cli, &o, &a, letter);
	check_options(&cli, &a);
	for (i = cli.first; i < argc; i++)
		if (offsets_add(&o, argv[i], &err) == -1)
			cli_usage(&cli, "%s", err.text);
	status = offsets(&o, &a);
	offsets_free(&o);
	return cli_finish(&cli, status);
}
