/*
 * A file of entries, one after the other: an index, aborted transactions, a
 * snapshot's producers, leader epochs (klog.h, klog_dump_entry).
 */
#ifndef KLOG_LISTING_H
#define KLOG_LISTING_H

#include "checkpoint.h"
#include "entries.h"
#include "names.h"

struct klog_listing {
	const struct klog_entry_kind *kind; /* NULL: it is none of them */
	const char *label;                  /* for messages, borrowed */
	int fd;
	int64_t base; /* of its name */
	struct klog_entries entries;
	struct klog_epochs epochs;
	size_t epoch;
	int64_t left; /* of a snapshot's count */
	bool damaged; /* told at the end */
	struct klog_err why;
};

/* Opens `name` in a partition's directory; zeroed before but for fd, -1.
 * KLOG_ENOTFOUND when it is no file of these. */
int klog_listing_open(struct klog_listing *l, int dir, const char *name,
	const char *label, struct klog_err *err);
void klog_listing_close(struct klog_listing *l);

/* The names of the fields, and how many. */
size_t klog_listing_fields(
	const struct klog_listing *l, const char *const **names);

/* 1 with the next entry, 0 at the end, -1. */
int klog_listing_next(struct klog_listing *l, int64_t values[KLOG_FIELDS_MAX],
	struct klog_err *err);

#endif
