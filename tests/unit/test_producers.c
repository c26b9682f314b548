/*
 * What a walk over the producers and transactions of a log finds: which
 * transactions were aborted, and that a marker decides nothing that is damaged.
 * With an argument: so many producers, instead of 5,000.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "libklog/crc32c.h"
#include "libklog/producers.h"
#include "libklog/record.h"
#include "tap.h"

#define TXN KLOG_ATTR_TRANSACTIONAL
#define CONTROL (KLOG_ATTR_TRANSACTIONAL | KLOG_ATTR_CONTROL)

static char root[] = "/tmp/klog-producers-XXXXXX";
static int dir;
static struct klog_err err;
static struct klog_buf file; /* the segment that is made */

/* A batch of one record, or with size 0 of none. */
static void
batch(int64_t offset, int64_t producer, int attributes, int64_t ms,
	const void *record, size_t size)
{
	uint8_t *p;

	klog_buf_reserve(&file, KLOG_BATCH_HEADER + size);
	p = file.data + file.size;
	memset(p, 0, KLOG_BATCH_HEADER);
	klog_set_be64(p, (uint64_t)offset);
	klog_set_be32(p + 8,
		(uint32_t)(KLOG_BATCH_HEADER - KLOG_BATCH_PREFIX + size));
	p[16] = 2;
	klog_set_be16(p + 21, (uint16_t)attributes);
	klog_set_be64(p + 27, (uint64_t)ms);
	klog_set_be64(p + 35, (uint64_t)ms);
	klog_set_be64(p + 43, (uint64_t)producer);
	klog_set_be32(p + 57, size > 0);
	memcpy(p + KLOG_BATCH_HEADER, record, size);
	klog_set_be32(
		p + 17, klog_crc32c(p + 21, KLOG_BATCH_HEADER - 21 + size));
	file.size += KLOG_BATCH_HEADER + size;
}

static void
data(int64_t offset, int64_t producer)
{
	static const uint8_t record[] = { 14, 0, 0, 0, 1, 2, 'x', 0 };

	batch(offset, producer, TXN, 1, record, sizeof(record));
}

/* A marker as Kafka writes it, but with a value of so many bytes. */
static void
marker(int64_t offset, int64_t producer, uint8_t type, size_t value)
{
	static const uint8_t zeros[5000];
	uint8_t key[4] = { 0, 0, 0, type }, bytes[6000];
	struct klog_record rec = { .key = { key, sizeof(key) },
		.value = { zeros, value } };

	klog_record_put(bytes, &rec, 0, 0);
	batch(offset, producer, CONTROL, 1, bytes,
		klog_record_size(&rec, 0, 0));
}

/* What was made becomes a segment. */
static void
segment(int64_t base)
{
	char name[KLOG_FILE_NAME];
	int fd;

	klog_file_name(name, base, ".log");
	fd = openat(dir, name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	if (fd == -1 || write(fd, file.data, file.size) != (ssize_t)file.size) {
		printf("Bail out! cannot write %s/%s\n", root, name);
		exit(1);
	}
	close(fd);
	file.size = 0;
}

static void
remove_segment(int64_t base)
{
	char name[KLOG_FILE_NAME];

	klog_file_name(name, base, ".log");
	unlinkat(dir, name, 0);
}

/* "ID:FIRST-LAST " of each that was aborted, and the last stable offset. */
static const char *
walk(void)
{
	static char text[KLOG_ERR_TEXT];
	struct klog_producers p;
	size_t i, used = 0;

	text[0] = '\0';
	if (klog_producers_walk(&p, dir, "t/0", &err) == -1) {
		snprintf(text, sizeof(text), "%d %s",
			klog_exit_status(err.code), err.text);
	} else {
		for (i = 0; i < p.aborted_count; i++)
			used += (size_t)snprintf(text + used,
				sizeof(text) - used,
				"%" PRId64 ":%" PRId64 "-%" PRId64 " ",
				p.aborted[i].id, p.aborted[i].first,
				p.aborted[i].last);
		snprintf(text + used, sizeof(text) - used, "%" PRId64,
			p.stable == INT64_MAX ? -1 : p.stable);
	}
	klog_producers_free(&p);
	return text;
}

static void
decided(void)
{
	data(0, 7);
	data(1, 8);
	segment(0);
	marker(2, 7, 0, 6);
	data(3, 9);
	segment(2);
	is_str(walk(), "7:0-2 1", "one aborted, two open");
	marker(2, 7, 0, 6);
	marker(3, 8, 1, 6);
	segment(2);
	is_str(walk(), "7:0-2 -1", "one aborted, one committed");
	marker(2, 7, 0, 300);
	marker(3, 8, 1, 300);
	segment(2);
	is_str(walk(), "7:0-2 -1", "markers larger than Kafka's count");
	batch(2, 7, CONTROL, 1, "", 0);
	marker(3, 8, 1, 6);
	segment(2);
	is_str(walk(), "0", "one that was emptied ends nothing");
}

/* In the last segment, and with another one behind it. */
static void
is_damaged(const char *want, const char *name)
{
	remove_segment(9);
	is_str(walk(), want, "%s, last segment", name);
	data(9, 9);
	segment(9);
	is_str(walk(), want, "%s, closed segment", name);
	remove_segment(9);
}

static void
damaged(void)
{
	char want[KLOG_ERR_TEXT];
	size_t second;

	data(0, 7);
	data(1, 8);
	segment(0);
	marker(2, 8, 1, 6);
	second = file.size;
	marker(3, 7, 1, 6);
	file.data[second + KLOG_BATCH_HEADER + 8] ^= 1;
	segment(2);
	snprintf(want, sizeof(want),
		"3 t/0: damaged, and not compacted: 00000000000000000002.log: "
		"batch at %zu: bad checksum",
		second);
	is_damaged(want, "COMMIT that reads as ABORT");
	marker(2, 8, 1, 6);
	marker(3, 7, 0, 5000);
	segment(2);
	snprintf(want, sizeof(want),
		"3 t/0: damaged, and not compacted: 00000000000000000002.log: "
		"batch at %zu: a transaction marker of 5074 bytes",
		second);
	is_damaged(want, "a marker of 5,000 bytes");
	marker(2, 8, 1, 6);
	batch(3, 7, CONTROL, 1, "\x0c\0\0\0\x01\0\0", 7);
	segment(2);
	snprintf(want, sizeof(want),
		"3 t/0: damaged, and not compacted: 00000000000000000002.log: "
		"batch at %zu: a transaction marker that does not say which",
		second);
	is_damaged(want, "a marker without a key");
	remove_segment(2);
}

/* As many as there are, with what each wrote last. */
static void
many(int64_t count)
{
	struct klog_producers p;
	struct klog_batch last = { .magic = 2 };
	int64_t i, wrong = 0;

	for (i = 0; i < 2 * count; i++)
		batch(i, i % count * 1000, 0, i == 0 ? INT64_MIN : 5000, "", 0);
	segment(0);
	if (!is_int(klog_producers_walk(&p, dir, "t/0", &err), 0,
		    "%" PRId64 " producers", count))
		printf("# %s\n", err.text);
	is_int((int64_t)p.count, count, "each once");
	for (i = 0; i < 2 * count; i++) {
		last.base_offset = i;
		last.producer_id = i % count * 1000;
		wrong += klog_producers_last(&p, &last, 5000) != (i >= count);
	}
	is_int(wrong, 0, "the second batch is the last, of each");
	klog_producers_free(&p);
}

/* A timestamp that no clock shows is old. */
static void
oldest(void)
{
	struct klog_producers p;
	struct klog_batch last = { .magic = 2, .producer_id = 1 };

	batch(0, 1, 0, INT64_MIN, "", 0);
	segment(0);
	klog_producers_walk(&p, dir, "t/0", &err);
	ok(!klog_producers_last(&p, &last, INT64_C(1700000000000)),
		"the oldest timestamp there is");
	klog_producers_free(&p);
}

int
main(int argc, char **argv)
{
	if (mkdtemp(root) == NULL || (dir = open(root, O_DIRECTORY)) == -1) {
		printf("Bail out! no directory to work in\n");
		return 1;
	}
	decided();
	damaged();
	many(argc > 1 ? atoll(argv[1]) : 5000);
	oldest();
	remove_segment(0);
	close(dir);
	rmdir(root);
	klog_buf_free(&file);
	return done();
}
