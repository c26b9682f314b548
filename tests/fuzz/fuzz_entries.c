/*
 * A file of entries alone: a byte that says which, then its bytes; as
 * --verify and as the listing see it.  A snapshot's checksum is mended when
 * the byte's highest bit is set.
 */
#include <fcntl.h>
#include <unistd.h>

#include "libklog/crc32c.h"
#include "libklog/io.h"
#include "libklog/listing.h"
#include "libklog/survey.h"
#include "tree.h"

static const char *const names[] = { "00000000000000000000.index",
	"00000000000000000100.timeindex", "00000000000000000100.txnindex",
	"00000000000000000007.snapshot", KLOG_EPOCH_NAME,
	"partition.metadata" };

static void
list(int dir, const char *name, size_t size)
{
	int64_t values[KLOG_FIELDS_MAX];
	struct klog_listing l;
	const char *const *fields;
	struct klog_err err;
	size_t count = 0;
	int r = 1;

	memset(&l, 0, sizeof(l));
	l.fd = -1;
	if (klog_listing_open(&l, dir, name, name, &err) == -1) {
		must(err.code == KLOG_ECORRUPT || err.code == KLOG_ENOTFOUND);
	} else {
		must(klog_listing_fields(&l, &fields) >= 2);
		while ((r = klog_listing_next(&l, values, &err)) == 1)
			must(++count <= size);
		if (r == -1)
			must(err.code == KLOG_ECORRUPT);
	}
	klog_listing_close(&l);
}

static void
survey(int topic)
{
	struct klog_findings out = { NULL, 0, 0 };
	struct klog_bases bases = { NULL, 0 };
	struct klog_epochs epochs;
	struct klog_reader r;
	struct klog_err err;
	int64_t size;
	bool good;
	int dir = klog_open_dir(topic, "0", &err);

	must(dir != -1);
	must(klog_reader_open(&r, dir, "t/0", NULL, 0, &err) == 0);
	must_do(klog_survey_epochs(&r, &epochs, &size, &good, &out, &err),
		&err);
	must_do(klog_survey_names(&r, &bases, 0, 0, &out, &err), &err);
	must(out.count <= 8);
	klog_epochs_free(&epochs);
	klog_findings_free(&out);
	klog_reader_close(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	uint64_t kind = fuzz_number(&in, 1);
	const char *name =
		names[(kind & 0x7f) % (sizeof(names) / sizeof(names[0]))];
	uint8_t *copy = fuzz_copy(in);
	struct klog_err err;
	int topic = tree_fresh(), dir;

	if ((kind & 0x80) != 0 && in.size >= 10)
		klog_set_be32(copy + 2, klog_crc32c(copy + 6, in.size - 6));
	dir = klog_open_dir(topic, "0", &err);
	must(dir != -1);
	tree_write_named(dir, name, klog_slice_of(copy, in.size));
	list(dir, name, in.size);
	survey(topic);
	klog_close_fd(&dir);
	free(copy);
	return 0;
}
