/* Legal names, and the names of segment files. */
#ifndef KLOG_NAMES_H
#define KLOG_NAMES_H

#include "err.h"

#define KLOG_TOPIC_MAX 249 /* bytes of a topic name */

/* Directories in a cluster that are no topics. */
#define KLOG_NEW_TOPIC ".new-topic"     /* being made */
#define KLOG_DELETED_PREFIX ".deleted-" /* NAME-ID: on its way out */

/*
 * Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], not "." or ".."; and none of the
 * names above, which Kafka would take.  0, or -1 KLOG_EUSAGE naming the rule
 * that is broken and the name, made printable.
 */
int klog_topic_name_check(const char *name, struct klog_err *err);

/* The same rule for a consumer group, which is a directory in its topics;
 * Kafka takes any text. */
int klog_group_name_check(const char *name, struct klog_err *err);

/* Whether two names collide in Kafka: equal once every '.' is a '_'. */
bool klog_topic_names_collide(const char *a, const char *b);

#define KLOG_PARTITIONS_MAX 10000 /* of a topic, numbered from 0 */

/* The number of a partition, as the name of its directory or of a group's file
 * has it; -1: it is none. */
int32_t klog_partition_number(const char *name);

/* Kafka's "orders-3" as topic and partition, split at the last '-'; false when
 * it is none.  *topic_size bytes of the name are the topic. */
bool klog_partition_name(
	const char *name, size_t *topic_size, int32_t *partition);

/* "00000000000000000042.log": 20 digits and a suffix such as ".log". */
#define KLOG_FILE_NAME 64
void klog_file_name(
	char name[KLOG_FILE_NAME], int64_t base_offset, const char *suffix);

/* The offset in a name of 20 digits and exactly this suffix; -1 if not. */
int64_t klog_file_base(const char *name, const char *suffix);

/* A plain decimal of 0 to max without sign or leading zeros; -1 if not. */
int64_t klog_number(const char *text, int64_t max);

/* Copies text with control and non-ASCII bytes as \xNN, cut to size. */
char *klog_printable(char *out, size_t size, const char *text);

#endif
