/*
 * What every tool does the same way: options from one table, --help made of
 * it, messages on stderr, the exit status, the end behind stdout.
 *
 *	static const struct cli_opt opts[] = {
 *		{ 'f', "follow", NULL, "wait for records yet to come", 0 },
 *		{ 0 }
 *	};
 *
 *	cli_start(&cli, argc, argv);
 *	while ((letter = cli_next(&cli)) != -1)
 *		switch (letter) ...
 *	operands: cli.argv[cli.first] to cli.argv[cli.argc - 1]
 *	return cli_finish(&cli, status);
 */
#ifndef CLI_H
#define CLI_H

#include <sys/resource.h>

#include "libklog/klog.h"

#define CLI_COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum { CLI_MANY = 1 }; /* may be given several times */

#define CLI_LONG 256    /* letters of a tool's long-only options: from here */
#define CLI_COMMON 1024 /* and of the common ones */
#define CLI_OPTS_MAX 64

struct cli_opt {
	int letter;
	const char *name;
	const char *arg; /* its name in --help, or NULL */
	const char *text;
	int flags;
};

struct cli {
	/* set by the tool */
	const char *tool;     /* "klog-produce" */
	const char *operands; /* "TOPIC [FILE...]" */
	const char *text;     /* what it does, a line or a few */
	const char *after;    /* further lines of --help, or NULL */
	const struct cli_opt *opts;
	bool takes_command; /* the first "--" begins a COMMAND */

	/* of the option that cli_next answered */
	const char *arg;

	/* once cli_next answered -1 */
	int argc;
	char **argv;
	int first;            /* the first operand */
	char *const *command; /* its words, or NULL */

	/* the common options */
	const char *cluster; /* -C as given, or NULL */
	int64_t lock_timeout_ms;
	const char *verdict; /* what fails is said on stdout, behind this, and
				the status is 3: for monitoring */
	bool quiet;
	bool verbose;

	const struct cli_opt *seen[CLI_OPTS_MAX];
	size_t seen_count;
	int operands_seen; /* where it takes a COMMAND */
};

/* Opens what is closed of the descriptors 0 to 2, so that no file of a topic
 * becomes anybody's stdout. */
void cli_start(struct cli *cli, int argc, char **argv);

/*
 * The letter of the next option, -1 when there is none.  The common options
 * are taken here; --help and --version exit 0; an unknown option, a missing
 * argument and an option given twice exit 2.
 */
int cli_next(struct cli *cli);

/* Whether an option was given. */
bool cli_given(const struct cli *cli, int letter);

/* Two options of which both were given exit 2. */
void cli_exclude(const struct cli *cli, int letter, int other);

/* Exits 2 with a line that ends in "try 'TOOL --help'". */
_Noreturn void cli_usage(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The argument of the current option as a number within bounds, or exits 2. */
int64_t cli_number(const struct cli *cli, int64_t least, int64_t most);

/* Exits 2 with what *err says about the current option's argument. */
_Noreturn void cli_bad_arg(const struct cli *cli, const struct klog_err *err);

/* A line on stderr: "TOOL: LINE", what is not printable escaped. */
void cli_warn(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same unless -q was given. */
void cli_note(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Says *err; answers the exit status that its code stands for. */
int cli_fail(const struct cli *cli, const struct klog_err *err);

/* Lines of the library go to stderr as -q and -v say. */
struct klog_options cli_options(struct cli *cli);

/*
 * Opens the cluster that -C, KLOG_CLUSTER or the default names; NULL and a
 * line on stderr, status in *status, when it cannot be.  `topic` (or NULL) is
 * what will be looked for in it, as in cli_fail_topic.  Who reads only paths
 * needs no cluster, unless -C is given.
 */
struct klog *cli_open(
	struct cli *cli, const char *topic, bool paths_only, int *status);

/* Says *err, and where another default cluster has a topic that was not
 * found; answers the exit status. */
int cli_fail_topic(
	const struct cli *cli, const char *topic, const struct klog_err *err);

/* The worse of two exit statuses. */
int cli_worse(int a, int b);

/*
 * Lets this process open as many files as it may: who holds the offset file of
 * each partition of a topic needs more than a shell allows.  *was is what it
 * was; false: that is not known, and nothing is changed.
 */
bool cli_more_files(struct rlimit *was);

/* Notices what stdout did not take (a full disk); answers the status that
 * main returns. */
int cli_finish(const struct cli *cli, int status);

/* Copies text with what a terminal would act on as \xNN, cut to size.  Text
 * in UTF-8 stays as it is. */
char *cli_escape(char *out, size_t size, const char *text);

#endif
