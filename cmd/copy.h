/* Records of a consumer to stdout: so many, until the end, or as they come. */
#ifndef COPY_H
#define COPY_H

#include "print.h"

struct copy {
	struct print print;
	int64_t count;   /* end after so many; -1: no bound */
	int64_t idle_ms; /* end when nothing came for so long; -1: never */
};

/* 0 at the end, -1 with *err; what was printed may still be in *out. */
int copy_records(struct copy *copy, struct klog_consumer *in,
	struct output *out, struct klog_err *err);

#endif
