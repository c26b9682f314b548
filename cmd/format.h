/*
 * FORMAT of klog-consume -F: kcat's tokens, and those of rpk that do not
 * clash with them.  Parsed once, then put for each record.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include "libklog/bytes.h"
#include "libklog/err.h"

struct format_part {
	char token;  /* of "%s", or 0: the text itself */
	size_t text; /* where in format.text: the bytes, or strftime's form */
	size_t size;
};

struct format {
	struct format_part *parts;
	size_t count;
	struct klog_buf text;
	bool show_null; /* -Z: a null prints as NULL */
};

/* What a record does not know of itself. */
struct format_place {
	const char *topic;
	int32_t partition;
	int32_t leader_epoch;
	int64_t ordinal; /* of the record in this run, from 1 */
};

int format_parse(struct format *format, const char *text, struct klog_err *err);

/* Appends one record; 0 or -1 (out of memory, malformed headers). */
int format_put(const struct format *format, struct klog_buf *out,
	const struct format_place *place, const struct klog_record *rec,
	struct klog_err *err);

void format_free(struct format *format);

#endif
