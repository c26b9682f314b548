/* What retention and compaction have to know of a partition's segments. */
#ifndef KLOG_FACTS_H
#define KLOG_FACTS_H

#include "lookup.h"
#include "retention.h"

/*
 * The segments as of the reader's last look, the oldest first; the last one was
 * active then, and its `next` is the log's end.
 * *facts, which is NULL or of an earlier call, is malloc'ed and the caller's.
 */
int klog_facts_find(struct klog_reader *reader,
	struct klog_segment_fact **facts, size_t *count, struct klog_err *err);

#endif
