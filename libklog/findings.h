/* What is wrong with a partition: damaged ranges of its files, gathered before
 * they are told, so that what was no damage after all can be taken back. */
#ifndef KLOG_FINDINGS_H
#define KLOG_FINDINGS_H

#include "err.h"
#include "names.h"

#define KLOG_FINDING_TEXT 200

struct klog_found {
	enum klog_severity severity;
	char file[256]; /* its name in the partition's directory, or above */
	int64_t position, size;
	int64_t offset; /* -1: none */
	bool doubtful;  /* perhaps it is the .log that is wrong */
	char what[KLOG_FINDING_TEXT];
};

struct klog_findings {
	struct klog_found *list;
	size_t count;
	int64_t more; /* for which the last one stands */
};

/*
 * Adds one; a range of an index that begins where the last one ended is the
 * same finding.  Beyond a few thousand one says how many more there are.  -1:
 * no memory.
 */
int klog_findings_add(struct klog_findings *f, enum klog_severity severity,
	const char *file, int64_t position, int64_t size, int64_t offset,
	struct klog_err *err, const char *fmt, ...)
	__attribute__((format(printf, 8, 9)));

/* Takes back those from number `count` on. */
void klog_findings_cut(struct klog_findings *f, size_t count);
void klog_findings_free(struct klog_findings *f);

#endif
