/*
 * fault-sweep - one klog-produce, hit at every place where it can be, and
 * what the next one and the readers make of each state.
 *
 *	fault-sweep -d WHAT [-2lwnr] [-c CALLS] [-e ERROR] [-s STATUSES]
 *	            [-p PATTERN] -i INPUT TOPIC [-- OPTION...]
 *
 * The topic is put back in place, inode by inode, and klog-produce with the
 * OPTIONs gets the lines of INPUT, again and again.  WHAT is
 *
 *	kill		SIGKILL as it enters its first, second, ... system call
 *	TERM INT HUP	that signal there; it may end well, or by it
 *	torn		SIGKILL inside a write: at every write of it, after 0,
 *			1, 11, 12, 16, 21, 60, 61 bytes, half, all but one and
 *			every 512 (with -2 a few of these)
 *	short		a write or read that comes short, to 1 byte and to half
 *	EINTR		once, at each of the calls CALLS
 *	once:ERRNO sticky:ERRNO
 *			each of the calls CALLS fails, the later ones too
 *
 * CALLS and PATTERN are as in libfault.c; the default is every changing call
 * in the cluster.  -2 takes each state that a kill leaves and kills a second
 * writer at each of its system calls, too.  With -w two others write at the
 * same time.  -l: the device is not what it seems, records that were not
 * acknowledged may go again, also such that a reader saw.  -n: the next writer finds nothing to say.
 *
 * After each, without any repair: a reader sees whole lines in order, what
 * the topic held is there, klog-produce appends a line, everything that was
 * acknowledged is there, once and in order, and what a reader saw while the
 * writer stood at that call, too; partition-check has no objection.
 * Acknowledged is every line of a run that ended with 0, as many as a message
 * says are stored, and what was in the topic.
 *
 * INPUT has lines "v 0", "v 1", ...; with -K = among the OPTIONs "KEY=v 0".
 * A call that fails on an index costs nothing but the index: status 0; so may
 * a write of .klog (-s has the others: 1).  A failed run has said one line, with the ERROR, by default
 * the system's words for ERRNO; with -r recovery may say two before it.
 */
#include "run.h"

#include <ctype.h>
#include <dirent.h>

#define FILES_MAX 64
#define PARTS_MAX 8
#define FAILURES_MAX 5
#define OTHERS 2

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
		"usage: fault-sweep -d WHAT [-2lwnr] [-c CALLS] [-e ERROR]"
		" [-s STATUSES]\n"
		"                   [-p PATTERN] -i INPUT TOPIC"
		" [-- OPTION...]\n");
	exit(2);
}

/* ---- what was sent, what is seen --------------------------------------- */

/* The lines of one writer, and what it was told of them. */
struct stream {
	char name[4];
	char **line;
	long count;
	long promised;        /* how many of them must be there */
	long next[PARTS_MAX]; /* while checking: which is to come */
	long seen;
};

struct view {
	char **value[PARTS_MAX];
	long *epoch[PARTS_MAX];
	long count[PARTS_MAX];
	char *text;
};

struct file {
	char path[64]; /* within the topic */
	char *data;
	size_t size;
};

struct snapshot {
	struct file file[FILES_MAX];
	size_t count;
};

struct sweep {
	const char *what, *calls, *statuses, *pattern, *error, *input, *topic;
	const char *cluster;
	char **options;
	int option_count;
	bool twice, lossy, others, quiet_next, recovers, killed;

	char dir[PATH_MAX]; /* of the topic */
	char scratch[PATH_MAX];
	char log[PATH_MAX];
	char other_input[OTHERS][PATH_MAX], next_input[PATH_MAX];
	char second_input[PATH_MAX];
	struct stream victim, second, other[OTHERS], next;
	int parts;
	int *part_of; /* of each line, the same for all writers */
	struct view base;

	struct view frozen; /* what a reader saw at the call */
	bool frozen_any;
	char point[256];
	long points, states, failures;
};

static void __attribute__((format(printf, 2, 3)))
fail(struct sweep *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "fault-sweep: %s: ", s->point);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (++s->failures >= FAILURES_MAX)
		exit(1);
}

static void *
grown(void *old, size_t count, size_t size)
{
	void *p = realloc(old, (count > 0 ? count : 1) * size);

	if (p == NULL)
		die("memory");
	return p;
}

static void
run_end(struct run *run)
{
	int status;

	while (waitpid(run->pid, &status, 0) == -1)
		if (errno != EINTR)
			die("wait");
	run->status = as_shell(status);
	run_output(run);
}

static void
run_tool(struct run *run, char *const *argv, char *const *more,
	const char *input)
{
	run_start(run, argv, more, input, false);
	run_end(run);
}

/* ---- the topic's files ------------------------------------------------- */

static bool
is_partition(const char *name)
{
	return isdigit((unsigned char)name[0]) != 0;
}

static void
each_file(const struct sweep *s,
	void (*act)(const struct sweep *s, const char *path, void *arg),
	void *arg)
{
	DIR *topic = opendir(s->dir);
	struct dirent *part, *entry;

	if (topic == NULL)
		die(s->dir);
	while ((part = readdir(topic)) != NULL) {
		char path[PATH_MAX];
		DIR *dir;

		if (!is_partition(part->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", s->dir, part->d_name);
		dir = opendir(path);
		if (dir == NULL)
			die(path);
		while ((entry = readdir(dir)) != NULL) {
			if (strcmp(entry->d_name, ".") == 0 ||
				strcmp(entry->d_name, "..") == 0)
				continue;
			snprintf(path, sizeof(path), "%s/%s", part->d_name,
				entry->d_name);
			act(s, path, arg);
		}
		closedir(dir);
	}
	closedir(topic);
}

static int
open_in(const struct sweep *s, const char *path, int flags)
{
	char whole[PATH_MAX];

	if (snprintf(whole, sizeof(whole), "%s/%s", s->dir, path) >=
		(int)sizeof(whole))
		die("a path too long");
	return open(whole, flags | O_CLOEXEC, 0666);
}

static void
take(const struct sweep *s, const char *path, void *arg)
{
	struct snapshot *snap = arg;
	struct file *f = &snap->file[snap->count++];
	struct text t = { NULL, 0 };
	int fd;

	if (snap->count == FILES_MAX || strlen(path) >= sizeof(f->path))
		die("too many files");
	fd = open_in(s, path, O_RDONLY);
	if (fd == -1)
		die(path);
	slurp_fd(fd, &t);
	close(fd);
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->data = t.data;
	f->size = t.size;
}

static void
snapshot(const struct sweep *s, struct snapshot *snap)
{
	snap->count = 0;
	each_file(s, take, snap);
}

static void
snapshot_free(struct snapshot *snap)
{
	while (snap->count > 0)
		free(snap->file[--snap->count].data);
}

static void
remove_new(const struct sweep *s, const char *path, void *arg)
{
	const struct snapshot *snap = arg;
	char whole[PATH_MAX];

	for (size_t i = 0; i < snap->count; i++)
		if (strcmp(snap->file[i].path, path) == 0)
			return;
	snprintf(whole, sizeof(whole), "%s/%s", s->dir, path);
	if (unlink(whole) == -1)
		die(whole);
}

/* Puts the files back where they are, so that klog takes the directory for
 * the one it knows; only what differs is written. */
static void
restore(const struct sweep *s, const struct snapshot *snap)
{
	each_file(s, remove_new, (void *)(uintptr_t)snap);
	for (size_t i = 0; i < snap->count; i++) {
		const struct file *f = &snap->file[i];
		int fd = open_in(s, f->path, O_RDWR | O_CREAT);
		struct text now = { NULL, 0 };

		if (fd == -1)
			die(f->path);
		slurp_fd(fd, &now);
		if (now.size > f->size && ftruncate(fd, (off_t)f->size) == -1)
			die(f->path);
		for (size_t at = 0; at < f->size; at += 4096) {
			size_t size = f->size - at < 4096 ? f->size - at : 4096;

			if (at + size <= now.size &&
				memcmp(now.data + at, f->data + at, size) == 0)
				continue;
			if (pwrite(fd, f->data + at, size, (off_t)at) !=
				(ssize_t)size)
				die(f->path);
		}
		free(now.data);
		close(fd);
	}
}

/* ---- views ------------------------------------------------------------- */

static void
view_free(struct view *v)
{
	for (int p = 0; p < PARTS_MAX; p++) {
		free(v->value[p]);
		free(v->epoch[p]);
	}
	free(v->text);
	memset(v, 0, sizeof(*v));
}

/* Lines "PARTITION OFFSET EPOCH VALUE"; false when offsets are not dense. */
static bool
view_parse(struct sweep *s, struct view *v, const struct text *out)
{
	char *line, *rest;

	view_free(v);
	v->text = strdup(out->data);
	if (v->text == NULL)
		die("memory");
	rest = v->text;
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		long p = strtol(line, &line, 10);
		long offset = strtol(line, &line, 10);
		long epoch = strtol(line, &line, 10);

		if (p < 0 || p >= PARTS_MAX || *line != ' ' || rest == NULL) {
			fail(s, "a reader printed '%s'", line);
			return false;
		}
		if (offset != v->count[p]) {
			fail(s, "partition %ld: offset %ld, expected %ld", p,
				offset, v->count[p]);
			return false;
		}
		v->value[p] = grown(v->value[p], (size_t)v->count[p] + 1,
			sizeof(*v->value[p]));
		v->epoch[p] = grown(v->epoch[p], (size_t)v->count[p] + 1,
			sizeof(*v->epoch[p]));
		v->epoch[p][v->count[p]] = epoch;
		v->value[p][v->count[p]++] = line + 1;
	}
	return true;
}

/* One offset in one leader epoch has one content, for ever (V1, F3). */
static bool
not_reused(struct sweep *s, const struct view *v, const struct view *seen)
{
	for (int p = 0; p < PARTS_MAX; p++)
		for (long i = 0; i < seen->count[p] && i < v->count[p]; i++)
			if (v->epoch[p][i] == seen->epoch[p][i] &&
				strcmp(v->value[p][i], seen->value[p][i]) !=
					0) {
				fail(s,
					"partition %d offset %ld: '%.40s', "
					"then "
					"'%.40s', both of leader epoch %ld",
					p, i, seen->value[p][i], v->value[p][i],
					v->epoch[p][i]);
				return false;
			}
	return true;
}

static bool
view_begins(struct sweep *s, const struct view *v, const struct view *with,
	const char *what)
{
	if (!not_reused(s, v, with))
		return false;
	for (int p = 0; p < PARTS_MAX; p++)
		for (long i = 0; i < with->count[p]; i++)
			if (i >= v->count[p] ||
				strcmp(v->value[p][i], with->value[p][i]) !=
					0) {
				fail(s,
					"partition %d offset %ld: %s had "
					"'%.40s', "
					"now there is '%.40s'",
					p, i, what, with->value[p][i],
					i < v->count[p] ? v->value[p][i]
							: "nothing");
				return false;
			}
	return true;
}

/* What a reader saw stays; where the device lies it is at least not replaced
 * in silence. */
static bool
still_there(struct sweep *s, const struct view *v, const struct view *seen,
	const char *what)
{
	return s->lossy ? not_reused(s, v, seen)
			: view_begins(s, v, seen, what);
}

static bool
no_complaint(struct sweep *s, const struct run *run, const char *who)
{
	if (run->status == 0)
		return true;
	fail(s, "%s ended with %d: %s", who, run->status, run->err.data);
	return false;
}

/* What a reader sees now. */
static bool
look(struct sweep *s, struct view *v)
{
	char topic[256];
	char *argv[] = { "klog-consume", "-F", "%p %o %e %s\\n", topic, NULL };
	static struct run run;

	snprintf(topic, sizeof(topic), "%s", s->topic);
	run_tool(&run, argv, NULL, "/dev/null");
	return no_complaint(s, &run, "a reader") && view_parse(s, v, &run.out);
}

/* ---- writers ----------------------------------------------------------- */

/* One line of INPUT as a record: what is behind the key's delimiter. */
static char *
value_of(char *line)
{
	char *equals = strchr(line, '=');

	return equals != NULL ? equals + 1 : line;
}

static void
read_stream(struct stream *stream, const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (f == NULL)
		die(path);
	snprintf(stream->name, sizeof(stream->name), "%s", name);
	while ((n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		stream->line = grown(stream->line, (size_t)stream->count + 1,
			sizeof(*stream->line));
		stream->line[stream->count] = strdup(value_of(line));
		if (stream->line[stream->count++] == NULL)
			die("memory");
	}
	free(line);
	fclose(f);
	if (stream->count == 0)
		usage();
}

/* The same lines as INPUT, from another. */
static void
write_input(const struct sweep *s, const char *name, char path[PATH_MAX])
{
	char command[3 * PATH_MAX];

	snprintf(path, PATH_MAX, "%s/input-%s", s->scratch, name);
	snprintf(command, sizeof(command),
		"sed 's/\\(^\\|=\\)v /\\1%s /' '%s' >'%s'", name, s->input,
		path);
	if (system(command) != 0)
		die(command);
}

/* klog-produce with the options under test, NULL at the end. */
static void
producer(const struct sweep *s, char **argv, size_t size, bool others)
{
	size_t n = 0;

	argv[n++] = "klog-produce";
	for (int i = 0; i < s->option_count && n + 4 < size; i++) {
		argv[n++] = s->options[i];
		if (strncmp(s->options[i], "flush.messages=", 15) == 0)
			others = false;
	}
	if (others) {
		argv[n++] = "-X";
		argv[n++] = "flush.messages=1";
	}
	argv[n++] = (char *)(uintptr_t)s->topic;
	argv[n] = NULL;
}

static void
stream_begin(struct stream *stream, long promised)
{
	memset(stream->next, 0, sizeof(stream->next));
	stream->seen = 0;
	stream->promised = promised;
}

/* ---- what must hold ---------------------------------------------------- */

static struct stream *
stream_of(struct sweep *s, const char *value)
{
	struct stream *all[] = { &s->victim, &s->second, &s->next, &s->other[0],
		&s->other[1] };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t size = strlen(all[i]->name);

		if (size > 0 && strncmp(value, all[i]->name, size) == 0 &&
			value[size] == ' ')
			return all[i];
	}
	return NULL;
}

/* The record is the one of its writer that comes next in this partition. */
static bool
record_is_next(struct sweep *s, int p, long offset, const char *value)
{
	struct stream *stream = stream_of(s, value);

	if (stream == NULL && s->lossy && strncmp(value, "b ", 2) == 0)
		return true; /* not cut: the killed one had not come so far */
	if (stream == NULL) {
		fail(s, "partition %d offset %ld: '%.40s' is nobody's", p,
			offset, value);
		return false;
	}
	while (stream->next[p] < stream->count &&
		(stream == &s->next ? stream->next[p]
				    : s->part_of[stream->next[p]]) != p)
		stream->next[p]++;
	if (stream->next[p] >= stream->count ||
		strcmp(stream->line[stream->next[p]], value) != 0) {
		fail(s, "partition %d offset %ld: '%.40s', expected '%.40s'", p,
			offset, value,
			stream->next[p] < stream->count
				? stream->line[stream->next[p]]
				: "no more of them");
		return false;
	}
	stream->next[p]++;
	stream->seen++;
	return true;
}

static bool
kept(struct sweep *s, const struct stream *stream)
{
	if (stream->seen >= stream->promised)
		return true;
	fail(s, "%s: %ld lines acknowledged, %ld are there", stream->name,
		stream->promised, stream->seen);
	return false;
}

static bool
records_hold(struct sweep *s, const struct view *v)
{
	if (!view_begins(s, v, &s->base, "the topic") ||
		(s->frozen_any &&
			!still_there(s, v, &s->frozen, "a reader meanwhile")))
		return false;
	for (int p = 0; p < PARTS_MAX; p++)
		for (long i = s->base.count[p]; i < v->count[p]; i++)
			if (!record_is_next(s, p, i, v->value[p][i]))
				return false;
	return kept(s, &s->victim) && kept(s, &s->second) &&
		kept(s, &s->next) && kept(s, &s->other[0]) &&
		kept(s, &s->other[1]);
}

/* Half a checkpoint under a name of its own, which a killed writer leaves:
 * nobody reads it, but nobody removes it either. */
static void
remove_litter(const struct sweep *s, const char *path, void *arg)
{
	char whole[PATH_MAX];

	(void)arg;
	if (strstr(path, "/.leader-epoch-checkpoint.") == NULL)
		return;
	snprintf(whole, sizeof(whole), "%s/%s", s->dir, path);
	if (unlink(whole) == -1)
		die(whole);
}

static bool
partitions_hold(struct sweep *s)
{
	DIR *topic = opendir(s->dir);
	struct dirent *part;
	static struct run run;
	bool good = true;

	if (s->killed)
		each_file(s, remove_litter, NULL);
	while ((part = readdir(topic)) != NULL) {
		char path[PATH_MAX];
		char *argv[] = { "partition-check", "-q", path, NULL };

		if (!is_partition(part->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", s->dir, part->d_name);
		run_tool(&run, argv, NULL, "/dev/null");
		good = no_complaint(s, &run, "partition-check") && good;
	}
	closedir(topic);
	return good;
}

static long
line_count(const struct text *t)
{
	long n = 0;

	for (size_t i = 0; i < t->size; i++)
		n += t->data[i] == '\n';
	return n;
}

/* Whatever a tool says begins with its name. */
static bool
says_its_name(struct sweep *s, const struct run *run, const char *who)
{
	const char *line = run->err.data;

	while (*line != '\0') {
		const char *end = strchr(line, '\n');

		if (end == NULL || strncmp(line, "klog-produce: ", 14) != 0) {
			fail(s, "%s said: %s", who, run->err.data);
			return false;
		}
		line = end + 1;
	}
	return true;
}

/* The next writer, in each partition. */
static bool
go_on(struct sweep *s)
{
	char topic[256], input[PATH_MAX + 16];
	char *argv[] = { "klog-produce", topic, NULL };
	static struct run run;

	stream_begin(&s->next, s->parts);
	for (int p = 0; p < s->parts; p++) {
		snprintf(topic, sizeof(topic), "%.200s:%d", s->topic, p);
		snprintf(input, sizeof(input), "%s-%d", s->next_input, p);
		run_tool(&run, argv, NULL, input);
		/* it was told that what it sent is cut: it sends it again */
		for (int i = 0; s->lossy && run.status == 1 && i < 2; i++)
			run_tool(&run, argv, NULL, input);
		if (!no_complaint(s, &run, "the next writer") ||
			!says_its_name(s, &run, "the next writer"))
			return false;
		if (line_count(&run.err) > (s->quiet_next ? 0 : 2))
			fail(s, "the next writer said: %s", run.err.data);
	}
	return true;
}

/* What must hold in the state that is there now. */
static void
check_state(struct sweep *s)
{
	static struct view now;

	if (go_on(s) && look(s, &now) && records_hold(s, &now))
		(void)partitions_hold(s);
}

/* ---- others at the same time ------------------------------------------- */

static struct run other_run[OTHERS];

static void
others_start(struct sweep *s)
{
	char *argv[64];

	if (!s->others)
		return;
	producer(s, argv, 64, true);
	for (int i = 0; i < OTHERS; i++) {
		stream_begin(&s->other[i], s->other[i].count);
		run_start(&other_run[i], argv, NULL, s->other_input[i], false);
	}
}

static void
others_end(struct sweep *s)
{
	for (int i = 0; s->others && i < OTHERS; i++) {
		run_end(&other_run[i]);
		(void)(no_complaint(s, &other_run[i], s->other[i].name) &&
			says_its_name(s, &other_run[i], s->other[i].name));
	}
}

/* ---- by signals -------------------------------------------------------- */

static int
signal_of(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} list[] = { { "kill", SIGKILL }, { "TERM", SIGTERM },
		{ "INT", SIGINT }, { "HUP", SIGHUP } };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].number;
	return 0;
}

static void
look_frozen(void *arg)
{
	struct sweep *s = arg;
	struct view before = s->frozen;
	bool had = s->frozen_any;

	memset(&s->frozen, 0, sizeof(s->frozen));
	s->frozen_any = look(s, &s->frozen);
	/* what a reader saw at the first kill is there at the second */
	if (s->frozen_any && had)
		(void)view_begins(s, &s->frozen, &before,
			"a reader before the first kill");
	view_free(&before);
}

/* How many it says are stored, 0 when it does not say. */
static long
stored(const struct run *run)
{
	const char *at = strstr(run->err.data, " records stored");

	if (at == NULL)
		return 0;
	while (at > run->err.data && isdigit((unsigned char)at[-1]))
		at--;
	return strtol(at, NULL, 10);
}

/* A writer that got a signal: its end, and what it has promised. */
static void
check_signalled(struct sweep *s, const struct run *run, bool got_it, int sig,
	struct stream *stream)
{
	if (run->status != 0 && (!got_it || run->status != 128 + sig) &&
		(!s->lossy || run->status != 1))
		fail(s, "%s ended with %d: %s", stream->name, run->status,
			run->err.data);
	(void)says_its_name(s, run, stream->name);
	stream->promised = run->status == 0 ? stream->count : stored(run);
}

/* Kills a second writer at each of its calls, in the state that is there. */
static void
sweep_second(struct sweep *s)
{
	struct snapshot snap = { .count = 0 };
	struct view first = s->frozen;
	char *argv[64], point[sizeof(s->point)];
	static struct run run;
	bool got_it = true;

	snapshot(s, &snap);
	producer(s, argv, 64, false);
	snprintf(point, sizeof(point), "%.120s", s->point);
	for (long n = 1; got_it; n++) {
		restore(s, &snap);
		snprintf(s->point, sizeof(s->point), "%.120s, then %ld", point,
			n);
		stream_begin(&s->victim, 0);
		stream_begin(&s->second, 0);
		memset(&s->frozen, 0, sizeof(s->frozen));
		s->frozen_any = false;
		got_it = run_traced(&run, argv, s->second_input, s->cluster, n,
			SIGKILL, look_frozen, s);
		check_signalled(s, &run, got_it, SIGKILL, &s->second);
		if (s->frozen_any)
			(void)still_there(s, &s->frozen, &first,
				"a reader before the first kill");
		check_state(s);
		view_free(&s->frozen);
		s->points++;
	}
	snapshot_free(&snap);
	stream_begin(&s->second, 0);
	s->frozen = first;
	s->frozen_any = true;
	s->states++;
}

static void
sweep_calls(struct sweep *s, const struct snapshot *snap)
{
	int sig = signal_of(s->what);
	char *argv[64];
	static struct run run;
	bool got_it = true;

	producer(s, argv, 64, false);
	for (long n = 1; got_it; n++) {
		restore(s, snap);
		snprintf(s->point, sizeof(s->point), "%s at call %ld", s->what,
			n);
		stream_begin(&s->victim, 0);
		s->frozen_any = false;
		others_start(s);
		got_it = run_traced(&run, argv, s->input, s->cluster, n, sig,
			look_frozen, s);
		others_end(s);
		check_signalled(s, &run, got_it, sig, &s->victim);
		s->points++;
		/* where nothing changed the state was that of the last */
		if (s->twice && got_it && run.changed)
			sweep_second(s);
		else
			check_state(s);
	}
}

/* ---- by the preload library -------------------------------------------- */

struct call {
	char name[16];
	long size;
	bool hit;
	bool hint;  /* of an index */
	bool state; /* a write of .klog */
};

static struct call *calls;
static size_t call_count;

static void
read_log(const struct sweep *s)
{
	FILE *f = fopen(s->log, "re");
	char line[PATH_MAX + 128];

	call_count = 0;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		struct call *c;
		long n;

		calls = grown(calls, call_count + 1, sizeof(*calls));
		c = &calls[call_count];
		c->hit = line[0] == '!';
		if (sscanf(line + c->hit, "%ld %15s %ld", &n, c->name,
			    &c->size) != 3)
			die(line);
		c->hint = strstr(line, "index\n") != NULL;
		c->state = strstr(line, "/.klog\n") != NULL &&
			strcmp(c->name, "pwrite") == 0;
		call_count++;
	}
	if (f != NULL)
		fclose(f);
}

/* Runs klog-produce with a fault at its n-th call; 0: none. */
static void
run_faulty(struct sweep *s, struct run *run, const char *names, long n,
	const char *action, bool sticky)
{
	static char text[8][PATH_MAX + 32];
	char *more[8], *argv[64];
	int i = 0;

	snprintf(text[0], sizeof(text[0]), "LD_PRELOAD=%s/libfault.so",
		getenv("KLOG_FAULT"));
	snprintf(text[1], sizeof(text[1]), "FAULT_CALLS=%s", names);
	snprintf(text[2], sizeof(text[2]), "FAULT_PATH=%s", s->pattern);
	snprintf(text[3], sizeof(text[3]), "FAULT_NTH=%ld", n);
	snprintf(text[4], sizeof(text[4]), "FAULT_DO=%s", action);
	snprintf(text[5], sizeof(text[5]), "FAULT_STICKY=%d", sticky);
	snprintf(text[6], sizeof(text[6]), "FAULT_LOG=%s", s->log);
	for (i = 0; i < 7; i++)
		more[i] = text[i];
	more[i] = NULL;
	if (unlink(s->log) == -1 && errno != ENOENT)
		die(s->log);
	producer(s, argv, 64, false);
	others_start(s);
	run_tool(run, argv, more, s->input);
	others_end(s);
	read_log(s);
}

static bool
any_hit(bool but_hints)
{
	for (size_t i = 0; i < call_count; i++)
		if (calls[i].hit && (!but_hints || !calls[i].hint))
			return true;
	return false;
}

/* After an append the state can be made up from the log; with a sync it has
 * to be written. */
static bool
only_state_hit(void)
{
	for (size_t i = 0; i < call_count; i++)
		if (calls[i].hit && !calls[i].hint && !calls[i].state)
			return false;
	return true;
}

static void
tear_at(struct sweep *s, const struct snapshot *snap, long n, long bytes)
{
	char action[32];
	static struct run run;

	restore(s, snap);
	snprintf(
		s->point, sizeof(s->point), "%ld bytes of write %ld", bytes, n);
	snprintf(action, sizeof(action), "torn:%ld", bytes);
	stream_begin(&s->victim, 0);
	run_faulty(s, &run, "pwrite", n, action, false);
	/* with others some writes are theirs */
	if (!any_hit(false) && s->others && run.status == 0)
		s->victim.promised = s->victim.count;
	else if (run.status != 128 + SIGKILL)
		fail(s, "it ended with %d", run.status);
	s->frozen_any = look(s, &s->frozen);
	s->points++;
	if (s->twice)
		sweep_second(s);
	else
		check_state(s);
}

static void
sweep_torn(struct sweep *s, const struct snapshot *snap)
{
	static const long cuts[] = { 0, 1, 11, 12, 16, 21, 60, 61 };
	struct call *writes;
	static struct run run;
	size_t count;

	restore(s, snap);
	run_faulty(s, &run, "pwrite", 0, "kill", false);
	count = call_count;
	writes = calls;
	calls = NULL;
	for (size_t w = 0; w < count; w++) {
		long size = writes[w].size, n = (long)w + 1;

		for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
			if (cuts[i] < size && (!s->twice || i % 2 == 0))
				tear_at(s, snap, n, cuts[i]);
		tear_at(s, snap, n, size - 1);
		if (s->twice)
			continue;
		tear_at(s, snap, n, size / 2);
		for (long at = 512; at < size; at += 512)
			tear_at(s, snap, n, at);
	}
	free(writes);
}

/* What a run whose calls failed may say, and promises. */
static void
check_failed(struct sweep *s, const struct run *run, const char *error)
{
	bool bad = any_hit(true);
	/* what a recovery had to say comes first */
	long extra = s->recovers ? 2 : 0, lines = line_count(&run->err);
	long not_stored, open = 0;
	const char *at;

	s->victim.promised = run->status == 0 ? s->victim.count : stored(run);
	(void)says_its_name(s, run, "it");
	if (!bad) {
		if (run->status != 0 || lines > extra)
			fail(s, "an index failed, and it ended with %d: %s",
				run->status, run->err.data);
		return;
	}
	if (run->status == 0 && only_state_hit())
		return;
	if (run->status > 9 || strchr(s->statuses, '0' + run->status) == NULL) {
		fail(s, "it ended with %d: %s", run->status, run->err.data);
		return;
	}
	if (run->status == 0)
		return;
	if (lines < 1 || lines > 1 + extra ||
		strstr(run->err.data, error) == NULL)
		fail(s, "no one line that says '%s': %s", error, run->err.data);
	at = strstr(run->err.data, " records stored, ");
	if (at != NULL) {
		not_stored = strtol(at + 17, NULL, 10);
		at = strstr(at, "durable, ");
		if (at != NULL) {
			open = not_stored;
			not_stored = strtol(at + 9, NULL, 10);
		}
		if (not_stored + open + s->victim.promised != s->victim.count)
			fail(s, "%ld lines, and it said: %s", s->victim.count,
				run->err.data);
	}
}

static int
errno_of(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} list[] = { { "ENOSPC", ENOSPC }, { "EIO", EIO }, { "EROFS", EROFS },
		{ "EDQUOT", EDQUOT }, { "EMFILE", EMFILE },
		{ "EACCES", EACCES }, { "ENOLCK", ENOLCK },
		{ "ENOMEM", ENOMEM }, { "EPERM", EPERM } };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].number;
	fprintf(stderr, "fault-sweep: %s: no error\n", name);
	exit(2);
}

static void
sweep_errors(struct sweep *s, const struct snapshot *snap)
{
	bool sticky = strncmp(s->what, "sticky:", 7) == 0;
	const char *name = strchr(s->what, ':') + 1;
	const char *error = s->error != NULL ? s->error
					     : strerror(errno_of(name));
	static struct run run;

	for (long n = 1;; n++) {
		restore(s, snap);
		stream_begin(&s->victim, 0);
		run_faulty(s, &run, s->calls, n, name, sticky);
		if (!any_hit(false))
			break;
		snprintf(s->point, sizeof(s->point), "%s at %s %ld", s->what,
			calls[n - 1].name, n);
		check_failed(s, &run, error);
		s->frozen_any = look(s, &s->frozen);
		check_state(s);
		s->points++;
	}
}

/* Calls that come short or are interrupted change nothing. */
static void
sweep_harmless(struct sweep *s, const struct snapshot *snap, const char *action)
{
	static struct run run;

	for (long n = 1;; n++) {
		restore(s, snap);
		stream_begin(&s->victim, s->victim.count);
		s->frozen_any = false;
		run_faulty(s, &run, s->calls, n, action, false);
		if (!any_hit(false))
			break;
		snprintf(s->point, sizeof(s->point), "%s at %s %ld", action,
			calls[n - 1].name, n);
		if (run.status != 0 ||
			line_count(&run.err) > (s->recovers ? 2 : 0))
			fail(s, "it ended with %d: %s", run.status,
				run.err.data);
		check_state(s);
		s->points++;
	}
}

/* ---- */

static void
hung(int number)
{
	static const char text[] = "fault-sweep: no end within a minute\n";

	(void)number;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

static void
options(struct sweep *s, int argc, char **argv)
{
	int opt;

	s->calls = "change";
	s->statuses = "1";
	while ((opt = getopt(argc, argv, "+d:2lwnrc:e:s:p:i:")) != -1) {
		if (opt == 'd')
			s->what = optarg;
		else if (opt == '2')
			s->twice = true;
		else if (opt == 'l')
			s->lossy = true;
		else if (opt == 'w')
			s->others = true;
		else if (opt == 'n')
			s->quiet_next = true;
		else if (opt == 'r')
			s->recovers = true;
		else if (opt == 'e')
			s->error = optarg;
		else if (opt == 'c')
			s->calls = optarg;
		else if (opt == 's')
			s->statuses = optarg;
		else if (opt == 'p')
			s->pattern = optarg;
		else if (opt == 'i')
			s->input = optarg;
		else
			usage();
	}
	if (s->what == NULL || s->input == NULL || optind == argc)
		usage();
	s->killed = strcmp(s->what, "kill") == 0 ||
		strcmp(s->what, "torn") == 0 ||
		strncmp(s->what, "sticky:", 7) == 0;
	s->topic = argv[optind++];
	if (optind < argc && strcmp(argv[optind], "--") == 0)
		optind++;
	s->options = argv + optind;
	s->option_count = argc - optind;
}

static bool
has_partition(const struct sweep *s, int p)
{
	char path[PATH_MAX + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%d", s->dir, p);
	return stat(path, &st) == 0;
}

static void
prepare(struct sweep *s)
{
	static const char *const names[OTHERS] = { "x", "y" };
	static char pattern[PATH_MAX];

	s->cluster = getenv("KLOG_CLUSTER");
	if (s->cluster == NULL || getenv("KLOG_FAULT") == NULL)
		usage();
	snprintf(s->dir, sizeof(s->dir), "%s/%s", s->cluster, s->topic);
	snprintf(s->scratch, sizeof(s->scratch), "%.4000s/.sweep", s->cluster);
	snprintf(s->log, sizeof(s->log), "%.4000s/.sweep/calls", s->cluster);
	if (mkdir(s->scratch, 0777) == -1 && errno != EEXIST)
		die(s->scratch);
	if (s->pattern == NULL) {
		snprintf(pattern, sizeof(pattern), "%.4000s*", s->cluster);
		s->pattern = pattern;
	}
	read_stream(&s->victim, s->input, "v");
	write_input(s, "w", s->second_input);
	read_stream(&s->second, s->second_input, "w");
	for (int i = 0; i < OTHERS; i++) {
		write_input(s, names[i], s->other_input[i]);
		read_stream(&s->other[i], s->other_input[i], names[i]);
	}
	snprintf(s->next_input, sizeof(s->next_input), "%.4000s/input-n",
		s->scratch);
	while (s->parts < PARTS_MAX && has_partition(s, s->parts))
		s->parts++;
	for (int p = 0; p < s->parts; p++) {
		char path[PATH_MAX + 16];
		FILE *f;

		snprintf(path, sizeof(path), "%s-%d", s->next_input, p);
		f = fopen(path, "we");
		if (f == NULL || fprintf(f, "n %d\n", p) < 0 ||
			fclose(f) == EOF)
			die(path);
		read_stream(&s->next, path, "n");
	}
}

/* What was cut had not been acknowledged. */
static void
base_end(struct view *base, const struct view *after, int p)
{
	long i = 0;

	while (i < base->count[p] && i < after->count[p] &&
		strcmp(base->value[p][i], after->value[p][i]) == 0)
		i++;
	base->count[p] = i;
}

/* An undisturbed run: which line goes to which partition, and that nothing
 * is wrong before anything is done. */
static void
rehearse(struct sweep *s)
{
	char *argv[64];
	static struct view after;
	static struct run run;

	snprintf(s->point, sizeof(s->point), "undisturbed");
	s->part_of = grown(NULL, (size_t)s->victim.count, sizeof(*s->part_of));
	if (!look(s, &s->base))
		exit(1);
	producer(s, argv, 64, false);
	run_tool(&run, argv, NULL, s->input);
	if (s->lossy && run.status == 1)
		run_tool(&run, argv, NULL, s->input);
	if (!no_complaint(s, &run, "klog-produce") || !look(s, &after))
		exit(1);
	for (int p = 0; s->lossy && p < PARTS_MAX; p++)
		base_end(&s->base, &after, p);
	for (int p = 0; p < PARTS_MAX; p++)
		for (long i = s->base.count[p]; i < after.count[p]; i++) {
			const char *value = after.value[p][i];
			long seq = strtol(value + 2, NULL, 10);

			if (value[0] == 'v' && seq < s->victim.count)
				s->part_of[seq] = p;
		}
	stream_begin(&s->victim, s->victim.count);
	stream_begin(&s->second, 0);
	check_state(s);
	if (s->failures > 0)
		exit(1);
}

int
main(int argc, char **argv)
{
	static struct sweep s;
	static struct snapshot snap;

	options(&s, argc, argv);
	prepare(&s);
	signal(SIGALRM, hung);
	snapshot(&s, &snap);
	rehearse(&s);
	if (signal_of(s.what) != 0)
		sweep_calls(&s, &snap);
	else if (strcmp(s.what, "torn") == 0)
		sweep_torn(&s, &snap);
	else if (strcmp(s.what, "short") == 0) {
		sweep_harmless(&s, &snap, "short:1");
		sweep_harmless(&s, &snap, "short:half");
	} else if (strcmp(s.what, "EINTR") == 0)
		sweep_harmless(&s, &snap, "EINTR");
	else if (strchr(s.what, ':') != NULL)
		sweep_errors(&s, &snap);
	else
		usage();
	printf("%ld points, %ld states killed again\n", s.points, s.states);
	return s.failures > 0;
}
