/* Settings as they are given on the command line: -X, and the options that
 * are short for one. */
#ifndef GIVEN_H
#define GIVEN_H

#include "libklog/err.h"

struct given {
	struct klog_setting *list; /* malloc'ed, as are its strings */
	size_t count;
	bool resets; /* set by the tool: KEY= is back to the default */
};

/* A key that is there already is refused: one thing said twice. */
int given_put(struct given *settings, const char *key, const char *value,
	struct klog_err *err);

/* "KEY=VALUE" */
int given_text(struct given *settings, const char *text, struct klog_err *err);

/* A file of KEY=VALUE lines; empty lines and those from '#' are passed over. */
int given_file(struct given *settings, const char *path, struct klog_err *err);

/* Whether all keys and values are good for `scope` (libklog/settings.h). */
int given_check(const struct given *settings, int scope, struct klog_err *err);

void given_free(struct given *settings);

#endif
