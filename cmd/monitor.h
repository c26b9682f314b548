/* klog-offsets --check: a line and an exit status as monitoring plug-ins give
 * them, 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. */
#ifndef MONITOR_H
#define MONITOR_H

#include "offsets.h"

#define MONITOR_UNKNOWN "KLOG UNKNOWN - "

struct monitor {
	int64_t warn, crit; /* a lag above is one */
};

/* Prints the line; the status. */
int monitor_run(const struct offsets *o, const struct monitor *limits);

#endif
