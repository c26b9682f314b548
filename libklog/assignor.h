/*
 * Which member of a group gets which partition: a rule that each computes
 * alone from the live members, so that no coordinator is needed.  As Kafka's
 * RangeAssignor and RoundRobinAssignor.
 */
#ifndef KLOG_ASSIGNOR_H
#define KLOG_ASSIGNOR_H

#include "settings.h"

/*
 * Whether the member at `index` of `members`, 0 and up in the order of their
 * names, gets `partition` of a topic that has `partitions`.  roundrobin goes
 * on from topic to topic: `before` is how many partitions the group's topics
 * before this one have.
 */
bool klog_assigned(enum klog_strategy strategy, int32_t partition,
	int32_t partitions, int64_t before, size_t index, size_t members);

#endif
