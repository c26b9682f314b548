/* How klog-consume prints a record: its value and a delimiter, a key in front
 * of it, as FORMAT says, or as JSON. */
#ifndef PRINT_H
#define PRINT_H

#include "format.h"
#include "output.h"

struct print {
	struct format format;      /* empty: not given */
	bool json;                 /* -J */
	struct klog_buf delim;     /* behind each record */
	struct klog_buf key_delim; /* empty: no keys */
	int64_t count;             /* records printed */
};

/* Prints the first `count` records of a run. */
int print_run(struct print *print, struct output *out,
	const struct klog_run *run, size_t count, struct klog_err *err);

void print_free(struct print *print);

#endif
