/*
 * A partition's directory, read: a byte of options, eight of a number for the
 * look-ups, then the files (tree.h).
 */
#include "libklog/io.h"
#include "libklog/transactions.h"
#include "tree.h"
#include "walk.h"

#define FRONT 9

enum {
	SYNCED = 0x01,
	NO_RESET = 0x02,
	LONE_LOG = 0x04,
	COMMITTED = 0x08,
	LATEST = 0x10,
	SMALL_CHUNK = 0x20
};

size_t
LLVMFuzzerCustomMutator(
	uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return tree_mutate(data, size, max_size, seed, FRONT);
}

static void
set_up(struct klog_reader *r, uint64_t options)
{
	r->synced = (options & SYNCED) != 0;
	if (options & NO_RESET)
		r->reset = KLOG_RESET_NONE;
	else if (options & LATEST)
		r->reset = KLOG_RESET_LATEST;
	if (options & LONE_LOG)
		r->only_base = 0;
}

static void
look_up(struct klog_reader *r, struct klog_decoder *d, int64_t number)
{
	struct klog_at ats[] = { { KLOG_AT_TIME, number, -1 },
		{ KLOG_AT_MAX_TIMESTAMP, 0, -1 }, { KLOG_AT_TAIL, number, -1 },
		{ KLOG_AT_OFFSET, number & 0xff, (int32_t)(number >> 8 & 7) } };
	struct klog_err err;
	int64_t offset, ms, end;
	size_t i;

	end = klog_reader_end(r, &err);
	if (end == -1)
		return;
	must(end >= 0);
	for (i = 0; i < sizeof(ats) / sizeof(ats[0]); i++)
		if (klog_lookup(r, d, ats[i], end, &offset, &ms, &err) == 0)
			must(offset >= 0 && ms >= -1);
}

/* As a consumer does it. */
static void
read_committed(struct klog_reader *r, size_t bytes)
{
	struct klog_transactions txn = { .ahead = { .begun = false } };
	struct klog_err err;
	int64_t from, last = -1, stable;
	size_t count = 0;

	stable = klog_transactions_stable(&txn, r, &err);
	if (stable != -1) {
		must(stable >= 0);
		r->stable = stable;
		klog_reader_seek(r, 0);
		while (klog_reader_next(r, &from, &err) == 1) {
			must(from > last);
			must(++count <= 1 + bytes / SMALLEST);
			last = klog_batch_last_offset(&r->scan.batch);
			if (klog_transactions_aborted(&txn, r, &err) == -1)
				break;
		}
	}
	klog_transactions_free(&txn);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	uint64_t options = fuzz_number(&in, 1);
	int64_t number = (int64_t)(fuzz_number(&in, 8) & INT64_MAX), count;
	struct klog_decoder d;
	struct klog_reader r;
	struct klog_err err;
	struct said said;
	size_t bytes;
	int dir, topic = tree_fresh();

	dir = klog_open_dir(topic, "0", &err);
	must(dir != -1);
	bytes = tree_write(dir, in);
	said_init(&said);
	klog_decoder_init(&d);
	d.limit = DECODED_MAX;
	must(klog_reader_open(&r, dir, "t/0", &said.say,
		     options & SMALL_CHUNK ? 128 : 4096, &err) == 0);
	set_up(&r, options);
	(void)walk_partition(&r, &d.compressor, &said, bytes, &count, &err);
	look_up(&r, &d, number);
	if ((options & COMMITTED) && !r.has_state)
		read_committed(&r, bytes);
	klog_reader_close(&r);
	klog_decoder_free(&d);
	return 0;
}
