/* The groups of a topic: their committed offsets, and what is written down of
 * changes by hand. */
#ifndef KLOG_VERIFY_GROUPS_H
#define KLOG_VERIFY_GROUPS_H

#include "findings.h"
#include "topic.h"

/* Finds what is wrong with the files of all groups, each by its name below the
 * topic, with a '/' in front.  0, or -1 when one could not be read. */
int klog_verify_groups(const struct klog_topic *topic,
	struct klog_findings *out, struct klog_err *err);

#endif
