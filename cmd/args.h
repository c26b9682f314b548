/* The grammar of arguments that several tools share: klog-args(7). */
#ifndef ARGS_H
#define ARGS_H

#include "libklog/bytes.h"

#define ARGS_LIST_MAX 65536 /* partitions that a LIST may name */

struct args_topic {
	char *name;        /* or a path with a slash; malloc'ed */
	int32_t partition; /* of TOPIC:PARTITION, else -1 */
};

/* TOPIC or TOPIC:PARTITION; anything with a slash is a path. */
int args_topic(
	const char *text, struct args_topic *topic, struct klog_err *err);

/*
 * All operands, each for itself; a topic, or a partition of it, that is said
 * twice is refused.  *paths_only: none needs a cluster.  The list is the
 * caller's, and freed by args_topic_list_free.
 */
int args_topic_list(char *const *operands, size_t count,
	struct args_topic **list, bool *paths_only, struct klog_err *err);
void args_topic_list_free(struct args_topic *list, size_t count);

/* OFFSET, as a place to read from or to. */
int args_offset(const char *text, int64_t now_ms, struct klog_at *at,
	struct klog_err *err);

struct args_range {
	struct klog_at from;
	struct klog_at to;
	bool range; /* it was written with ".." */
};

/* OFFSET or FROM..TO, of which either may be empty. */
int args_range(const char *text, int64_t now_ms, struct args_range *range,
	struct klog_err *err);

struct args_list {
	int32_t *numbers; /* ascending, malloc'ed */
	size_t count;
};

/* LIST: "0,2,5-7"; a number said twice is refused. */
int args_list(const char *text, struct args_list *list, struct klog_err *err);
int args_list_add(struct args_list *list, int32_t n, struct klog_err *err);

/* The topics to read, and the partitions that TOPIC:PARTITION names. */
struct args_topics {
	char **names; /* malloc'ed, as are the strings */
	size_t count;
	struct args_list partitions; /* empty: none was named */
	bool paths_only;             /* no operand needs a cluster */
};

/*
 * One more operand.  A topic said twice is refused, as is TOPIC:PARTITION
 * beside another topic: a reader takes the same partitions of each.
 */
int args_topics_add(
	struct args_topics *topics, const char *text, struct klog_err *err);

/* All operands, of which there must be one: whole topics, not partitions. */
int args_whole_topics(struct args_topics *topics, char *const *operands,
	int count, struct klog_err *err);
void args_topics_free(struct args_topics *topics);

/*
 * One character of text at *s, which moves on: itself, or what \n \t \r \0
 * \\ \xNN stand for.  Other escapes are refused.
 */
int args_char(const char **s, uint8_t *byte, struct klog_err *err);

/* DELIM: bytes with escapes, at least one; appended to *delim. */
int args_delim(const char *text, struct klog_buf *delim, struct klog_err *err);

/* NAME=VALUE, appended to *headers in Kafka's encoding. */
int args_header(
	const char *text, struct klog_buf *headers, struct klog_err *err);

#endif
