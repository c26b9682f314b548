#include "assignor.h"

bool
klog_assigned(enum klog_strategy strategy, int32_t partition,
	int32_t partitions, int64_t before, size_t index, size_t members)
{
	int64_t n = (int64_t)members, i = (int64_t)index;
	int64_t each, more, first;

	if (strategy == KLOG_ROUNDROBIN)
		return (before + partition) % n == i;
	each = partitions / n;
	more = partitions % n; /* the first ones get one more */
	first = each * i + (i < more ? i : more);
	return partition >= first && partition < first + each + (i < more);
}
