/*
 * A record batch, magic 2: 61 bytes of header, then records, compressed or
 * not.  Built and sealed once by the producer; the partition stamps offset
 * and epoch, which lie outside the checksum; read as a view.  Source: Kafka's
 * DefaultRecordBatch.  What reads a batch also reads a message of the old
 * formats, magic 0 and 1 (legacy.h), as if it were one.
 */
#ifndef KLOG_BATCH_H
#define KLOG_BATCH_H

#include "bytes.h"
#include "compression.h"
#include "err.h"
#include "legacy.h"

#define KLOG_BATCH_MAGIC 2   /* what klog writes */
#define KLOG_BATCH_HEADER 61 /* bytes before the records */
#define KLOG_BATCH_PREFIX 12 /* baseOffset and length */

enum {
	KLOG_ATTR_CODEC = 0x07,
	KLOG_ATTR_LOG_APPEND_TIME = 0x08,
	KLOG_ATTR_TRANSACTIONAL = 0x10,
	KLOG_ATTR_CONTROL = 0x20,
	KLOG_ATTR_DELETE_HORIZON = 0x40
};

/*
 * The header of a batch, decoded.  A message of the old formats has neither
 * epoch nor producer, all -1; a wrapper of them says neither where it begins
 * nor how many records it has: record_count is -1, and base_offset a bound,
 * which only who knows the batch before can raise (klog_batch_raise_base).
 */
struct klog_batch {
	int64_t base_offset;
	uint32_t size; /* whole batch: length field + 12 */
	int32_t leader_epoch;
	int8_t magic;
	uint32_t crc;
	uint16_t attributes;
	int32_t last_offset_delta;
	int64_t base_timestamp_ms;
	int64_t max_timestamp_ms;
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t base_sequence;
	int32_t record_count;
};

static inline int64_t
klog_batch_last_offset(const struct klog_batch *b)
{
	return b->base_offset + b->last_offset_delta;
}

/* Whether it can be in the segment of this base: what an index entry cannot
 * say cannot be there. */
static inline bool
klog_batch_fits(const struct klog_batch *b, int64_t base)
{
	return klog_batch_last_offset(b) - base <= INT32_MAX;
}

/*
 * How many bytes klog_batch_parse needs, as far as what is there of them
 * tells: KLOG_BATCH_HEADER, or less for a message of the old formats.
 */
size_t klog_batch_header_size(struct klog_slice in);

/*
 * Decodes the header at the front of `in` (the records need not be there).
 * -1 KLOG_ECORRUPT with words when a field cannot be: length below the
 * minimum, an unknown magic, negative offset, delta or count, an offset past
 * INT64_MAX - 1, an unknown codec.  The checksum is not looked at.
 */
int klog_batch_parse(
	struct klog_slice in, struct klog_batch *batch, struct klog_err *err);

/* Of a wrapper of the old formats: nothing in it lies before `offset`. */
void klog_batch_raise_base(struct klog_batch *batch, int64_t offset);

/* Whether the checksum holds; `bytes` is the whole batch, batch->size long. */
bool klog_batch_check(const struct klog_batch *batch, struct klog_slice bytes);

/*
 * Sets base offset and leader epoch of a sealed batch.  With
 * log_append_time_ms != -1 also maxTimestamp and the attribute, and the
 * checksum anew; else the checksum stands.
 */
void klog_batch_stamp(uint8_t *batch, int64_t base_offset, int32_t leader_epoch,
	int64_t log_append_time_ms);

/* ---- reading ---- */

/* Walks the records of a whole, checked batch. */
struct klog_batch_iter {
	struct klog_slice rest;
	int32_t left;
	int64_t base_offset;
	int64_t base_timestamp_ms;
	int64_t log_append_time_ms; /* of every record; -1: CreateTime */
	int64_t last_offset;        /* of the batch: none may lie past it */
	int64_t previous_offset;    /* offsets must ascend */
	bool old;                   /* a message: the next is all that counts */
	struct klog_legacy_iter legacy;
};

/*
 * Begins.  A compressed batch is decompressed into *scratch (its old content
 * goes), at most `limit` bytes; the records then point into it, else into
 * `bytes`.
 */
int klog_batch_open(const struct klog_batch *batch, struct klog_slice bytes,
	struct klog_compressor *c, size_t limit, struct klog_buf *scratch,
	struct klog_batch_iter *it, struct klog_err *err);

/*
 * 1 with the next record, offset and timestamp absolute, partition -1; 0 at
 * the end; -1 KLOG_ECORRUPT when a record is malformed, runs past the batch,
 * has an offset outside it or not ascending, or bytes are left at the end.
 */
int klog_batch_next(struct klog_batch_iter *it, struct klog_record *rec,
	struct klog_err *err);

/*
 * Copies what is left to walk into *buf, where the records point from then
 * on; batch and scratch may go.  -1 when out of memory.
 */
int klog_batch_keep(struct klog_batch_iter *it, struct klog_buf *buf);

/* ---- building ---- */

/* A batch being filled: records with offsets 0, 1, 2 ... */
struct klog_builder {
	struct klog_buf buf; /* header space, then records */
	int32_t count;
	int64_t base_timestamp_ms;
	int64_t max_timestamp_ms;
};

void klog_builder_reset(struct klog_builder *b); /* keeps its memory */
void klog_builder_free(struct klog_builder *b);

/* Bytes of the whole batch, uncompressed, if rec were added. */
size_t klog_builder_size_with(
	const struct klog_builder *b, const struct klog_record *rec);

/*
 * Adds a record (timestamp_ms as it is; the bytes are copied).  -1 when out of
 * memory or past 2^31-1 bytes or records.  The plain record (no key, no
 * headers) is the hot path of klog-produce.
 */
int klog_builder_add(struct klog_builder *b, const struct klog_record *rec,
	struct klog_err *err);

/*
 * Fills the header (baseOffset 0, leader epoch -1, no producer) and the
 * checksum.  *out is the sealed batch: the builder's own bytes, or *scratch
 * when compressed; good until either changes.  Nothing may be added until
 * reset.
 */
int klog_builder_seal(struct klog_builder *b, struct klog_compressor *c,
	enum klog_codec codec, int32_t level, struct klog_buf *scratch,
	struct klog_slice *out, struct klog_err *err);

/*
 * A batch made anew with some of its records, as compaction does it (Kafka's
 * MemoryRecords.filterTo): its base and last offset, epoch, codec, producer and
 * type stay.
 */
struct klog_rebuilt {
	struct klog_buf buf; /* header space, then records */
	int32_t count;
	int64_t base_timestamp_ms;
	int64_t max_timestamp_ms;
	bool horizon; /* base_timestamp_ms is the delete horizon */
};

/* Begins; horizon_ms -1: none, the base is that of the first record. */
int klog_rebuild_begin(
	struct klog_rebuilt *b, int64_t horizon_ms, struct klog_err *err);

/* Adds a record of the batch `was`, offset and timestamp absolute. */
int klog_rebuild_add(struct klog_rebuilt *b, const struct klog_batch *was,
	const struct klog_record *rec, struct klog_err *err);

/*
 * Header and checksum, offset and epoch as they were; without records the
 * header alone is left.  *out as klog_builder_seal has it.
 */
int klog_rebuild_seal(struct klog_rebuilt *b, const struct klog_batch *was,
	struct klog_compressor *c, int32_t level, struct klog_buf *scratch,
	struct klog_slice *out, struct klog_err *err);
void klog_rebuild_free(struct klog_rebuilt *b);

#endif
