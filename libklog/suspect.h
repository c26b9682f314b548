/*
 * F: a log about which a sync may have lied.  The one place that reads the
 * device past the cache.
 */
#ifndef KLOG_SUSPECT_H
#define KLOG_SUSPECT_H

#include "recover.h"

/*
 * Under the sync and the append byte, when the syncing mark is set (F): a
 * sync failed, or nobody can tell.  Syncs, and compares what the device has
 * with what the cache shows, from the recovery point on; cuts at the first
 * batch that differs, under a new leader epoch; saves.  KLOG_ECORRUPT, and
 * nothing is changed, where the log is not what the state says.
 */
int klog_suspect_settle(struct klog_log *log, const struct klog_recover *how,
	struct klog_err *err);

#endif
