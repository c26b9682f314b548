#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "assignor.h"
#include "group.h"
#include "io.h"
#include "lock.h"
#include "membership.h"
#include "state.h"
#include "time.h"

#define LOOK_MS 1000
/* A process's end is told before its locks are free: look again soon. */
#define SOON_MS 10
#define HURRY 10

/* ---- joining and leaving ---- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the topics, sorted, with commas between them. */
static int
list_topics(struct klog_membership *m, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	const char **names = calloc(m->topic_count, sizeof(*names));
	size_t i;
	int r = names == NULL ? -1 : 0;

	for (i = 0; r == 0 && i < m->topic_count; i++)
		names[i] = m->topics[i]->name;
	if (r == 0)
		qsort(names, m->topic_count, sizeof(*names), by_text);
	for (i = 0; r == 0 && i < m->topic_count; i++) {
		if (i > 0)
			r = klog_buf_put(&text, ",", 1);
		if (r == 0)
			r = klog_buf_put(&text, names[i], strlen(names[i]));
	}
	if (r == 0)
		r = klog_buf_put(&text, "", 1);
	free(names);
	m->self.topics = (char *)text.data;
	return r == -1 ? klog_fail_memory(err) : 0;
}

/* A member that shares by another rule would never agree with us. */
static int
check_strategy(struct klog_membership *m, const struct klog_seat *seat,
	struct klog_err *err)
{
	struct klog_members members;
	size_t i;
	int r = klog_members_list(seat->members, true, &members, err);

	for (i = 0; r == 0 && i < members.count; i++) {
		const struct klog_member *other = &members.list[i];

		if (other->pid != 0 && other->strategy != m->self.strategy)
			r = klog_fail(err, KLOG_EREFUSED,
				"group %s: its members share the partitions "
				"by %s; say -X partition.assignment.strategy"
				"=%s here, too",
				m->group, klog_strategy_name(other->strategy),
				klog_strategy_name(other->strategy));
	}
	klog_members_free(&members);
	return r;
}

static int
join_topic(struct klog_membership *m, size_t i, struct klog_err *err)
{
	struct klog_seat *seat = &m->seats[i];

	seat->dir = klog_group_open(m->topics[i], m->group, true, err);
	if (seat->dir == -1)
		return -1;
	if (klog_refuse_remote(seat->dir, err) == -1)
		return klog_err_in(err, "group %s", m->group);
	seat->members = klog_group_open_members(seat->dir, true, err);
	if (seat->members != -1)
		seat->fd = klog_member_join(seat->members, &m->self, err);
	if (seat->fd == -1)
		return klog_err_in(err, "topic %s: group %s",
			m->topics[i]->label, m->group);
	return check_strategy(m, seat, err);
}

/* A topic under two names would be shared with ourselves. */
static int
check_twice(const struct klog_membership *m, size_t count, struct klog_err *err)
{
	size_t i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < i; k++)
			if (klog_topic_is_same(m->topics[i], m->topics[k]))
				return klog_fail(err, KLOG_EUSAGE,
					"%s and %s are the same topic",
					m->topics[k]->label,
					m->topics[i]->label);
	return 0;
}

int
klog_membership_join(struct klog_membership *m, struct klog_cluster *cluster,
	struct klog_topic **topics, size_t topic_count, const char *group,
	enum klog_strategy strategy, struct klog_err *err)
{
	size_t i;
	int r = 0;

	memset(m, 0, sizeof(*m));
	m->cluster = cluster;
	m->topics = topics;
	m->group = group;
	m->seats = calloc(topic_count, sizeof(m->seats[0]));
	if (m->seats == NULL)
		return klog_fail_memory(err);
	if (check_twice(m, topic_count, err) == -1) {
		klog_membership_leave(m);
		return -1;
	}
	for (; m->topic_count < topic_count; m->topic_count++) {
		struct klog_seat *seat = &m->seats[m->topic_count];

		seat->dir = seat->members = seat->fd = -1;
	}
	if (klog_member_make(&m->self, err) == -1 || list_topics(m, err) == -1)
		r = -1;
	m->self.strategy = strategy;
	for (i = 0; r == 0 && i < topic_count; i++)
		r = join_topic(m, i, err);
	if (r == -1)
		klog_membership_leave(m);
	return r;
}

void
klog_membership_leave(struct klog_membership *m)
{
	size_t i;

	/* first what is held, so that who hears of our end finds it free */
	for (i = 0; i < m->count; i++)
		klog_membership_give(&m->list[i]);
	for (i = 0; i < m->topic_count; i++) {
		struct klog_seat *seat = &m->seats[i];

		if (seat->fd != -1)
			klog_member_leave(seat->members, &m->self, &seat->fd);
		klog_close_fd(&seat->members);
		klog_close_fd(&seat->dir);
	}
	free(m->seats);
	free(m->list);
	free(m->self.topics);
	memset(m, 0, sizeof(*m));
}

int
klog_membership_add(struct klog_membership *m, size_t topic, int32_t partition,
	struct klog_err *err)
{
	struct klog_holding *list = klog_grow(
		m->list, m->count, sizeof(list[0]));
	struct klog_holding *h;

	if (list == NULL)
		return klog_fail_memory(err);
	m->list = list;
	h = &list[m->count++];
	memset(h, 0, sizeof(*h));
	h->topic = topic;
	h->partition = partition;
	h->fd = -1;
	h->taken.offset = h->marked.offset = -1;
	return 0;
}

/* ---- looking ---- */

void
klog_membership_watch(
	struct klog_membership *m, struct klog_watch *watch, int32_t owner)
{
	size_t i;

	for (i = 0; i < m->topic_count; i++) {
		klog_watch_add_ends(
			watch, m->seats[i].members, owner, &m->cluster->say);
		klog_watch_add_ends(
			watch, m->seats[i].dir, owner, &m->cluster->say);
	}
}

void
klog_membership_wake(struct klog_membership *m)
{
	m->look_tick = klog_tick_ms();
	m->hurry = HURRY;
}

int64_t
klog_membership_due_ms(const struct klog_membership *m)
{
	int64_t left = m->look_tick - klog_tick_ms();

	return left > 0 ? left : 0;
}

/* How many partitions the group's topics before this one have, if all of its
 * members read the same topics; else each topic is dealt out alone. */
static int64_t
dealt_before(const struct klog_membership *m, size_t topic,
	const struct klog_members *members)
{
	int64_t before = 0;
	size_t i;

	for (i = 0; i < members->count; i++)
		if (strcmp(members->list[i].topics, m->self.topics) != 0)
			return 0;
	for (i = 0; i < m->topic_count; i++)
		if (strcmp(m->topics[i]->name, m->topics[topic]->name) < 0)
			before += klog_topic_partitions(m->topics[i]);
	return before;
}

static int
look_at(struct klog_membership *m, size_t topic, struct klog_err *err)
{
	int32_t partitions = klog_topic_partitions(m->topics[topic]);
	struct klog_members members;
	int64_t before;
	size_t i, self;

	if (klog_members_list(m->seats[topic].members, true, &members, err) ==
		-1)
		return -1;
	for (self = 0; self < members.count; self++)
		if (strcmp(members.list[self].name, m->self.name) == 0)
			break;
	if (self == members.count) {
		klog_members_free(&members);
		return klog_fail(err, KLOG_EREFUSED,
			"topic %s: group %s: the file of this member was "
			"removed",
			m->topics[topic]->label, m->group);
	}
	before = dealt_before(m, topic, &members);
	for (i = 0; i < m->count; i++) {
		struct klog_holding *h = &m->list[i];

		if (h->topic != topic)
			continue;
		h->mine = klog_assigned(m->self.strategy, h->partition,
			partitions, before, self, members.count);
		if (!h->mine && !h->held)
			klog_membership_give(h);
	}
	klog_members_free(&members);
	return 0;
}

int
klog_membership_look(struct klog_membership *m, struct klog_err *err)
{
	int64_t now = klog_tick_ms();
	size_t i;

	if (now < m->look_tick)
		return 0;
	m->look_tick = now + (m->hurry > 0 ? SOON_MS : LOOK_MS);
	if (m->hurry > 0)
		m->hurry--;
	for (i = 0; i < m->topic_count; i++)
		if (look_at(m, i, err) == -1)
			return -1;
	m->leaving = false;
	for (i = 0; i < m->count; i++)
		m->leaving |= m->list[i].held && !m->list[i].mine;
	return 1;
}

/* ---- taking ---- */

/* Whether the file's name leads to what is open (G2). */
static bool
leads_here(const struct klog_seat *seat, const struct klog_holding *h)
{
	struct stat by_name, open_one;
	char name[16];

	snprintf(name, sizeof(name), "%" PRId32, h->partition);
	return fstatat(seat->dir, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
		fstat(h->fd, &open_one) == 0 &&
		by_name.st_dev == open_one.st_dev &&
		by_name.st_ino == open_one.st_ino;
}

/* Somebody else has it: after a second it is said who. */
static int
still_waits(struct klog_membership *m, struct klog_holding *h,
	const char *label, struct klog_err *err)
{
	int64_t now = klog_tick_ms(), limit = m->cluster->lock_timeout_ms;
	char who[KLOG_HOLDER_TEXT];

	if (h->waiting_tick == 0)
		h->waiting_tick = now;
	if (limit >= 0 && now - h->waiting_tick >= limit) {
		klog_lock_holder(h->fd, 0, who);
		return klog_fail(err, KLOG_ELOCKED,
			"%s: held by %s for more than %" PRId64 " ms", label,
			who, limit);
	}
	if (!h->told && now - h->waiting_tick >= LOOK_MS) {
		klog_lock_holder(h->fd, 0, who);
		klog_sayf(&m->cluster->say, 0,
			"%s: waiting for %s, which holds it", label, who);
		h->told = true;
	}
	return 0;
}

/* Under the lock: what stands in the file, and that it is ours now. */
static int
take_over(struct klog_membership *m, struct klog_holding *h, const char *label,
	struct klog_err *err)
{
	struct klog_committed *now = &h->commits.now;

	if (klog_commits_read(h->fd, &h->commits, label, err) == -1)
		return err->code == KLOG_ECORRUPT
			? klog_err_in(err,
				  "klog-offsets -g %s --reset makes it anew",
				  m->group)
			: -1;
	if (h->commits.torn)
		klog_sayf(&m->cluster->say, 0,
			"%s: one of two commits is torn; going on from the "
			"other, offset %" PRId64,
			label, now->offset);
	now->generation++;
	now->since_ms = klog_now_ms();
	now->pid = m->self.pid;
	memcpy(now->member, m->self.name, sizeof(now->member));
	memcpy(now->host, m->self.host, sizeof(now->host));
	return klog_commits_write(h->fd, &h->commits, false, label, err);
}

int
klog_membership_take(
	struct klog_membership *m, struct klog_holding *h, struct klog_err *err)
{
	const struct klog_seat *seat = &m->seats[h->topic];
	char label[KLOG_GROUP_LABEL];
	int r;

	klog_group_label(label, m->group, m->topics[h->topic], h->partition);
	if (h->fd == -1)
		h->fd = klog_group_open_file(
			seat->dir, h->partition, true, err);
	if (h->fd == -1)
		return klog_err_in(err, "%s", label);
	r = klog_lock_try(h->fd, 0, 1, label, err);
	if (r == 0)
		return still_waits(m, h, label, err);
	if (r == 1 && !leads_here(seat, h)) {
		/* removed by hand meanwhile: next time the new one */
		klog_close_fd(&h->fd);
		return 0;
	}
	if (r == -1 || take_over(m, h, label, err) == -1)
		return -1;
	h->held = true;
	h->told = false;
	h->waiting_tick = 0;
	return 1;
}

void
klog_membership_give(struct klog_holding *h)
{
	klog_close_fd(&h->fd);
	h->held = h->told = false;
	h->waiting_tick = 0;
	h->taken.offset = h->marked.offset = -1;
}

/* ---- committing ---- */

static int
check_generation(struct klog_membership *m, struct klog_holding *h,
	const char *label, struct klog_err *err)
{
	struct klog_commits there;

	if (!leads_here(&m->seats[h->topic], h))
		return klog_fail(err, KLOG_EREFUSED,
			"%s: its file was removed or replaced; the commit of "
			"offset %" PRId64 " is refused",
			label, h->marked.offset);
	if (klog_commits_read(h->fd, &there, label, err) == -1)
		return -1;
	if (there.now.generation == h->commits.now.generation)
		return 0;
	return klog_fail(err, KLOG_EREFUSED,
		"%s: taken over by process %" PRId32 " on %s; the commit of "
		"offset %" PRId64 " is refused",
		label, there.now.pid, there.now.host, h->marked.offset);
}

int
klog_membership_commit(
	struct klog_membership *m, struct klog_holding *h, struct klog_err *err)
{
	struct klog_committed *now = &h->commits.now;
	int64_t offset = h->marked.offset;
	char label[KLOG_GROUP_LABEL];

	if (!h->held || offset == -1 ||
		(offset == now->offset && h->marked.epoch == now->epoch))
		return 0;
	klog_group_label(label, m->group, m->topics[h->topic], h->partition);
	if (klog_group_secure(m->topics[h->topic], m->cluster, h->partition,
		    &offset, h->marked.epoch, err) == -1)
		return klog_err_in(err, "group %s: commit", m->group);
	if (check_generation(m, h, label, err) == -1)
		return -1;
	/* the name of a file that nobody committed to may be new */
	if (now->time_ms == 0 &&
		klog_sync_dir(m->seats[h->topic].dir, label, err) == -1)
		return -1;
	now->offset = offset;
	now->epoch = h->marked.epoch;
	now->time_ms = klog_now_ms();
	return klog_commits_write(h->fd, &h->commits, true, label, err);
}
