/* klog-offsets: setting what a group has committed. */
#ifndef RESET_H
#define RESET_H

#include "offsets.h"

/* One for each option. */
enum reset_kind {
	RESET_NOTHING,
	RESET_TO,
	RESET_SHIFT,
	RESET_FROM_FILE,
	RESET_UNDO,
	RESET_DELETE
};

struct reset {
	enum reset_kind kind;
	struct klog_at at; /* of RESET_TO, unset: what is committed already; of
			      RESET_SHIFT the value */
	const char *file;  /* of RESET_FROM_FILE */
	bool dry_run;
	bool json;
};

/* OFFSET of --reset, and N of --shift, with a sign or without. */
int reset_parse(const char *text, struct reset *reset, struct klog_err *err);
int reset_parse_shift(
	const char *text, struct reset *reset, struct klog_err *err);

/* Does it, and prints what was or, in a dry run, would be set; the exit
 * status. */
int reset_run(const struct offsets *o, const struct reset *reset);

#endif
