/* The directory engine: a cluster handle, and the table. */
#include <stdlib.h>

#include "alter.h"
#include "clean.h"
#include "consumer.h"
#include "create.h"
#include "delete.h"
#include "describe.h"
#include "dump.h"
#include "engine.h"
#include "floor.h"
#include "groups.h"
#include "lookup.h"
#include "producer.h"
#include "repair.h"
#include "reset.h"
#include "timeline.h"
#include "topic.h"
#include "verify.h"

struct dir_klog {
	struct klog head;
	struct klog_cluster cluster;
};

static struct klog_cluster *
cluster_of(struct klog *klog)
{
	return &((struct dir_klog *)(void *)klog)->cluster;
}

static struct klog *
dir_open(const char *cluster, const struct klog_options *options,
	struct klog_err *err)
{
	struct dir_klog *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		klog_fail_memory(err);
		return NULL;
	}
	k->head.engine = &klog_engine_dir;
	if (klog_cluster_open(&k->cluster, cluster, options, err) == -1) {
		free(k);
		return NULL;
	}
	return &k->head;
}

static void
dir_close(struct klog *klog)
{
	klog_cluster_close(cluster_of(klog));
	free(klog);
}

static int
dir_create(const char *cluster, const struct klog_options *options,
	const char *topic, const struct klog_create *create,
	struct klog_err *err)
{
	struct klog_cluster c;
	int r;

	if (klog_cluster_make(&c, cluster, options, err) == -1)
		return -1;
	r = klog_topic_make(&c, topic, create, err);
	klog_cluster_close(&c);
	return r;
}

static int
dir_remove(struct klog *klog, const char *topic, struct klog_err *err)
{
	return klog_topic_remove(cluster_of(klog), topic, err);
}

static int
dir_alter(struct klog *klog, const char *topic, const struct klog_alter *alter,
	struct klog_err *err)
{
	return klog_topic_change(cluster_of(klog), topic, alter, err);
}

static int
dir_same(struct klog *klog, const char *topic, const char *other,
	struct klog_err *err)
{
	struct klog_topic a, b;
	int r;

	if (klog_topic_find(&a, cluster_of(klog), topic, false, err) == -1)
		return -1;
	r = klog_topic_find(&b, cluster_of(klog), other, false, err);
	if (r == 0) {
		r = klog_topic_is_same(&a, &b);
		klog_topic_close(&b);
	}
	klog_topic_close(&a);
	return r;
}

static int
dir_topics(struct klog *klog, struct klog_topic_info **list, size_t *count,
	struct klog_err *err)
{
	return klog_describe_topics(cluster_of(klog), list, count, err);
}

static int
dir_describe(struct klog *klog, const char *topic,
	struct klog_partition_info **list, size_t *count, struct klog_err *err)
{
	return klog_describe_topic(cluster_of(klog), topic, list, count, err);
}

static int
dir_settings(struct klog *klog, const char *topic, struct klog_setting **list,
	size_t *count, struct klog_err *err)
{
	return klog_describe_settings(
		cluster_of(klog), topic, list, count, err);
}

static struct klog_producer *
dir_producer_open(struct klog *klog, const char *topic,
	const struct klog_produce *produce, struct klog_err *err)
{
	return klog_dir_producer_open(cluster_of(klog), topic, produce, err);
}

static struct klog_consumer *
dir_consumer_open(struct klog *klog, const struct klog_consume *consume,
	struct klog_err *err)
{
	return klog_dir_consumer_open(cluster_of(klog), consume, err);
}

static int
dir_offset_at(struct klog *klog, const char *topic, int32_t partition,
	struct klog_at at, int64_t *offset, int64_t *timestamp_ms,
	struct klog_err *err)
{
	struct klog_cluster *c = cluster_of(klog);
	struct klog_decoder d;
	struct klog_reader r;
	struct klog_topic t;
	int64_t end;
	int got = -1;

	if (klog_topic_open(&t, c, topic, false, err) == -1)
		return -1;
	if (klog_topic_reader(&t, partition, &c->say, 0, &r, err) == 0) {
		klog_decoder_init(&d);
		end = klog_reader_end(&r, err);
		if (end != -1)
			got = klog_lookup(
				&r, &d, at, end, offset, timestamp_ms, err);
		if (got == 0 && timestamp_ms != NULL && *timestamp_ms == -1)
			got = klog_lookup_time(
				&r, &d, *offset, end, timestamp_ms, err);
		klog_decoder_free(&d);
		klog_reader_close(&r);
	}
	klog_topic_close(&t);
	return got;
}

static struct klog_groups *
dir_groups_open(struct klog *klog, const char *topic, const char *group,
	bool times, struct klog_err *err)
{
	return klog_dir_groups_open(cluster_of(klog), topic, group, times, err);
}

static int
dir_group_reset(struct klog *klog, const char *group,
	struct klog_group_change *changes, size_t count, bool dry_run,
	size_t *wrong, struct klog_err *err)
{
	return klog_dir_group_reset(
		cluster_of(klog), group, changes, count, dry_run, wrong, err);
}

const struct klog_engine klog_engine_dir = {
	.open = dir_open,
	.close = dir_close,
	.create = dir_create,
	.remove = dir_remove,
	.alter = dir_alter,
	.same = dir_same,
	.topics = dir_topics,
	.describe = dir_describe,
	.settings = dir_settings,
	.producer_open = dir_producer_open,
	.put = klog_dir_producer_put,
	.flush = klog_dir_producer_flush,
	.sync = klog_dir_producer_sync,
	.due_ms = klog_dir_producer_due_ms,
	.tick = klog_dir_producer_tick,
	.count = klog_dir_producer_count,
	.producer_close = klog_dir_producer_close,
	.abandon = klog_dir_producer_abandon,
	.consumer_open = dir_consumer_open,
	.next = klog_dir_consumer_next,
	.done = klog_dir_consumer_done,
	.consumer_due_ms = klog_dir_consumer_due_ms,
	.wait = klog_dir_consumer_wait,
	.consumer_close = klog_dir_consumer_close,
	.took = klog_dir_consumer_took,
	.mark = klog_dir_consumer_mark,
	.commit = klog_dir_consumer_commit,
	.leaving = klog_dir_consumer_leaving,
	.leave = klog_dir_consumer_leave,
	.offset_at = dir_offset_at,
	.groups_open = dir_groups_open,
	.groups_next = klog_dir_groups_next,
	.groups_close = klog_dir_groups_close,
	.group_reset = dir_group_reset,
};

/* ---- what only a directory has, beside the table ---- */

static int
is_directory(const struct klog *klog, const char *what, struct klog_err *err)
{
	if (klog->engine == &klog_engine_dir)
		return 0;
	return klog_fail(err, KLOG_EUSAGE,
		"only a cluster that is a directory has %s", what);
}

int
klog_topic_yaml(struct klog *klog, const char *topic, char **text, size_t *size,
	struct klog_err *err)
{
	struct klog_buf buf = { NULL, 0, 0 };
	struct klog_topic t;
	int r;

	if (is_directory(klog, KLOG_TOPIC_YAML, err) == -1 ||
		klog_topic_find(&t, cluster_of(klog), topic, true, err) == -1)
		return -1;
	r = klog_topic_text(&t, &buf, err);
	klog_topic_close(&t);
	if (r == -1) {
		klog_buf_free(&buf);
		return -1;
	}
	*text = (char *)buf.data;
	*size = buf.size;
	return 0;
}

int
klog_topic_yaml_set(struct klog *klog, const char *topic, struct klog_slice was,
	struct klog_slice text, struct klog_err *err)
{
	if (is_directory(klog, KLOG_TOPIC_YAML, err) == -1)
		return -1;
	return klog_topic_put_text(cluster_of(klog), topic, was, text, err);
}

int
klog_group_undo(struct klog *klog, const char *group, const char *const *topics,
	size_t topic_count, bool dry_run, struct klog_group_change **changes,
	size_t *count, struct klog_err *err)
{
	if (is_directory(klog, "journals of its groups", err) == -1)
		return -1;
	return klog_dir_group_undo(cluster_of(klog), group, topics, topic_count,
		dry_run, changes, count, err);
}

int
klog_clean_topic(struct klog *klog, const char *topic,
	const struct klog_clean *clean, struct klog_clean_report *report,
	struct klog_err *err)
{
	if (is_directory(klog, "segments to clean", err) == -1)
		return -1;
	return klog_dir_clean(cluster_of(klog), topic, clean, report, err);
}

int
klog_clean_free(struct klog *klog, int64_t least, bool dry_run,
	struct klog_clean_report *report, int64_t *freed, struct klog_err *err)
{
	*freed = 0;
	if (is_directory(klog, "a disk to keep free", err) == -1)
		return -1;
	return klog_floor_keep(
		cluster_of(klog), least, dry_run, report, freed, err);
}

int
klog_disk(struct klog *klog, int64_t *free_bytes, int64_t *all_bytes,
	struct klog_err *err)
{
	if (is_directory(klog, "a disk", err) == -1)
		return -1;
	return klog_floor_disk(cluster_of(klog), free_bytes, all_bytes, err);
}

struct klog_verify *
klog_verify_open(struct klog *klog, const char *topic, int32_t partition,
	struct klog_err *err)
{
	if (klog->engine != &klog_engine_dir) {
		klog_fail(err, KLOG_EUSAGE,
			"only a cluster that is a directory can be verified");
		return NULL;
	}
	return klog_dir_verify_open(cluster_of(klog), topic, partition, err);
}

struct klog_dump *
klog_dump_open(struct klog *klog, const char *topic, int32_t partition,
	struct klog_err *err)
{
	if (klog->engine != &klog_engine_dir) {
		klog_fail(err, KLOG_EUSAGE,
			"only a cluster that is a directory has files to show");
		return NULL;
	}
	return klog_dir_dump_open(cluster_of(klog), topic, partition, err);
}

int
klog_repair(struct klog *klog, const char *topic, int32_t partition,
	bool dry_run, struct klog_repaired **list, size_t *count,
	struct klog_err *err)
{
	*list = NULL;
	*count = 0;
	if (klog->engine != &klog_engine_dir)
		return klog_fail(err, KLOG_EUSAGE,
			"only a cluster that is a directory can be repaired");
	return klog_dir_repair(
		cluster_of(klog), topic, partition, dry_run, list, count, err);
}

int
klog_timeline(struct klog *klog, const char *topic, int32_t partition,
	size_t most, struct klog_bucket **list, size_t *count,
	struct klog_err *err)
{
	if (klog->engine != &klog_engine_dir)
		return klog_fail(err, KLOG_EUSAGE,
			"only a cluster that is a directory has time indexes");
	return klog_dir_timeline(
		cluster_of(klog), topic, partition, most, list, count, err);
}
