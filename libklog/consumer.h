/*
 * The partitions of one or more topics as runs of records, a batch of each
 * in turn, or merged by timestamp; bounded by offsets, times and counts, or
 * following; alone, or as a member of a group.  Implements the consumer of
 * engine.h on a directory.
 */
#ifndef KLOG_CONSUMER_H
#define KLOG_CONSUMER_H

#include "cluster.h"
#include "engine.h"

struct klog_consumer *klog_dir_consumer_open(struct klog_cluster *cluster,
	const struct klog_consume *consume, struct klog_err *err);
int klog_dir_consumer_next(struct klog_consumer *consumer, struct klog_run *run,
	struct klog_err *err);
bool klog_dir_consumer_done(const struct klog_consumer *consumer);
int64_t klog_dir_consumer_due_ms(const struct klog_consumer *consumer);
int klog_dir_consumer_wait(struct klog_consumer *consumer, int64_t timeout_ms,
	int hangup_fd, struct klog_err *err);
void klog_dir_consumer_close(struct klog_consumer *consumer);
void klog_dir_consumer_took(
	struct klog_consumer *consumer, const struct klog_position *position);
void klog_dir_consumer_mark(struct klog_consumer *consumer);
int klog_dir_consumer_commit(
	struct klog_consumer *consumer, struct klog_err *err);
bool klog_dir_consumer_leaving(const struct klog_consumer *consumer);
void klog_dir_consumer_leave(struct klog_consumer *consumer);

#endif
