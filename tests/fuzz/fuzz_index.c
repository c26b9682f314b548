/*
 * Both indexes beside a log that is good: a byte that says which log and which
 * segment, eight for the time or offset that is looked up, two for the size of
 * the offset index, then that and the time index.  Every answer is the same
 * as without them.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libklog/io.h"
#include "libklog/lookup.h"
#include "tree.h"
#include "walk.h"

#define T0 INT64_C(1700000000000)
#define BATCHES 24
#define SEGMENTS 3
#define LOGS 2

static int bare[LOGS], with[LOGS]; /* the same logs; here indexes are put */
static int64_t bases[LOGS][SEGMENTS];
static size_t bytes_of[LOGS];

/* Offsets and times of a log: the second has gaps, and times out of order and
 * none at all. */
static int64_t
first_offset(int log)
{
	return log == 0 ? 0 : INT64_C(5000000000);
}

static int64_t
offset_after(int log, int64_t last, int i)
{
	return last + 1 + (log == 0 ? 0 : i % 5);
}

static int64_t
time_of(int log, int i)
{
	if (log == 0)
		return T0 + 1000 * i;
	return i % 7 == 3 ? -1 : T0 + 1000 * (i * 5 % 12);
}

static void
write_segment(int log, int segment, int64_t *offset)
{
	struct klog_builder builder = { .count = 0 };
	struct klog_compressor none = { 0 };
	struct klog_buf all = { NULL, 0, 0 };
	struct klog_slice bytes;
	struct klog_record rec = { .timestamp_ms = 0 };
	struct klog_slice out;
	struct klog_err err;
	char name[KLOG_FILE_NAME];
	int i, k;

	bases[log][segment] = *offset;
	for (i = 0; i < BATCHES; i++) {
		klog_builder_reset(&builder);
		for (k = 0; k <= i % 3; k++) {
			rec.timestamp_ms = time_of(log, BATCHES * segment + i) +
				k;
			rec.value = klog_slice_of("some value", 10);
			must(klog_builder_add(&builder, &rec, &err) == 0);
		}
		must(klog_builder_seal(&builder, &none, KLOG_CODEC_NONE, 0,
			     NULL, &out, &err) == 0);
		klog_batch_stamp(builder.buf.data, *offset, 0, -1);
		must(klog_buf_put(&all, builder.buf.data, out.size) == 0);
		*offset = offset_after(log, *offset + i % 3, i);
	}
	bytes = klog_slice_of(all.data, all.size);
	klog_file_name(name, bases[log][segment], ".log");
	tree_write_named(bare[log], name, bytes);
	tree_write_named(with[log], name, bytes);
	bytes_of[log] += all.size;
	klog_buf_free(&all);
	klog_builder_free(&builder);
}

static int
make_dir(int root, int log, const char *kind)
{
	struct klog_err err;
	char name[32];
	int dir;

	snprintf(name, sizeof(name), "%s-%d", kind, log);
	must(mkdirat(root, name, 0700) == 0);
	dir = klog_open_dir(root, name, &err);
	must(dir != -1);
	return dir;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int root = tree_fresh(), log, segment;

	(void)argc;
	(void)argv;
	for (log = 0; log < LOGS; log++) {
		int64_t offset = first_offset(log);

		bare[log] = make_dir(root, log, "bare");
		with[log] = make_dir(root, log, "with");
		for (segment = 0; segment < SEGMENTS; segment++)
			write_segment(log, segment, &offset);
	}
	return 0;
}

/* What a reader of a directory answers. */
struct answers {
	int64_t end;
	int found[2];
	int64_t offset[2], ms[2];
	int got;
	int64_t base_offset, next;
};

static void
ask(int dir, int64_t time_ms, int64_t seek, struct answers *a)
{
	struct klog_at ats[] = { { KLOG_AT_TIME, time_ms, -1 },
		{ KLOG_AT_MAX_TIMESTAMP, 0, -1 } };
	struct klog_decoder d;
	struct klog_reader r;
	struct klog_err err;
	int64_t from;
	int i;

	memset(a, 0, sizeof(*a));
	klog_decoder_init(&d);
	must(klog_reader_open(&r, fcntl(dir, F_DUPFD_CLOEXEC, 3), "t/0", NULL,
		     4096, &err) == 0);
	a->end = klog_reader_end(&r, &err);
	for (i = 0; i < 2; i++)
		a->found[i] = klog_lookup(
			&r, &d, ats[i], a->end, &a->offset[i], &a->ms[i], &err);
	klog_reader_seek(&r, seek);
	a->got = klog_reader_next(&r, &from, &err);
	if (a->got == 1) {
		a->base_offset = r.scan.batch.base_offset;
		a->next = r.next;
	}
	klog_reader_close(&r);
	klog_decoder_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size), index, times;
	uint64_t which = fuzz_number(&in, 1), number = fuzz_number(&in, 8);
	int log = (int)(which & 1), segment = (int)(which >> 1 & 3) % SEGMENTS;
	int64_t base = bases[log][segment];
	char index_name[KLOG_FILE_NAME], time_name[KLOG_FILE_NAME];
	struct answers one, two;
	int64_t time_ms, seek;
	size_t first = (size_t)fuzz_number(&in, 2);

	must(klog_take(&in, first < in.size ? first : in.size, &index));
	times = in;
	/* near what is there, or far */
	time_ms = (int64_t)(number & INT64_MAX);
	if (which & 0x40)
		time_ms = T0 + time_ms % (100 * 1000);
	seek = which & 0x80 ? time_ms
			    : first_offset(log) + (int64_t)(number % 200);
	klog_file_name(index_name, base, ".index");
	klog_file_name(time_name, base, ".timeindex");
	tree_write_named(with[log], index_name, index);
	tree_write_named(with[log], time_name, times);
	ask(bare[log], time_ms, seek, &one);
	ask(with[log], time_ms, seek, &two);
	must(unlinkat(with[log], index_name, 0) == 0);
	must(unlinkat(with[log], time_name, 0) == 0);
	must(one.end > base && one.found[0] == 0 && one.found[1] == 0);
	must(memcmp(&one, &two, sizeof(one)) == 0);
	return 0;
}
