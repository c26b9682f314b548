/* klog.h: finds the engine behind a handle, and calls it. */
#include "engine.h"

/* A kafka:// cluster will choose another; a path is a directory. */
static const struct klog_engine *
engine_for(const char *cluster)
{
	(void)cluster;
	return &klog_engine_dir;
}

struct klog *
klog_open(const char *cluster, const struct klog_options *options,
	struct klog_err *err)
{
	return engine_for(cluster)->open(cluster, options, err);
}

void
klog_close(struct klog *klog)
{
	if (klog != NULL)
		klog->engine->close(klog);
}

int
klog_topic_create(const char *cluster, const struct klog_options *options,
	const char *topic, const struct klog_create *create,
	struct klog_err *err)
{
	return engine_for(cluster)->create(
		cluster, options, topic, create, err);
}

int
klog_topic_delete(struct klog *klog, const char *topic, struct klog_err *err)
{
	return klog->engine->remove(klog, topic, err);
}

int
klog_topic_alter(struct klog *klog, const char *topic,
	const struct klog_alter *alter, struct klog_err *err)
{
	return klog->engine->alter(klog, topic, alter, err);
}

int
klog_topic_same(struct klog *klog, const char *topic, const char *other,
	struct klog_err *err)
{
	return klog->engine->same(klog, topic, other, err);
}

int
klog_topics(struct klog *klog, struct klog_topic_info **list, size_t *count,
	struct klog_err *err)
{
	return klog->engine->topics(klog, list, count, err);
}

int
klog_topic_describe(struct klog *klog, const char *topic,
	struct klog_partition_info **list, size_t *count, struct klog_err *err)
{
	return klog->engine->describe(klog, topic, list, count, err);
}

int
klog_topic_settings(struct klog *klog, const char *topic,
	struct klog_setting **list, size_t *count, struct klog_err *err)
{
	return klog->engine->settings(klog, topic, list, count, err);
}

struct klog_producer *
klog_producer_open(struct klog *klog, const char *topic,
	const struct klog_produce *produce, struct klog_err *err)
{
	return klog->engine->producer_open(klog, topic, produce, err);
}

int
klog_producer_put(struct klog_producer *producer,
	const struct klog_record *records, size_t count, size_t *taken,
	struct klog_err *err)
{
	return producer->engine->put(producer, records, count, taken, err);
}

int
klog_producer_flush(struct klog_producer *producer, struct klog_err *err)
{
	return producer->engine->flush(producer, err);
}

int
klog_producer_sync(struct klog_producer *producer, struct klog_err *err)
{
	return producer->engine->sync(producer, err);
}

int64_t
klog_producer_due_ms(struct klog_producer *producer)
{
	return producer->engine->due_ms(producer);
}

int
klog_producer_tick(struct klog_producer *producer, struct klog_err *err)
{
	return producer->engine->tick(producer, err);
}

struct klog_produced
klog_producer_count(const struct klog_producer *producer)
{
	return producer->engine->count(producer);
}

int
klog_producer_close(struct klog_producer *producer, struct klog_err *err)
{
	return producer->engine->producer_close(producer, err);
}

void
klog_producer_abandon(struct klog_producer *producer)
{
	if (producer != NULL)
		producer->engine->abandon(producer);
}

struct klog_consumer *
klog_consumer_open(struct klog *klog, const struct klog_consume *consume,
	struct klog_err *err)
{
	return klog->engine->consumer_open(klog, consume, err);
}

int
klog_consumer_next(struct klog_consumer *consumer, struct klog_run *run,
	struct klog_err *err)
{
	return consumer->engine->next(consumer, run, err);
}

bool
klog_consumer_done(const struct klog_consumer *consumer)
{
	return consumer->engine->done(consumer);
}

int64_t
klog_consumer_due_ms(const struct klog_consumer *consumer)
{
	return consumer->engine->consumer_due_ms(consumer);
}

int
klog_consumer_wait(struct klog_consumer *consumer, int64_t timeout_ms,
	int hangup_fd, struct klog_err *err)
{
	return consumer->engine->wait(consumer, timeout_ms, hangup_fd, err);
}

void
klog_consumer_close(struct klog_consumer *consumer)
{
	if (consumer != NULL)
		consumer->engine->consumer_close(consumer);
}

void
klog_consumer_took(
	struct klog_consumer *consumer, const struct klog_position *position)
{
	consumer->engine->took(consumer, position);
}

void
klog_consumer_mark(struct klog_consumer *consumer)
{
	consumer->engine->mark(consumer);
}

int
klog_consumer_commit(struct klog_consumer *consumer, struct klog_err *err)
{
	return consumer->engine->commit(consumer, err);
}

bool
klog_consumer_leaving(const struct klog_consumer *consumer)
{
	return consumer->engine->leaving(consumer);
}

void
klog_consumer_leave(struct klog_consumer *consumer)
{
	consumer->engine->leave(consumer);
}

int
klog_offset_at(struct klog *klog, const char *topic, int32_t partition,
	struct klog_at at, int64_t *offset, int64_t *timestamp_ms,
	struct klog_err *err)
{
	return klog->engine->offset_at(
		klog, topic, partition, at, offset, timestamp_ms, err);
}

struct klog_groups *
klog_groups_open(struct klog *klog, const char *topic, const char *group,
	bool times, struct klog_err *err)
{
	return klog->engine->groups_open(klog, topic, group, times, err);
}

int
klog_groups_next(struct klog_groups *groups, struct klog_group_info *info,
	struct klog_err *err)
{
	return groups->engine->groups_next(groups, info, err);
}

void
klog_groups_close(struct klog_groups *groups)
{
	if (groups != NULL)
		groups->engine->groups_close(groups);
}

int
klog_group_reset(struct klog *klog, const char *group,
	struct klog_group_change *changes, size_t count, bool dry_run,
	size_t *wrong, struct klog_err *err)
{
	return klog->engine->group_reset(
		klog, group, changes, count, dry_run, wrong, err);
}
