#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "delete.h"
#include "io.h"
#include "partition.h"

static int
mark(struct klog_topic *t, int32_t partition, const struct klog_cluster *c,
	struct klog_err *err)
{
	struct klog_partition p;
	int r;

	if (klog_partition_open(&p, t->dir, t->label, partition, &t->config,
		    &c->say, c->lock_timeout_ms, err) == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	r = klog_partition_mark_deleted(&p, err);
	klog_partition_close(&p);
	return r;
}

/* The name under which a deleted topic waits for its end; a long one is cut,
 * what counts is the id. */
static void
hidden_name(const struct klog_topic *t, const char *name, char hidden[256])
{
	char id[23];

	klog_topic_id_text(t->config.id, id);
	snprintf(hidden, 256, KLOG_DELETED_PREFIX "%.200s-%s", name, id);
}

/* Under the metadata lock. */
static int
delete_in(struct klog_cluster *c, struct klog_topic *t, const char *name,
	struct klog_err *err)
{
	char hidden[256];
	int32_t i;

	for (i = 0; i < t->config.partitions; i++)
		if (mark(t, i, c, err) == -1)
			return -1;
	hidden_name(t, name, hidden);
	if (klog_rename_new(c->dir, name, c->dir, hidden, err) == -1 ||
		klog_sync_dir(c->dir, name, err) == -1)
		return klog_err_in(err, "topic %s", name);
	if (klog_remove_dir(c->dir, hidden, KLOG_TOPIC_DEPTH, err) == -1)
		return klog_err_in(
			err, "topic %s: deleted, but its files stay", name);
	return 0;
}

int
klog_topic_remove(
	struct klog_cluster *cluster, const char *operand, struct klog_err *err)
{
	struct klog_cluster home;
	struct klog_topic t;
	const char *name;
	int lock, r;

	if (klog_topic_open(&t, cluster, operand, true, err) == -1)
		return -1;
	r = klog_cluster_around(&home, cluster, t.path, &name, err);
	if (r == 0) {
		r = klog_cluster_lock(&home, &lock, err);
		if (r == 0) {
			klog_cluster_tidy(&home);
			r = klog_topic_reload(&t, err);
			if (r == 0)
				r = delete_in(&home, &t, name, err);
			klog_cluster_unlock(&lock);
		}
		klog_cluster_close(&home);
	}
	klog_topic_close(&t);
	return r;
}

/* ---- what a kill left ---- */

static bool
is_marked(const struct klog_topic *t, int32_t partition)
{
	struct klog_state s;
	struct klog_err ignored;

	return klog_state_read_of(t->dir, partition, &s, &ignored) == 1 &&
		(s.marks & KLOG_MARK_DELETED) != 0 &&
		memcmp(s.topic_id, t->config.id, KLOG_TOPIC_ID) == 0;
}

int
klog_topic_finish_in(
	struct klog_cluster *c, const char *name, struct klog_err *err)
{
	struct klog_err ignored;
	struct klog_topic t;
	int r = 0;

	/* marks are set from the first partition on */
	if (klog_topic_open(&t, c, name, true, &ignored) == -1)
		return 0;
	if (is_marked(&t, 0))
		r = delete_in(c, &t, name, err) == -1 ? -1 : 1;
	klog_topic_close(&t);
	return r;
}

void
klog_topic_finish(const struct klog_topic *t, const struct klog_cluster *like)
{
	struct klog_cluster home;
	struct klog_err ignored;
	const char *name;
	int lock;

	if (klog_topic_still_there(t, &ignored) == -1 ||
		klog_cluster_around(&home, like, t->path, &name, &ignored) ==
			-1)
		return;
	if (klog_cluster_lock(&home, &lock, &ignored) == 0) {
		(void)klog_topic_finish_in(&home, name, &ignored);
		klog_cluster_unlock(&lock);
	}
	klog_cluster_close(&home);
}
