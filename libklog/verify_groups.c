#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "group.h"
#include "journal.h"
#include "verify_groups.h"

/* A group's directory, while it is looked at. */
struct group {
	const char *name;
	int dir;
	struct klog_findings *out;
};

static int
add(const struct group *g, enum klog_severity severity, const char *file,
	int64_t position, int64_t size, int64_t offset, const char *what,
	struct klog_err *err)
{
	char path[256];

	snprintf(path, sizeof(path), "/" KLOG_GROUPS_DIR "/%.200s/%.30s",
		g->name, file);
	return klog_findings_add(g->out, severity, path, position, size, offset,
		err, "%s", what);
}

/* 1 open, 0 gone by now, or none that can be, which was told, -1. */
static int
open_one(const struct group *g, const char *name, int *fd, struct klog_err *err)
{
	*fd = klog_open_file(g->dir, name, O_RDONLY, err);
	if (*fd != -1)
		return 1;
	if (err->code == KLOG_ENOTFOUND)
		return 0;
	/* a link or a directory in its place */
	return err->code != KLOG_EREFUSED
		? -1
		: add(g, KLOG_FOUND_DAMAGE, name, 0, 0, -1,
			  "not a regular file", err);
}

/* It has two slots of text. */
static int
look_at_commits(const struct group *g, const char *name, struct klog_err *err)
{
	struct klog_commits commits;
	int fd, r = open_one(g, name, &fd, err);

	if (r != 1)
		return r;
	r = klog_commits_read(fd, &commits, name, err);
	klog_close_fd(&fd);
	if (r == -1 && err->code == KLOG_ECORRUPT)
		return add(g, KLOG_FOUND_DAMAGE, name, 0, 0, -1,
			"no slot is whole: the group's offset is lost", err);
	if (r == 1 && commits.torn)
		return add(g, KLOG_FOUND_LEFTOVER, name, 0, 0,
			commits.now.offset,
			"one slot is not whole; the other is", err);
	return r == -1 ? -1 : 0;
}

static int
look_at_journal(const struct group *g, struct klog_err *err)
{
	struct klog_journal_mark from, to;
	struct klog_journal_line line;
	struct klog_journal journal;
	const char *name = KLOG_JOURNAL_NAME;
	int fd, r = open_one(g, name, &fd, err);

	if (r != 1)
		return r;
	r = klog_journal_open(&journal, fd, name, err);
	while (r >= 0) {
		from = klog_journal_tell(&journal);
		r = klog_journal_next(&journal, &line, name, err);
		if (r == 0)
			break;
		if (r == 1 || err->code != KLOG_ECORRUPT)
			continue;
		to = klog_journal_tell(&journal);
		r = add(g, KLOG_FOUND_DAMAGE, name, from.position,
			to.position - from.position, -1,
			"a line that klog did not write: --undo knows only "
			"what stands behind it",
			err);
	}
	klog_close_fd(&fd);
	return r;
}

static int
look_at_group(const struct group *g, struct klog_err *err)
{
	struct klog_list list = { NULL };
	const char *name;
	int r;

	while ((r = klog_list_next(&list, g->dir, &name, err)) > 0) {
		r = 0;
		if (klog_partition_number(name) != -1)
			r = look_at_commits(g, name, err);
		else if (strcmp(name, KLOG_JOURNAL_NAME) == 0)
			r = look_at_journal(g, err);
		if (r == -1)
			break;
	}
	klog_list_close(&list);
	return r;
}

static int
look_at_name(int groups, const char *name, struct klog_findings *out,
	struct klog_err *err)
{
	struct group g = { name, klog_open_dir(groups, name, err), out };
	int r;

	/* gone by now, or nothing of klog's */
	if (g.dir == -1)
		return err->code == KLOG_ENOTFOUND || err->code == KLOG_EREFUSED
			? 0
			: -1;
	r = look_at_group(&g, err);
	klog_close_fd(&g.dir);
	return r;
}

int
klog_verify_groups(const struct klog_topic *t, struct klog_findings *out,
	struct klog_err *err)
{
	struct klog_list list = { NULL };
	const char *name;
	int dir, r;

	if (t->kind != KLOG_TOPIC)
		return 0;
	dir = klog_open_dir(t->dir, KLOG_GROUPS_DIR, err);
	if (dir == -1)
		return err->code == KLOG_ENOTFOUND
			? 0
			: klog_err_in(err, "topic %s", t->label);
	while ((r = klog_list_next(&list, dir, &name, err)) > 0) {
		if (name[0] == '.' || look_at_name(dir, name, out, err) == 0)
			continue;
		klog_err_in(err, "topic %s: group %s", t->label, name);
		r = -1;
		break;
	}
	klog_list_close(&list);
	klog_close_fd(&dir);
	return r;
}
