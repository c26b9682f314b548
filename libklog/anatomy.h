/*
 * A batch taken apart: each field with its bytes, its value and what it means.
 * Bytes in, words out; for eyes, not for speed.
 */
#ifndef KLOG_ANATOMY_H
#define KLOG_ANATOMY_H

#include "batch.h"

struct klog_anatomy {
	struct klog_batch batch;
	struct klog_slice bytes;   /* the whole batch */
	struct klog_slice records; /* encoded, perhaps decompressed */
	bool unpacked;
	int step;        /* the next field of the header */
	size_t at;       /* in records */
	int32_t record;  /* being taken apart, from 0 */
	size_t body_end; /* of that record */
	int field;       /* of the record */
	int32_t size;    /* of the key, value ... that follows */
	int32_t headers;
};

/* Begins; `records` are the batch's, decompressed: data NULL where they could
 * not be. */
void klog_anatomy_init(struct klog_anatomy *a, const struct klog_batch *batch,
	struct klog_slice bytes, struct klog_slice records);

/* 1 with the next field, 0 at the end, -1 where it makes no sense any more. */
int klog_anatomy_next(
	struct klog_anatomy *a, struct klog_field *field, struct klog_err *err);

#endif
