/* klog-clean's report: what was decided of each segment. */
#ifndef KLOG_REPORT_H
#define KLOG_REPORT_H

#include "klog.h"
#include "retention.h"

/* Copies all of it; `group` may be NULL. */
int klog_report_add(struct klog_clean_report *report, const char *topic,
	int32_t partition, const struct klog_segment_fact *fact,
	const char *action, const char *rule, const char *group,
	struct klog_err *err);

/* The line of a segment, or NULL; good until the next klog_report_add. */
struct klog_clean_segment *klog_report_find(
	const struct klog_clean_report *report, const char *topic,
	int32_t partition, int64_t base);

#endif
