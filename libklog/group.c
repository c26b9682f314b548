#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "checkpoint.h"
#include "group.h"
#include "io.h"
#include "members.h"
#include "names.h"
#include "partition.h"

void
klog_group_label(char label[KLOG_GROUP_LABEL], const char *group,
	const struct klog_topic *t, int32_t partition)
{
	snprintf(label, KLOG_GROUP_LABEL, "group %s: %s/%" PRId32, group,
		t->label, partition);
}

/* ---- directories and files ---- */

/* Opens a directory that is made when missing, its name durable. */
static int
make_and_open(int dir, const char *name, struct klog_err *err)
{
	int fd = klog_open_dir(dir, name, err);

	if (fd != -1 || err->code != KLOG_ENOTFOUND)
		return fd;
	if (klog_make_dir(dir, name, -1, err) == -1 && err->code != KLOG_EEXIST)
		return -1;
	return klog_sync_dir(dir, name, err) == -1
		? -1
		: klog_open_dir(dir, name, err);
}

int
klog_group_open(const struct klog_topic *t, const char *group, bool make,
	struct klog_err *err)
{
	int groups, fd = -1;

	if (klog_group_name_check(group, err) == -1)
		return -1;
	if (t->kind != KLOG_TOPIC)
		return klog_fail(err, KLOG_EUSAGE,
			"%s: only a topic of klog has groups", t->label);
	groups = make ? make_and_open(t->dir, KLOG_GROUPS_DIR, err)
		      : klog_open_dir(t->dir, KLOG_GROUPS_DIR, err);
	if (groups != -1)
		fd = make ? make_and_open(groups, group, err)
			  : klog_open_dir(groups, group, err);
	klog_close_fd(&groups);
	if (fd != -1)
		return fd;
	if (err->code == KLOG_ENOTFOUND)
		return klog_fail(err, KLOG_ENOTFOUND,
			"topic %s has no group %s", t->label, group);
	return klog_err_in(err, "topic %s: group %s", t->label, group);
}

int
klog_group_open_members(int group_dir, bool make, struct klog_err *err)
{
	return make ? make_and_open(group_dir, KLOG_MEMBERS_DIR, err)
		    : klog_open_dir(group_dir, KLOG_MEMBERS_DIR, err);
}

int
klog_group_open_file(
	int group_dir, int32_t partition, bool make, struct klog_err *err)
{
	char name[16];

	snprintf(name, sizeof(name), "%" PRId32, partition);
	return make ? klog_create_file(group_dir, name, NULL, err)
		    : klog_open_file(group_dir, name, O_RDONLY, err);
}

/* ---- what a commit does first ---- */

/* Whether the state, looked at without a lock, says that all of it is on the
 * device already: 1, 0, -1. */
static int
is_durable(const struct klog_topic *t, int32_t partition, int64_t offset,
	int32_t epoch, struct klog_err *err)
{
	struct klog_stamp today;
	struct klog_state s;
	char name[32];
	int dir, fd, r;

	if (offset <= 0)
		return 1;
	snprintf(name, sizeof(name), "%" PRId32, partition);
	dir = klog_open_dir(t->dir, name, err);
	if (dir == -1)
		return -1;
	fd = klog_open_file(dir, KLOG_STATE_NAME, O_RDONLY, err);
	klog_close_fd(&dir);
	if (fd == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	r = klog_state_read(fd, &s, err);
	if (r == 1 && klog_stamp_now(fd, &today, err) == -1)
		r = -1;
	klog_close_fd(&fd);
	if (r != 1)
		return r;
	/* of a later epoch nobody knows without the lock what it cut */
	return klog_stamp_same(&s.stamp, &today) &&
		!(s.marks & KLOG_MARK_DELETED) && s.recovery_offset >= offset &&
		(epoch == -1 || s.leader_epoch == epoch);
}

int
klog_group_secure(struct klog_topic *t, struct klog_cluster *cluster,
	int32_t partition, int64_t *offset, int32_t epoch, struct klog_err *err)
{
	const struct klog_state *s;
	struct klog_partition p;
	int64_t end = *offset;
	int r = is_durable(t, partition, *offset, epoch, err);

	if (r != 0)
		return r == 1 ? 0 : -1;
	if (klog_partition_open(&p, t->dir, t->label, partition, &t->config,
		    &cluster->say, cluster->lock_timeout_ms, err) == -1)
		return -1;
	r = klog_partition_sync_before(&p, *offset, epoch, err);
	s = &p.replica[0].state;
	if (r == -1 && err->code == KLOG_ECUT) {
		r = klog_epoch_end(
			p.replica[0].dir, s, epoch, s->next_offset, &end, err);
		if (r == 0 && end < *offset)
			*offset = end;
	}
	klog_partition_close(&p);
	return r;
}
