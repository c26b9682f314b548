/*
 * Records into batches, a batch per partition, and full ones to the writer;
 * a second thread seals and appends while the caller fills the next batch.
 * Implements the producer of engine.h on a directory.
 */
#ifndef KLOG_PRODUCER_H
#define KLOG_PRODUCER_H

#include "cluster.h"
#include "engine.h"

struct klog_producer *klog_dir_producer_open(struct klog_cluster *cluster,
	const char *topic, const struct klog_produce *produce,
	struct klog_err *err);
int klog_dir_producer_put(struct klog_producer *producer,
	const struct klog_record *records, size_t count, size_t *taken,
	struct klog_err *err);
int klog_dir_producer_flush(
	struct klog_producer *producer, struct klog_err *err);
int klog_dir_producer_sync(
	struct klog_producer *producer, struct klog_err *err);
int64_t klog_dir_producer_due_ms(struct klog_producer *producer);
int klog_dir_producer_tick(
	struct klog_producer *producer, struct klog_err *err);
struct klog_produced klog_dir_producer_count(
	const struct klog_producer *producer);
int klog_dir_producer_close(
	struct klog_producer *producer, struct klog_err *err);
void klog_dir_producer_abandon(struct klog_producer *producer);

#endif
