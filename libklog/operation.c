#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "destination.h"
#include "lock.h"
#include "lookup.h"
#include "members.h"
#include "operation.h"
#include "time.h"

void
klog_operation_begin(struct klog_operation *op, struct klog_cluster *cluster,
	const char *group, bool dry_run)
{
	memset(op, 0, sizeof(*op));
	op->cluster = cluster;
	op->group = group;
	op->dry_run = dry_run;
}

void
klog_operation_end(struct klog_operation *op)
{
	size_t i;

	for (i = 0; i < op->target_count; i++)
		klog_close_fd(&op->targets[i].fd);
	for (i = 0; i < op->topic_count; i++) {
		struct klog_reset_topic *p = &op->topics[i];

		klog_close_fd(&p->journal);
		klog_close_fd(&p->dir);
		klog_topic_close(&p->topic);
		klog_buf_free(&p->lines);
	}
	free(op->targets);
	free(op->topics);
}

int
klog_operation_blame(struct klog_operation *op, size_t number)
{
	if (op->wrong != NULL)
		*op->wrong = number;
	return -1;
}

/* ---- topics ---- */

struct klog_reset_topic *
klog_operation_find(struct klog_operation *op, const char *operand)
{
	size_t i = op->topic_count;

	while (i-- > 0)
		if (strcmp(op->topics[i].operand, operand) == 0)
			return &op->topics[i];
	return NULL;
}

int
klog_operation_add(
	struct klog_operation *op, const char *operand, struct klog_err *err)
{
	struct klog_reset_topic *grown, *p;
	struct stat st;

	grown = klog_grow(op->topics, op->topic_count, sizeof(*grown));
	if (grown == NULL)
		return klog_fail_memory(err);
	op->topics = grown;
	p = &grown[op->topic_count];
	memset(p, 0, sizeof(*p));
	p->operand = operand;
	p->dir = p->journal = -1;
	p->before = -1;
	if (klog_topic_open(&p->topic, op->cluster, operand, true, err) == -1)
		return -1;
	op->topic_count++;
	if (fstat(p->topic.dir, &st) == -1)
		return klog_fail_errno(err, "topic %s", p->topic.label);
	p->device = st.st_dev;
	p->inode = st.st_ino;
	return 0;
}

static int
by_inode(const void *a, const void *b)
{
	const struct klog_reset_topic *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

int
klog_operation_sort(struct klog_operation *op, struct klog_err *err)
{
	size_t i;

	if (op->topic_count > 1)
		qsort(op->topics, op->topic_count, sizeof(*op->topics),
			by_inode);
	for (i = 1; i < op->topic_count; i++)
		if (by_inode(&op->topics[i - 1], &op->topics[i]) == 0)
			return klog_fail(err, KLOG_EUSAGE,
				"%s and %s are the same topic",
				op->topics[i - 1].operand,
				op->topics[i].operand);
	return 0;
}

int
klog_operation_enter(struct klog_operation *op, struct klog_reset_topic *p,
	bool make, struct klog_err *err)
{
	char label[KLOG_GROUP_LABEL];
	struct klog_wait wait = { .say = &op->cluster->say,
		.timeout_ms = op->cluster->lock_timeout_ms,
		.what = label };

	snprintf(label, sizeof(label), "group %s: %s: journal", op->group,
		p->topic.label);
	if (!op->dry_run && klog_refuse_remote(p->topic.dir, err) == -1)
		return klog_err_in(err, "topic %s", p->topic.label);
	p->dir = klog_group_open(
		&p->topic, op->group, make && !op->dry_run, err);
	if (p->dir == -1 && make && op->dry_run && err->code == KLOG_ENOTFOUND)
		return 0;
	if (p->dir == -1)
		return -1;
	if (op->dry_run)
		p->journal = klog_open_file(
			p->dir, KLOG_JOURNAL_NAME, O_RDONLY, err);
	else
		p->journal = klog_create_file(
			p->dir, KLOG_JOURNAL_NAME, NULL, err);
	if (p->journal == -1)
		return op->dry_run && err->code == KLOG_ENOTFOUND
			? 0
			: klog_err_in(err, "%s", label);
	return op->dry_run ? 0 : klog_lock(p->journal, 0, 1, &wait, err);
}

/* ---- partitions ---- */

static int
by_partition(const void *a, const void *b)
{
	const struct klog_target *x = a, *y = b;

	if (x->in != y->in)
		return x->in < y->in ? -1 : 1;
	if (x->change->partition != y->change->partition)
		return x->change->partition < y->change->partition ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

int
klog_operation_target(struct klog_operation *op,
	struct klog_group_change *changes, size_t count, struct klog_err *err)
{
	size_t i;

	op->targets = calloc(count + 1, sizeof(*op->targets));
	if (op->targets == NULL)
		return klog_fail_memory(err);
	for (i = 0; i < count; i++) {
		struct klog_target *t = &op->targets[i];

		t->fd = -1;
		t->change = &changes[i];
		t->number = i;
		t->in = klog_operation_find(op, changes[i].topic);
		t->in->changed = true;
		klog_group_label(t->label, op->group, &t->in->topic,
			changes[i].partition);
	}
	op->target_count = count;
	qsort(op->targets, count, sizeof(*op->targets), by_partition);
	for (i = 1; i < count; i++) {
		struct klog_target *t = &op->targets[i];

		if (t->in != t[-1].in ||
			t->change->partition != t[-1].change->partition)
			continue;
		klog_fail(err, KLOG_EUSAGE, "%s:%" PRId32 " is said twice",
			t->change->topic, t->change->partition);
		return klog_operation_blame(op, t->number);
	}
	return 0;
}

static int
fail_live(const char *where, int32_t pid, const char *host, bool stopped,
	struct klog_err *err)
{
	return klog_fail(err, KLOG_EREFUSED,
		"%s: process %" PRId32 " on %s reads for the group%s; end it "
		"first: its next commit would undo this",
		where, pid, host, stopped ? ", and is stopped" : "");
}

/* Somebody has the lock of an offset file. */
static int
fail_locked(struct klog_target *t, struct klog_err *err)
{
	char holder[KLOG_HOLDER_TEXT];
	struct klog_err ignored;

	if (klog_commits_read(t->fd, &t->commits, t->label, &ignored) == 1 &&
		t->commits.now.pid > 0)
		return fail_live(t->label, t->commits.now.pid,
			t->commits.now.host,
			klog_member_stopped(t->fd, t->commits.now.pid), err);
	klog_lock_holder(t->fd, 0, holder);
	return klog_fail(err, KLOG_EREFUSED,
		"%s: locked by %s; wait until it is done, or end it", t->label,
		holder);
}

/* Opens and locks the partition's file, and reads it. */
static int
take_file(
	struct klog_operation *op, struct klog_target *t, struct klog_err *err)
{
	int r;

	t->commits.now.offset = -1;
	t->commits.now.epoch = -1;
	if (t->in->dir == -1)
		return 0;
	t->fd = klog_group_open_file(
		t->in->dir, t->change->partition, !op->dry_run, err);
	if (t->fd == -1)
		return op->dry_run && err->code == KLOG_ENOTFOUND
			? 0
			: klog_err_in(err, "%s", t->label);
	r = op->dry_run ? 1 : klog_lock_try(t->fd, 0, 1, t->label, err);
	if (r != 1)
		return r == -1 ? -1 : fail_locked(t, err);
	r = klog_commits_read(t->fd, &t->commits, t->label, err);
	t->damaged = r == -1 && err->code == KLOG_ECORRUPT;
	return r == -1 && !t->damaged ? -1 : 0;
}

/* Who joined before the files were locked is seen, who joins later cannot
 * take them. */
static int
check_members(struct klog_operation *op, struct klog_reset_topic *p,
	struct klog_err *err)
{
	char where[320];
	struct klog_members members;
	int dir, fd, r;

	dir = p->dir == -1 ? -1 : klog_group_open_members(p->dir, false, err);
	if (dir == -1)
		return p->dir == -1 || err->code == KLOG_ENOTFOUND ? 0 : -1;
	r = klog_members_list(dir, !op->dry_run, &members, err);
	if (r == 0 && members.count > 0) {
		const struct klog_member *m = &members.list[0];
		struct klog_err ignored;

		fd = klog_open_file(dir, m->name, O_RDONLY, &ignored);
		snprintf(where, sizeof(where), "topic %s: group %s",
			p->topic.label, op->group);
		r = fail_live(where, m->pid, m->host,
			fd != -1 && klog_member_stopped(fd, m->pid), err);
		klog_close_fd(&fd);
	}
	klog_members_free(&members);
	klog_close_fd(&dir);
	return r;
}

static int
take_all(struct klog_operation *op, struct klog_err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < op->target_count; i++)
		if (take_file(op, &op->targets[i], err) == -1)
			return klog_operation_blame(op, op->targets[i].number);
	for (i = 0; r == 0 && i < op->topic_count; i++)
		if (op->topics[i].changed)
			r = check_members(op, &op->topics[i], err);
	if (r == -1 && op->dry_run && err->code == KLOG_EREFUSED) {
		klog_sayf(&op->cluster->say, 0, "%s", err->text);
		r = 0;
	}
	return r;
}

/* ---- where to ---- */

static int
resolve_all(struct klog_operation *op, struct klog_err *err)
{
	struct klog_decoder d;
	size_t i;
	int r = 0;

	klog_decoder_init(&d);
	for (i = 0; r == 0 && i < op->target_count; i++) {
		struct klog_target *t = &op->targets[i];

		t->change->from = t->commits.now.offset;
		if (klog_destination_find(&t->in->topic, t->change, t->damaged,
			    &d, &op->cluster->say, t->label, &t->epoch,
			    err) == -1)
			r = klog_operation_blame(op, t->number);
	}
	klog_decoder_free(&d);
	return r;
}

/* ---- writing ---- */

/* No commit that stays none is nothing to write, but for a damaged file. */
static bool
is_idle(const struct klog_target *t)
{
	return t->change->from == -1 && t->change->to == -1 && !t->damaged;
}

static int
secure_all(struct klog_operation *op, struct klog_err *err)
{
	size_t i;

	for (i = 0; i < op->topic_count; i++)
		if (op->topics[i].changed &&
			klog_topic_still_there(&op->topics[i].topic, err) == -1)
			return -1;
	for (i = 0; i < op->target_count; i++) {
		struct klog_target *t = &op->targets[i];

		if (t->change->to > 0 &&
			klog_group_secure(&t->in->topic, op->cluster,
				t->change->partition, &t->change->to, t->epoch,
				err) == -1)
			return klog_operation_blame(op, t->number);
	}
	return 0;
}

static int
put_lines(struct klog_operation *op, int64_t now_ms, struct klog_err *err)
{
	size_t i;

	for (i = 0; i < op->target_count; i++) {
		const struct klog_target *t = &op->targets[i];
		struct klog_journal_line line = {
			.operation = op->id,
			.undoes = op->undoes,
			.what = op->what,
			.time_ms = now_ms,
			.partition = t->change->partition,
			.from = t->change->from,
			.from_epoch = t->commits.now.epoch,
			.to = t->change->to,
			.to_epoch = t->epoch,
			.uid = (uint32_t)getuid(),
			.pid = (int32_t)getpid(),
		};

		if (!is_idle(t) && klog_journal_put(&t->in->lines, &line) == -1)
			return klog_fail_memory(err);
	}
	return 0;
}

static int
write_journals(struct klog_operation *op, struct klog_err *err)
{
	size_t i;

	for (i = 0; i < op->topic_count; i++) {
		struct klog_reset_topic *p = &op->topics[i];

		if (p->lines.size == 0)
			continue;
		if (klog_journal_append(p->journal,
			    klog_slice_of(p->lines.data, p->lines.size),
			    &p->before, KLOG_JOURNAL_NAME, err) == -1)
			return klog_err_in(err, "topic %s: group %s",
				p->topic.label, op->group);
		/* the names of the journal and of offset files, whoever made
		 * them */
		if (klog_sync_dir(p->dir, op->group, err) == -1)
			return klog_err_in(err, "topic %s", p->topic.label);
	}
	return 0;
}

/* A commit of nobody, which every owner of before has to yield to (G1).  It is
 * not durable yet. */
static int
write_slot(struct klog_target *t, int64_t offset, int32_t epoch, int64_t now_ms,
	struct klog_err *err)
{
	struct klog_committed *c = &t->commits.now;
	bool twice = t->damaged;

	c->generation++;
	c->offset = offset;
	c->epoch = epoch;
	c->time_ms = now_ms;
	c->since_ms = 0;
	c->pid = 0;
	c->member[0] = c->host[0] = '\0';
	/* the damaged slot, too: else it would be told for ever */
	if (twice &&
		klog_commits_write(t->fd, &t->commits, false, t->label, err) ==
			-1)
		return -1;
	return klog_commits_write(t->fd, &t->commits, false, t->label, err);
}

/*
 * What stood in a file before, durably.  What stands there now is read anew:
 * of a write that failed nobody knows what came of it, and the newest slot that
 * is whole is never the one to be overwritten.
 */
static int
put_back(struct klog_target *t, const struct klog_committed *was,
	struct klog_err *err)
{
	int r;

	if (t->damaged)
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: what stood there is not known", t->label);
	if (was->sequence == 0)
		r = klog_truncate_file(t->fd, 0, t->label, err);
	else
		r = klog_commits_read(t->fd, &t->commits, t->label, err);
	if (r == 1 && t->commits.now.sequence != was->sequence)
		r = write_slot(t, was->offset, was->epoch, was->time_ms, err);
	return r == -1 ? -1 : klog_sync_file(t->fd, t->label, err);
}

/*
 * Puts back all that was written; the journals are cut once it is durable, and
 * not before (G6): where something stays, they alone know what stood there.
 */
static int
take_back(struct klog_operation *op, const struct klog_commits *were,
	struct klog_err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; i < op->target_count; i++)
		if (op->targets[i].written &&
			put_back(&op->targets[i], &were[i].now, err) == -1)
			r = -1;
	for (i = 0; r == 0 && i < op->topic_count; i++) {
		struct klog_reset_topic *p = &op->topics[i];

		if (p->before == -1)
			continue;
		r = klog_truncate_file(
			p->journal, p->before, KLOG_JOURNAL_NAME, err);
		if (r == 0)
			r = klog_sync_file(p->journal, KLOG_JOURNAL_NAME, err);
	}
	return r;
}

/* It failed with *err, and is taken back as far as the disk lets it. */
static void
give_up(struct klog_operation *op, const struct klog_commits *were,
	struct klog_err *err)
{
	struct klog_err why = *err, ignored;

	if (take_back(op, were, &ignored) == 0)
		return;
	klog_fail(err, why.code,
		"%s; some of it may be set, and could not be taken back: %s",
		why.text,
		op->what == KLOG_DID_UNDO ? "set what is wrong with --reset"
					  : "--undo does that");
	err->sys_errno = why.sys_errno;
}

/* All of them, then all syncs: the device is asked for each file once, when
 * there is nothing more to write. */
static int
write_slots(struct klog_operation *op, int64_t now_ms, struct klog_err *err)
{
	size_t i;

	for (i = 0; i < op->target_count; i++) {
		struct klog_target *t = &op->targets[i];

		if (is_idle(t))
			continue;
		t->written = true;
		if (write_slot(t, t->change->to, t->epoch, now_ms, err) == -1)
			return klog_operation_blame(op, t->number);
	}
	for (i = 0; i < op->target_count; i++) {
		struct klog_target *t = &op->targets[i];

		if (t->written && klog_sync_file(t->fd, t->label, err) == -1)
			return klog_operation_blame(op, t->number);
	}
	return 0;
}

static int
write_all(struct klog_operation *op, struct klog_err *err)
{
	int64_t now_ms = klog_now_ms();
	struct klog_commits *were;
	sigset_t before;
	size_t i;
	int r;

	if (getrandom(&op->id, sizeof(op->id), 0) != sizeof(op->id))
		return klog_fail_errno(err, "random bytes");
	op->id |= op->id == 0;
	were = calloc(op->target_count + 1, sizeof(*were));
	if (were == NULL)
		return klog_fail_memory(err);
	for (i = 0; i < op->target_count; i++)
		were[i] = op->targets[i].commits;
	klog_signals_hold(&before);
	r = put_lines(op, now_ms, err);
	if (r == 0)
		r = write_journals(op, err);
	if (r == 0)
		r = write_slots(op, now_ms, err);
	if (r == -1)
		give_up(op, were, err);
	klog_signals_release(&before);
	free(were);
	return r;
}

int
klog_operation_carry_out(struct klog_operation *op, struct klog_err *err)
{
	if (take_all(op, err) == -1 || resolve_all(op, err) == -1)
		return -1;
	if (op->dry_run)
		return 0;
	return secure_all(op, err) == -1 ? -1 : write_all(op, err);
}
