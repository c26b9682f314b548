/*
 * sweep - damages a topic in every way of a kind, and runs the tools on each.
 *
 *	sweep -k cut|flip [-a read|path|write] [-di] -t TOPIC-DIR -f FILE
 *	      -r FROM:TO[:STEP] -e EXPECTED -n MIN:MAX -s STATUSES [--
 *OPTION...]
 *
 * TOPIC-DIR is a topic of one partition in the cluster KLOG_CLUSTER; FILE is a
 * file of its partition 0.  -k cut leaves the first N bytes of FILE, for every
 * N from FROM to TO-1; -k flip turns one bit, for every STEP-th bit of the
 * bytes FROM to TO-1.  Every state begins as the topic was; -i keeps the
 * inodes, so that klog takes the directory for the one it knows; without it
 * the state is a copy beside the topic.
 *
 * -a read consumes the topic with OPTIONs, -a path its partition directory
 * without klog's own files; -a write lets klog-produce append the line "next"
 * and reads after that.  Standard output must be MIN to MAX whole lines of
 * EXPECTED (and "next"), the status one of the digits in STATUSES, with one
 * line on standard error when it is not 0.  A writer that refuses must have
 * left the log as it was.  With -d nothing may be missing in silence: status 0
 * is only for all of the MAX lines; a writer may then append behind damage that
 * it does not look at, as long as the reader tells.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MAX 64
#define FAILURES_MAX 5

struct file {
	char name[256];
	uint8_t *data;
	size_t size;
};

struct sweep {
	const char *kind, *action, *topic, *target, *statuses;
	char **options;
	int option_count;
	bool in_place, told;
	long from, to, step, min, max;

	struct file config; /* topic.yaml */
	struct file files[FILES_MAX];
	size_t file_count;
	struct file expected;
	char work[PATH_MAX];    /* the topic directory that is damaged */
	char scratch[PATH_MAX]; /* for standard error and output */
	struct file out, err;
	int status;
	int failures;
};

static void
die(const char *what)
{
	fprintf(stderr, "sweep: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
slurp(const char *path, struct file *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path);
	f->size = (size_t)st.st_size;
	f->data = realloc(f->data, f->size + 1);
	if (f->data == NULL || read(fd, f->data, f->size) != st.st_size)
		die(path);
	f->data[f->size] = 0;
	close(fd);
}

static void
spill(const char *path, const uint8_t *data, size_t size, bool in_place)
{
	int fd;

	if (!in_place)
		unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		die(path);
	close(fd);
}

/* A path, good for the next few calls. */
static char *
path_of(const char *dir, const char *sub, const char *name)
{
	static char paths[4][PATH_MAX];
	static int turn;
	char *path = paths[turn++ % 4];

	if (snprintf(path, PATH_MAX, "%s/%s%s", dir, sub, name) >= PATH_MAX)
		die("a path too long");
	return path;
}

static char *
partition(const struct sweep *s, const char *name)
{
	return path_of(s->work, "0/", name);
}

/* ---- states ----------------------------------------------------------- */

static void
load(struct sweep *s)
{
	char *dir_path = path_of(s->topic, "", "0");
	DIR *dir = opendir(dir_path);
	struct dirent *entry;

	if (dir == NULL)
		die(dir_path);
	while ((entry = readdir(dir)) != NULL) {
		struct file *f = &s->files[s->file_count];

		if (strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0)
			continue;
		if (s->file_count == FILES_MAX)
			die("too many files");
		snprintf(f->name, sizeof(f->name), "%s", entry->d_name);
		slurp(path_of(s->topic, "0/", f->name), f);
		s->file_count++;
	}
	closedir(dir);
	slurp(path_of(s->topic, "", "topic.yaml"), &s->config);
}

/* Puts the topic back as it was, but for klog's files with -a path. */
static void
restore(struct sweep *s)
{
	char *dir_path = path_of(s->work, "", "0");
	bool bare = strcmp(s->action, "path") == 0;
	DIR *dir = opendir(dir_path);
	struct dirent *entry;

	if (dir == NULL)
		die(dir_path);
	while ((entry = readdir(dir)) != NULL) {
		bool known = false;

		for (size_t i = 0; i < s->file_count; i++)
			known |= strcmp(entry->d_name, s->files[i].name) == 0;
		if (!known && strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0)
			unlink(partition(s, entry->d_name));
	}
	closedir(dir);
	for (size_t i = 0; i < s->file_count; i++)
		if (!bare || s->files[i].name[0] != '.')
			spill(partition(s, s->files[i].name), s->files[i].data,
				s->files[i].size, s->in_place);
}

static struct file *
target(struct sweep *s)
{
	for (size_t i = 0; i < s->file_count; i++)
		if (strcmp(s->files[i].name, s->target) == 0)
			return &s->files[i];
	errno = ENOENT;
	die(s->target);
	return NULL;
}

/* ---- running ---------------------------------------------------------- */

static void
run(struct sweep *s, const char *tool, const char *operand, const char *input)
{
	char *argv[32];
	int argc = 0, status, in[2];
	char *out = path_of(s->scratch, "", "out"),
	     *err = path_of(s->scratch, "", "err");
	pid_t pid;

	argv[argc++] = (char *)(uintptr_t)tool;
	for (int i = 0; i < s->option_count && input == NULL && argc < 28; i++)
		argv[argc++] = s->options[i];
	argv[argc++] = (char *)(uintptr_t)operand;
	argv[argc] = NULL;
	if (pipe2(in, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int o = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
		int e = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0666);

		if (o < 0 || e < 0)
			_exit(126);
		dup2(in[0], 0);
		dup2(o, 1);
		dup2(e, 2);
		close(o);
		close(e);
		execvp(tool, argv);
		_exit(127);
	}
	close(in[0]);
	if (input != NULL && write(in[1], input, strlen(input)) < 0 &&
		errno != EPIPE)
		die("pipe");
	close(in[1]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	s->status = WIFEXITED(status) ? WEXITSTATUS(status)
				      : 128 + WTERMSIG(status);
	slurp(out, &s->out);
	slurp(err, &s->err);
}

/* ---- judging ---------------------------------------------------------- */

static void
failure(struct sweep *s, long at, const char *why)
{
	if (++s->failures > FAILURES_MAX)
		return;
	fprintf(stderr, "sweep: -k %s -a %s%s: %s ", s->kind, s->action,
		s->in_place ? " -i" : "", s->target);
	if (strcmp(s->kind, "cut") == 0)
		fprintf(stderr, "cut to %ld bytes", at);
	else
		fprintf(stderr, "byte %ld bit %ld", at / 8, at % 8);
	fprintf(stderr, ": %s\n  status %d\n  stderr: %.1000s\n  stdout:\n",
		why, s->status, s->err.data);
	for (size_t i = 0; i < s->out.size && i < 600; i++) {
		int c = s->out.data[i];

		fputc(isprint(c) || c == '\n' ? c : '?', stderr);
	}
	fputc('\n', stderr);
}

/* How many of the expected lines stdout holds; -1 if it is no prefix. */
static long
lines_of(const struct sweep *s, bool with_next)
{
	static const char next[] = "next\n";
	size_t size = s->out.size;
	long lines = 0;

	if (with_next) {
		if (size < sizeof(next) - 1 ||
			memcmp(s->out.data + size - (sizeof(next) - 1), next,
				sizeof(next) - 1) != 0)
			return -1;
		size -= sizeof(next) - 1;
	}
	if (size > s->expected.size ||
		memcmp(s->out.data, s->expected.data, size) != 0 ||
		(size > 0 && s->out.data[size - 1] != '\n'))
		return -1;
	for (size_t i = 0; i < size; i++)
		lines += s->out.data[i] == '\n';
	return lines;
}

static const char *
judge_status(const struct sweep *s, const char *tool, const char *statuses)
{
	size_t lines = 0;

	if (s->status > 9 || strchr(statuses, '0' + s->status) == NULL)
		return "status";
	for (size_t i = 0; i < s->err.size; i++)
		lines += s->err.data[i] == '\n';
	if (s->status != 0 &&
		(lines != 1 ||
			strncmp((char *)s->err.data, tool, strlen(tool)) != 0))
		return "not one line of the tool on stderr";
	return NULL;
}

static const char *
judge_output(const struct sweep *s, bool with_next)
{
	long lines = lines_of(s, with_next);

	if (lines < 0)
		return "a wrong record";
	if (lines < s->min)
		return "too few records";
	if (lines > s->max)
		return "too many records";
	if (s->told && s->status == 0 && lines < s->max)
		return "records are missing in silence";
	return NULL;
}

static const char *
judge_untouched(struct sweep *s, const uint8_t *data, size_t size)
{
	struct file now = { .data = NULL };
	const char *why = NULL;

	slurp(partition(s, s->target), &now);
	if (now.size != size || memcmp(now.data, data, size) != 0)
		why = "a writer that refuses changed the file";
	free(now.data);
	return why;
}

static const char *
judge(struct sweep *s, const uint8_t *data, size_t size)
{
	const char *topic = strrchr(s->work, '/') + 1, *why;

	if (strcmp(s->action, "path") == 0) {
		run(s, "klog-consume", path_of(s->work, "", "0"), NULL);
		why = judge_status(s, "klog-consume: ", s->statuses);
		return why ? why : judge_output(s, false);
	}
	if (strcmp(s->action, "read") == 0) {
		run(s, "klog-consume", topic, NULL);
		why = judge_status(s, "klog-consume: ", s->statuses);
		return why ? why : judge_output(s, false);
	}
	run(s, "klog-produce", topic, "next\n");
	why = judge_status(s, "klog-produce: ", s->statuses);
	if (why != NULL)
		return why;
	if (s->status != 0)
		return judge_untouched(s, data, size);
	run(s, "klog-consume", topic, NULL);
	why = judge_status(s, "klog-consume: ", s->told ? "03" : "0");
	return why ? why : judge_output(s, s->status == 0);
}

static void
one(struct sweep *s, long at)
{
	const struct file *f = target(s);
	uint8_t *data = malloc(f->size + 1);
	size_t size = f->size;
	const char *why;

	if (data == NULL)
		die("memory");
	memcpy(data, f->data, size);
	if (strcmp(s->kind, "cut") == 0)
		size = (size_t)at;
	else
		data[at / 8] ^= (uint8_t)(1 << (at % 8));
	restore(s);
	spill(partition(s, s->target), data, size, s->in_place);
	why = judge(s, data, size);
	if (why != NULL)
		failure(s, at, why);
	free(data);
}

static void
options(struct sweep *s, int argc, char **argv)
{
	const char *expected = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "k:a:dit:f:r:e:n:s:")) != -1) {
		switch (opt) {
		case 'k':
			s->kind = optarg;
			break;
		case 'a':
			s->action = optarg;
			break;
		case 'd':
			s->told = true;
			break;
		case 'i':
			s->in_place = true;
			break;
		case 't':
			s->topic = optarg;
			break;
		case 'f':
			s->target = optarg;
			break;
		case 'r':
			sscanf(optarg, "%ld:%ld:%ld", &s->from, &s->to,
				&s->step);
			break;
		case 'e':
			expected = optarg;
			break;
		case 'n':
			sscanf(optarg, "%ld:%ld", &s->min, &s->max);
			break;
		case 's':
			s->statuses = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (!s->kind || !s->topic || !s->target || !expected || !s->statuses) {
		fprintf(stderr, "sweep: an option is missing\n");
		exit(2);
	}
	s->options = argv + optind;
	s->option_count = argc - optind;
	slurp(expected, &s->expected);
}

int
main(int argc, char **argv)
{
	struct sweep s = { .action = "read", .step = 1 };
	bool flip;
	long states = 0;

	options(&s, argc, argv);
	flip = strcmp(s.kind, "flip") == 0;
	load(&s);
	snprintf(s.scratch, sizeof(s.scratch), "/tmp/sweep.XXXXXX");
	if (mkdtemp(s.scratch) == NULL)
		die(s.scratch);
	if (s.in_place) {
		snprintf(s.work, sizeof(s.work), "%s", s.topic);
	} else {
		snprintf(s.work, sizeof(s.work), "%s-copy", s.topic);
		if (mkdir(s.work, 0777) < 0 && errno != EEXIST)
			die(s.work);
		if (mkdir(path_of(s.work, "", "0"), 0777) < 0 &&
			errno != EEXIST)
			die(s.work);
		spill(path_of(s.work, "", "topic.yaml"), s.config.data,
			s.config.size, false);
	}
	for (long at = flip ? s.from * 8 : s.from;
		at < (flip ? s.to * 8 : s.to); at += s.step, states++)
		one(&s, at);
	restore(&s);
	unlink(path_of(s.scratch, "", "out"));
	unlink(path_of(s.scratch, "", "err"));
	rmdir(s.scratch);
	printf("sweep: %ld states, %d failures\n", states, s.failures);
	return s.failures > 0 || states == 0;
}
