/*
 * Segments: files named by the base offset, 20 digits, and a scan that takes
 * whole batches off a .log.  Nothing here is written.
 */
#ifndef KLOG_SEGMENT_H
#define KLOG_SEGMENT_H

#include "batch.h"
#include "names.h"

/* The base offsets of the .log files in a directory, ascending. */
struct klog_bases {
	int64_t *base;
	size_t count;
};
int klog_segment_list(int dir, struct klog_bases *bases, struct klog_err *err);
void klog_bases_free(struct klog_bases *bases);

/*
 * The same for who reads: with segments that stand in for others and have not
 * their own name yet (.log.swap), unless one that was not finished (.cleaned)
 * says that they do not count, as Kafka's LogLoader has it.  What they stand
 * for may still be there, too.
 */
#define KLOG_SWAP ".swap"
int klog_segment_list_all(
	int dir, struct klog_bases *bases, struct klog_err *err);

/* Whether there is any. */
bool klog_segment_any(int dir);

/* The index of the segment that holds `offset`: the last base at or below
 * it, or 0 when all lie above.  count must not be 0. */
size_t klog_bases_find(const struct klog_bases *bases, int64_t offset);

/* Opens a .log for reading, or where it is missing the .log.swap. */
int klog_segment_open_log(int dir, int64_t base, struct klog_err *err);

/* Opens the segment's file with this suffix (".log", ".index" ...), which must
 * be there; of an index -1 is no failure but "no hint". */
int klog_segment_open(int dir, int64_t base, const char *suffix, int flags,
	struct klog_err *err);

/*
 * A scan over a .log.  Set up by klog_scan_init; between calls `position` is
 * that of the next batch.
 */
struct klog_scan {
	char name[KLOG_FILE_NAME]; /* for messages; "" is ".log" */
	int fd;                    /* borrowed */
	int64_t position;
	size_t chunk;        /* bytes read at once */
	bool old_formats;    /* those are taken, too: a Kafka's */
	struct klog_buf buf; /* bytes of the file from buf_at on */
	int64_t buf_at;
	struct klog_batch batch; /* the one just taken ... */
	struct klog_slice bytes; /* ... whole, in buf until the next call */
};

enum klog_scan_result {
	KLOG_SCAN_END = 0,   /* exactly at the end of the file */
	KLOG_SCAN_BATCH = 1, /* a whole batch with a good checksum */
	KLOG_SCAN_SHORT = 2, /* the file ends inside a batch */
	KLOG_SCAN_BAD = 3    /* the bytes are there and are no good batch */
};

/* Keeps the buffer of an earlier scan; chunk 0: 512 KiB. */
void klog_scan_init(
	struct klog_scan *scan, int fd, int64_t position, size_t chunk);
void klog_scan_free(struct klog_scan *scan);

/* Messages name the segment from now on. */
void klog_scan_name(struct klog_scan *scan, int64_t base);

/* Forgets what is buffered, so that the next call reads the file anew. */
void klog_scan_forget(struct klog_scan *scan);

/*
 * Takes the next batch; position moves past it only with KLOG_SCAN_BATCH.
 * *err tells the reason with SHORT and BAD, too; -1 is a failed read.
 */
int klog_scan_next(struct klog_scan *scan, struct klog_err *err);

/*
 * The same by the header alone, for those who pass over many batches: the
 * checksum is not looked at, and `bytes` is not set.
 */
int klog_scan_header(struct klog_scan *scan, struct klog_err *err);

/* The header of the batch at `position`, into *next; scan->batch and position
 * stay, scan->bytes does not.  Answers as klog_scan_header, but that the batch
 * need not be whole. */
int klog_scan_peek(
	struct klog_scan *scan, struct klog_batch *next, struct klog_err *err);

/* Reads the batch at `position` anew, and stays there. */
int klog_scan_look_again(struct klog_scan *scan, struct klog_err *err);

/* Whether any whole, clean batch begins in the file after `position`, up to
 * `window` bytes on: what tells damage from a torn end.  1, 0, -1. */
int klog_scan_batch_follows(
	struct klog_scan *scan, int64_t window, struct klog_err *err);

#endif
