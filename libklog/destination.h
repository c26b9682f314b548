/*
 * Where a change of what a group has committed leads.  It looks at the log as
 * a reader does, and needs no lock.
 */
#ifndef KLOG_DESTINATION_H
#define KLOG_DESTINATION_H

#include "lookup.h"
#include "topic.h"

/*
 * Fills in change->to, -1 where there is no commit or is to be none, and the
 * leader epoch of the record before it, -1 where nothing says.  What lies
 * outside of the log becomes its start or end, which is said, of `label`.
 * change->from is what is committed; where the offset file is damaged, what
 * counts from there is KLOG_ECORRUPT.
 */
int klog_destination_find(struct klog_topic *topic,
	struct klog_group_change *change, bool damaged,
	struct klog_decoder *decoder, const struct klog_say *say,
	const char *label, int32_t *epoch, struct klog_err *err);

#endif
