/*
 * Deleting topics (M4): under the metadata lock every partition is marked as
 * deleted, which ends its writers and followers, then one rename takes the
 * topic away, then its files go.  Killed in between, whoever finds the mark
 * or the hidden directory finishes.
 */
#ifndef KLOG_DELETE_H
#define KLOG_DELETE_H

#include "topic.h"

/* Deletes a topic (klog.h, klog_topic_delete). */
int klog_topic_remove(struct klog_cluster *cluster, const char *operand,
	struct klog_err *err);

/* Finishes the delete of a topic whose mark was found by who has it open and
 * no lock.  What fails is left to the next. */
void klog_topic_finish(
	const struct klog_topic *topic, const struct klog_cluster *like);

/* The same by name, under the metadata lock: 1 it was marked and is gone, 0
 * it is not marked, -1. */
int klog_topic_finish_in(
	struct klog_cluster *cluster, const char *name, struct klog_err *err);

#endif
