/* Where the cluster is: -C, KLOG_CLUSTER, or a default of root or the user. */
#ifndef PLACE_H
#define PLACE_H

#include "libklog/err.h"

#define PLACE_SIZE 4096

/* The cluster: what -C says, else KLOG_CLUSTER, else the user's default. */
int place_cluster(
	const char *given, char path[PLACE_SIZE], struct klog_err *err);

/* Whether a default cluster other than `used` (root's, the user's, or of the
 * user behind sudo) has the topic; its place then is in `path`. */
bool place_elsewhere(
	const char *used, const char *topic, char path[PLACE_SIZE]);

#endif
