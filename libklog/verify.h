/*
 * Everything of a topic, a partition or a file is looked at, partition after
 * partition and segment after segment, and what is wrong is told: klog.h,
 * klog_verify_*.
 */
#ifndef KLOG_VERIFY_H
#define KLOG_VERIFY_H

#include "survey.h"
#include "sweep.h"
#include "topic.h"

struct klog_verify {
	struct klog_topic t;
	struct klog_say say;
	int32_t asked;  /* the one partition, or -1 */
	char only[256]; /* the one file, or "" */
	bool config_read;

	int32_t i; /* the partition: its place in the topic */
	bool open; /* it is begun */
	struct klog_reader r;
	struct klog_sweep sweep;
	struct klog_epochs epochs;
	struct klog_bases bases;
	size_t segment; /* the next one */

	struct klog_findings out;
	size_t told;
	char path[300]; /* the partition, as messages name it */
	char file[KLOG_ERR_TEXT];
};

/* klog_verify_open (klog.h) of what is in a directory. */
struct klog_verify *klog_dir_verify_open(struct klog_cluster *cluster,
	const char *operand, int32_t partition, struct klog_err *err);

/*
 * What klog-inspect --repair goes by: begins to look at one partition of a
 * topic, which stays the caller's; its directory is open as `dir`, which is
 * taken over.  `alone`: the caller has all bytes of its lock.  Also after -1
 * klog_verify_done is due.
 */
int klog_verify_begin(struct klog_verify *v, const struct klog_topic *t,
	int dir, const char *path, bool alone, struct klog_err *err);

/* Begins to look at a topic's groups, and at nothing else. */
int klog_verify_begin_groups(struct klog_verify *v, const struct klog_topic *t,
	struct klog_err *err);

/* 1 with the next finding, good until the next call, 0 that was all, -1. */
int klog_verify_found(
	struct klog_verify *v, struct klog_found **found, struct klog_err *err);
void klog_verify_done(struct klog_verify *v);

#endif
