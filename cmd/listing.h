/* klog-offsets: the listings. */
#ifndef LISTING_H
#define LISTING_H

#include "offsets.h"

enum listing { LISTING_LOGS, LISTING_PLACES, LISTING_GROUPS, LISTING_COMMITS };

/* Prints one; `at` is the place of LISTING_PLACES.  The exit status. */
int listing_run(const struct offsets *o, enum listing what, struct klog_at at,
	bool json);

#endif
