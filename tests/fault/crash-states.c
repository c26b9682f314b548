/*
 * crash-states - what a power cut could leave of a run, tried state by state.
 *
 *	crash-states [-s SEED] [-n STATES] [-x NAME] WORKLOAD
 *	crash-states -r DIR -s SEED [-x NAME] STATE
 *
 * A workload of klog's tools runs with libpower.so, which writes down what
 * they change and sync.  From that, states of the disk are made: of what was
 * not synced by then all, nothing, some files, some names, some sectors of
 * 512 bytes, in any order.  In each a reader and a writer run; what they must
 * find is a prefix of the records, as long as was promised by then (exit 0 of
 * a writer, `klog-consume --synced`), no damage, and a new leader epoch for
 * the next record.  From some states the writer's own recovery is recorded,
 * and the power is cut once more.
 *
 * -x takes out every sync of files whose name has NAME in it ("/": of
 * directories), as if the tools had forgotten them: states must fail then.
 *
 * A state that fails stays in a directory with the trace; the line that is
 * printed replays it.  States are numbered POSITION.VARIANT, of a second cut
 * with another such pair behind a slash.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.h"

#define SECTOR ((size_t)512)
#define FAILURES_MAX 5
#define PATH_SIZE 512
#define NONE SIZE_MAX

struct blob {
	uint8_t *data;
	size_t size;
};

struct entry {
	char *name;
	size_t child; /* an object, or NONE */
	size_t group; /* names that a rename ties together */
	size_t time;  /* of how many events on the directory the device knows */
};

/* A file or directory, from the first event that knows it. */
struct object {
	uint64_t ino;
	bool dir;
	char name[128];        /* the last that led to it */
	struct blob start;     /* of a file: before the trace */
	struct entry *entries; /* of a directory, likewise */
	size_t entry_count;
	size_t *events; /* that change it, ascending */
	size_t event_count;
};

struct event {
	struct trace t;
	const char *one;
	const char *two;
	const uint8_t *data;
	size_t child;   /* the object that was made */
	size_t durable; /* the event that made it so */
};

/* Records as klog-consume prints them: "OFFSET EPOCH VALUE". */
struct lines {
	struct blob text;
	char **line;
	size_t count;
};

/* A recorded run: objects[0] is the cluster. */
struct run {
	struct object *objects;
	size_t object_count;
	struct event *events;
	size_t event_count;
	struct blob raw;
	struct lines expected;
	long promise; /* before the first event; -1: no topic */
	long epoch;   /* the highest before it */
	long later;   /* the highest after it */
	int depth;
	bool in_order;  /* no later change is known to the device without an
			* earlier one */
	uint64_t *seen; /* states, by their hash */
	size_t seen_count;
};

/* What a state holds. */
struct node {
	char path[PATH_SIZE];
	bool dir;
	struct blob content;
};

struct tree {
	struct node *nodes;
	size_t count;
};

struct tool {
	int status;
	struct blob out;
	struct blob err;
};

static struct {
	uint64_t seed;
	const char *forget;
	char dir[64];     /* of this run of crash-states */
	char cluster[80]; /* where states are made */
	char preload[PATH_SIZE];
	long states;
	long failures;
	char id[2][48];
	const char *replay; /* the state to make again */
} all;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "crash-states: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void *
more(void *old, size_t count, size_t size)
{
	void *p = realloc(old, (count + 1) * size);

	if (p == NULL)
		die("memory");
	return p;
}

/* ---- chance ----------------------------------------------------------- */

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static size_t
below(uint64_t *rng, size_t n)
{
	*rng = mix(*rng);
	return (size_t)((*rng >> 11) % n);
}

/* ---- files ------------------------------------------------------------ */

static void
slurp(int dir, const char *path, struct blob *b)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path);
	b->size = (size_t)st.st_size;
	b->data = more(b->data, b->size, 1);
	if (pread(fd, b->data, b->size, 0) != st.st_size)
		die(path);
	b->data[b->size] = 0;
	close(fd);
}

static void
spill(const char *path, const struct blob *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || write(fd, b->data, b->size) != (ssize_t)b->size)
		die(path);
	close(fd);
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *place)
{
	(void)st;
	(void)place;
	return what == FTW_DP ? rmdir(path) : unlink(path);
}

static void
remove_tree(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 &&
		errno != ENOENT)
		die(path);
}

static void
lines_of(struct lines *l, const struct blob *text)
{
	char *at, *end;

	l->text.data = more(l->text.data, text->size, 1);
	memcpy(l->text.data, text->data, text->size);
	l->text.data[text->size] = 0;
	l->count = 0;
	for (at = (char *)l->text.data; (end = strchr(at, '\n')) != NULL;
		at = end + 1) {
		*end = 0;
		l->line = more(l->line, l->count, sizeof(*l->line));
		l->line[l->count++] = at;
	}
}

static long
epoch_of(const char *line)
{
	const char *blank = strchr(line, ' ');

	return blank == NULL ? -1 : strtol(blank, NULL, 10);
}

static long
highest_epoch(const struct lines *l, long epoch)
{
	for (size_t i = 0; i < l->count; i++)
		if (epoch_of(l->line[i]) > epoch)
			epoch = epoch_of(l->line[i]);
	return epoch;
}

/* ---- tools ------------------------------------------------------------ */

static int
memory_file(const void *data, size_t size)
{
	int fd = memfd_create("crash-states", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
		lseek(fd, 0, SEEK_SET) != 0)
		die("memfd");
	return fd;
}

static void
take(int fd, struct blob *b)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		die("memfd");
	b->size = (size_t)st.st_size;
	b->data = more(b->data, b->size, 1);
	if (pread(fd, b->data, b->size, 0) != st.st_size)
		die("memfd");
	b->data[b->size] = 0;
	close(fd);
}

struct started {
	pid_t pid;
	int out, err;
};

/* Starts a tool in a cluster; recorded, where `trace` is the file for it. */
static struct started
start(const char *const *argv, const char *cluster, const char *input,
	const char *trace)
{
	struct started s = { .out = memory_file("", 0),
		.err = memory_file("", 0) };
	int in = memory_file(input, strlen(input));
	char where[PATH_SIZE], record[PATH_SIZE];
	char *env[] = { where, NULL, NULL, NULL, NULL };
	posix_spawn_file_actions_t fds;
	const char *path = getenv("PATH");
	char *path_var = more(NULL, strlen(path) + 8, 1);

	snprintf(where, sizeof(where), "KLOG_CLUSTER=%s", cluster);
	sprintf(path_var, "PATH=%s", path);
	env[1] = path_var;
	if (trace != NULL) {
		snprintf(record, sizeof(record), "KLOG_POWER_RECORD=%s", trace);
		env[2] = record;
		env[3] = all.preload;
	}
	posix_spawn_file_actions_init(&fds);
	posix_spawn_file_actions_adddup2(&fds, in, 0);
	posix_spawn_file_actions_adddup2(&fds, s.out, 1);
	posix_spawn_file_actions_adddup2(&fds, s.err, 2);
	errno = posix_spawnp(
		&s.pid, argv[0], &fds, NULL, (char **)(uintptr_t)argv, env);
	if (errno != 0)
		die(argv[0]);
	posix_spawn_file_actions_destroy(&fds);
	free(path_var);
	close(in);
	return s;
}

static bool
ended(struct started *s, bool wait, struct tool *t)
{
	int status;
	pid_t pid = waitpid(s->pid, &status, wait ? 0 : WNOHANG);

	if (pid < 0)
		die("waitpid");
	if (pid == 0)
		return false;
	t->status = WIFEXITED(status) ? WEXITSTATUS(status)
				      : 128 + WTERMSIG(status);
	take(s->out, &t->out);
	take(s->err, &t->err);
	return true;
}

static void
run_tool(const char *const *argv, const char *cluster, const char *input,
	const char *trace, struct tool *t)
{
	struct started s = start(argv, cluster, input, trace);

	ended(&s, true, t);
}

/* ---- a trace, and what it says of each object --------------------------- */

static size_t
find_object(const struct run *r, uint64_t ino)
{
	/* a number may be used again: the newest one has it */
	for (size_t i = r->object_count; i-- > 0;)
		if (r->objects[i].ino == ino)
			return i;
	errno = ENOENT;
	die("an inode that nobody made");
}

static size_t
add_object(struct run *r, uint64_t ino, bool dir, const char *name)
{
	struct object *o;

	r->objects = more(r->objects, r->object_count, sizeof(*r->objects));
	o = &r->objects[r->object_count];
	memset(o, 0, sizeof(*o));
	o->ino = ino;
	o->dir = dir;
	snprintf(o->name, sizeof(o->name), "%s", name);
	return r->object_count++;
}

/* What is there before the trace begins. */
static size_t
load_tree(struct run *r, const char *path, const char *name)
{
	struct stat st;
	struct dirent *d;
	size_t me;
	DIR *dir;

	if (stat(path, &st) < 0)
		die(path);
	me = add_object(r, st.st_ino, S_ISDIR(st.st_mode), name);
	if (!S_ISDIR(st.st_mode)) {
		slurp(AT_FDCWD, path, &r->objects[me].start);
		return me;
	}
	dir = opendir(path);
	if (dir == NULL)
		die(path);
	while ((d = readdir(dir)) != NULL) {
		char below_it[PATH_SIZE * 2];
		size_t child;
		struct object *o;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		snprintf(below_it, sizeof(below_it), "%s/%s", path, d->d_name);
		child = load_tree(r, below_it, d->d_name);
		o = &r->objects[me];
		o->entries = more(
			o->entries, o->entry_count, sizeof(*o->entries));
		o->entries[o->entry_count].name = strdup(d->d_name);
		o->entries[o->entry_count++].child = child;
	}
	closedir(dir);
	return me;
}

static void
changes(struct run *r, size_t object, size_t event)
{
	struct object *o = &r->objects[object];

	o->events = more(o->events, o->event_count, sizeof(*o->events));
	o->events[o->event_count++] = event;
}

/* The object that a name in a directory leads to now, by the trace. */
static size_t
child_now(const struct run *r, size_t dir, const char *name)
{
	const struct object *o = &r->objects[dir];

	for (size_t i = o->event_count; i-- > 0;) {
		const struct event *e = &r->events[o->events[i]];

		if (e->child != NONE && strcmp(e->one, name) == 0 &&
			e->t.op != TRACE_RENAME)
			return e->child;
	}
	for (size_t i = 0; i < o->entry_count; i++)
		if (strcmp(o->entries[i].name, name) == 0)
			return o->entries[i].child;
	return NONE;
}

static bool
forgotten(const struct object *o)
{
	if (all.forget == NULL)
		return false;
	if (strcmp(all.forget, "/") == 0)
		return o->dir;
	return !o->dir && strstr(o->name, all.forget) != NULL;
}

/* All that was done to it before the sync began is durable at its end. */
static void
synced(struct run *r, const struct object *o, size_t begin, size_t end)
{
	if (forgotten(o))
		return;
	for (size_t i = 0; i < o->event_count && o->events[i] < begin; i++)
		if (r->events[o->events[i]].durable == NONE)
			r->events[o->events[i]].durable = end;
}

static void
note_sync(struct run *r, size_t end)
{
	size_t begin = end;

	while (begin-- > 0)
		if (r->events[begin].t.op == TRACE_SYNC_BEGIN &&
			r->events[begin].t.at == r->events[end].t.at)
			break;
	if (begin == NONE) {
		errno = EINVAL;
		die("a sync without a beginning");
	}
	/* (the object may have had another name since: no matter here) */
	for (size_t i = 0; i < r->object_count; i++)
		if (r->events[end].t.ino == 0)
			synced(r, &r->objects[i], begin, end);
	if (r->events[end].t.ino != 0)
		synced(r, &r->objects[find_object(r, r->events[end].t.ino)],
			begin, end);
}

static void
note(struct run *r, size_t at)
{
	struct event *e = &r->events[at];
	size_t dir = e->t.dir != 0 ? find_object(r, e->t.dir) : NONE, child;

	switch ((enum trace_op)e->t.op) {
	case TRACE_CREATE:
	case TRACE_MKDIR:
		e->child = add_object(
			r, e->t.ino, e->t.op == TRACE_MKDIR, e->one);
		changes(r, dir, at);
		break;
	case TRACE_RENAME:
		child = child_now(r, dir, e->one);
		if (child != NONE)
			snprintf(r->objects[child].name,
				sizeof(r->objects[child].name), "%s", e->two);
		changes(r, dir, at);
		break;
	case TRACE_UNLINK:
		changes(r, dir, at);
		break;
	case TRACE_WRITE:
	case TRACE_TRUNCATE:
		changes(r, find_object(r, e->t.ino), at);
		break;
	case TRACE_SYNC_END:
		note_sync(r, at);
		break;
	case TRACE_SYNC_BEGIN:
	case TRACE_PROMISE:
		break;
	}
}

static void
load_trace(struct run *r, const char *path)
{
	size_t at = 0;

	slurp(AT_FDCWD, path, &r->raw);
	while (at < r->raw.size) {
		struct event *e;

		r->events = more(r->events, r->event_count, sizeof(*r->events));
		e = &r->events[r->event_count];
		memcpy(&e->t, r->raw.data + at, sizeof(e->t));
		at += sizeof(e->t);
		e->one = (char *)r->raw.data + at;
		e->two = e->one + strlen(e->one) + 1;
		at += e->t.names;
		e->data = r->raw.data + at;
		at += e->t.data;
		e->child = NONE;
		e->durable = NONE;
		note(r, r->event_count++);
	}
}

static void
free_run(struct run *r)
{
	for (size_t i = 0; i < r->object_count; i++) {
		struct object *o = &r->objects[i];

		for (size_t j = 0; j < o->entry_count; j++)
			free(o->entries[j].name);
		free(o->entries);
		free(o->events);
		free(o->start.data);
	}
	free(r->objects);
	free(r->events);
	free(r->raw.data);
	free(r->expected.text.data);
	free(r->expected.line);
	free(r->seen);
}

static long
promise_at(const struct run *r, size_t position)
{
	/* of a second one: the writer ended with 0 */
	if (r->depth > 0 && position == r->event_count)
		return (long)r->expected.count;
	while (position-- > 0)
		if (r->events[position].t.op == TRACE_PROMISE)
			return (long)r->events[position].t.at;
	return r->promise;
}

/* ---- a state ---------------------------------------------------------- */

enum mode {
	EVERYTHING, /* as a kill leaves it */
	NOTHING,    /* but what is synced */
	NAMES,      /* directories go to the device first */
	DATA,       /* or last */
	IN_ORDER,   /* all up to some moment */
	EACH_FILE,  /* each up to a moment of its own */
	EACH_SECTOR,
	MODES
};

struct cut {
	enum mode mode;
	uint64_t rng;
	size_t position; /* of the power cut, in the trace */
	size_t moment;   /* IN_ORDER */
	bool copy;       /* of the files, in the same boot */
	bool in_order;
};

/* Of an object's `count` events before the cut, the first so many that are
 * durable: a sync is of all that was before. */
static size_t
durable(const struct run *r, const struct object *o, size_t count,
	const struct cut *c)
{
	size_t n = 0;

	while (n < count && r->events[o->events[n]].durable < c->position)
		n++;
	return n;
}

/* How many of them the device has. */
static size_t
choose(const struct object *o, size_t least, size_t count, struct cut *c)
{
	size_t n = least;

	switch (c->mode) {
	case EVERYTHING:
		return count;
	case NOTHING:
		return least;
	case NAMES:
		return o->dir ? count : least;
	case DATA:
		return o->dir ? least : count;
	case IN_ORDER:
		while (n < count && o->events[n] < c->moment)
			n++;
		return n;
	case EACH_FILE:
	case EACH_SECTOR:
	case MODES:
		break;
	}
	switch (below(&c->rng, 4)) {
	case 0:
		return least;
	case 1:
		return count;
	default:
		return least + below(&c->rng, count - least + 1);
	}
}

static size_t
size_after(const struct run *r, const struct object *o, size_t count)
{
	size_t size = o->start.size;

	for (size_t i = 0; i < count; i++) {
		const struct event *e = &r->events[o->events[i]];
		size_t end = (size_t)e->t.at + e->t.data;

		if (e->t.op == TRACE_TRUNCATE || end > size)
			size = end;
	}
	return size;
}

/* Bytes from to `to` of a file after the first `count` events. */
static void
fill(const struct run *r, const struct object *o, size_t count, uint8_t *data,
	size_t from, size_t to)
{
	memset(data + from, 0, to - from);
	if (from < o->start.size)
		memcpy(data + from, o->start.data + from,
			(to < o->start.size ? to : o->start.size) - from);
	for (size_t i = 0; i < count; i++) {
		const struct event *e = &r->events[o->events[i]];
		size_t a = (size_t)e->t.at, b = a + e->t.data;

		if (e->t.op == TRACE_TRUNCATE)
			b = to;
		a = a > from ? a : from;
		b = b < to ? b : to;
		if (a >= b)
			continue;
		if (e->t.op == TRACE_TRUNCATE)
			memset(data + a, 0, b - a);
		else
			memcpy(data + a, e->data + (a - e->t.at), b - a);
	}
}

/*
 * The power may go while a sector is written, which spoils it: one slot of
 * `.klog`, if it was being written at all.  The other one holds (T1).
 */
static void
spoil_slot(const struct run *r, const struct object *o, size_t least,
	size_t count, struct cut *c, struct blob *b)
{
	size_t slot = below(&c->rng, 2) * 4096;

	if (strcmp(o->name, ".klog") != 0 || below(&c->rng, 3) != 0)
		return;
	for (size_t i = least; i < count; i++) {
		const struct event *e = &r->events[o->events[i]];

		if (e->t.op == TRACE_WRITE && e->t.at == slot &&
			slot + SECTOR <= b->size)
			memset(b->data + slot + 256, 0x5a, 64);
	}
}

/* A sector is on the device as it was at one moment; so is the size. */
static void
make_file(const struct run *r, const struct object *o, struct cut *c,
	struct blob *b)
{
	size_t count = 0, least, time;

	while (count < o->event_count && o->events[count] < c->position)
		count++;
	least = durable(r, o, count, c);
	time = choose(o, least, count, c);
	b->size = size_after(r, o, time);
	b->data = more(NULL, b->size, 1);
	for (size_t at = 0; at < b->size; at += SECTOR) {
		size_t end = at + SECTOR < b->size ? at + SECTOR : b->size;

		if (c->mode == EACH_SECTOR && below(&c->rng, 3) == 0)
			time = choose(o, least, count, c);
		fill(r, o, time, b->data, at, end);
	}
	if (c->mode == EACH_SECTOR)
		spoil_slot(r, o, least, count, c, b);
}

static struct entry *
entry(struct entry **list, size_t *count, const char *name)
{
	struct entry *e;

	for (size_t i = 0; i < *count; i++)
		if (strcmp((*list)[i].name, name) == 0)
			return &(*list)[i];
	*list = more(*list, *count, sizeof(**list));
	e = &(*list)[*count];
	e->name = (char *)(uintptr_t)name;
	e->child = NONE;
	e->group = *count;
	(*count)++;
	return e;
}

static void
tie(struct entry *list, size_t count, size_t one, size_t two)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].group == one)
			list[i].group = two;
}

/* Each name is as it was at one moment; those of a rename at the same. */
static struct entry *
make_names(const struct run *r, const struct object *o, struct cut *c,
	size_t *entries)
{
	struct entry *list = NULL;
	size_t count = 0, least;

	*entries = 0;
	for (size_t i = 0; i < o->entry_count; i++)
		entry(&list, entries, o->entries[i].name)->child =
			o->entries[i].child;
	for (; count < o->event_count && o->events[count] < c->position;
		count++) {
		const struct event *e = &r->events[o->events[count]];
		size_t one = entry(&list, entries, e->one)->group;

		if (e->t.op == TRACE_RENAME)
			tie(list, *entries, one,
				entry(&list, entries, e->two)->group);
	}
	least = durable(r, o, count, c);
	for (size_t i = 0; i < *entries; i++)
		list[i].time = choose(o, least, count, c);
	for (size_t i = 0; i < count; i++) {
		const struct event *e = &r->events[o->events[i]];
		struct entry *one = entry(&list, entries, e->one);

		if (i >= list[one->group].time)
			continue;
		if (e->t.op == TRACE_RENAME) {
			size_t child = one->child;

			one->child = NONE;
			entry(&list, entries, e->two)->child = child;
		} else {
			one->child = e->child;
		}
	}
	return list;
}

static void
make_tree(const struct run *r, size_t object, const char *path, struct cut *c,
	struct tree *t)
{
	const struct object *o = &r->objects[object];
	struct entry *list;
	struct node *n;
	size_t count;

	t->nodes = more(t->nodes, t->count, sizeof(*t->nodes));
	n = &t->nodes[t->count++];
	memset(n, 0, sizeof(*n));
	snprintf(n->path, sizeof(n->path), "%s", path);
	n->dir = o->dir;
	if (!o->dir) {
		make_file(r, o, c, &n->content);
		return;
	}
	list = make_names(r, o, c, &count);
	for (size_t i = 0; i < count; i++) {
		char child[PATH_SIZE * 2];

		if (list[i].child == NONE)
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, list[i].name);
		make_tree(r, list[i].child, child, c, t);
	}
	free(list);
}

static void
free_tree(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->nodes[i].content.data);
	free(t->nodes);
}

static uint64_t
hash(uint64_t h, const void *data, size_t size)
{
	const uint8_t *p = data;

	while (size-- > 0)
		h = (h ^ *p++) * 0x100000001b3u;
	return h;
}

/* Whether it is one that was not tried yet. */
static bool
is_new(struct run *r, const struct tree *t, long promise)
{
	uint64_t h = hash(0xcbf29ce484222325u, &promise, sizeof(promise));

	for (size_t i = 0; i < t->count; i++) {
		const struct node *n = &t->nodes[i];

		h = hash(h, n->path, strlen(n->path) + 1);
		h = hash(h, n->content.data, n->content.size);
	}
	for (size_t i = 0; i < r->seen_count; i++)
		if (r->seen[i] == h)
			return false;
	r->seen = more(r->seen, r->seen_count, sizeof(*r->seen));
	r->seen[r->seen_count++] = h;
	return true;
}

static uint32_t
crc32c(const uint8_t *p, size_t size)
{
	uint32_t x = 0xffffffffU;

	while (size-- > 0) {
		x ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			x = (x & 1) ? (x >> 1) ^ 0x82f63b78U : x >> 1;
	}
	return ~x;
}

static void
put_be(uint8_t *p, uint64_t x, int size)
{
	while (size-- > 0) {
		p[size] = (uint8_t)x;
		x >>= 8;
	}
}

/*
 * The state file is in its place, and the machine went down: each whole slot
 * of `.klog` gets this inode and another boot.  (Left alone it is a copy.)
 */
static void
another_boot(const char *path)
{
	struct blob b = { NULL, 0 };
	struct stat st;

	slurp(AT_FDCWD, path, &b);
	if (stat(path, &st) < 0)
		die(path);
	for (size_t at = 0; at + 512 <= b.size; at += 4096) {
		uint8_t *p = b.data + at, crc[4];

		put_be(crc, crc32c(p, 508), 4);
		if (memcmp(crc, p + 508, 4) != 0)
			continue;
		memset(p + 16, 0xee, 16);
		put_be(p + 40, st.st_dev, 8);
		put_be(p + 48, st.st_ino, 8);
		put_be(p + 508, crc32c(p, 508), 4);
	}
	spill(path, &b);
	free(b.data);
}

static void
put_on_disk(const struct tree *t, bool copy)
{
	remove_tree(all.cluster);
	for (size_t i = 0; i < t->count; i++) {
		const struct node *n = &t->nodes[i];
		char path[PATH_SIZE * 2];
		size_t end;

		snprintf(path, sizeof(path), "%s%s", all.cluster, n->path);
		if (n->dir) {
			if (mkdir(path, 0777) < 0)
				die(path);
			continue;
		}
		spill(path, &n->content);
		end = strlen(path);
		if (!copy && end > 6 && strcmp(path + end - 6, "/.klog") == 0)
			another_boot(path);
	}
}

/* ---- judging ---------------------------------------------------------- */

static const char *const consume[] = { "klog-consume", "-F", "%o %e %s\\n", "t",
	NULL };
static const char *const create[] = { "klog-create", "-q", "--if-not-exists",
	"-X", "index.interval.bytes=0", "-X", "segment.index.bytes=36", "t",
	NULL };
/* (A temporary file that was left over harms nobody.) */
static const char *const check[] = { "sh", "-c",
	"cd $KLOG_CLUSTER/t/0 && rm -f .leader-epoch-checkpoint.* && "
	"partition-check -q .",
	NULL };
static const char *const produce[] = { "klog-produce", "t", NULL };

static bool
wrong(const struct run *r, const struct tool *t, const char *what)
{
	if (++all.failures > FAILURES_MAX && all.replay == NULL)
		return false;
	fprintf(stderr, "crash-states: state %s%s%s: %s\n", all.id[0],
		r->depth > 0 ? "/" : "", r->depth > 0 ? all.id[1] : "", what);
	if (t != NULL)
		fprintf(stderr, "  status %d\n  stderr: %.1000s\n", t->status,
			t->err.size > 0 ? (char *)t->err.data : "\n");
	fprintf(stderr,
		"  again: crash-states -r %s -s %" PRIu64 "%s%s %s%s%s\n",
		all.dir, all.seed, all.forget ? " -x " : "",
		all.forget ? all.forget : "", all.id[0],
		r->depth > 0 ? "/" : "", r->depth > 0 ? all.id[1] : "");
	return false;
}

static bool
one_line_at_most(const struct tool *t, const char *name)
{
	const char *end;

	if (t->err.size == 0)
		return true;
	end = strchr((char *)t->err.data, '\n');
	return end != NULL && end[1] == 0 &&
		strncmp((char *)t->err.data, name, strlen(name)) == 0;
}

/* How many of the expected records were printed, or -1. */
static long
prefix(const struct run *r, const struct lines *l)
{
	size_t n = 0;

	while (n < l->count && n < r->expected.count &&
		strcmp(l->line[n], r->expected.line[n]) == 0)
		n++;
	return n == l->count ? (long)n : -1;
}

/* What a reader finds: how many records, or -1 and it was said why. */
static long
judge_reader(const struct run *r, long promise)
{
	struct tool t = { 0 };
	struct lines l = { { NULL, 0 }, NULL, 0 };
	long n = -1;

	run_tool(consume, all.cluster, "", NULL, &t);
	lines_of(&l, &t.out);
	if (promise < 0 && t.status == 1 &&
		strstr((char *)t.err.data, ": no topic ") != NULL)
		n = 0;
	else if (t.status != 0 || t.err.size > 0)
		wrong(r, &t, "a reader does not end well");
	else if ((n = prefix(r, &l)) < 0)
		wrong(r, &t, "a reader prints what is no prefix");
	else if (n < promise) {
		wrong(r, &t, "a reader misses what was promised");
		n = -1;
	}
	free(l.text.data);
	free(l.line);
	free(t.out.data);
	free(t.err.data);
	return n;
}

/* The epoch that a record may have had which somebody saw before the cut. */
static long
seen_epoch(const struct run *r, size_t position)
{
	for (size_t i = 0; i < position; i++) {
		const struct event *e = &r->events[i];
		const char *name = e->t.op == TRACE_WRITE
			? r->objects[find_object(r, e->t.ino)].name
			: "";
		size_t end = strlen(name);

		if (end > 4 && strcmp(name + end - 4, ".log") == 0)
			return r->later;
	}
	return r->epoch;
}

/* The writer went on behind `n` records, under an epoch after `epoch`. */
static bool
judge_after(const struct run *r, long n, const char *next, long epoch)
{
	struct tool t = { 0 };
	struct lines l = { { NULL, 0 }, NULL, 0 };
	const char *last;
	bool good = false;

	run_tool(consume, all.cluster, "", NULL, &t);
	lines_of(&l, &t.out);
	last = l.count > 0 ? l.line[l.count - 1] : "";
	if (t.status != 0 || t.err.size > 0)
		wrong(r, &t, "after recovery a reader does not end well");
	else if (l.count != (size_t)n + 1)
		wrong(r, &t, "recovery keeps more or less than a reader saw");
	else if (strtol(last, NULL, 10) != n || strrchr(last, ' ') == NULL ||
		strcmp(strrchr(last, ' ') + 1, next) != 0)
		wrong(r, &t, "the record written after recovery is not last");
	else if (epoch_of(last) <= epoch)
		wrong(r, &t, "no new leader epoch");
	else {
		l.count--;
		good = prefix(r, &l) == n ||
			wrong(r, &t, "recovery leaves what is no prefix");
	}
	free(l.text.data);
	free(l.line);
	free(t.out.data);
	free(t.err.data);
	return good;
}

static bool
no_leftovers(void)
{
	DIR *dir = opendir(all.cluster);
	struct dirent *d;
	bool good = true;

	if (dir == NULL)
		die(all.cluster);
	while ((d = readdir(dir)) != NULL)
		if (strncmp(d->d_name, ".new-", 5) == 0)
			good = false;
	closedir(dir);
	return good;
}

static bool
judge(const struct run *r, const struct cut *c)
{
	long promise = promise_at(r, c->position), epoch, n;
	struct tool t = { 0 };
	char next[16];
	bool good;

	snprintf(next, sizeof(next), "next-%d\n", r->depth + 1);
	n = judge_reader(r, promise);
	good = n >= 0;
	epoch = seen_epoch(r, c->position);
	if (good && promise < 0) {
		epoch = -1; /* it may be a new one */
		run_tool(create, all.cluster, "", NULL, &t);
		if (t.status != 0 || t.err.size > 0)
			good = wrong(r, &t, "the topic cannot be made");
		else if (!no_leftovers())
			good = wrong(r, &t, "a leftover of a topic");
	}
	if (good) {
		run_tool(produce, all.cluster, next, NULL, &t);
		next[strlen(next) - 1] = 0;
		if (t.status != 0 || !one_line_at_most(&t, "klog-produce: "))
			good = wrong(r, &t, "a writer does not end well");
		else
			good = judge_after(r, n, next, epoch);
	}
	if (good && c->in_order) {
		run_tool(check, all.cluster, "", NULL, &t);
		if (t.status != 0)
			good = wrong(r, &t, "it is not as Kafka has it");
	}
	free(t.out.data);
	free(t.err.data);
	return good;
}

/* ---- one state, and another cut during its recovery ---------------------- */

static void explore(struct run *r, size_t first, long budget);

static void one_state(struct run *r, size_t position, long variant);

/* Whether the topic is there: it was made, if perhaps not promised yet. */
static bool
has_topic(const struct tree *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->nodes[i].path, "/t/topic.yaml") == 0)
			return true;
	return false;
}

/* The writer that recovers state `t` is recorded, and its power cut too. */
static void
cut_again(const struct run *r, const struct tree *t, const struct cut *c)
{
	const char *state = all.replay ? strchr(all.replay, '/') : NULL;
	struct run second = { .promise = promise_at(r, c->position),
		.epoch = r->later,
		.depth = r->depth + 1,
		.in_order = c->in_order };
	struct tool result = { 0 };
	char trace[96], next[16];

	if (!has_topic(t))
		return;
	put_on_disk(t, c->copy);
	snprintf(trace, sizeof(trace), "%s/trace-%d", all.dir, second.depth);
	unlink(trace);
	load_tree(&second, all.cluster, "");
	snprintf(next, sizeof(next), "next-%d\n", second.depth);
	run_tool(produce, all.cluster, next, trace, &result);
	if (result.status == 0) {
		run_tool(consume, all.cluster, "", NULL, &result);
		lines_of(&second.expected, &result.out);
		second.later = highest_epoch(&second.expected, 0);
		load_trace(&second, trace);
		if (state != NULL)
			one_state(&second, strtoul(state + 1, NULL, 10),
				strtol(strchr(state + 1, '.') + 1, NULL, 10));
		else
			explore(&second, 0, 20);
	}
	free(result.out.data);
	free(result.err.data);
	free_run(&second);
}

static void
one_state(struct run *r, size_t position, long variant)
{
	struct cut c = { .position = position };
	struct tree t = { NULL, 0 };

	c.rng = mix(all.seed) ^ mix(position) ^
		mix(((uint64_t)variant << 8) + (uint64_t)r->depth);
	c.mode = variant < IN_ORDER
		? (enum mode)variant
		: (enum mode)(IN_ORDER + below(&c.rng, MODES - IN_ORDER));
	c.moment = below(&c.rng, position + 1);
	c.copy = below(&c.rng, 8) == 0;
	c.in_order = r->in_order &&
		(c.mode == EVERYTHING || c.mode == IN_ORDER);
	snprintf(all.id[r->depth], sizeof(all.id[0]), "%zu.%ld", position,
		variant);
	make_tree(r, 0, "", &c, &t);
	if (is_new(r, &t, promise_at(r, position))) {
		all.states++;
		if (all.replay != NULL && r->depth == 0 &&
			strchr(all.replay, '/') != NULL) {
			cut_again(r, &t, &c);
		} else {
			put_on_disk(&t, c.copy);
			if (judge(r, &c) && r->depth == 0 &&
				all.replay == NULL && all.states % 20 == 0)
				cut_again(r, &t, &c);
		}
	}
	free_tree(&t);
}

/* Each position once in each variant, until there were enough. */
static void
explore(struct run *r, size_t first, long budget)
{
	long until = all.states + budget;

	for (long variant = 0; variant < 200; variant++)
		for (size_t p = first; p <= r->event_count; p++) {
			size_t position = p;

			/* the random ones begin anywhere */
			if (variant >= IN_ORDER || budget < 100) {
				uint64_t rng = mix(all.seed) ^
					mix(p * 1000 + (size_t)variant);

				position = first +
					below(&rng, r->event_count - first + 1);
			}
			if (all.states >= until)
				return;
			one_state(r, position, variant);
		}
}

/* ---- workloads -------------------------------------------------------- */

static void
path_in(char path[96], const char *name)
{
	snprintf(path, 96, "%s/%s", all.dir, name);
}

/* What `klog-consume --synced` shows is promised from now on. */
static long
promise(const char *trace, const struct blob *sent)
{
	static const char *const show[] = { "klog-consume", "--synced", "-F",
		"%o %e %s\\n", "t", NULL };
	struct trace mark = { .op = TRACE_PROMISE };
	struct tool t = { 0 };
	struct lines l = { { NULL, 0 }, NULL, 0 }, s = l;
	int fd = open(trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

	run_tool(show, all.cluster, "", NULL, &t);
	if (t.status != 0)
		die((char *)t.err.data);
	lines_of(&l, &t.out);
	/* what a writer sent that ended with 0 is among it */
	if (sent != NULL)
		lines_of(&s, sent);
	for (size_t i = 0; i < s.count; i++) {
		size_t j = 0;

		while (j < l.count && strstr(l.line[j], s.line[i]) == NULL)
			j++;
		if (j == l.count) {
			errno = 0;
			die("exit 0, and it is not synced");
		}
	}
	mark.at = l.count;
	if (fd < 0 || flock(fd, LOCK_EX) < 0 ||
		write(fd, &mark, sizeof(mark)) != sizeof(mark))
		die(trace);
	close(fd);
	free(l.text.data);
	free(l.line);
	free(s.text.data);
	free(s.line);
	free(t.out.data);
	free(t.err.data);
	return (long)mark.at;
}

/* Lines that no other run sends, of various lengths. */
static void
words(struct blob *b, int writer, int count, size_t width)
{
	uint64_t rng = mix(all.seed) ^ mix((uint64_t)writer);

	b->data = more(b->data, (size_t)count * (width + 32), 1);
	b->size = 0;
	for (int i = 0; i < count; i++) {
		size_t size = below(&rng, width);

		b->size += (size_t)sprintf(
			(char *)b->data + b->size, "%d-%d:", writer, i);
		while (size-- > 0)
			b->data[b->size++] = (uint8_t)('a' + below(&rng, 26));
		b->data[b->size++] = '\n';
	}
	b->data[b->size] = 0;
}

#define WRITERS 2

/* Writers, at the same time; NULL for one that is not there.  What they sent
 * is promised where they sync. */
static void
writers(const char *trace, int first, int count, size_t width,
	const char *const *const argv[WRITERS], const bool syncs[WRITERS])
{
	struct blob sent[WRITERS] = { { NULL, 0 } };
	struct started s[WRITERS];
	struct tool t = { 0 };
	int running = 0;

	for (int i = 0; i < WRITERS && argv[i] != NULL; i++, running++) {
		words(&sent[i], first + i, count, width);
		s[i] = start(argv[i], all.cluster, (char *)sent[i].data, trace);
	}
	for (bool done[WRITERS] = { false }; running > 0;) {
		promise(trace, NULL);
		for (int i = 0; i < WRITERS && argv[i] != NULL; i++) {
			if (done[i] || !ended(&s[i], false, &t))
				continue;
			if (t.status != 0)
				die((char *)t.err.data);
			promise(trace, syncs[i] ? &sent[i] : NULL);
			done[i] = true;
			running--;
		}
	}
	for (int i = 0; i < WRITERS; i++)
		free(sent[i].data);
	free(t.out.data);
	free(t.err.data);
}

static const char *const plain[] = { "klog-produce", "t", NULL };
static const char *const no_sync[] = { "klog-produce", "--no-sync", "t", NULL };
static const char *const rolls[] = { "klog-produce", "--batch-size", "700",
	"-X", "flush.messages=7", "t", NULL };
static const char *const rolls_no_sync[] = { "klog-produce", "--no-sync",
	"--batch-size", "700", "t", NULL };

static void
few(const char *trace, int first, const char *const *argv, bool syncs)
{
	const char *const *const list[WRITERS] = { argv, NULL };
	const bool s[WRITERS] = { syncs, false };

	writers(trace, first, 2, 900, list, s);
}

static void
work_create(const char *trace)
{
	few(trace, 1, plain, true);
}

static void
work_append(const char *trace)
{
	few(trace, 1, plain, true);
	few(trace, 2, no_sync, false);
	few(trace, 3, no_sync, false);
	few(trace, 4, plain, true);
	few(trace, 5, no_sync, false);
}

static void
work_roll(const char *trace)
{
	const char *const *const synced_one[WRITERS] = { rolls, NULL };
	const char *const *const other[WRITERS] = { rolls_no_sync, NULL };
	const bool yes[WRITERS] = { true, false };
	const bool no[WRITERS] = { false, false };

	writers(trace, 1, 16, 600, synced_one, yes);
	writers(trace, 2, 24, 600, other, no);
}

static void
work_two(const char *trace)
{
	const char *const *const list[WRITERS] = { rolls, rolls_no_sync };
	const bool syncs[WRITERS] = { true, false };

	writers(trace, 1, 24, 600, list, syncs);
}

static const struct workload {
	const char *name;
	void (*work)(const char *trace);
} workloads[] = {
	{ "create", work_create },
	{ "append", work_append },
	{ "roll", work_roll },
	{ "two", work_two },
};

static void
record(const struct workload *w)
{
	char trace[96], expected[96];
	struct tool t = { 0 };

	path_in(trace, "trace");
	path_in(expected, "expected");
	if (mkdir(all.cluster, 0777) < 0)
		die(all.cluster);
	run_tool(create, all.cluster, "", trace, &t);
	if (t.status != 0)
		die((char *)t.err.data);
	promise(trace, NULL);
	w->work(trace);
	run_tool(consume, all.cluster, "", NULL, &t);
	spill(expected, &t.out);
	free(t.out.data);
	free(t.err.data);
}

/* ---- */

static void
load(struct run *r)
{
	char path[96];
	struct blob text = { NULL, 0 };
	struct stat st;

	r->promise = r->epoch = -1;
	path_in(path, "expected");
	slurp(AT_FDCWD, path, &text);
	lines_of(&r->expected, &text);
	r->later = highest_epoch(&r->expected, -1);
	/* the cluster was there, empty: what made a first entry names it */
	path_in(path, "trace");
	if (stat(path, &st) < 0)
		die(path);
	slurp(AT_FDCWD, path, &text);
	add_object(r, ((const struct trace *)(const void *)text.data)->dir,
		true, "");
	load_trace(r, path);
	free(text.data);
}

static size_t
first_promise(const struct run *r)
{
	size_t i = 0;

	while (r->events[i].t.op != TRACE_PROMISE)
		i++;
	return i;
}

static int
usage(void)
{
	fprintf(stderr,
		"usage: crash-states [-s SEED] [-n STATES] [-x NAME] WORKLOAD\n"
		"       crash-states -r DIR -s SEED [-x NAME] STATE\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct run r = { .promise = -1, .in_order = true };
	const struct workload *w = NULL;
	const char *again = NULL;
	char path[96];
	long states = 1000;
	ssize_t n;
	int opt;

	all.seed = (uint64_t)getpid();
	while ((opt = getopt(argc, argv, "s:n:x:r:")) != -1)
		switch (opt) {
		case 's':
			all.seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			states = strtol(optarg, NULL, 10);
			break;
		case 'x':
			all.forget = optarg;
			break;
		case 'r':
			again = optarg;
			break;
		default:
			return usage();
		}
	if (optind + 1 != argc)
		return usage();
	/* libpower.so is beside this program */
	strcpy(all.preload, "LD_PRELOAD=");
	n = readlink("/proc/self/exe", all.preload + 11, PATH_SIZE - 32);
	if (n < 0)
		die("/proc/self/exe");
	strcpy(strrchr(all.preload, '/'), "/libpower.so");
	snprintf(all.dir, sizeof(all.dir), "%s",
		again ? again
			: access("/dev/shm", W_OK) == 0
			? "/dev/shm/crash-states.XXXXXX"
			: "/tmp/crash-states.XXXXXX");
	if (again == NULL && mkdtemp(all.dir) == NULL)
		die(all.dir);
	snprintf(all.cluster, sizeof(all.cluster), "%s/cluster", all.dir);
	if (again != NULL) {
		all.replay = argv[optind];
		load(&r);
		one_state(&r, strtoul(all.replay, NULL, 10),
			strtol(strchr(all.replay, '.') + 1, NULL, 10));
	} else {
		for (size_t i = 0; i < sizeof(workloads) / sizeof(*w); i++)
			if (strcmp(workloads[i].name, argv[optind]) == 0)
				w = &workloads[i];
		if (w == NULL)
			return usage();
		record(w);
		load(&r);
		explore(&r, w->work == work_create ? 0 : first_promise(&r),
			states);
	}
	printf("crash-states: %s, seed %" PRIu64
	       ": %ld states, %ld fail; %zu events\n",
		argv[optind], all.seed, all.states, all.failures,
		r.event_count);
	free_run(&r);
	/* (without a sync failing states are what was asked for) */
	if ((all.failures == 0 || all.forget != NULL) && again == NULL) {
		remove_tree(all.cluster);
		for (int i = 0; i < 3; i++) {
			static const char *const files[] = { "trace", "trace-1",
				"expected" };

			path_in(path, files[i]);
			unlink(path);
		}
		rmdir(all.dir);
	}
	return all.failures > 0;
}
