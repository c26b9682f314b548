/*
 * A file that is replaced whole, or stays what it was: whoever reads it sees
 * the old or the new one.  A tool that is killed leaves nothing of it beside
 * the file but, at worst, .NAME.new, which the next one takes away.  A link is
 * followed; a device or FIFO is written to, and stays.
 */
#ifndef REPLACE_H
#define REPLACE_H

#include <stdio.h>

#include "libklog/err.h"

struct replace {
	FILE *out;  /* what is written there becomes the file */
	char *path; /* where links lead to */
	int dir;
	char *temp;
	bool hidden; /* it has no name yet */
	bool direct; /* it is no regular file */
};

/* Begins; "-" is stdout.  After -1 there is nothing to end. */
int replace_begin(
	struct replace *replace, const char *path, struct klog_err *err);

/* Puts what was written in the file's place, durably, and frees in any case;
 * on -1 the file is what it was. */
int replace_end(struct replace *replace, struct klog_err *err);

#endif
