/*
 * The two indexes beside a .log, Kafka's format: sorted entries of fixed
 * width, big-endian, relative to the segment's base offset.
 *
 *	.index      8 bytes: last offset of a batch, its first byte's position
 *	.timeindex 12 bytes: a timestamp, the last offset of the first batch
 *	           that has it; every newer record lies behind
 *
 * An index is a hint (D4): a reader checks what it finds there, and scans if
 * it does not hold.  Entries end at the file's end or, in a live Kafka's
 * preallocated file, at the first zero entry after the first.
 */
#ifndef KLOG_INDEX_H
#define KLOG_INDEX_H

#include "err.h"

#define KLOG_INDEX_ENTRY 8
#define KLOG_TIME_ENTRY 12

/* Writes entry `at` (from 0). */
int klog_index_put(int fd, uint32_t at, int64_t base, int64_t offset,
	int64_t position, struct klog_err *err);
int klog_timeindex_put(int fd, uint32_t at, int64_t base, int64_t timestamp_ms,
	int64_t offset, struct klog_err *err);

/*
 * The position of the last indexed batch whose last offset is at most
 * `offset`, and that offset; position 0 and offset -1 when there is none or
 * the index cannot be read (fd -1 included).
 */
void klog_index_find(int fd, int64_t base, int64_t offset, int64_t *position,
	int64_t *found);

/* The same by position: the last entry at or below `position`. */
void klog_index_find_position(int fd, int64_t base, int64_t position,
	int64_t *found_position, int64_t *found_offset);

/* How many entries lie below an offset or, in the offset index, a position:
 * what a cut leaves. */
uint32_t klog_index_count_below(int fd, int64_t position);
uint32_t klog_timeindex_count_below(int fd, int64_t base, int64_t offset);

/*
 * The last time entry with a timestamp below `timestamp_ms`: everything up to
 * and with its offset is older.  False when there is none.
 */
bool klog_timeindex_find(int fd, int64_t base, int64_t timestamp_ms,
	int64_t *found_ms, int64_t *offset);

/* Entry `at`, from 0: false when there is none. */
bool klog_timeindex_get(int fd, uint32_t at, int64_t base,
	int64_t *timestamp_ms, int64_t *offset);

/* The newest entry: false when the time index is empty or unreadable. */
bool klog_timeindex_last(
	int fd, int64_t base, int64_t *timestamp_ms, int64_t *offset);

#endif
