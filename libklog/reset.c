#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "names.h"
#include "operation.h"
#include "reset.h"

/* ---- a reset ---- */

static enum klog_journal_what
what_is(const struct klog_group_change *changes, size_t count)
{
	if (count > 0 && changes[0].how == KLOG_TO_NONE)
		return KLOG_DID_DELETE;
	if (count > 0 && changes[0].how == KLOG_TO_SHIFT)
		return KLOG_DID_SHIFT;
	return KLOG_DID_RESET;
}

/* Whether there are such topics and partitions, before anything is made. */
static int
find_all(struct klog_operation *op, const struct klog_group_change *changes,
	size_t count, bool *make, struct klog_err *err)
{
	const struct klog_topic *topic;
	size_t i;

	for (i = 0; i < count; i++) {
		if (klog_operation_find(op, changes[i].topic) == NULL &&
			klog_operation_add(op, changes[i].topic, err) == -1)
			return klog_operation_blame(op, i);
		topic = &klog_operation_find(op, changes[i].topic)->topic;
		if (klog_topic_need(topic, changes[i].partition, err) == -1)
			return klog_operation_blame(op, i);
		*make |= changes[i].how == KLOG_TO_PLACE;
	}
	return klog_operation_sort(op, err);
}

int
klog_dir_group_reset(struct klog_cluster *cluster, const char *group,
	struct klog_group_change *changes, size_t count, bool dry_run,
	size_t *wrong, struct klog_err *err)
{
	struct klog_operation op;
	bool make = false;
	size_t i;
	int r;

	klog_operation_begin(&op, cluster, group, dry_run);
	op.what = what_is(changes, count);
	op.wrong = wrong;
	if (wrong != NULL)
		*wrong = count;
	r = find_all(&op, changes, count, &make, err);
	for (i = 0; r == 0 && i < op.topic_count; i++)
		r = klog_operation_enter(&op, &op.topics[i], make, err);
	if (r == 0)
		r = klog_operation_target(&op, changes, count, err);
	if (r == 0)
		r = klog_operation_carry_out(&op, err);
	klog_operation_end(&op);
	return r;
}

/* ---- undoing one ---- */

/* An operation, and where its lines begin. */
struct one {
	uint64_t id;
	int64_t time_ms;
	struct klog_journal_mark at;
};

/*
 * What a journal says: the operations that are not undone, the newest last.
 * Damage hides what stands before it, since nobody knows what it undid; and of
 * an operation that goes on behind it a line may be missing.
 */
struct standing {
	struct one *list;
	size_t count;
	uint64_t last;   /* operation, of the line that came last */
	uint64_t hidden; /* which goes on behind damage, or 0 */
	bool damaged;
	struct klog_err damage; /* the last */
};

static void
drop(struct standing *s, uint64_t id)
{
	size_t i = s->count;

	while (i-- > 0)
		if (s->list[i].id == id) {
			s->count--;
			memmove(&s->list[i], &s->list[i + 1],
				(s->count - i) * sizeof(*s->list));
			return;
		}
}

static int
add(struct standing *s, const struct klog_journal_line *l,
	struct klog_journal_mark at, struct klog_err *err)
{
	struct one *grown;

	if (l->operation == s->hidden ||
		(s->count > 0 && s->list[s->count - 1].id == l->operation))
		return 0;
	grown = klog_grow(s->list, s->count, sizeof(*grown));
	if (grown == NULL)
		return klog_fail_memory(err);
	s->list = grown;
	s->list[s->count++] = (struct one){ l->operation, l->time_ms, at };
	return 0;
}

static int
read_all(struct standing *s, struct klog_journal *journal, const char *name,
	struct klog_err *err)
{
	struct klog_journal_mark at;
	struct klog_journal_line line;
	int r;

	for (;;) {
		at = klog_journal_tell(journal);
		r = klog_journal_next(journal, &line, name, err);
		if (r == -1 && err->code == KLOG_ECORRUPT) {
			s->damaged = true;
			s->damage = *err;
			s->hidden = s->last;
			s->count = 0;
			continue;
		}
		if (r != 1)
			return r;
		s->last = line.operation;
		if (line.what == KLOG_DID_UNDO)
			drop(s, line.undoes);
		else if (add(s, &line, at, err) == -1)
			return -1;
	}
}

#define PATH_SIZE 1024

static void
journal_path(char path[PATH_SIZE], const char *topic, const char *group)
{
	snprintf(path, PATH_SIZE,
		"%s/" KLOG_GROUPS_DIR "/%s/" KLOG_JOURNAL_NAME, topic, group);
}

/* The newest operation of a journal that is not undone; found->id is 0 where
 * there is none. */
static int
newest(struct klog_operation *op, const struct klog_reset_topic *p,
	struct one *found, struct klog_err *err)
{
	struct standing s = { .list = NULL };
	struct klog_journal journal;
	char name[PATH_SIZE];
	int r;

	journal_path(name, p->topic.label, op->group);
	r = klog_journal_open(&journal, p->journal, name, err);
	if (r == 0)
		r = read_all(&s, &journal, name, err);
	if (r == 0 && s.count > 0)
		*found = s.list[s.count - 1];
	free(s.list);
	if (r == -1 || !s.damaged)
		return r;
	if (s.count == 0) {
		*err = s.damage;
		return -1;
	}
	klog_sayf(&op->cluster->say, 0,
		"%s; only what stands behind it can be undone", s.damage.text);
	return 0;
}

/* The change that takes a line back. */
static int
add_reverse(struct klog_buf *changes, const struct klog_reset_topic *p,
	const struct klog_journal_line *l, struct klog_err *err)
{
	struct klog_group_change c = {
		.topic = p->operand,
		.partition = l->partition,
		.how = l->from == -1 ? KLOG_TO_NONE : KLOG_TO_PLACE,
		.at = { KLOG_AT_OFFSET, l->from, l->from_epoch },
	};

	/* partitions are never fewer, but a journal may be of elsewhere */
	if (!klog_topic_has(&p->topic, l->partition))
		return 0;
	if (klog_buf_put(changes, &c, sizeof(c)) == -1)
		return klog_fail_memory(err);
	return 0;
}

/* The lines of an operation stand together. */
static int
reverse(struct klog_operation *op, const struct klog_reset_topic *p,
	const struct one *o, struct klog_buf *changes, struct klog_err *err)
{
	struct klog_journal journal;
	struct klog_journal_line line;
	char name[PATH_SIZE];
	int r;

	journal_path(name, p->topic.label, op->group);
	if (klog_journal_open(&journal, p->journal, name, err) == -1)
		return -1;
	klog_journal_seek(&journal, o->at);
	while ((r = klog_journal_next(&journal, &line, name, err)) == 1 &&
		line.operation == o->id)
		if (add_reverse(changes, p, &line, err) == -1)
			return -1;
	return r == -1 ? -1 : 0;
}

/* What to undo, and the changes that do so; topics point into them.  In
 * some of the topics of an operation it may be undone already. */
static int
find_undo(struct klog_operation *op, struct klog_buf *changes,
	struct klog_err *err)
{
	struct one *found = calloc(op->topic_count + 1, sizeof(*found));
	int64_t best_ms = -1;
	size_t i;
	int r = found == NULL ? klog_fail_memory(err) : 0;

	for (i = 0; r == 0 && i < op->topic_count; i++) {
		if (op->topics[i].journal == -1)
			continue;
		r = newest(op, &op->topics[i], &found[i], err);
		if (found[i].id != 0 && found[i].time_ms > best_ms) {
			best_ms = found[i].time_ms;
			op->undoes = found[i].id;
		}
	}
	for (i = 0; r == 0 && i < op->topic_count; i++)
		if (found[i].id != 0 && found[i].id == op->undoes)
			r = reverse(
				op, &op->topics[i], &found[i], changes, err);
	free(found);
	if (r == 0 && changes->size == 0)
		return klog_fail(err, KLOG_ENOTFOUND,
			"group %s: nothing was reset that is not undone",
			op->group);
	return r;
}

/* The topics given, or all that have a journal of the group. */
static int
find_journals(struct klog_operation *op, const char *const *topics,
	size_t count, bool given, struct klog_err *err)
{
	char path[PATH_SIZE];
	struct stat st;
	size_t i;

	for (i = 0; i < count; i++) {
		journal_path(path, topics[i], op->group);
		if (!given &&
			fstatat(op->cluster->dir, path, &st,
				AT_SYMLINK_NOFOLLOW) == -1) {
			if (errno == ENOENT || errno == ENOTDIR)
				continue;
			return klog_fail_errno(err, "%s", path);
		}
		if (klog_operation_add(op, topics[i], err) == -1)
			return -1;
	}
	return klog_operation_sort(op, err);
}

/* As they are shown; the locks have an order of their own. */
static int
by_topic(const void *a, const void *b)
{
	const struct klog_group_change *x = a, *y = b;
	int r = strcmp(x->topic, y->topic);

	if (r != 0)
		return r;
	return (x->partition > y->partition) - (x->partition < y->partition);
}

/* The topics' names outlive the topics: they go behind the changes. */
static int
hand_over(const struct klog_buf *found, struct klog_group_change **changes,
	size_t *count, struct klog_err *err)
{
	const struct klog_group_change *list = (const void *)found->data;
	size_t i, size = found->size;
	char *to;

	*count = found->size / sizeof(*list);
	for (i = 0; i < *count; i++)
		size += strlen(list[i].topic) + 1;
	*changes = malloc(size);
	if (*changes == NULL)
		return klog_fail_memory(err);
	memcpy(*changes, list, found->size);
	to = (char *)*changes + found->size;
	for (i = 0; i < *count; i++) {
		(*changes)[i].topic = strcpy(to, list[i].topic);
		to += strlen(to) + 1;
	}
	return 0;
}

static int
undo(struct klog_operation *op, struct klog_buf *found, struct klog_err *err)
{
	struct klog_group_change *list;
	size_t i, count;

	for (i = 0; i < op->topic_count; i++)
		if (klog_operation_enter(op, &op->topics[i], false, err) == -1)
			return -1;
	if (find_undo(op, found, err) == -1)
		return -1;
	list = (struct klog_group_change *)(void *)found->data;
	count = found->size / sizeof(*list);
	qsort(list, count, sizeof(*list), by_topic);
	if (klog_operation_target(op, list, count, err) == -1)
		return -1;
	return klog_operation_carry_out(op, err);
}

int
klog_dir_group_undo(struct klog_cluster *cluster, const char *group,
	const char *const *topics, size_t topic_count, bool dry_run,
	struct klog_group_change **changes, size_t *count, struct klog_err *err)
{
	struct klog_buf found = { NULL, 0, 0 };
	char **all = NULL;
	struct klog_operation op;
	bool given = topic_count > 0;
	int r;

	if (klog_group_name_check(group, err) == -1)
		return -1;
	klog_operation_begin(&op, cluster, group, dry_run);
	op.what = KLOG_DID_UNDO;
	if (!given &&
		klog_cluster_topics(cluster, &all, &topic_count, err) == -1)
		return -1;
	r = find_journals(&op, given ? topics : (const char *const *)all,
		topic_count, given, err);
	if (r == 0)
		r = undo(&op, &found, err);
	if (r == 0)
		r = hand_over(&found, changes, count, err);
	klog_operation_end(&op);
	klog_buf_free(&found);
	free(all);
	return r;
}
