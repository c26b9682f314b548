/* The grammar of arguments that several tools share: klog-args(7). */
#ifndef ARGS_H
#define ARGS_H

#include "libklog/bytes.h"

#define ARGS_PATH 4096
#define ARGS_LIST_MAX 65536 /* partitions that a LIST may name */

/* The cluster: what -C says, else KLOG_CLUSTER, else the user's default. */
int args_cluster(const char *given, char path[ARGS_PATH], struct klog_err *err);

/* Whether a default cluster other than `used` (root's, the user's, or of the
 * user behind sudo) has the topic; its place then is in `path`. */
bool args_elsewhere(const char *used, const char *topic, char path[ARGS_PATH]);

struct args_topic {
	char *name;        /* or a path with a slash; malloc'ed */
	int32_t partition; /* of TOPIC:PARTITION, else -1 */
};

/* TOPIC or TOPIC:PARTITION; anything with a slash is a path. */
int args_topic(
	const char *text, struct args_topic *topic, struct klog_err *err);

/* OFFSET, as a place to read from or to. */
int args_offset(const char *text, int64_t now_ms, struct klog_at *at,
	struct klog_err *err);

struct args_range {
	struct klog_at from;
	struct klog_at to;
	bool range; /* it was written with ".." */
};

/* OFFSET or FROM..TO, of which either may be empty. */
int args_range(const char *text, int64_t now_ms, struct args_range *range,
	struct klog_err *err);

struct args_list {
	int32_t *numbers; /* ascending, malloc'ed */
	size_t count;
};

/* LIST: "0,2,5-7"; a number said twice is refused. */
int args_list(const char *text, struct args_list *list, struct klog_err *err);
int args_list_add(struct args_list *list, int32_t n, struct klog_err *err);

/*
 * One character of text at *s, which moves on: itself, or what \n \t \r \0
 * \\ \xNN stand for.  Other escapes are refused.
 */
int args_char(const char **s, uint8_t *byte, struct klog_err *err);

/* DELIM: bytes with escapes, at least one; appended to *delim. */
int args_delim(const char *text, struct klog_buf *delim, struct klog_err *err);

/* Settings as -X and the options that are short for one give them. */
struct args_settings {
	struct klog_setting *list; /* malloc'ed, as are its strings */
	size_t count;
};

/* A key that is there already is refused: one thing said twice. */
int args_setting(struct args_settings *settings, const char *key,
	const char *value, struct klog_err *err);

/* "KEY=VALUE" */
int args_setting_text(
	struct args_settings *settings, const char *text, struct klog_err *err);

/* A file of KEY=VALUE lines; empty lines and those from '#' are passed over. */
int args_setting_file(
	struct args_settings *settings, const char *path, struct klog_err *err);

/* Whether all keys and values are good for `scope` (libklog/settings.h). */
int args_settings_check(
	const struct args_settings *settings, int scope, struct klog_err *err);

void args_settings_free(struct args_settings *settings);

#endif
