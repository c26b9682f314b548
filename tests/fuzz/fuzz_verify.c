/*
 * A partition's directory, looked into: a byte of options, eight of a number,
 * then the files (tree.h).  Verifying ends, with findings that can be; where
 * it finds nothing a reader meets no damage; and what shows files as they are
 * ends, too, without more rows than there are bytes for.
 */
#include "libklog/dump.h"
#include "libklog/io.h"
#include "libklog/verify.h"
#include "tree.h"
#include "walk.h"

#define FRONT 9

enum { BATCHES = 0x02, RECORDS = 0x04, BYTES = 0x08 };

size_t
LLVMFuzzerCustomMutator(
	uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return tree_mutate(data, size, max_size, seed, FRONT);
}

static void
set_up(struct klog_topic *t)
{
	memset(t, 0, sizeof(*t));
	t->kind = KLOG_PARTITION_DIR;
	t->dir = -1;
	snprintf(t->name, sizeof(t->name), "t");
	snprintf(t->label, sizeof(t->label), "t/0");
	klog_settings_init(&t->config.settings);
	t->config.partitions = 1;
	t->config.generation = 1;
}

/* Whether anything but leftovers was found. */
static bool
verify(int topic, size_t bytes)
{
	struct klog_found *found;
	struct klog_verify v;
	struct klog_topic t;
	struct klog_err err;
	size_t count = 0;
	bool bad = false;
	int dir = klog_open_dir(topic, "0", &err), r;

	must(dir != -1);
	set_up(&t);
	t.dir = topic;
	snprintf(t.path, sizeof(t.path), "/proc/self/fd/%d", topic);
	if (klog_verify_begin(&v, &t, dir, "t/0", false, &err) == -1) {
		must(err.code == KLOG_EDELETED);
		klog_verify_done(&v);
		return true;
	}
	v.sweep.pause_us = 0;
	while ((r = klog_verify_found(&v, &found, &err)) == 1) {
		must(found->position >= 0 && found->size >= 0);
		must(found->offset >= -1 && found->what[0] != '\0');
		must(++count <= 64 + 4 * bytes);
		bad |= found->severity != KLOG_FOUND_LEFTOVER;
	}
	if (r == -1)
		must(err.code == KLOG_EDELETED);
	must(v.sweep.scan.buf.capacity <= 2 * (bytes + ((size_t)1 << 20)));
	klog_verify_done(&v);
	return bad || r == -1;
}

/* Any of the views, on the directory as it is. */
static void
dump(int topic, uint64_t options, int64_t number, size_t bytes)
{
	struct klog_segment_info segment;
	struct klog_batch_info batch;
	struct klog_dump *d = calloc(1, sizeof(*d));
	struct klog_field field;
	struct klog_run run;
	struct klog_err err;
	size_t count = 0;
	int r;

	must(d != NULL);
	set_up(&d->t);
	d->t.dir = klog_open_dir(topic, "0", &err);
	must(d->t.dir != -1);
	d->fd = d->listing.fd = -1;
	d->asked = -1;
	klog_decoder_init(&d->decoder);
	d->decoder.limit = DECODED_MAX;
	if (options & BYTES) {
		if (klog_dump_find(d, number, &batch, &err) == 1)
			while (klog_dump_field(d, &field, &err) == 1) {
				must(field.from >= 0 && field.to >= field.from);
				must(++count <= 16 * (DECODED_MAX + bytes));
			}
		klog_dump_close(d);
		return;
	}
	do {
		if (options & RECORDS)
			r = klog_dump_records(d, &run, &batch, &err);
		else if (options & BATCHES)
			r = klog_dump_batch(d, &batch, &err);
		else
			r = klog_dump_segment(d, &segment, &err);
		must(++count <= 64 + DECODED_MAX + bytes);
		/* damage is passed over; all else ends it */
	} while (r == 1 || (r == -1 && err.code == KLOG_ECORRUPT));
	klog_dump_close(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	uint64_t options = fuzz_number(&in, 1);
	int64_t number = (int64_t)(fuzz_number(&in, 8) & INT64_MAX);
	struct klog_err err;
	size_t bytes;
	int dir, topic = tree_fresh();

	dir = klog_open_dir(topic, "0", &err);
	must(dir != -1);
	bytes = tree_write(dir, in);
	klog_close_fd(&dir);
	if (!verify(topic, bytes))
		must_be_sound(topic, bytes);
	dump(topic, options, number, bytes);
	return 0;
}
