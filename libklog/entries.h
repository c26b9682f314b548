/*
 * The entries of a file that is nothing but entries of one width, one after
 * the other: indexes, aborted transactions, a snapshot's producers.  A page
 * is in memory, however large the file is.
 */
#ifndef KLOG_ENTRIES_H
#define KLOG_ENTRIES_H

#include "bytes.h"
#include "err.h"

#define KLOG_TXN_ENTRY 34
#define KLOG_SNAPSHOT_HEAD 10
#define KLOG_SNAPSHOT_ENTRY 46

struct klog_entries {
	int fd;             /* borrowed; -1: there are none */
	int width;          /* of an entry */
	int64_t from, size; /* where they begin; the file's size as opened */
	int64_t at;         /* position of the next entry */
	const char *name;   /* for messages, borrowed */
	size_t got;
	int64_t page_at;
	uint8_t page[4096];
};

/* Begins at byte `from`; -1 when the file's size cannot be told. */
int klog_entries_open(struct klog_entries *e, int fd, int width, int64_t from,
	const char *name, struct klog_err *err);

/* The next whole entry, `at` behind it: 1 and its bytes, good until the next
 * call, 0, -1.  Peek answers the same, and stays. */
int klog_entries_next(
	struct klog_entries *e, const uint8_t **entry, struct klog_err *err);
int klog_entries_peek(
	struct klog_entries *e, const uint8_t **entry, struct klog_err *err);

#endif
