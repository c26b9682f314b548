/*
 * group-sweep - a member of a consumer group, hit at every place where it can
 * be, and what the next one makes of it.
 *
 *	group-sweep -d WHAT [-2e] [-b COUNT] [-t TO] [-n EVERY] [-c CALLS]
 *	            [-p PATTERN] [-s STATUSES] TOPIC [-- OPTION...]
 *
 * `klog-consume -g G OPTION... TOPIC` runs again and again, each time in
 * another group, G1, G2, ...; what it syncs of the topic is undone.  TO is
 *
 *	file		stdout is a regular file (the default)
 *	pipe		a pipe, of which a few bytes are taken whenever it looks
 *			how many are unread, and none after its end
 *	socket		the same with a socket
 *	command		-- `group-sweep handle FILE [EVERY]`, which appends what
 *			it gets to FILE, but fails each EVERYth time
 *
 * and WHAT
 *
 *	kill TERM INT HUP	that signal as it enters its first, second, ...
 *			system call
 *	child		SIGKILL to its COMMAND at each of its calls instead
 *	short EINTR once:ERRNO sticky:ERRNO	as with fault-sweep
 *	torn		SIGKILL inside a write: after 0, 7, ... bytes
 *
 * CALLS and PATTERN are as in libfault.c; the default is every changing call
 * in the cluster; stdout is "/memfd:stdout".
 *
 * After each: the committed offset never passes a record that was not
 * delivered; after a signal that may be caught it is where delivery ended; the
 * group's files are whole.  The next run gets the partitions without any wait
 * (--lock-timeout 0), begins where the committed offset is, has nothing to say,
 * and then every record was delivered, all are committed, and no member is
 * left.  -2: the run after a kill is killed at each of its calls, too.  -e: the
 * next run may end with an error of its COMMAND, the one after it may, ...  -b:
 * the group has committed so many records of each partition before.
 */
#include "run.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "libklog/committed.h"

#define PARTS_MAX 4
#define OFFSETS_MAX 64
#define FAILURES_MAX 5
#define EVERY_TRIES 20
#define FEW 5 /* bytes that are taken from a pipe at once */

struct seen {
	int times[PARTS_MAX][OFFSETS_MAX];
	int64_t first[PARTS_MAX]; /* of the text that came last; -1: none */
};

struct sweep {
	const char *what, *to, *calls, *pattern, *statuses, *topic, *cluster;
	char **options;
	int option_count;
	bool twice, tries;
	char before[16]; /* empty: nobody committed */

	char dir[PATH_MAX], scratch[PATH_MAX], handled[PATH_MAX];
	char log[PATH_MAX];
	char group[64], every[16];
	int parts;
	int64_t count[PARTS_MAX];
	char state[PARTS_MAX][8192];
	ssize_t state_size[PARTS_MAX];

	int pipe[2];
	struct text taken;
	struct seen seen;
	int64_t committed[PARTS_MAX];
	char point[256];
	long points, states, failures;
	long lines; /* that the next run may say */
	bool hit;
};

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
		"usage: group-sweep -d WHAT [-2e] [-b COUNT]"
		" [-t file|pipe|socket|command]\n"
		"                   [-n EVERY] [-c CALLS] [-p PATTERN] [-s "
		"STATUSES]"
		" TOPIC [-- OPTION...]\n");
	exit(2);
}

static void __attribute__((format(printf, 2, 3)))
fail(struct sweep *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "group-sweep: %s: ", s->point);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (++s->failures >= FAILURES_MAX)
		exit(1);
}

/* ---- COMMAND ----------------------------------------------------------- */

/* What came goes to the file in one write, so that it is handled or not. */
static int
handle(int argc, char **argv)
{
	static char text[65536];
	size_t size = 0;
	ssize_t n;
	int fd;

	while ((n = read(0, text + size, sizeof(text) - size)) > 0)
		size += (size_t)n;
	if (argc > 1 && atoi(argv[1]) > 0) {
		char path[PATH_MAX];
		struct stat st;

		snprintf(path, sizeof(path), "%s.runs", argv[0]);
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
		if (fd == -1 || write(fd, "x", 1) != 1 || fstat(fd, &st) == -1)
			return 9;
		close(fd);
		if (st.st_size % atoi(argv[1]) == 0)
			return 1;
	}
	fd = open(argv[0], O_WRONLY | O_CREAT | O_APPEND, 0666);
	return fd == -1 || write(fd, text, size) != (ssize_t)size ? 9 : 0;
}

/* ---- the topic and the group ------------------------------------------- */

static void
path_of(const struct sweep *s, char path[PATH_MAX], int p, const char *rest)
{
	if (snprintf(path, PATH_MAX, "%s/%d/%s", s->dir, p, rest) >= PATH_MAX)
		die("a path too long");
}

static void
keep_state(struct sweep *s)
{
	for (int p = 0; p < s->parts; p++) {
		char path[PATH_MAX];
		int fd;

		path_of(s, path, p, ".klog");
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			die(path);
		s->state_size[p] = read(fd, s->state[p], sizeof(s->state[p]));
		close(fd);
	}
}

/* In place: another file would be another stamp. */
static void
put_state(const struct sweep *s)
{
	for (int p = 0; p < s->parts; p++) {
		char path[PATH_MAX];
		int fd;

		path_of(s, path, p, ".klog");
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd == -1 ||
			pwrite(fd, s->state[p], (size_t)s->state_size[p], 0) !=
				s->state_size[p])
			die(path);
		close(fd);
	}
}

static void
read_committed(struct sweep *s)
{
	for (int p = 0; p < s->parts; p++) {
		struct klog_commits commits;
		struct klog_err err;
		char path[PATH_MAX];
		int fd;

		s->committed[p] = 0;
		if (snprintf(path, sizeof(path), "%s/groups/%s/%d", s->dir,
			    s->group, p) >= PATH_MAX)
			die("a path too long");
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1 && errno == ENOENT)
			continue;
		if (fd == -1)
			die(path);
		if (klog_commits_read(fd, &commits, path, &err) == -1)
			fail(s, "%s", err.text);
		else if (commits.torn && strcmp(s->what, "torn") != 0)
			fail(s, "%s: a slot is torn", path);
		else if (commits.now.offset != -1)
			s->committed[p] = commits.now.offset;
		close(fd);
	}
}

static long
members(const struct sweep *s)
{
	char path[PATH_MAX];
	struct dirent *entry;
	long n = 0;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/groups/%s/members", s->dir,
		    s->group) >= PATH_MAX)
		die("a path too long");
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* ---- what was delivered ------------------------------------------------- */

/* Lines "PARTITION OFFSET"; half a one only where `cut`. */
static void
take(struct sweep *s, const struct text *t, bool cut)
{
	int64_t before[PARTS_MAX];
	const char *line = t->data;

	for (int p = 0; p < PARTS_MAX; p++)
		s->seen.first[p] = before[p] = -1;
	while (line != NULL && line < t->data + t->size) {
		const char *end = memchr(
			line, '\n', (size_t)(t->data + t->size - line));
		char *rest;
		long p, o;

		if (end == NULL) {
			if (!cut)
				fail(s, "half a record: '%s'", line);
			return;
		}
		p = strtol(line, &rest, 10);
		o = strtol(rest, &rest, 10);
		if (rest != end || p < 0 || p >= s->parts || o < 0 ||
			o >= s->count[p]) {
			fail(s, "it printed '%.40s'", line);
			return;
		}
		if (s->seen.first[p] == -1)
			s->seen.first[p] = o;
		else if (o <= before[p] && strcmp(s->to, "command") != 0)
			fail(s, "partition %ld: %ld after %jd", p, o,
				(intmax_t)before[p]);
		before[p] = o;
		s->seen.times[p][o]++;
		line = end + 1;
	}
}

static void
slurp(const char *path, struct text *t)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd == -1)
		die(path);
	slurp_fd(fd, t);
	close(fd);
}

static bool
has_reader(const struct sweep *s)
{
	return strcmp(s->to, "pipe") == 0 || strcmp(s->to, "socket") == 0;
}

static void
take_few(void *arg, uint64_t number)
{
	struct sweep *s = arg;
	int unread = 0;
	ssize_t n;

	if (number != SYS_ioctl)
		return;
	if (ioctl(s->pipe[0], FIONREAD, &unread) == -1)
		die("pipe");
	if (unread == 0)
		return;
	if (unread > FEW)
		unread = FEW;
	s->taken.data = realloc(s->taken.data, s->taken.size + FEW + 1);
	if (s->taken.data == NULL)
		die("memory");
	n = read(s->pipe[0], s->taken.data + s->taken.size, (size_t)unread);
	if (n > 0)
		s->taken.size += (size_t)n;
	s->taken.data[s->taken.size] = '\0';
}

/* ---- a run --------------------------------------------------------------- */

static void
member(const struct sweep *s, char **argv, bool at_once)
{
	size_t n = 0;

	argv[n++] = "klog-consume";
	argv[n++] = "-g";
	argv[n++] = (char *)(uintptr_t)s->group;
	argv[n++] = "-F";
	argv[n++] = "%p %o\\n";
	if (at_once) {
		argv[n++] = "--lock-timeout";
		argv[n++] = "0s";
	}
	for (int i = 0; i < s->option_count && n + 8 < 64; i++)
		argv[n++] = s->options[i];
	argv[n++] = (char *)(uintptr_t)s->topic;
	if (strcmp(s->to, "command") == 0) {
		argv[n++] = "--";
		argv[n++] = "group-sweep";
		argv[n++] = "handle";
		argv[n++] = (char *)(uintptr_t)s->handled;
		argv[n++] = (char *)(uintptr_t)s->every;
	}
	argv[n] = NULL;
}

static void
begin(struct sweep *s, struct run *run)
{
	if (unlink(s->handled) == -1 && errno != ENOENT)
		die(s->handled);
	run->each = NULL;
	run->given_out = 0;
	if (!has_reader(s))
		return;
	if (strcmp(s->to, "pipe") == 0
			? pipe2(s->pipe, O_CLOEXEC) == -1
			: socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				  s->pipe) == -1)
		die("pipe");
	run->given_out = s->pipe[1];
	run->each = take_few;
	s->taken.size = 0;
}

static void
end(struct sweep *s, struct run *run)
{
	struct text t = { NULL, 0 };

	if (run->given_out != 0) {
		take(s, &s->taken, true);
		close(s->pipe[0]);
		close(s->pipe[1]);
	} else if (strcmp(s->to, "command") == 0) {
		slurp(s->handled, &t);
		take(s, &t, false);
		free(t.data);
	} else {
		take(s, &run->out, false);
	}
}

static void
wait_end(struct run *run)
{
	pid_t pid;
	int status;

	/* its COMMAND, too, whose parent this is after its end */
	while ((pid = waitpid(-run->pid, &status, 0)) != -1 || errno == EINTR)
		if (pid == run->pid)
			run->status = as_shell(status);
	run_output(run);
}

/* A group that is new, or has committed something. */
static void
make_group(struct sweep *s)
{
	static struct run run;
	char bound[32];
	char *argv[] = { "klog-consume", "-g", s->group, "-F", "%p %o\\n", "-o",
		bound, (char *)(uintptr_t)s->topic, NULL };

	put_state(s);
	memset(&s->seen, 0, sizeof(s->seen));
	if (s->before[0] == '\0')
		return;
	snprintf(bound, sizeof(bound), "0..%s", s->before);
	run_start(&run, argv, NULL, "/dev/null", false);
	wait_end(&run);
	if (run.status != 0)
		die(run.err.data);
	take(s, &run.out, false);
}

/* ---- what must hold ------------------------------------------------------ */

/* Nothing is committed that was not delivered; with `exact` all that was. */
static void
check_committed(struct sweep *s, bool exact)
{
	read_committed(s);
	for (int p = 0; p < s->parts; p++) {
		if (s->committed[p] > s->count[p])
			fail(s, "partition %d: %jd is committed of %jd", p,
				(intmax_t)s->committed[p],
				(intmax_t)s->count[p]);
		for (int64_t o = 0; o < s->count[p]; o++) {
			if (o < s->committed[p] && s->seen.times[p][o] == 0)
				fail(s,
					"partition %d: %jd is committed, and "
					"%jd was not delivered",
					p, (intmax_t)s->committed[p],
					(intmax_t)o);
			if (exact && o >= s->committed[p] &&
				s->seen.times[p][o] > 0)
				fail(s,
					"partition %d: %jd is committed, and "
					"%jd was delivered",
					p, (intmax_t)s->committed[p],
					(intmax_t)o);
		}
	}
}

static long
line_count(const struct text *t)
{
	long n = 0;

	for (size_t i = 0; i < t->size; i++)
		n += t->data[i] == '\n';
	return n;
}

/* The next run, undisturbed, ends what is left. */
static void
go_on(struct sweep *s)
{
	static struct run run;
	char *argv[64];
	const char *to = s->to;
	int64_t from[PARTS_MAX];

	if (has_reader(s))
		s->to = "file";
	memcpy(from, s->committed, sizeof(from));
	member(s, argv, true);
	for (int i = 0; i < (s->tries ? EVERY_TRIES : 1); i++) {
		begin(s, &run);
		run_start(&run, argv, NULL, "/dev/null", false);
		wait_end(&run);
		end(s, &run);
		if (run.status == 0)
			break;
	}
	s->to = to;
	if (run.status != 0 || line_count(&run.err) > s->lines)
		fail(s, "the next run ended with %d: %s", run.status,
			run.err.data);
	for (int p = 0; p < s->parts; p++)
		if (!s->tries &&
			s->seen.first[p] !=
				(from[p] < s->count[p] ? from[p] : -1))
			fail(s,
				"partition %d: %jd is committed, it went on at "
				"%jd",
				p, (intmax_t)from[p],
				(intmax_t)s->seen.first[p]);
	read_committed(s);
	for (int p = 0; p < s->parts; p++) {
		if (s->committed[p] != s->count[p])
			fail(s,
				"partition %d: all was delivered, %jd is "
				"committed",
				p, (intmax_t)s->committed[p]);
		for (int64_t o = 0; o < s->count[p]; o++)
			if (s->seen.times[p][o] == 0)
				fail(s, "partition %d: %jd was never delivered",
					p, (intmax_t)o);
	}
	if (members(s) != 0)
		fail(s, "%ld members are left", members(s));
}

/* ---- by signals ----------------------------------------------------------- */

static int
signal_of(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} list[] = { { "kill", SIGKILL }, { "child", SIGKILL },
		{ "TERM", SIGTERM }, { "INT", SIGINT }, { "HUP", SIGHUP } };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].number;
	return 0;
}

/* COMMAND did not exit 0: nothing of what it had is committed, whatever it
 * did with it. */
static void
check_refused(struct sweep *s, const struct run *run)
{
	const char *at = strstr(run->err.data, ", offset");
	long p, o;

	if (at == NULL || strstr(at, "; it is not committed\n") == NULL) {
		fail(s, "it said: %s", run->err.data);
		return;
	}
	for (p = 0; at[-1] != '/'; at--)
		p = at[-1] - '0';
	at = strstr(at, ", offset");
	o = strtol(at + strcspn(at, "0123456789"), NULL, 10);
	read_committed(s);
	if (p >= s->parts || s->committed[p] != o)
		fail(s, "%jd is committed, and it said: %s",
			(intmax_t)s->committed[p], run->err.data);
}

static void
check_ended(struct sweep *s, const struct run *run, bool got_it, int sig)
{
	bool child = strcmp(s->what, "child") == 0;

	if (child && got_it) {
		/* with retries it comes through all the same */
		if (run->status > 1)
			fail(s, "it ended with %d: %s", run->status,
				run->err.data);
		else if (run->status == 1)
			check_refused(s, run);
		return;
	}
	if (run->status != 0 && (!got_it || run->status != 128 + sig) &&
		!(s->tries && run->status == 1))
		fail(s, "it ended with %d: %s", run->status, run->err.data);
	if (run->err.size > 0 && !s->tries)
		fail(s, "it said: %s", run->err.data);
}

/* A copy of the group as it is now, which is the group from here on. */
static void
copy_group(struct sweep *s, const char *from)
{
	char command[3 * PATH_MAX];

	snprintf(command, sizeof(command),
		"cd '%s' && { [ ! -e groups/%s ] || "
		"cp -r groups/%s groups/%s; }",
		s->dir, from, from, s->group);
	if (system(command) != 0)
		die(command);
}

static void
forget_group(const struct sweep *s)
{
	char command[3 * PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s/groups/%s'", s->dir,
		s->group);
	if (system(command) != 0)
		die(command);
}

static void
sweep_second(struct sweep *s)
{
	static struct run run;
	struct seen seen = s->seen;
	char first[sizeof(s->group)], point[sizeof(s->point)];
	char kept[PARTS_MAX][sizeof(s->state[0])];
	char *argv[64];
	bool got_it = true;

	memcpy(first, s->group, sizeof(first));
	memcpy(point, s->point, sizeof(point));
	memcpy(kept, s->state, sizeof(kept));
	keep_state(s);
	for (long n = 1; got_it; n++) {
		snprintf(s->group, sizeof(s->group), "%.30s-%ld", first, n);
		snprintf(s->point, sizeof(s->point), "%.120s, then %ld", point,
			n);
		copy_group(s, first);
		put_state(s);
		s->seen = seen;
		member(s, argv, true);
		begin(s, &run);
		got_it = run_traced(&run, argv, "/dev/null", s->cluster, n,
			SIGKILL, NULL, s);
		end(s, &run);
		check_ended(s, &run, got_it, SIGKILL);
		check_committed(s, false);
		go_on(s);
		forget_group(s);
		s->points++;
	}
	memcpy(s->group, first, sizeof(first));
	memcpy(s->point, point, sizeof(point));
	put_state(s);
	memcpy(s->state, kept, sizeof(kept));
	s->seen = seen;
	read_committed(s);
	s->states++;
}

static void
sweep_calls(struct sweep *s)
{
	int sig = signal_of(s->what);
	static struct run run;
	char *argv[64];
	bool got_it = true;

	run.of_children = strcmp(s->what, "child") == 0;
	for (long n = 1; got_it; n++) {
		snprintf(s->group, sizeof(s->group), "g%ld", n);
		snprintf(s->point, sizeof(s->point), "%s at call %ld", s->what,
			n);
		make_group(s);
		member(s, argv, false);
		begin(s, &run);
		got_it = run_traced(
			&run, argv, "/dev/null", s->cluster, n, sig, NULL, s);
		end(s, &run);
		check_ended(s, &run, got_it, sig);
		check_committed(s, sig != SIGKILL);
		if (s->twice && got_it && run.changed)
			sweep_second(s);
		go_on(s);
		forget_group(s);
		s->points++;
	}
}

/* ---- by the preload library ------------------------------------------------ */

static void
read_log(struct sweep *s)
{
	FILE *f = fopen(s->log, "re");
	char line[PATH_MAX + 128];

	s->hit = false;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (line[0] != '!')
			continue;
		s->hit = true;
		line[strcspn(line, "\n")] = '\0';
		snprintf(s->point, sizeof(s->point), "%s at %.200s", s->what,
			line + 1);
		break;
	}
	if (f != NULL)
		fclose(f);
	if (unlink(s->log) == -1 && errno != ENOENT)
		die(s->log);
}

static void
run_faulty(struct sweep *s, struct run *run, long n, const char *action,
	bool sticky)
{
	static char text[7][PATH_MAX + 32];
	const char *also = getenv("LD_PRELOAD");
	char *more[8], *argv[64];

	snprintf(text[0], sizeof(text[0]), "LD_PRELOAD=%s/libfault.so %s",
		getenv("KLOG_FAULT"), also != NULL ? also : "");
	snprintf(text[1], sizeof(text[1]), "FAULT_CALLS=%s", s->calls);
	snprintf(text[2], sizeof(text[2]), "FAULT_PATH=%s", s->pattern);
	snprintf(text[3], sizeof(text[3]), "FAULT_NTH=%ld", n);
	snprintf(text[4], sizeof(text[4]), "FAULT_DO=%s", action);
	snprintf(text[5], sizeof(text[5]), "FAULT_STICKY=%d", sticky);
	snprintf(text[6], sizeof(text[6]), "FAULT_LOG=%s", s->log);
	for (int i = 0; i < 7; i++)
		more[i] = text[i];
	more[7] = NULL;
	member(s, argv, false);
	begin(s, run);
	run_start(run, argv, more, "/dev/null", false);
	wait_end(run);
	/* a write that came short may have left half a record */
	if (run->given_out == 0 && strcmp(s->to, "file") == 0)
		take(s, &run->out, true);
	else
		end(s, run);
	read_log(s);
}

static void
check_failed(struct sweep *s, const struct run *run, bool harmless)
{
	long lines = line_count(&run->err);

	s->lines = strcmp(s->what, "torn") == 0;
	if (s->lines != 0) {
		if (run->status != 128 + SIGKILL)
			fail(s, "it ended with %d", run->status);
		return;
	}
	if (run->status == 0 && lines == 0)
		return;
	if (harmless || run->status > 9 ||
		strchr(s->statuses, '0' + run->status) == NULL)
		fail(s, "it ended with %d: %s", run->status, run->err.data);
	else if (lines != 1 ||
		strncmp(run->err.data, "klog-consume: ", 14) != 0)
		fail(s, "no one line: %s", run->err.data);
}

static void
sweep_faults(struct sweep *s, const char *action)
{
	const char *colon = strchr(s->what, ':');
	bool sticky = strncmp(s->what, "sticky:", 7) == 0;
	bool harmless = colon == NULL && strcmp(s->what, "torn") != 0;
	static struct run run;

	for (long n = 1;; n++) {
		snprintf(s->group, sizeof(s->group), "g%ld", n);
		make_group(s);
		run_faulty(s, &run, n, action, sticky);
		if (!s->hit)
			break;
		check_failed(s, &run, harmless);
		check_committed(s, run.status == 0);
		if (run.status != 0 || harmless)
			go_on(s);
		forget_group(s);
		s->points++;
	}
	forget_group(s);
}

/* ---- */

static void
hung(int number)
{
	static const char text[] = "group-sweep: no end within a minute\n";

	(void)number;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

static void
options(struct sweep *s, int argc, char **argv)
{
	int opt;

	s->to = "file";
	s->calls = "change";
	s->statuses = "1";
	snprintf(s->every, sizeof(s->every), "0");
	while ((opt = getopt(argc, argv, "+d:2eb:t:c:p:s:n:")) != -1) {
		if (opt == 'd')
			s->what = optarg;
		else if (opt == '2')
			s->twice = true;
		else if (opt == 'e')
			s->tries = true;
		else if (opt == 'b')
			snprintf(s->before, sizeof(s->before), "%s", optarg);
		else if (opt == 't')
			s->to = optarg;
		else if (opt == 'c')
			s->calls = optarg;
		else if (opt == 'p')
			s->pattern = optarg;
		else if (opt == 's')
			s->statuses = optarg;
		else if (opt == 'n')
			snprintf(s->every, sizeof(s->every), "%s", optarg);
		else
			usage();
	}
	if (s->what == NULL || optind == argc)
		usage();
	s->topic = argv[optind++];
	if (optind < argc && strcmp(argv[optind], "--") == 0)
		optind++;
	s->options = argv + optind;
	s->option_count = argc - optind;
}

/* How many records there are. */
static void
count_records(struct sweep *s)
{
	char *argv[] = { "klog-consume", "-F", "%p %o\\n",
		(char *)(uintptr_t)s->topic, NULL };
	static struct run run;
	const char *line;

	run_start(&run, argv, NULL, "/dev/null", false);
	wait_end(&run);
	if (run.status != 0)
		die(run.err.data);
	for (line = run.out.data; *line != '\0';
		line = strchr(line, '\n') + 1) {
		char *rest;
		long p = strtol(line, &rest, 10);
		int64_t o = strtol(rest, NULL, 10);

		if (p >= PARTS_MAX || o >= OFFSETS_MAX)
			die("too many records");
		s->count[p] = o + 1;
		if (p >= s->parts)
			s->parts = (int)p + 1;
	}
	if (s->parts == 0)
		usage();
}

static void
prepare(struct sweep *s)
{
	static char pattern[PATH_MAX];

	s->cluster = getenv("KLOG_CLUSTER");
	if (s->cluster == NULL || getenv("KLOG_FAULT") == NULL)
		usage();
	snprintf(
		s->dir, sizeof(s->dir), "%.3000s/%.200s", s->cluster, s->topic);
	snprintf(s->scratch, sizeof(s->scratch), "%.4000s/.sweep", s->cluster);
	snprintf(s->handled, sizeof(s->handled), "%.4000s/.sweep/handled",
		s->cluster);
	snprintf(s->log, sizeof(s->log), "%.4000s/.sweep/calls", s->cluster);
	if (s->pattern == NULL) {
		snprintf(pattern, sizeof(pattern), "%.4000s/*", s->cluster);
		s->pattern = pattern;
	}
	if (mkdir(s->scratch, 0777) == -1 && errno != EEXIST)
		die(s->scratch);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		die("subreaper");
	count_records(s);
	keep_state(s);
}

int
main(int argc, char **argv)
{
	static struct sweep s;
	char cut[32];

	if (argc > 2 && strcmp(argv[1], "handle") == 0)
		return handle(argc - 2, argv + 2);
	options(&s, argc, argv);
	prepare(&s);
	signal(SIGALRM, hung);
	if (signal_of(s.what) != 0)
		sweep_calls(&s);
	else if (strcmp(s.what, "torn") == 0)
		for (int bytes = 0; bytes < 512;
			bytes += bytes < 160 ? 7 : 88) {
			snprintf(cut, sizeof(cut), "torn:%d", bytes);
			sweep_faults(&s, cut);
		}
	else if (strcmp(s.what, "short") == 0) {
		sweep_faults(&s, "short:1");
		sweep_faults(&s, "short:half");
	} else if (strcmp(s.what, "EINTR") == 0)
		sweep_faults(&s, "EINTR");
	else if (strchr(s.what, ':') != NULL)
		sweep_faults(&s, strchr(s.what, ':') + 1);
	else
		usage();
	printf("%ld points, %ld states killed again\n", s.points, s.states);
	return s.failures > 0;
}
