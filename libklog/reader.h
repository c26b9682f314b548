/*
 * Reading one partition, without a lock, without a write: whole batches with
 * a good checksum, in offset order, each once (D1 to D7).  Works on klog's
 * partitions, on a Kafka's partition directory, and on a lone .log.
 */
#ifndef KLOG_READER_H
#define KLOG_READER_H

#include "segment.h"
#include "settings.h"
#include "state.h"

struct klog_reader {
	char path[300]; /* "access/0", for messages */
	const struct klog_say *say;
	int dir;      /* owned */
	int state_fd; /* -1: no `.klog` (D6) */
	bool has_state;
	bool trusted; /* the state is of today's stamp: its length counts */
	struct klog_state state;
	bool knows_today;
	struct klog_stamp today;
	int64_t only_base;     /* a lone .log: its base offset, else -1 */
	int64_t foreign_start; /* log start and recovery point that a */
	int64_t foreign_point; /* Kafka's checkpoints tell, or -1 */
	enum klog_reset reset; /* when the next offset is gone (D5) */
	bool synced;           /* nothing past the recovery point */
	bool alone;            /* its locks are the caller's */

	int64_t next;   /* offset to deliver next */
	int64_t stop;   /* exclusive */
	int64_t stable; /* what lies beyond is not decided yet */
	int32_t epoch;  /* newest leader epoch known */
	int64_t base;   /* of the open segment, -1 none */
	int fd;
	int64_t expected;   /* no batch of the segment begins before it */
	int32_t seen_epoch; /* of the batch before; epochs never fall */
	bool looked;        /* for the epoch of the batch that comes next */
	struct klog_scan scan;
	size_t chunk;
};

/*
 * Opens the partition in directory descriptor `dir`, which it takes over.
 * path is for messages; chunk is how many bytes to read at once (0: 512 KiB).
 */
int klog_reader_open(struct klog_reader *r, int dir, const char *path,
	const struct klog_say *say, size_t chunk, struct klog_err *err);
void klog_reader_close(struct klog_reader *r);

/* Closes the segment and its buffer; the next read opens it again. */
void klog_reader_park(struct klog_reader *r);

/* Gives back a buffer that grew beyond `keep` for a large batch, once that was
 * used up. */
void klog_reader_trim(struct klog_reader *r, size_t keep);

/* Looks at the state: a new leader epoch sends the reader back to where the
 * histories part (D3), in one line.  KLOG_EDELETED when the topic is gone. */
int klog_reader_look(struct klog_reader *r, struct klog_err *err);

/* Whether someone else holds this byte (lock.h) of the partition's lock. */
bool klog_reader_held(const struct klog_reader *r, int byte);

/* The log start offset, and the offset behind the last readable record. */
int64_t klog_reader_start(struct klog_reader *r, struct klog_err *err);
int64_t klog_reader_end(struct klog_reader *r, struct klog_err *err);

/* Reads on from `offset`. */
void klog_reader_seek(struct klog_reader *r, int64_t offset);

/*
 * 1 with the next batch that has records at or past `next`: scan.batch and
 * scan.bytes, good until the next call, and next is moved behind it.  Its
 * first records may lie before the `next` of before the call, which is
 * *from, its last ones at or past `stop`.  0 at the end, or at stop.
 */
int klog_reader_next(
	struct klog_reader *r, int64_t *from, struct klog_err *err);

#endif
