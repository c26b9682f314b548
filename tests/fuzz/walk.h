/* Reading a partition from its start to its end, with what holds of every
 * one, whatever its files are. */
#ifndef WALK_H
#define WALK_H

#include "records.h"
#include "libklog/io.h"
#include "libklog/reader.h"

/* Lines that a reader said: only with one may it go back. */
struct said {
	struct klog_say say;
	int lines;
};

static inline void
count_line(void *arg, int level, const char *text)
{
	struct said *said = arg;

	(void)level;
	must(text[0] != '\0');
	said->lines++;
}

static inline void
said_init(struct said *said)
{
	memset(said, 0, sizeof(*said));
	said->say.line = count_line;
	said->say.arg = said;
}

/* A message of the oldest format, without key and value. */
#define SMALLEST (KLOG_BATCH_PREFIX + 14)

/*
 * Reads to the end.  No record is delivered twice and none comes back; there
 * are no more batches than `bytes` of logs can hold: else it hangs.  Counts
 * what came, and answers as klog_reader_next does at the end.
 */
static inline int
walk_partition(struct klog_reader *r, struct klog_compressor *c,
	const struct said *said, size_t bytes, int64_t *count,
	struct klog_err *err)
{
	int64_t from = 0, last = -1;
	int lines = said->lines, got;

	*count = 0;
	while ((got = klog_reader_next(r, &from, err)) == 1) {
		const struct klog_batch *b = &r->scan.batch;

		must(++*count <=
			(int64_t)(1 + bytes / SMALLEST) * (1 + said->lines));
		must(r->scan.bytes.size == b->size);
		must(klog_batch_check(b, r->scan.bytes));
		must(klog_batch_last_offset(b) >= from);
		if (said->lines == lines)
			must(from > last);
		last = klog_batch_last_offset(b);
		lines = said->lines;
		(void)walk_records(b, r->scan.bytes, c, NULL);
	}
	if (got == -1)
		must(err->code == KLOG_ECORRUPT || err->code == KLOG_EREFUSED ||
			err->code == KLOG_EDELETED ||
			err->code == KLOG_EOFFSET);
	must(r->scan.buf.capacity <= 2 * (bytes + ((size_t)1 << 20)));
	return got;
}

/* A reader of the topic's partition 0 meets no damage. */
static inline void
must_be_sound(int topic, size_t bytes)
{
	struct klog_compressor c = { 0 };
	struct klog_reader r;
	struct klog_err err;
	struct said said;
	int64_t count;
	int dir = klog_open_dir(topic, "0", &err);

	must(dir != -1);
	said_init(&said);
	must(klog_reader_open(&r, dir, "t/0", &said.say, 4096, &err) == 0);
	if (walk_partition(&r, &c, &said, bytes, &count, &err) == -1 &&
		err.code == KLOG_ECORRUPT)
		fuzz_broken(__FILE__, __LINE__, err.text);
	klog_reader_close(&r);
	klog_compressor_free(&c);
}

#endif
