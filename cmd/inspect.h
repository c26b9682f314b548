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

/* --repair: what was done about each finding, or would be. */
int inspect_repair(struct inspect *in, bool dry_run);

/* --segments, --batches, --records; whether a path is a file that has only
 * entries, which are shown at any depth. */
enum inspect_depth { INSPECT_SEGMENTS, INSPECT_BATCHES, INSPECT_RECORDS };
int inspect_dump(struct inspect *in, enum inspect_depth depth);
bool inspect_is_entries(const struct inspect *in, const char *path);

/* --timeline: records and bytes over time, drawn. */
int inspect_timeline(struct inspect *in);

/* --bytes: the batch that holds the offset. */
int inspect_bytes(struct inspect *in, int64_t offset);

/* A text of several words: in a column they are joined. */
void inspect_add_words(struct table *table, const char *text);

/* A table's end: prints and frees it. */
int inspect_print(const struct inspect *in, struct table *table);

#endif
