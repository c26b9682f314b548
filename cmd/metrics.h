/* klog-offsets --prometheus: the text exposition format, for node_exporter's
 * textfile collector. */
#ifndef METRICS_H
#define METRICS_H

#include "offsets.h"

/* Prints, or with `output` replaces that file, whole or not at all; the exit
 * status.  What cannot be read is said, and left out. */
int metrics_run(const struct offsets *o, const char *output);

#endif
