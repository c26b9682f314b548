#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bounds.h"
#include "consumer.h"
#include "membership.h"
#include "merge.h"
#include "source.h"
#include "watch.h"

#define RUN_RECORDS 256
#define WAKE_BATCHES 64
#define MEMORY ((size_t)4 * 1024 * 1024) /* shared by the read buffers */
#define KEEP ((size_t)4 * 1024 * 1024)   /* of a grown buffer, if alone */
/* Who a watch is for, when it is not a source: those count from 0. */
#define OWNER_TOPIC INT32_MIN
#define OWNER_GROUP (INT32_MIN + 1)

struct dir_consumer {
	struct klog_consumer head;
	struct klog_cluster *cluster;
	const int32_t *partitions; /* a copy */
	size_t partition_count;
	struct klog_topic **topics;
	int32_t *known; /* partitions of each topic that have a source */
	size_t topic_count;
	struct klog_sources sources;
	struct klog_settings settings;
	struct klog_decoder decoder;
	struct klog_watch watch;
	bool watching;

	char *group;                       /* NULL: none */
	struct klog_membership membership; /* a holding for each source */
	struct klog_bounds bounds;
	size_t first_count; /* sources that were there at the beginning */

	size_t turn; /* the source that is read */
	size_t stay; /* for so many records at least */
	size_t stayed;
	uint32_t batches;
	struct klog_cursor cursor;
	bool merging; /* or the heads of all of them, by timestamp */
	struct klog_merge merge;
	struct klog_record records[RUN_RECORDS];
	bool failed; /* told with the next call, after the good records */
	struct klog_err err;
};

static struct dir_consumer *
of(struct klog_consumer *consumer)
{
	return (struct dir_consumer *)(void *)consumer;
}

/* ---- opening ---- */

static bool
wanted(const struct dir_consumer *c, int32_t partition)
{
	size_t i;

	for (i = 0; i < c->partition_count; i++)
		if (c->partitions[i] == partition)
			return true;
	return c->partition_count == 0;
}

/* Sources for the partitions of a topic that have none yet. */
static int
add_partitions(struct dir_consumer *c, size_t topic, struct klog_err *err)
{
	struct klog_topic *t = c->topics[topic];
	int32_t n = klog_topic_partitions(t);

	for (; c->known[topic] < n; c->known[topic]++) {
		int32_t p = klog_topic_number(t, c->known[topic]);

		if (!wanted(c, p))
			continue;
		if (klog_sources_add(&c->sources, t, p, err) == -1)
			return -1;
		if (c->group == NULL)
			continue;
		klog_source_rest(
			&c->sources, &c->sources.list[c->sources.count - 1]);
		if (klog_membership_add(&c->membership, topic, p, err) == -1)
			return -1;
	}
	return 0;
}

static int
open_topics(struct dir_consumer *c, const struct klog_consume *consume,
	struct klog_err *err)
{
	size_t i, k;

	c->topics = calloc(consume->topic_count, sizeof(c->topics[0]));
	c->known = calloc(consume->topic_count, sizeof(c->known[0]));
	if (c->topics == NULL || c->known == NULL)
		return klog_fail_memory(err);
	for (i = 0; i < consume->topic_count; i++) {
		struct klog_topic *t = malloc(sizeof(*t));

		if (t == NULL)
			return klog_fail_memory(err);
		if (klog_topic_open(t, c->cluster, consume->topics[i],
			    c->group != NULL, err) == -1) {
			free(t);
			return -1;
		}
		c->topics[c->topic_count++] = t;
		for (k = 0; k < c->partition_count; k++)
			if (klog_topic_need(t, c->partitions[k], err) == -1)
				return -1;
	}
	return 0;
}

/* The group is joined before its partitions are looked at. */
static int
open_sources(struct dir_consumer *c, struct klog_err *err)
{
	size_t i;

	if (c->group != NULL &&
		klog_membership_join(&c->membership, c->cluster, c->topics,
			c->topic_count, c->group,
			(enum klog_strategy)
				c->settings.partition_assignment_strategy,
			err) == -1)
		return -1;
	for (i = 0; i < c->topic_count; i++)
		if (add_partitions(c, i, err) == -1)
			return -1;
	c->first_count = c->sources.count;
	/* an offset file of each, and three descriptors for each topic */
	klog_sources_share(&c->sources, MEMORY,
		c->group != NULL ? c->sources.count + 3 * c->topic_count : 0);
	return 0;
}

static int
apply_settings(struct dir_consumer *c, const struct klog_consume *consume,
	struct klog_err *err)
{
	size_t i;

	klog_settings_init(&c->settings);
	for (i = 0; i < consume->setting_count; i++)
		if (klog_settings_set(&c->settings, KLOG_OF_CONSUMER,
			    consume->settings[i].key,
			    consume->settings[i].value, err) == -1)
			return -1;
	c->sources.uncommitted = c->settings.isolation_read_uncommitted != 0;
	c->sources.reset = (enum klog_reset)c->settings.auto_offset_reset;
	return 0;
}

/* A group decides itself who gets which partition, from where on. */
static int
check_group(const struct klog_consume *consume, struct klog_err *err)
{
	if (consume->group == NULL)
		return 0;
	if (consume->partition_count > 0 || consume->tail >= 0)
		return klog_fail(err, KLOG_EUSAGE,
			"group %s: its members share all partitions, from "
			"their committed offsets on",
			consume->group);
	return klog_group_name_check(consume->group, err);
}

static int
keep_wanted(struct dir_consumer *c, const struct klog_consume *consume)
{
	size_t size = consume->partition_count * sizeof(int32_t);
	int32_t *copy;

	if (consume->group != NULL) {
		c->group = strdup(consume->group);
		if (c->group == NULL)
			return -1;
	}
	if (size == 0)
		return 0;
	copy = malloc(size);
	if (copy == NULL)
		return -1;
	memcpy(copy, consume->partitions, size);
	c->partitions = copy;
	c->partition_count = consume->partition_count;
	return 0;
}

/* ---- watching ---- */

/* Watch first, then read to the end, then sleep (D1). */
static int
watch_source(struct dir_consumer *c, size_t i, struct klog_err *err)
{
	struct klog_source *s = &c->sources.list[i];

	if (klog_source_open(&c->sources, s, err) == -1)
		return -1;
	klog_watch_add(&c->watch,
		s->reader.state_fd != -1 ? s->reader.state_fd : s->reader.dir,
		(int32_t)i, &c->cluster->say);
	return 0;
}

static int
watch_all(struct dir_consumer *c, struct klog_err *err)
{
	size_t i;

	c->watching = true;
	klog_watch_open(&c->watch, &c->cluster->say);
	klog_membership_watch(&c->membership, &c->watch, OWNER_GROUP);
	if (!c->sources.follow)
		return 0;
	for (i = 0; c->group == NULL && i < c->sources.count; i++)
		if (watch_source(c, i, err) == -1)
			return -1;
	for (i = 0; i < c->topic_count; i++)
		if (c->topics[i]->kind == KLOG_TOPIC)
			klog_watch_add(&c->watch, c->topics[i]->dir,
				OWNER_TOPIC, &c->cluster->say);
	return 0;
}

struct klog_consumer *
klog_dir_consumer_open(struct klog_cluster *cluster,
	const struct klog_consume *consume, struct klog_err *err)
{
	struct dir_consumer *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		klog_fail_memory(err);
		return NULL;
	}
	c->head.engine = &klog_engine_dir;
	c->cluster = cluster;
	c->sources.follow = consume->follow;
	c->watch.fd = -1;
	c->sources.say = &cluster->say;
	c->sources.synced = consume->synced;
	c->merging = consume->merge;
	c->stay = consume->stay;
	c->bounds.sources = &c->sources;
	c->bounds.decoder = &c->decoder;
	c->bounds.from = consume->from;
	c->bounds.to = consume->to;
	klog_merge_init(&c->merge);
	klog_decoder_init(&c->decoder);
	if (keep_wanted(c, consume) == -1) {
		klog_fail_memory(err);
		goto fail;
	}
	if (check_group(consume, err) == -1 ||
		apply_settings(c, consume, err) == -1 ||
		open_topics(c, consume, err) == -1 ||
		open_sources(c, err) == -1)
		goto fail;
	if ((c->sources.follow && watch_all(c, err) == -1) ||
		klog_bounds_find(&c->bounds, err) == -1)
		goto fail;
	/* a group's are placed as they become its own */
	if (c->group == NULL &&
		klog_bounds_place(&c->bounds, consume->tail, err) == -1)
		goto fail;
	return &c->head;
fail:
	klog_dir_consumer_close(&c->head);
	return NULL;
}

void
klog_dir_consumer_close(struct klog_consumer *consumer)
{
	struct dir_consumer *c = of(consumer);
	size_t i;

	klog_merge_free(&c->merge);
	klog_sources_free(&c->sources);
	klog_membership_leave(&c->membership);
	free(c->group);
	for (i = 0; i < c->topic_count; i++) {
		klog_topic_close(c->topics[i]);
		free(c->topics[i]);
	}
	free(c->topics);
	free(c->known);
	free((int32_t *)(uintptr_t)c->partitions);
	klog_decoder_free(&c->decoder);
	klog_watch_close(&c->watch);
	free(c);
}

/* ---- waking up ---- */

static void
wake_all(struct dir_consumer *c)
{
	size_t i;

	for (i = 0; i < c->sources.count; i++)
		klog_source_wake(&c->sources.list[i]);
	if (c->group != NULL)
		klog_membership_wake(&c->membership);
}

/* topic.yaml changed, or the directory went: new partitions are read from
 * their beginning. */
static int
look_at_topics(struct dir_consumer *c, struct klog_err *err)
{
	size_t i, before = c->sources.count;

	for (i = 0; i < c->topic_count; i++)
		if (klog_topic_reload(c->topics[i], err) == -1 ||
			add_partitions(c, i, err) == -1)
			return -1;
	if (c->group != NULL)
		klog_membership_wake(&c->membership);
	for (i = before; c->group == NULL && i < c->sources.count; i++) {
		klog_source_place(&c->sources.list[i], 0, INT64_MAX);
		c->sources.list[i].epoch = INT32_MAX;
		if (watch_source(c, i, err) == -1)
			return -1;
		c->sources.list[i].reader.epoch =
			c->sources.list[i].reader.state.leader_epoch;
	}
	return 0;
}

/* Takes what the watch has; -1 when a topic is gone. */
static int
wake_some(struct dir_consumer *c, struct klog_err *err)
{
	bool topics = false;
	int32_t owner;

	while (klog_watch_take(&c->watch, &owner) == 1) {
		if (owner == OWNER_TOPIC)
			topics = true;
		else if (owner == OWNER_GROUP)
			klog_membership_wake(&c->membership);
		else if (owner >= 0 && (size_t)owner < c->sources.count)
			klog_source_wake(&c->sources.list[owner]);
		else
			wake_all(c);
	}
	return topics ? look_at_topics(c, err) : 0;
}

/* The next source in turn that is not idle; false when all are. */
static bool
take_turn(struct dir_consumer *c)
{
	size_t i;

	if (c->stayed > 0 && c->stayed < c->stay &&
		!c->sources.list[c->turn].idle)
		return true;
	c->stayed = 0;
	for (i = 0; i < c->sources.count; i++) {
		c->turn = (c->turn + 1) % c->sources.count;
		if (!c->sources.list[c->turn].idle)
			return true;
	}
	return false;
}

/* ---- as a member of a group ---- */

/* A partition that is held now. */
static int
place_held(struct dir_consumer *c, size_t i, struct klog_err *err)
{
	struct klog_holding *h = &c->membership.list[i];

	/* one that does not follow ends where all ended at its beginning */
	if (c->sources.follow && watch_source(c, i, err) == -1)
		return -1;
	if (klog_bounds_resume(&c->bounds, &c->sources.list[i], c->group,
		    &h->commits, i >= c->first_count, &h->taken, err) == -1)
		return -1;
	c->merge.look = true;
	return 0;
}

/* Who is there, and what is to be taken or given up: 1 go on, 0 the caller has
 * to let go first, -1. */
static int
share(struct dir_consumer *c, struct klog_err *err)
{
	struct klog_membership *m = &c->membership;
	int looked = klog_membership_look(m, err), r;
	size_t i;

	if (looked == -1 || m->leaving)
		return looked == -1 ? -1 : 0;
	for (i = 0; looked == 1 && i < m->count; i++) {
		struct klog_holding *h = &m->list[i];

		if (!h->mine || h->held)
			continue;
		r = klog_membership_take(m, h, err);
		if (r == 1)
			r = place_held(c, i, err);
		if (r == -1)
			return -1;
	}
	return 1;
}

/* Whether there are partitions that it waits for. */
static bool
waits_for_others(const struct dir_consumer *c)
{
	const struct klog_membership *m = &c->membership;
	size_t i;

	for (i = 0; i < m->count; i++)
		if (m->list[i].mine && !m->list[i].held)
			return true;
	return m->leaving;
}

void
klog_dir_consumer_took(
	struct klog_consumer *consumer, const struct klog_position *position)
{
	struct dir_consumer *c = of(consumer);
	struct klog_holding *h;

	if (c->group == NULL)
		return;
	assert(position->source >= 0 &&
		(size_t)position->source < c->membership.count);
	h = &c->membership.list[position->source];
	h->taken.offset = position->offset;
	h->taken.epoch = position->leader_epoch;
}

void
klog_dir_consumer_mark(struct klog_consumer *consumer)
{
	struct dir_consumer *c = of(consumer);
	size_t i;

	for (i = 0; i < c->membership.count; i++)
		c->membership.list[i].marked = c->membership.list[i].taken;
}

int
klog_dir_consumer_commit(struct klog_consumer *consumer, struct klog_err *err)
{
	struct dir_consumer *c = of(consumer);
	size_t i;

	for (i = 0; i < c->membership.count; i++)
		if (klog_membership_commit(
			    &c->membership, &c->membership.list[i], err) == -1)
			return -1;
	return 0;
}

bool
klog_dir_consumer_leaving(const struct klog_consumer *consumer)
{
	const struct dir_consumer *c =
		(const struct dir_consumer *)(const void *)consumer;

	return c->membership.leaving;
}

void
klog_dir_consumer_leave(struct klog_consumer *consumer)
{
	struct dir_consumer *c = of(consumer);
	struct klog_membership *m = &c->membership;
	size_t i;

	if (!m->leaving)
		return;
	if (c->merging) {
		/* heads that were read and not delivered are read again */
		klog_merge_free(&c->merge);
		klog_merge_init(&c->merge);
	}
	for (i = 0; i < m->count; i++) {
		struct klog_holding *h = &m->list[i];

		if (!h->held)
			continue;
		if (h->mine && c->merging)
			klog_source_place(&c->sources.list[i], h->taken.offset,
				c->sources.list[i].stop);
		if (h->mine)
			continue;
		klog_source_rest(&c->sources, &c->sources.list[i]);
		klog_membership_give(h);
	}
	m->leaving = false;
}

/* ---- runs ---- */

/* Opens the next batch of any source, in turn; at the ends of all of them
 * takes what the watch has, and looks again. */
static int
find_batch(struct dir_consumer *c, struct klog_err *err)
{
	for (;;) {
		struct klog_source *s;
		int r;

		if (c->sources.list[c->turn].open)
			klog_reader_trim(&c->sources.list[c->turn].reader,
				c->sources.count > 1 ? 0 : KEEP);
		/* one that always has more must not keep the others asleep */
		if (c->sources.follow && ++c->batches % WAKE_BATCHES == 0) {
			if (c->watch.fd == -1)
				wake_all(c);
			else if (wake_some(c, err) == -1)
				return -1;
		}
		if (!take_turn(c)) {
			if (!c->sources.follow)
				return 0;
			if (wake_some(c, err) == -1)
				return -1;
			if (!take_turn(c))
				return 0;
		}
		s = &c->sources.list[c->turn];
		r = klog_source_batch(
			&c->sources, s, &c->decoder, &c->cursor, err);
		if (r != 0)
			return r;
		s->idle = true;
	}
}

/* A run of the batch in hand, or of the next one; *count may be 0. */
static int
next_in_turn(struct dir_consumer *c, size_t *count, struct klog_err *err)
{
	int r;

	if (c->failed) {
		*err = c->err;
		return -1;
	}
	if (!c->cursor.open) {
		r = find_batch(c, err);
		if (r != 1)
			return r;
	}
	if (klog_source_take(&c->sources.list[c->turn], &c->cursor, c->records,
		    RUN_RECORDS, count, &c->err) == -1)
		c->failed = true;
	c->stayed += *count;
	return 1;
}

/* A run of the heads that come first. */
static int
next_merged(struct dir_consumer *c, size_t *count, struct klog_err *err)
{
	int r;

	/* what it waits for may have come */
	if (klog_merge_waits(&c->merge, &c->sources)) {
		if (wake_some(c, err) == -1)
			return -1;
		c->merge.look = true;
	}
	r = klog_merge_next(&c->merge, &c->sources, &c->decoder, c->records,
		RUN_RECORDS, count, err);
	c->turn = c->merge.turn;
	return r;
}

/* Where reading goes on behind the last record: at the end of its batch, which
 * may lie beyond it. */
static int64_t
behind(const struct klog_source *s, const struct klog_cursor *cursor, bool more,
	int64_t last)
{
	int64_t next = s->open ? s->reader.next : s->next;

	if (more || cursor->open || next < last + 1)
		return last + 1;
	return next < cursor->stop ? next : cursor->stop;
}

static void
set_run(struct klog_run *run, const struct dir_consumer *c, size_t count)
{
	const struct klog_source *s = &c->sources.list[c->turn];
	const struct klog_head *head = c->merging ? &c->merge.heads[c->turn]
						  : NULL;
	const struct klog_cursor *cursor = head != NULL ? &head->cursor
							: &c->cursor;

	run->topic = s->topic->name;
	run->partition = s->partition;
	run->source = (int32_t)c->turn;
	run->leader_epoch = cursor->leader_epoch;
	run->log_append_time = cursor->log_append_time;
	run->no_timestamps = cursor->no_timestamps;
	run->records = c->records;
	run->count = count;
	run->next_offset = behind(s, cursor, head != NULL && head->there,
		c->records[count - 1].offset);
}

int
klog_dir_consumer_next(struct klog_consumer *consumer, struct klog_run *run,
	struct klog_err *err)
{
	struct dir_consumer *c = of(consumer);
	size_t n = 0;
	int r;

	do {
		/* between two batches */
		if (c->group != NULL && !c->cursor.open &&
			(r = share(c, err)) != 1)
			return r;
		r = c->merging ? next_merged(c, &n, err)
			       : next_in_turn(c, &n, err);
		if (r != 1)
			return r;
	} while (n == 0);
	set_run(run, c, n);
	return 1;
}

int64_t
klog_dir_consumer_due_ms(const struct klog_consumer *consumer)
{
	const struct dir_consumer *c =
		(const struct dir_consumer *)(const void *)consumer;

	return c->merging ? klog_merge_due_ms(&c->merge, &c->sources) : -1;
}

bool
klog_dir_consumer_done(const struct klog_consumer *consumer)
{
	const struct dir_consumer *c =
		(const struct dir_consumer *)(const void *)consumer;
	size_t i;

	if (c->group != NULL &&
		(waits_for_others(c) ||
			(c->sources.follow &&
				c->bounds.to.where == KLOG_AT_UNSET)))
		return false;
	for (i = 0; i < c->sources.count; i++)
		if (!klog_source_done(&c->sources.list[i]))
			return !c->sources.follow;
	return true;
}

int
klog_dir_consumer_wait(struct klog_consumer *consumer, int64_t timeout_ms,
	int hangup_fd, struct klog_err *err)
{
	struct dir_consumer *c = of(consumer);
	int64_t due;
	bool sooner;
	int r;

	/* a member that waits for another: watch first, then look again */
	if (!c->watching) {
		wake_all(c);
		return watch_all(c, err) == -1 ? -1 : 1;
	}
	due = c->group != NULL ? klog_membership_due_ms(&c->membership) : -1;
	sooner = due != -1 && (timeout_ms < 0 || due < timeout_ms);
	r = klog_watch_wait(
		&c->watch, sooner ? due : timeout_ms, hangup_fd, err);

	if (c->watch.fd == -1) {
		wake_all(c);
		if (r != -1 && look_at_topics(c, err) == -1)
			return -1;
	} else if (c->group != NULL && r == 1 && wake_some(c, err) == -1) {
		return -1;
	}
	return r == 0 && sooner ? 1 : r;
}
