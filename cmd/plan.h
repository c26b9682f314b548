/*
 * A file of offsets, as kafka-consumer-groups --export writes and --from-file
 * reads it: `topic,partition,offset` a line, or with the group before that.
 */
#ifndef PLAN_H
#define PLAN_H

#include "offsets.h"

struct plan {
	struct klog_group_change *list; /* of them the topics are malloc'ed */
	size_t *lines;                  /* where each stands, from 1 */
	size_t count;
	size_t others; /* lines of other groups, and of topics not named */
};

/* Reads a file, "-" is stdin, as far as it is about the group and the topics
 * that were named.  KLOG_EINVALID names the line. */
int plan_read(struct plan *plan, const char *file, const struct offsets *o,
	struct klog_err *err);

/* Two lines about one partition: -1, naming the second. */
int plan_check(const struct plan *plan, const char *file, struct klog_err *err);
void plan_free(struct plan *plan);

/* A line of such a file. */
void plan_print(const struct klog_group_change *change);

#endif
