#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "describe.h"
#include "group.h"
#include "groups.h"
#include "io.h"
#include "lock.h"
#include "lookup.h"
#include "members.h"
#include "names.h"
#include "time.h"

#define READERS_MAX 64   /* that stay open from one group to the next */
#define FDS_PER_READER 3 /* directory, state, a file for the moment */
#define FDS_ELSEWHERE 16
#define TRIES 3
#define CHUNK ((size_t)16 * 1024)

struct open_reader {
	struct klog_reader reader;
	int32_t partition; /* -1: none */
};

struct walk {
	struct klog_groups head;
	struct klog_cluster *cluster;
	struct klog_topic topic;
	bool times;
	struct klog_buf text; /* the names, a NUL behind each */
	const char **names;
	size_t count, next;
	/* a partition each; start, end and bytes stay for all groups */
	struct klog_group_partition *list;
	size_t partitions;
	bool measured;
	struct open_reader readers[READERS_MAX];
	int32_t reader_count; /* of them, as descriptors allow */
	struct klog_decoder decoder;
	char host[KLOG_HOST_NAME];
	struct klog_owner known; /* the owner looked at last */
};

static int32_t
most_readers(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 ||
		limit.rlim_cur >= FDS_ELSEWHERE + FDS_PER_READER * READERS_MAX)
		return READERS_MAX;
	if (limit.rlim_cur < FDS_ELSEWHERE + FDS_PER_READER)
		return 1;
	return (int32_t)((limit.rlim_cur - FDS_ELSEWHERE) / FDS_PER_READER);
}

static struct walk *
walk_of(struct klog_groups *groups)
{
	return (struct walk *)(void *)groups;
}

/* ---- which groups ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is no legal name is nobody's group. */
static int
put_names(struct walk *w, int dir, struct klog_err *err)
{
	struct klog_list list = { NULL };
	struct klog_err ignored;
	const char *name;
	int r, put = 0;

	while (put == 0 && (r = klog_list_next(&list, dir, &name, err)) > 0)
		if (klog_group_name_check(name, &ignored) == 0) {
			put = klog_buf_put(&w->text, name, strlen(name) + 1);
			w->count++;
		}
	klog_list_close(&list);
	return put == -1 ? klog_fail_memory(err) : r;
}

static int
find_groups(struct walk *w, const char *group, struct klog_err *err)
{
	int dir, r;

	if (w->topic.kind != KLOG_TOPIC)
		return 0;
	dir = klog_open_dir(w->topic.dir, KLOG_GROUPS_DIR, err);
	if (dir == -1)
		return err->code == KLOG_ENOTFOUND
			? 0
			: klog_err_in(err, "topic %s", w->topic.label);
	if (group == NULL) {
		r = put_names(w, dir, err);
	} else {
		r = klog_buf_put(&w->text, group, strlen(group) + 1);
		w->count = 1;
	}
	klog_close_fd(&dir);
	return r;
}

static int
sort_names(struct walk *w, struct klog_err *err)
{
	const char *name = (const char *)w->text.data;
	size_t i;

	w->names = calloc(w->count + 1, sizeof(*w->names));
	if (w->names == NULL)
		return klog_fail_memory(err);
	for (i = 0; i < w->count; i++, name += strlen(name) + 1)
		w->names[i] = name;
	if (w->count > 1)
		qsort(w->names, w->count, sizeof(*w->names), by_name);
	return 0;
}

struct klog_groups *
klog_dir_groups_open(struct klog_cluster *cluster, const char *topic,
	const char *group, bool times, struct klog_err *err)
{
	struct walk *w;
	size_t i;

	if (group != NULL && klog_group_name_check(group, err) == -1)
		return NULL;
	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		klog_fail_memory(err);
		return NULL;
	}
	w->head.engine = &klog_engine_dir;
	w->cluster = cluster;
	w->times = times;
	for (i = 0; i < READERS_MAX; i++)
		w->readers[i].partition = -1;
	w->reader_count = most_readers();
	klog_decoder_init(&w->decoder);
	klog_host_name(w->host);
	if (klog_topic_open(&w->topic, cluster, topic, false, err) == -1) {
		free(w);
		return NULL;
	}
	w->partitions = (size_t)klog_topic_partitions(&w->topic);
	w->list = calloc(w->partitions + 1, sizeof(*w->list));
	if (w->list == NULL)
		klog_fail_memory(err);
	if (w->list == NULL || find_groups(w, group, err) == -1 ||
		sort_names(w, err) == -1) {
		klog_dir_groups_close(&w->head);
		return NULL;
	}
	for (i = 0; i < w->partitions; i++)
		w->list[i].partition = klog_topic_number(&w->topic, (int32_t)i);
	return &w->head;
}

void
klog_dir_groups_close(struct klog_groups *groups)
{
	struct walk *w = walk_of(groups);
	size_t i;

	for (i = 0; i < READERS_MAX; i++)
		if (w->readers[i].partition != -1)
			klog_reader_close(&w->readers[i].reader);
	klog_decoder_free(&w->decoder);
	klog_topic_close(&w->topic);
	klog_buf_free(&w->text);
	free(w->names);
	free(w->list);
	free(w);
}

/* ---- a partition of the log ---- */

/* Its reader, opened when it is not; with `anew` in any case. */
static struct klog_reader *
reader_of(struct walk *w, int32_t partition, bool anew, struct klog_err *err)
{
	struct open_reader *o = &w->readers[partition % w->reader_count];

	if (o->partition == partition && !anew)
		return &o->reader;
	if (o->partition != -1)
		klog_reader_close(&o->reader);
	o->partition = -1;
	if (klog_topic_reader(&w->topic, partition, &w->cluster->say, CHUNK,
		    &o->reader, err) == -1)
		return NULL;
	o->partition = partition;
	return &o->reader;
}

static int
measure(struct walk *w, struct klog_group_partition *p, struct klog_err *err)
{
	struct klog_reader *r = reader_of(w, p->partition, true, err);
	struct klog_extent extent;

	if (r == NULL || klog_describe_extent(r, &extent, err) == -1)
		return -1;
	p->start = extent.start;
	p->end = extent.end;
	p->bytes = extent.bytes;
	return 0;
}

/* How long the record at `offset` has waited; that it cannot be told hides
 * nothing else. */
static void
find_age(struct walk *w, struct klog_group_partition *p, int64_t offset)
{
	struct klog_reader *r;
	struct klog_err err;
	int64_t ms = -1;

	r = reader_of(w, p->partition, false, &err);
	if (r == NULL ||
		klog_lookup_time(r, &w->decoder, offset, p->end, &ms, &err) ==
			-1)
		klog_sayf(&w->cluster->say, 0,
			"%s; so its lag in time is "
			"not known",
			err.text);
	if (r != NULL)
		klog_reader_park(r);
	if (ms != -1)
		p->lag_ms = klog_now_ms() > ms ? klog_now_ms() - ms : 0;
}

static int
find_lag(struct walk *w, struct klog_group_partition *p, struct klog_err *err)
{
	int64_t from;

	p->lag = p->lag_ms = -1;
	if (p->damaged)
		return 0;
	/* it may have grown since it was measured for another group */
	if (p->committed > p->end && measure(w, p, err) == -1)
		return -1;
	from = p->committed > p->start ? p->committed : p->start;
	p->lag = p->end > from ? p->end - from : 0;
	if (p->lag == 0)
		p->lag_ms = 0;
	else if (w->times)
		find_age(w, p, from);
	return 0;
}

/* ---- what a group has in it ---- */

static void
find_owner(struct walk *w, struct klog_group_partition *p, int fd,
	const struct klog_committed *c)
{
	struct klog_owner *o = &p->owner;

	p->owned = true;
	/* one member may have a thousand partitions */
	if (strcmp(w->known.member, c->member) != 0) {
		snprintf(w->known.member, sizeof(w->known.member), "%s",
			c->member);
		w->known.stopped = strcmp(c->host, w->host) == 0 &&
			klog_member_stopped(fd, c->pid);
	}
	*o = w->known;
	snprintf(o->host, sizeof(o->host), "%s", c->host);
	o->pid = c->pid;
	o->since_ms = c->since_ms;
}

/* Nothing keeps the owner from writing meanwhile: what is torn may be whole in
 * a moment. */
static int
read_patiently(
	int fd, struct klog_commits *c, const char *label, struct klog_err *err)
{
	const struct timespec moment = { 0, 1000000 };
	int r, tries = 0;

	for (;;) {
		r = klog_commits_read(fd, c, label, err);
		if ((r == 1 ? !c->torn
			    : r == 0 || err->code != KLOG_ECORRUPT) ||
			++tries == TRIES)
			return r;
		nanosleep(&moment, NULL);
	}
}

static int
read_commit(struct walk *w, int dir, const char *group,
	struct klog_group_partition *p, struct klog_err *err)
{
	char label[KLOG_GROUP_LABEL];
	struct klog_commits c;
	int fd, r;

	klog_group_label(label, group, &w->topic, p->partition);
	p->committed = p->committed_ms = -1;
	p->leader_epoch = -1;
	p->torn = p->damaged = p->owned = false;
	fd = klog_group_open_file(dir, p->partition, false, err);
	if (fd == -1 && err->code == KLOG_ENOTFOUND)
		return 0;
	/* a link or a directory in its place is damage, too */
	p->damaged = fd == -1 && err->code == KLOG_EREFUSED;
	if (fd == -1)
		return p->damaged ? 0 : klog_err_in(err, "%s", label);
	r = read_patiently(fd, &c, label, err);
	if (r == 1) {
		p->committed = c.now.offset;
		p->leader_epoch = c.now.epoch;
		p->committed_ms = c.now.time_ms;
		p->torn = c.torn;
	}
	p->damaged = r == -1 && err->code == KLOG_ECORRUPT;
	if (r == 1 && c.now.pid > 0) {
		r = klog_lock_free(fd, 0, label, err);
		if (r == 0)
			find_owner(w, p, fd, &c.now);
	}
	klog_close_fd(&fd);
	return r == -1 && !p->damaged ? -1 : 0;
}

static int
count_members(struct walk *w, int dir, const char *group, size_t *n,
	struct klog_err *err)
{
	struct klog_members members;
	int fd = klog_group_open_members(dir, false, err), r;

	*n = 0;
	if (fd == -1 && err->code == KLOG_ENOTFOUND)
		return 0;
	r = fd == -1 ? -1 : klog_members_list(fd, false, &members, err);
	klog_close_fd(&fd);
	if (r == -1)
		return klog_err_in(
			err, "topic %s: group %s", w->topic.label, group);
	*n = members.count;
	klog_members_free(&members);
	return 0;
}

/* Reads all commits: 1 there is one, or a member, 0 nothing of it, -1. */
static int
read_group(struct walk *w, const char *group, struct klog_group_info *info,
	struct klog_err *err)
{
	int dir = klog_group_open(&w->topic, group, false, err);
	bool any;
	size_t i;
	int r;

	if (dir == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	w->known.member[0] = '\0';
	r = count_members(w, dir, group, &info->members, err);
	any = info->members > 0;
	for (i = 0; r == 0 && i < w->partitions; i++) {
		struct klog_group_partition *p = &w->list[i];

		r = read_commit(w, dir, group, p, err);
		any |= p->committed != -1 || p->damaged || p->owned;
	}
	klog_close_fd(&dir);
	return r == -1 ? -1 : any;
}

static int
look_at(struct walk *w, const char *group, struct klog_group_info *info,
	struct klog_err *err)
{
	int r = read_group(w, group, info, err);
	size_t i;

	for (i = 0; r == 1 && !w->measured && i < w->partitions; i++)
		if (measure(w, &w->list[i], err) == -1)
			r = -1;
	if (r != 1)
		return r;
	w->measured = true;
	info->group = group;
	info->partitions = w->list;
	info->count = w->partitions;
	for (i = 0; i < w->partitions; i++)
		if (find_lag(w, &w->list[i], err) == -1)
			return -1;
	return 1;
}

int
klog_dir_groups_next(struct klog_groups *groups, struct klog_group_info *info,
	struct klog_err *err)
{
	struct walk *w = walk_of(groups);
	int r = 0;

	memset(info, 0, sizeof(*info));
	while (r == 0 && w->next < w->count)
		r = look_at(w, w->names[w->next++], info, err);
	return r;
}
