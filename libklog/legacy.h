/*
 * Messages of the formats 0 and 1, which Kafka wrote before 0.11; klog only
 * reads them.  A message holds one record, or is a wrapper: its value is then
 * a compressed set of messages, and its offset that of the last of them.  A
 * message stands where a batch does, so batch.h covers both.  Source: Kafka's
 * LegacyRecord and AbstractLegacyRecordBatch.
 */
#ifndef KLOG_LEGACY_H
#define KLOG_LEGACY_H

#include "compression.h"

/* What comes before the key. */
struct klog_legacy {
	int64_t offset;
	uint32_t size; /* whole message: size field + 12 */
	uint32_t crc;
	int8_t magic;
	enum klog_codec codec; /* not KLOG_CODEC_NONE: a wrapper */
	bool log_append_time;
	int64_t timestamp_ms; /* -1 in format 0, which has none */
};

/* How many bytes klog_legacy_parse needs; magic is 0 or 1. */
size_t klog_legacy_header_size(int magic);

/*
 * Decodes the front of a message.  -1 KLOG_ECORRUPT with words when a field
 * cannot be: a size below the minimum, magic other than 0 and 1, a negative
 * offset, a codec that these formats do not have (zstd).
 */
int klog_legacy_parse(
	struct klog_slice in, struct klog_legacy *m, struct klog_err *err);

/* Whether the message in front of `bytes`, so long, has this checksum. */
bool klog_legacy_check(uint32_t size, uint32_t crc, struct klog_slice bytes);

/* Walks the records of a whole, checked message. */
struct klog_legacy_iter {
	struct klog_slice rest;     /* messages */
	bool wrapped;               /* they were in a wrapper */
	int64_t base_offset;        /* their offsets count from it */
	int64_t log_append_time_ms; /* of the wrapper; -1: CreateTime */
	int64_t last_offset;        /* none may lie past it */
	int64_t previous_offset;    /* offsets must ascend */
};

/*
 * Begins; no record may lie before the offset `least`.  A wrapper is
 * decompressed into *scratch (its old content goes), at most `limit` bytes;
 * the records then point into it, else into `bytes`.
 */
int klog_legacy_open(struct klog_slice bytes, int64_t least,
	struct klog_compressor *c, size_t limit, struct klog_buf *scratch,
	struct klog_legacy_iter *it, struct klog_err *err);

/*
 * 1 with the next record as klog_batch_next fills it; 0 at the end; -1
 * KLOG_ECORRUPT when a message is malformed, has a bad checksum, runs past
 * its wrapper or is one itself, or has an offset outside it or not ascending.
 */
int klog_legacy_next(struct klog_legacy_iter *it, struct klog_record *rec,
	struct klog_err *err);

#endif
