/*
 * The parts of klog-inspect: each looks at the operands in its own way, prints
 * it, and answers the exit status.
 */
#ifndef INSPECT_H
#define INSPECT_H

#include "args.h"
#include "cli.h"
#include "table.h"

struct inspect {
	struct cli *cli;
	struct klog *klog;
	const struct args_topic *topics;
	size_t count;
	bool json;
};

/* The topics of the cluster; partitions and settings of the operands. */
int inspect_topics(struct inspect *in);
int inspect_partitions(struct inspect *in);

/* --verify: of the operands, or of all topics. */
int inspect_verify(struct inspect *in);

/* A table's end: prints and frees it. */
int inspect_print(const struct inspect *in, struct table *table);

/* The worse of two exit statuses: damage, then failure. */
int inspect_worse(int a, int b);

#define INSPECT_COUNT(heads) (sizeof(heads) / sizeof((heads)[0]))

#endif
