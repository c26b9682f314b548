#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "libklog/names.h"
#include "libklog/time.h"
#include "place.h"

enum { LOCK_TIMEOUT = CLI_COMMON };

static const struct cli_opt common[] = {
	{ 'C', "cluster", "DIR[,DIR...]", "the cluster [KLOG_CLUSTER]", 0 },
	{ LOCK_TIMEOUT, "lock-timeout", "DURATION",
		"give up waiting for a lock after DURATION", 0 },
	{ 'q', "quiet", NULL, "say nothing but errors", 0 },
	{ 'v', "verbose", NULL, "say more", 0 },
	{ 'h', "help", NULL, "print this and exit", CLI_MANY },
	{ 'V', "version", NULL, "print the version and exit", CLI_MANY },
	{ 0 },
};

/* ---- messages ---- */

/* Bytes of the UTF-8 character at s that may go to a terminal; 0: none. */
static size_t
printable_size(const unsigned char *s)
{
	size_t i, size = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (i = 1; i < size; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* the controls of C1, overlong forms, and surrogates */
	if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
		(s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return size;
}

char *
cli_escape(char *out, size_t size, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t used = 0, n;

	for (; *s != '\0'; s += n) {
		n = printable_size(s);
		if (used + (n == 0 ? 4 : n) >= size)
			break;
		if (n == 0) {
			n = 1;
			snprintf(out + used, size - used, "\\x%02x", *s);
			used += 4;
		} else {
			memcpy(out + used, s, n);
			used += n;
		}
	}
	if (size > 0)
		out[used] = '\0';
	return out;
}

/* One write a line, so that lines of several tools do not mix. */
static void
say(const struct cli *cli, const char *text)
{
	char safe[2 * KLOG_ERR_TEXT];
	char line[2 * KLOG_ERR_TEXT + 64];
	int size;

	cli_escape(safe, sizeof(safe), text);
	size = snprintf(line, sizeof(line), "%s: %s\n", cli->tool, safe);
	if (size > 0 && write(STDERR_FILENO, line, (size_t)size) == -1)
		return; /* there is no place left to say so */
}

/* What ends the tool: on stderr, or where somebody waits for a verdict. */
static int
complain(const struct cli *cli, const char *text, enum klog_code code)
{
	char safe[2 * KLOG_ERR_TEXT];

	if (cli->verdict == NULL) {
		say(cli, text);
		return klog_exit_status(code);
	}
	printf("%s%s\n", cli->verdict, cli_escape(safe, sizeof(safe), text));
	return 3;
}

static void
vsay(const struct cli *cli, const char *fmt, va_list ap)
{
	char text[KLOG_ERR_TEXT];

	vsnprintf(text, sizeof(text), fmt, ap);
	say(cli, text);
}

void
cli_warn(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(cli, fmt, ap);
	va_end(ap);
}

void
cli_note(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->quiet)
		return;
	va_start(ap, fmt);
	vsay(cli, fmt, ap);
	va_end(ap);
}

void
cli_usage(const struct cli *cli, const char *fmt, ...)
{
	char text[KLOG_ERR_TEXT], whole[KLOG_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "%s; try '%s --help'", text, cli->tool);
	exit(complain(cli, whole, KLOG_EUSAGE));
}

int
cli_fail(const struct cli *cli, const struct klog_err *err)
{
	return complain(cli, err->text, err->code);
}

static void
say_line(void *arg, int level, const char *text)
{
	const struct cli *cli = arg;

	if (level == 0 ? !cli->quiet : cli->verbose)
		say(cli, text);
}

struct klog_options
cli_options(struct cli *cli)
{
	struct klog_options options = {
		.say = { .line = say_line, .arg = cli },
		.lock_timeout_ms = cli->lock_timeout_ms,
	};

	return options;
}

/* ---- options ---- */

void
cli_start(struct cli *cli, int argc, char **argv)
{
	int fd;

	/* opened the wrong way round: whoever uses it gets EBADF */
	for (fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
			open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			exit(1);
	}
	cli->argc = argc;
	cli->argv = argv;
	cli->lock_timeout_ms = -1;
}

static const struct cli_opt *
find(const struct cli *cli, int letter)
{
	const struct cli_opt *opt;

	for (opt = cli->opts; opt->name != NULL; opt++) {
		if (opt->letter == letter)
			return opt;
	}
	for (opt = common; opt->name != NULL; opt++) {
		if (opt->letter == letter)
			return opt;
	}
	return NULL;
}

/* "-p" or "--acks" */
static const char *
spell(const struct cli_opt *opt, char text[32])
{
	if (opt->letter < CLI_LONG)
		snprintf(text, 32, "-%c", opt->letter);
	else
		snprintf(text, 32, "--%s", opt->name);
	return text;
}

bool
cli_given(const struct cli *cli, int letter)
{
	size_t i;

	for (i = 0; i < cli->seen_count; i++) {
		if (cli->seen[i]->letter == letter)
			return true;
	}
	return false;
}

void
cli_exclude(const struct cli *cli, int letter, int other)
{
	char a[32], b[32];

	if (cli_given(cli, letter) && cli_given(cli, other))
		cli_usage(cli, "%s and %s exclude each other",
			spell(find(cli, letter), a),
			spell(find(cli, other), b));
}

int64_t
cli_number(const struct cli *cli, int64_t least, int64_t most)
{
	char text[32];
	int64_t n = klog_number(cli->arg, most);

	if (n < least)
		cli_usage(cli, "%s %s: not a number of %" PRId64 " to %" PRId64,
			spell(cli->seen[cli->seen_count - 1], text), cli->arg,
			least, most);
	return n;
}

void
cli_bad_arg(const struct cli *cli, const struct klog_err *err)
{
	char text[32];

	cli_usage(cli, "%s: %s", spell(cli->seen[cli->seen_count - 1], text),
		err->text);
}

static void
help_table(const struct cli_opt *opt)
{
	char left[64];

	for (; opt->name != NULL; opt++) {
		if (opt->letter < CLI_LONG)
			snprintf(left, sizeof(left), "-%c, --%s%s%s",
				opt->letter, opt->name, opt->arg ? " " : "",
				opt->arg ? opt->arg : "");
		else
			snprintf(left, sizeof(left), "    --%s%s%s", opt->name,
				opt->arg ? " " : "", opt->arg ? opt->arg : "");
		printf("  %-30s  %s\n", left, opt->text);
	}
}

static _Noreturn void
help(const struct cli *cli)
{
	printf("usage: %s [OPTION]... %s\n%s\n\n", cli->tool, cli->operands,
		cli->text);
	help_table(cli->opts);
	help_table(common);
	if (cli->after != NULL)
		printf("\n%s\n", cli->after);
	exit(cli_finish(cli, 0));
}

static _Noreturn void
version(const struct cli *cli)
{
	printf("%s %s\n", cli->tool, KLOG_VERSION);
	exit(cli_finish(cli, 0));
}

/* The tables as getopt_long wants them; both arrays are large enough. */
static void
make_getopt(const struct cli *cli, struct option longs[CLI_OPTS_MAX],
	char shorts[2 * CLI_OPTS_MAX])
{
	const struct cli_opt *tables[] = { cli->opts, common };
	size_t t, count = 0, used = 0;
	const struct cli_opt *opt;

	/* in order: what stands behind "--" is not to be mixed up */
	if (cli->takes_command)
		shorts[used++] = '-';
	shorts[used++] = ':';
	for (t = 0; t < 2; t++) {
		for (opt = tables[t]; opt->name != NULL; opt++) {
			struct option *to = &longs[count++];

			to->name = opt->name;
			to->has_arg = opt->arg != NULL ? required_argument
						       : no_argument;
			to->flag = NULL;
			to->val = opt->letter;
			if (opt->letter >= CLI_LONG)
				continue;
			shorts[used++] = (char)opt->letter;
			if (opt->arg != NULL)
				shorts[used++] = ':';
		}
	}
	memset(&longs[count], 0, sizeof(longs[count]));
	shorts[used] = '\0';
}

static _Noreturn void
refuse(const struct cli *cli, int answer)
{
	const struct cli_opt *opt = find(cli, optopt);
	char text[32];

	if (answer == ':' && opt != NULL)
		cli_usage(cli, "%s needs an argument: %s", spell(opt, text),
			opt->arg);
	if (opt != NULL)
		cli_usage(cli, "--%s takes no argument", opt->name);
	if (optopt != 0)
		cli_usage(cli, "unknown option '-%c'", optopt);
	cli_usage(cli, "unknown option '%s'", cli->argv[optind - 1]);
}

static void
remember(struct cli *cli, const struct cli_opt *opt)
{
	char text[32];

	if (cli_given(cli, opt->letter) && (opt->flags & CLI_MANY) == 0)
		cli_usage(cli, "%s is given twice", spell(opt, text));
	if (cli->seen_count > 0 && (opt->flags & CLI_MANY) != 0) {
		size_t last = cli->seen_count - 1, i;

		/* the current one is always the last of those seen */
		for (i = 0; i <= last; i++) {
			if (cli->seen[i] == opt) {
				cli->seen[i] = cli->seen[last];
				cli->seen[last] = opt;
				return;
			}
		}
	}
	cli->seen[cli->seen_count++] = opt;
}

/* Whether it was a common option; it is done then. */
static bool
take_common(struct cli *cli, int letter)
{
	struct klog_err err;

	switch (letter) {
	case 'C':
		if (*cli->arg == '\0')
			cli_usage(cli, "-C needs a directory");
		cli->cluster = cli->arg;
		return true;
	case LOCK_TIMEOUT:
		if (klog_duration_parse(
			    cli->arg, &cli->lock_timeout_ms, &err) == -1)
			cli_bad_arg(cli, &err);
		return true;
	case 'q':
		cli->quiet = true;
		return true;
	case 'v':
		cli->verbose = true;
		return true;
	case 'h':
		help(cli);
	case 'V':
		version(cli);
	default:
		return false;
	}
}

/* The operands were gathered at the front of argv. */
static void
take_command(struct cli *cli)
{
	char **argv = cli->argv;

	if (strcmp(argv[optind - 1], "--") == 0 &&
		cli->arg != argv[optind - 1]) {
		if (optind == cli->argc)
			cli_usage(cli, "no COMMAND behind --");
		cli->command = argv + optind;
	}
	cli->first = 1;
	cli->argc = 1 + cli->operands_seen;
}

int
cli_next(struct cli *cli)
{
	struct option longs[CLI_OPTS_MAX];
	char shorts[2 * CLI_OPTS_MAX];
	int letter;

	make_getopt(cli, longs, shorts);
	opterr = 0;
	for (;;) {
		letter = getopt_long(cli->argc, cli->argv, shorts, longs, NULL);
		if (letter == -1)
			break;
		if (letter == 1) { /* an operand, in its place */
			cli->argv[1 + cli->operands_seen++] = optarg;
			continue;
		}
		if (letter == '?' || letter == ':')
			refuse(cli, letter);
		cli->arg = optarg;
		remember(cli, find(cli, letter));
		if (!take_common(cli, letter))
			return letter;
	}
	cli->first = optind;
	if (cli->takes_command)
		take_command(cli);
	cli_exclude(cli, 'q', 'v');
	return -1;
}

/* ---- cluster, end ---- */

struct klog *
cli_open(struct cli *cli, const char *topic, bool paths_only, int *status)
{
	struct klog_options options = cli_options(cli);
	char place[PLACE_SIZE];
	struct klog_err err;
	struct klog *klog = NULL;

	if (paths_only)
		klog = klog_open("/", &options, &err);
	else if (place_cluster(cli->cluster, place, &err) == 0)
		klog = klog_open(place, &options, &err);
	if (klog == NULL)
		*status = cli_fail_topic(cli, topic, &err);
	return klog;
}

int
cli_fail_topic(
	const struct cli *cli, const char *topic, const struct klog_err *err)
{
	char used[PLACE_SIZE], other[PLACE_SIZE], whole[KLOG_ERR_TEXT];
	struct klog_err ignored;

	if (err->code != KLOG_ENOTFOUND || topic == NULL ||
		strchr(topic, '/') != NULL ||
		place_cluster(cli->cluster, used, &ignored) == -1 ||
		!place_elsewhere(used, topic, other))
		return cli_fail(cli, err);
	snprintf(whole, sizeof(whole), "%s; it is in %s (-C %s)", err->text,
		other, other);
	return complain(cli, whole, err->code);
}

int
cli_worse(int a, int b)
{
	return a > b ? a : b;
}

bool
cli_more_files(struct rlimit *was)
{
	struct rlimit more;

	if (getrlimit(RLIMIT_NOFILE, was) == -1)
		return false;
	more = *was;
	more.rlim_cur = more.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &more);
	return true;
}

int
cli_finish(const struct cli *cli, int status)
{
	bool failed = ferror(stdout) != 0;

	/* some file systems tell only on close */
	errno = 0;
	if (fclose(stdout) == EOF)
		failed = true;
	if (!failed)
		return status;
	cli_warn(cli, "stdout: %s",
		errno != 0 ? strerror(errno) : "not everything was written");
	return status > 1 ? status : 1;
}
