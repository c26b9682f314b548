/*
 * What lies beside the segments of a partition: `.klog`, the leader epochs,
 * producer snapshots, names that Kafka would stumble over, and what an
 * interrupted operation left.  Looked at only.
 */
#ifndef KLOG_SURVEY_H
#define KLOG_SURVEY_H

#include "checkpoint.h"
#include "config.h"
#include "findings.h"
#include "reader.h"

/* Both slots of `.klog`, and that it is of this topic; config NULL: not known.
 * `must`: a partition of klog's, which has one. */
int klog_survey_state(struct klog_reader *r, bool must,
	const struct klog_topic_config *config, struct klog_findings *out,
	struct klog_err *err);

/* Reads leader-epoch-checkpoint, so long; *good when batches can be held
 * against it. */
int klog_survey_epochs(struct klog_reader *r, struct klog_epochs *epochs,
	int64_t *size, bool *good, struct klog_findings *out,
	struct klog_err *err);

/* Every other name in the directory; `bases` are the segments, of which none
 * is needed below `start`.  A snapshot that is not whole is looked at again
 * after pause_us. */
int klog_survey_names(struct klog_reader *r, const struct klog_bases *bases,
	int64_t start, unsigned pause_us, struct klog_findings *out,
	struct klog_err *err);

#endif
