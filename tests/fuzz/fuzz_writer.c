/*
 * A partition's directory, given to a writer: a byte of options, then the
 * files (tree.h).  Either it refuses and leaves the logs as they were, or
 * what it appends can be read and appended to; what is synced it never cuts.
 */
#include <fcntl.h>

#include "libklog/io.h"
#include "libklog/partition.h"
#include "tree.h"
#include "walk.h"

#define FRONT 1
#define VALUE "appended"
#define BASES_MAX (2 * TREE_FILES_MAX)

enum { APPEND_TIME = 0x01, NO_SYNC = 0x02 };

/* The logs as they were. */
struct before {
	struct klog_bases bases;
	struct klog_buf log[BASES_MAX];
	bool has_state;
	struct klog_state state;
};

static struct klog_topic_config config;

size_t
LLVMFuzzerCustomMutator(
	uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return tree_mutate(data, size, max_size, seed, FRONT);
}

static void
take_before(int dir, struct before *before)
{
	struct klog_err err;
	size_t i;
	int fd;

	memset(before, 0, sizeof(*before));
	must(klog_segment_list(dir, &before->bases, &err) == 0);
	must(before->bases.count <= BASES_MAX);
	for (i = 0; i < before->bases.count; i++) {
		char name[KLOG_FILE_NAME];

		klog_file_name(name, before->bases.base[i], ".log");
		must(tree_read(dir, name, &before->log[i]));
	}
	fd = klog_open_file(dir, KLOG_STATE_NAME, O_RDONLY, &err);
	before->has_state = fd != -1 &&
		klog_state_read(fd, &before->state, &err) == 1;
	klog_close_fd(&fd);
}

static void
free_before(struct before *before)
{
	size_t i;

	for (i = 0; i < before->bases.count; i++)
		klog_buf_free(&before->log[i]);
	klog_bases_free(&before->bases);
}

/* How many bytes of a segment no writer may take away. */
static size_t
kept(const struct before *before, size_t i, bool refused)
{
	const struct klog_state *s = &before->state;
	size_t size = before->log[i].size;
	int64_t base = before->bases.base[i];

	/* The last may lose its torn end.  Where the state is of today, it says
	 * which that is, and what lies behind is found to be damage later. */
	if (i + 1 < before->bases.count
			? !before->has_state || base != s->active_base
			: refused)
		return size;
	if (!before->has_state || base > s->recovery_base)
		return 0;
	if (base < s->recovery_base)
		return size;
	return (size_t)s->recovery_position < size
		? (size_t)s->recovery_position
		: size;
}

static void
check_logs(int dir, const struct before *before, bool refused)
{
	struct klog_buf now = { NULL, 0, 0 };
	size_t i;

	for (i = 0; i < before->bases.count; i++) {
		char name[KLOG_FILE_NAME];
		size_t keep = kept(before, i, refused);

		klog_file_name(name, before->bases.base[i], ".log");
		must(tree_read(dir, name, &now));
		must(now.size >= keep);
		must(keep == 0 ||
			memcmp(now.data, before->log[i].data, keep) == 0);
		if (refused)
			must(now.size <= before->log[i].size);
	}
	klog_buf_free(&now);
}

/* One record, by a writer of its own: 0; -1 with words; -2 it is in the log,
 * or was, but its sync found damage. */
static int
append(int topic, const struct klog_say *say, bool sync, int64_t *offset,
	struct klog_err *err)
{
	struct klog_builder builder = { .count = 0 };
	struct klog_compressor none = { 0 };
	struct klog_record rec = { .timestamp_ms = 1700000000000 };
	struct klog_partition p;
	struct klog_slice out;
	int r;

	rec.value = klog_slice_of(VALUE, strlen(VALUE));
	must(klog_builder_add(&builder, &rec, err) == 0);
	must(klog_builder_seal(&builder, &none, KLOG_CODEC_NONE, 0, NULL, &out,
		     err) == 0);
	must(klog_partition_open(&p, topic, "t", 0, &config, say, 1000, err) ==
		0);
	r = klog_partition_append(
		&p, builder.buf.data, out.size, false, offset, err);
	if (r == 1)
		r = klog_partition_append(
			&p, builder.buf.data, out.size, true, offset, err);
	must(r == 0 || r == -1);
	if (r == 0 && sync && klog_partition_sync(&p, err) == -1) {
		must_do(err->code == KLOG_ECORRUPT || err->code == KLOG_ECUT
				? 0
				: -1,
			err);
		r = -2;
	}
	klog_partition_close(&p);
	klog_builder_free(&builder);
	return r;
}

/* Whether somebody put segments behind the active one, which no klog does:
 * readers then look there. */
static bool
has_strangers(int topic)
{
	struct klog_bases bases;
	struct klog_state state;
	struct klog_err err;
	int dir = klog_open_dir(topic, "0", &err);
	int fd = klog_open_file(dir, KLOG_STATE_NAME, O_RDONLY, &err);
	bool strange;

	must(klog_segment_list_all(dir, &bases, &err) == 0);
	must(klog_state_read(fd, &state, &err) == 1);
	strange = bases.base[bases.count - 1] > state.active_base;
	klog_bases_free(&bases);
	klog_close_fd(&fd);
	klog_close_fd(&dir);
	return strange;
}

/* Whether the reader tells of damage, which a writer need not have seen. */
static bool
is_told(int r, const struct klog_err *err)
{
	return r == -1 && err->code == KLOG_ECORRUPT;
}

/* The record at the offset is ours, and the last. */
static void
check_reader(struct klog_reader *r, int64_t offset)
{
	struct klog_compressor none = { 0 };
	struct klog_buf scratch = { NULL, 0, 0 };
	struct klog_batch_iter it;
	struct klog_record rec;
	struct klog_err err;
	int64_t from, end = klog_reader_end(r, &err);
	int got;

	must(end == offset + 1 || (end == -1 && is_told(-1, &err)));
	klog_reader_seek(r, offset);
	do
		got = klog_reader_next(r, &from, &err);
	while (got == 1 && r->scan.batch.base_offset != offset);
	if (is_told(got, &err))
		return;
	/* while a sync is not known to have ended, what is bad is the end (D2) */
	if (got == 0 && r->state.marks & KLOG_MARK_SYNCING)
		return;
	must(got == 1);
	must(klog_batch_open(&r->scan.batch, r->scan.bytes, &none, DECODED_MAX,
		     &scratch, &it, &err) == 0);
	must(klog_batch_next(&it, &rec, &err) == 1);
	must(rec.offset == offset);
	got = klog_reader_next(r, &from, &err);
	/* the state said that the log ends there, and it does not */
	if (!fuzz_same(rec.value, klog_slice_of(VALUE, strlen(VALUE))))
		must(is_told(got, &err));
	else
		must(got == 0);
}

static void
check_record(int topic, struct said *said, int64_t offset)
{
	struct klog_reader r;
	struct klog_err err;

	if (has_strangers(topic))
		return;
	must(klog_reader_open(&r, klog_open_dir(topic, "0", &err), "t/0",
		     &said->say, 4096, &err) == 0);
	check_reader(&r, offset);
	klog_reader_close(&r);
}

/* What one writer could, another can; unless no offset is left. */
static void
append_next(int topic, struct said *said, bool sync, int64_t offset)
{
	bool strange = has_strangers(topic); /* a roll may make one its own */
	struct klog_err err;
	int64_t next;
	int r = append(topic, &said->say, sync, &next, &err);

	if (r == -1 && err.code == KLOG_EOFFSET && offset > INT64_MAX - 3)
		return;
	/* a roll or a sync looks further than an append does */
	if (r == -1 && err.code == KLOG_ECORRUPT && strange)
		return;
	must_do(r, &err);
	if (r == -2)
		return;
	must(next == offset + 1);
	check_record(topic, said, next);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	uint64_t options = fuzz_number(&in, 1);
	struct before before;
	struct klog_err err;
	struct said said;
	int64_t offset;
	int dir, topic = tree_fresh();
	bool sync = (options & NO_SYNC) == 0;
	int r;

	klog_settings_init(&config.settings);
	config.settings.message_timestamp_log_append = options & APPEND_TIME;
	config.partitions = 1;
	config.generation = 1; /* as the tools begin */
	said_init(&said);
	dir = klog_open_dir(topic, "0", &err);
	must(dir != -1);
	(void)tree_write(dir, in);
	take_before(dir, &before);
	r = append(topic, &said.say, sync, &offset, &err);
	check_logs(dir, &before, r == -1 && err.code == KLOG_ECORRUPT);
	if (r == 0) {
		check_record(topic, &said, offset);
		append_next(topic, &said, sync, offset);
	}
	free_before(&before);
	klog_close_fd(&dir);
	return 0;
}
