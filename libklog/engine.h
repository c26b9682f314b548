/*
 * The engine table: what stands behind klog.h, at the level of runs of
 * records, so that the plain path pays one indirect call for hundreds.  The
 * directory engine (engine_dir.c) is the first.
 */
#ifndef KLOG_ENGINE_H
#define KLOG_ENGINE_H

#include "klog.h"

/* What a handle begins with, so that engine.c finds the engine behind it. */
struct klog {
	const struct klog_engine *engine;
};

struct klog_producer {
	const struct klog_engine *engine;
};

struct klog_consumer {
	const struct klog_engine *engine;
};

struct klog_groups {
	const struct klog_engine *engine;
};

/* Each as the function of klog.h that has its name. */
struct klog_engine {
	struct klog *(*open)(const char *cluster,
		const struct klog_options *options, struct klog_err *err);
	void (*close)(struct klog *klog);

	int (*create)(const char *cluster, const struct klog_options *options,
		const char *topic, const struct klog_create *create,
		struct klog_err *err);
	int (*remove)(
		struct klog *klog, const char *topic, struct klog_err *err);
	int (*alter)(struct klog *klog, const char *topic,
		const struct klog_alter *alter, struct klog_err *err);
	int (*same)(struct klog *klog, const char *topic, const char *other,
		struct klog_err *err);
	int (*topics)(struct klog *klog, struct klog_topic_info **list,
		size_t *count, struct klog_err *err);
	int (*describe)(struct klog *klog, const char *topic,
		struct klog_partition_info **list, size_t *count,
		struct klog_err *err);
	int (*settings)(struct klog *klog, const char *topic,
		struct klog_setting **list, size_t *count,
		struct klog_err *err);

	struct klog_producer *(*producer_open)(struct klog *klog,
		const char *topic, const struct klog_produce *produce,
		struct klog_err *err);
	int (*put)(struct klog_producer *producer,
		const struct klog_record *records, size_t count, size_t *taken,
		struct klog_err *err);
	int (*flush)(struct klog_producer *producer, struct klog_err *err);
	int (*sync)(struct klog_producer *producer, struct klog_err *err);
	int64_t (*due_ms)(struct klog_producer *producer);
	int (*tick)(struct klog_producer *producer, struct klog_err *err);
	struct klog_produced (*count)(const struct klog_producer *producer);
	int (*producer_close)(
		struct klog_producer *producer, struct klog_err *err);
	void (*abandon)(struct klog_producer *producer);

	struct klog_consumer *(*consumer_open)(struct klog *klog,
		const struct klog_consume *consume, struct klog_err *err);
	int (*next)(struct klog_consumer *consumer, struct klog_run *run,
		struct klog_err *err);
	bool (*done)(const struct klog_consumer *consumer);
	int64_t (*consumer_due_ms)(const struct klog_consumer *consumer);
	int (*wait)(struct klog_consumer *consumer, int64_t timeout_ms,
		int hangup_fd, struct klog_err *err);
	void (*consumer_close)(struct klog_consumer *consumer);
	void (*took)(struct klog_consumer *consumer,
		const struct klog_position *position);
	void (*mark)(struct klog_consumer *consumer);
	int (*commit)(struct klog_consumer *consumer, struct klog_err *err);
	bool (*leaving)(const struct klog_consumer *consumer);
	void (*leave)(struct klog_consumer *consumer);

	int (*offset_at)(struct klog *klog, const char *topic,
		int32_t partition, struct klog_at at, int64_t *offset,
		int64_t *timestamp_ms, struct klog_err *err);

	struct klog_groups *(*groups_open)(struct klog *klog, const char *topic,
		const char *group, bool times, struct klog_err *err);
	int (*groups_next)(struct klog_groups *groups,
		struct klog_group_info *info, struct klog_err *err);
	void (*groups_close)(struct klog_groups *groups);
	int (*group_reset)(struct klog *klog, const char *group,
		struct klog_group_change *changes, size_t count, bool dry_run,
		size_t *wrong, struct klog_err *err);
};

/* The engine for directories. */
extern const struct klog_engine klog_engine_dir;

#endif
