#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "lock.h"
#include "members.h"
#include "names.h"
#include "time.h"

#define LINE_MAX_SIZE ((size_t)256 * 1024)
#define TRIES 100

static const char *const strategies[] = { "range", "roundrobin" };

const char *
klog_strategy_name(enum klog_strategy strategy)
{
	return strategies[strategy];
}

int
klog_member_make(struct klog_member *m, struct klog_err *err)
{
	uint32_t lot;

	memset(m, 0, sizeof(*m));
	if (getrandom(&lot, sizeof(lot), 0) != sizeof(lot))
		return klog_fail_errno(err, "random bytes");
	m->pid = (int32_t)getpid();
	m->since_ms = klog_now_ms();
	klog_host_name(m->host);
	/* 13 digits do until the year 2286 */
	snprintf(m->name, sizeof(m->name), "%013" PRId64 "-%" PRId32 "-%08x",
		m->since_ms, m->pid, lot);
	return 0;
}

/* ---- joining and leaving ---- */

static int
write_member(int fd, const struct klog_member *m, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	char head[256];
	int n, r;

	n = snprintf(head, sizeof(head),
		"klog-member %" PRId32 " %s %" PRId64 " %s ", m->pid,
		m->host[0] != '\0' ? m->host : "-", m->since_ms,
		strategies[m->strategy]);
	if (klog_buf_put(&text, head, (size_t)n) == -1 ||
		klog_buf_put(&text, m->topics, strlen(m->topics)) == -1 ||
		klog_buf_put(&text, "\n", 1) == -1)
		r = klog_fail_memory(err);
	else
		r = klog_write_at(
			fd, text.data, text.size, 0, NULL, m->name, err);
	klog_buf_free(&text);
	return r;
}

/* Under a name that others may see before it is locked: 1 joined, 0 somebody
 * took it for a dead one's, -1. */
static int
join_in_the_open(
	int dir, const struct klog_member *m, int *fd, struct klog_err *err)
{
	struct stat st;
	int r;

	*fd = klog_create_file(dir, m->name, NULL, err);
	if (*fd == -1)
		return -1;
	r = klog_lock_try(*fd, 0, 1, m->name, err);
	if (r == 1)
		r = write_member(*fd, m, err) == -1 ? -1 : 1;
	if (r == 1 && fstat(*fd, &st) == 0 && st.st_nlink > 0)
		return 1;
	klog_close_fd(fd);
	return r == -1 ? -1 : 0;
}

int
klog_member_join(int dir, const struct klog_member *m, struct klog_err *err)
{
	int fd = klog_create_hidden(dir, m->name, err);
	int tries, r = 0;

	if (fd != -1) {
		r = klog_lock_try(fd, 0, 1, m->name, err);
		if (r == 1 && write_member(fd, m, err) == 0 &&
			klog_link_hidden(fd, dir, m->name, err) == 0)
			return fd;
		klog_close_fd(&fd);
		return r == 0 ? klog_fail(err, KLOG_EREFUSED,
					"%s: locked by somebody else", m->name)
			      : -1;
	}
	if (err->code != KLOG_ESYSTEM ||
		(err->sys_errno != EOPNOTSUPP && err->sys_errno != EISDIR))
		return -1;
	for (tries = 0; r == 0 && tries < TRIES; tries++)
		r = join_in_the_open(dir, m, &fd, err);
	if (r == 0)
		klog_fail(err, KLOG_EREFUSED,
			"members: %s cannot be kept; others remove it",
			m->name);
	return r == 1 ? fd : -1;
}

void
klog_member_leave(int dir, const struct klog_member *m, int *fd)
{
	klog_remove_file(dir, m->name);
	klog_close_fd(fd);
}

/* ---- listing ---- */

static bool
parse_member(char *text, struct klog_member *m)
{
	char *rest = text, *word;
	int64_t pid;
	size_t i;

	word = strsep(&rest, " ");
	if (strcmp(word, "klog-member") != 0 || rest == NULL)
		return false;
	pid = klog_number(strsep(&rest, " "), INT32_MAX);
	if (pid <= 0 || rest == NULL)
		return false;
	m->pid = (int32_t)pid;
	word = strsep(&rest, " ");
	if (strlen(word) >= sizeof(m->host) || rest == NULL)
		return false;
	strcpy(m->host, word);
	m->since_ms = klog_number(strsep(&rest, " "), INT64_MAX);
	if (m->since_ms == -1 || rest == NULL)
		return false;
	word = strsep(&rest, " ");
	for (i = 0; strcmp(word, strategies[i]) != 0;)
		if (++i == sizeof(strategies) / sizeof(strategies[0]))
			return false;
	m->strategy = (enum klog_strategy)i;
	if (rest == NULL)
		return false;
	memmove(m->topics, rest, strlen(rest) + 1);
	return true;
}

/* The file of a dead one; who begins just now, and has no lock yet, finds out
 * by its lock or its link count. */
static int
remove_dead(int dir, const char *name, struct klog_err *err)
{
	int fd = klog_open_file(dir, name, O_RDWR, err);
	int r;

	if (fd == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	r = klog_lock_try(fd, 0, 1, name, err);
	if (r == 1)
		klog_remove_file(dir, name);
	klog_close_fd(&fd);
	return r == -1 ? -1 : 0;
}

/* Whoever has a locked file is a member, even if it says nothing of itself. */
static int
read_member(
	int dir, const char *name, struct klog_member *m, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };

	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	if (klog_read_file(dir, name, LINE_MAX_SIZE, &text, err) == -1) {
		klog_buf_free(&text);
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	}
	if (klog_buf_put(&text, "", 1) == -1) {
		klog_buf_free(&text);
		return klog_fail_memory(err);
	}
	text.data[strcspn((char *)text.data, "\n")] = '\0';
	m->topics = (char *)text.data;
	if (!parse_member(m->topics, m))
		m->topics[0] = '\0';
	return 1;
}

/* Looks at one file: 1 a live member, 0 none, -1. */
static int
look(int dir, const char *name, bool tidy, struct klog_member *m,
	struct klog_err *err)
{
	int fd = klog_open_file(dir, name, O_RDONLY, err);
	int r;

	/* gone meanwhile, or nothing of ours */
	if (fd == -1)
		return err->code == KLOG_ENOTFOUND || err->code == KLOG_EREFUSED
			? 0
			: -1;
	r = klog_lock_free(fd, 0, name, err);
	klog_close_fd(&fd);
	if (r == 1 && tidy)
		return remove_dead(dir, name, err);
	if (r != 0)
		return r == -1 ? -1 : 0;
	return read_member(dir, name, m, err);
}

static int
by_name(const void *a, const void *b)
{
	const struct klog_member *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int
klog_members_list(
	int dir, bool tidy, struct klog_members *members, struct klog_err *err)
{
	struct klog_list list = { NULL };
	const char *name;
	int r;

	memset(members, 0, sizeof(*members));
	while ((r = klog_list_next(&list, dir, &name, err)) > 0) {
		struct klog_member *grown;

		if (name[0] == '.' || strlen(name) >= KLOG_MEMBER_NAME)
			continue;
		grown = klog_grow(members->list, members->count,
			sizeof(members->list[0]));
		if (grown == NULL) {
			r = klog_fail_memory(err);
			break;
		}
		members->list = grown;
		r = look(dir, name, tidy, &grown[members->count], err);
		if (r == -1)
			break;
		members->count += r == 1;
	}
	klog_list_close(&list);
	if (r == -1) {
		klog_members_free(members);
		return -1;
	}
	if (members->count > 1)
		qsort(members->list, members->count, sizeof(members->list[0]),
			by_name);
	return 0;
}

void
klog_members_free(struct klog_members *members)
{
	size_t i;

	for (i = 0; i < members->count; i++)
		free(members->list[i].topics);
	free(members->list);
	members->list = NULL;
	members->count = 0;
}

bool
klog_member_stopped(int fd, int32_t pid)
{
	char path[64], text[256];
	char *end;
	FILE *f;
	bool stopped = false;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	/* the state follows the name, which may hold anything */
	if (fgets(text, sizeof(text), f) != NULL &&
		(end = strrchr(text, ')')) != NULL)
		stopped = end[1] == ' ' && (end[2] == 'T' || end[2] == 't');
	fclose(f);
	/* last: it looks through all that the process has open */
	return stopped && klog_lock_held_by(fd, 0, pid);
}
