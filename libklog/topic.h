/*
 * A topic: its directory, its config, its partitions.  Reading tools also take
 * a topic of a Kafka's log directory, a partition's directory or a lone .log.
 */
#ifndef KLOG_TOPIC_H
#define KLOG_TOPIC_H

#include "cluster.h"
#include "reader.h"

enum klog_topic_kind {
	KLOG_TOPIC,         /* a directory with topic.yaml */
	KLOG_KAFKA_TOPIC,   /* TOPIC-N directories, in the cluster's */
	KLOG_PARTITION_DIR, /* a directory with *.log */
	KLOG_LOG_FILE
};

struct klog_topic {
	enum klog_topic_kind kind;
	char name[256];  /* as records show it */
	char path[4096]; /* where it is */
	char label[256]; /* for messages: the name, or the path's end */
	int dir;         /* its own; of KLOG_KAFKA_TOPIC the cluster's */
	struct klog_topic_config config; /* of KLOG_TOPIC */
	int32_t *numbers;                /* of KLOG_KAFKA_TOPIC, ascending */
	int32_t number_count;
	int32_t partition; /* of the two other kinds */
	int64_t base;      /* of KLOG_LOG_FILE */
};

/*
 * Finds a topic by name, or, when the operand holds a slash, by path; with
 * `write` only a topic will do.  KLOG_EUSAGE for an illegal name,
 * KLOG_ENOTFOUND names the cluster.  The config is not read.
 */
int klog_topic_find(struct klog_topic *topic, struct klog_cluster *cluster,
	const char *operand, bool write, struct klog_err *err);

/*
 * The partition's directory that a path leads to: of one of its files, whose
 * name then is in `file`, or a directory that is named as a Kafka's partition
 * and has no segment; file[0] is NUL then.  KLOG_ENOTFOUND for all others,
 * which klog_topic_find knows.
 */
int klog_topic_find_file(struct klog_topic *topic, const char *path,
	char file[256], struct klog_err *err);

/* Finds a topic, and reads topic.yaml. */
int klog_topic_open(struct klog_topic *topic, struct klog_cluster *cluster,
	const char *operand, bool write, struct klog_err *err);
void klog_topic_close(struct klog_topic *topic);

/* Whether both are one directory, under whatever names. */
bool klog_topic_is_same(
	const struct klog_topic *topic, const struct klog_topic *other);

/* Reads topic.yaml anew.  KLOG_EDELETED when the path leads to another topic
 * or to none. */
int klog_topic_reload(struct klog_topic *topic, struct klog_err *err);

/* Whether the path still leads to the open directory (K4): 0, or -1
 * KLOG_EDELETED. */
int klog_topic_still_there(
	const struct klog_topic *topic, struct klog_err *err);

/* Opens a reader on a partition; chunk as in klog_reader_open. */
int klog_topic_reader(struct klog_topic *topic, int32_t partition,
	const struct klog_say *say, size_t chunk, struct klog_reader *reader,
	struct klog_err *err);

/* How many partitions, the number of the i-th, and whether one of this number
 * is there: a broker need not have all of a topic. */
int32_t klog_topic_partitions(const struct klog_topic *topic);
int32_t klog_topic_number(const struct klog_topic *topic, int32_t i);
bool klog_topic_has(const struct klog_topic *topic, int32_t partition);

/* 0 when it is there, or -1 (all of them) was asked for; else -1
 * KLOG_ENOTFOUND. */
int klog_topic_need(const struct klog_topic *topic, int32_t partition,
	struct klog_err *err);

/* What a partition without a directory is, as an error: -1. */
int klog_topic_lacks(const struct klog_topic *topic, int32_t partition,
	struct klog_err *err);

/* Reads topic.yaml into *config, not into the topic. */
int klog_topic_read_config(const struct klog_topic *topic,
	struct klog_topic_config *config, struct klog_err *err);

/* topic.yaml as it stands, and what a text in its place would mean. */
int klog_topic_text(const struct klog_topic *topic, struct klog_buf *text,
	struct klog_err *err);
int klog_topic_parse(const struct klog_topic *topic, struct klog_slice text,
	struct klog_topic_config *config, struct klog_err *err);

#endif
