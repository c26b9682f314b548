/*
 * The files of a consumer group.  The first byte says which, and whether sums
 * are mended; the rest are lines: of an offset file the two slots, of a
 * journal as many as there are.  What is read has its bounds, and is written
 * and read the same, as far as nothing is damaged.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "libklog/committed.h"
#include "libklog/crc32c.h"
#include "libklog/journal.h"

enum { JOURNAL = 1, MEND = 2, SECOND = 4096, LINE_MOST = 480 };

/* A file in memory with these bytes. */
static int
file_of(const void *data, size_t size)
{
	static int fd = -1;

	if (fd == -1)
		fd = memfd_create("group", MFD_CLOEXEC);
	must(fd != -1 && ftruncate(fd, 0) == 0);
	must(pwrite(fd, data, size, 0) == (ssize_t)size);
	return fd;
}

/* Cuts the next line off; false at the end. */
static bool
take_line(struct klog_slice *in, struct klog_slice *line)
{
	const uint8_t *end;

	if (in->size == 0)
		return false;
	end = memchr(in->data, '\n', in->size);
	klog_take(in, end != NULL ? (size_t)(end - in->data) : in->size, line);
	klog_take(in, end != NULL, &(struct klog_slice){ NULL, 0 });
	return true;
}

/* ---- an offset file ---- */

static void
check_commits(const struct klog_commits *c)
{
	const struct klog_committed *now = &c->now;
	struct klog_commits again, want = *c;
	struct klog_err err;
	char slot[KLOG_COMMITS_SLOT];
	int fd;

	must(now->sequence >= 1 && now->generation >= 0);
	must(now->offset >= -1 && now->epoch >= -1 && now->pid >= 0);
	must(now->time_ms >= 0 && now->since_ms >= 0);
	must(strspn(now->member,
		     "abcdefghijklmnopqrstuvwxyz"
		     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		strlen(now->member));
	memset(slot, 0, sizeof(slot));
	fd = file_of(slot, sizeof(slot));
	want.now.generation++;
	must_do(klog_commits_write(fd, &want, false, "group", &err), &err);
	must(klog_commits_read(fd, &again, "group", &err) == 1);
	must(again.now.sequence == now->sequence + 1 &&
		again.now.generation == now->generation + 1);
	must(again.now.offset == now->offset && again.now.epoch == now->epoch &&
		again.now.time_ms == now->time_ms &&
		again.now.since_ms == now->since_ms &&
		again.now.pid == now->pid);
	must(strcmp(again.now.member, now->member) == 0 &&
		strcmp(again.now.host, now->host) == 0);
}

static void
fuzz_slots(struct klog_slice in, bool mend)
{
	static uint8_t file[SECOND + KLOG_COMMITS_SLOT];
	struct klog_commits c;
	struct klog_slice line;
	struct klog_err err;
	size_t size = 0, at;
	int r;

	memset(file, 0, sizeof(file));
	for (at = 0; at <= SECOND && take_line(&in, &line); at += SECOND) {
		char *text = fuzz_text(line);

		if (mend && strlen(text) < LINE_MOST)
			klog_commits_slot((char *)file + at, text);
		else
			memcpy(file + at, line.data,
				line.size < KLOG_COMMITS_SLOT
					? line.size
					: KLOG_COMMITS_SLOT);
		free(text);
		size = at + KLOG_COMMITS_SLOT;
	}
	r = klog_commits_read(file_of(file, size), &c, "group", &err);
	must(r == 1 || (r == 0 && size == 0) ||
		(r == -1 && err.code == KLOG_ECORRUPT));
	must(r == 1 || c.now.offset == -1);
	if (r == 1)
		check_commits(&c);
}

/* ---- a journal ---- */

static void
put_mended(struct klog_buf *file, struct klog_slice line)
{
	char sum[16];

	snprintf(sum, sizeof(sum), " %08" PRIx32 "\n",
		klog_crc32c(line.data, line.size));
	must(klog_buf_put(file, line.data, line.size) == 0 &&
		klog_buf_put(file, sum, strlen(sum)) == 0);
}

/* How many lines are good; they are what would be written. */
static size_t
read_journal(int fd, struct klog_slice file, bool *damaged)
{
	struct klog_journal journal;
	struct klog_buf again = { NULL, 0, 0 };
	struct klog_journal_line line;
	struct klog_err err;
	size_t count = 0;
	int r;

	*damaged = false;
	must_do(klog_journal_open(&journal, fd, "journal", &err), &err);
	while ((r = klog_journal_next(&journal, &line, "journal", &err)) != 0) {
		if (r == -1) {
			must(err.code == KLOG_ECORRUPT);
			*damaged = true;
			continue;
		}
		must(line.operation != 0 && line.partition >= 0);
		must(line.from >= -1 && line.to >= -1);
		must(line.from_epoch >= -1 && line.to_epoch >= -1);
		must(*damaged || klog_journal_put(&again, &line) == 0);
		count++;
	}
	must(again.size <= file.size &&
		fuzz_same(klog_slice_of(again.data, again.size),
			klog_slice_of(file.data, again.size)));
	klog_buf_free(&again);
	return count;
}

static void
fuzz_journal(struct klog_slice in, bool mend)
{
	struct klog_journal_line more = { .operation = 7, .from = -1 };
	struct klog_buf file = { NULL, 0, 0 }, text = { NULL, 0, 0 };
	struct klog_buf want = { NULL, 0, 0 };
	struct klog_slice line, all;
	struct klog_err err;
	int64_t before;
	bool damaged, still;
	size_t count, size;
	int fd;

	while (mend && take_line(&in, &line))
		put_mended(&file, line);
	all = mend ? klog_slice_of(file.data, file.size) : in;
	fd = file_of(all.data, all.size);
	count = read_journal(fd, all, &damaged);
	must(klog_journal_put(&text, &more) == 0);
	must_do(klog_journal_append(fd, klog_slice_of(text.data, text.size),
			&before, "journal", &err),
		&err);
	size = (size_t)before;
	must(size <= all.size && (size == 0 || all.data[size - 1] == '\n'));
	must(size == all.size ||
		memchr(all.data + size, '\n', all.size - size) == NULL);
	/* the new line is read, whatever stands before it */
	must(size == 0 || klog_buf_put(&want, all.data, size) == 0);
	must(klog_buf_put(&want, text.data, text.size) == 0);
	must(read_journal(fd, klog_slice_of(want.data, want.size), &still) ==
			count + 1 &&
		still == damaged);
	klog_buf_free(&file);
	klog_buf_free(&text);
	klog_buf_free(&want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	uint64_t how = fuzz_number(&in, 1);

	if (how & JOURNAL)
		fuzz_journal(in, how & MEND);
	else
		fuzz_slots(in, how & MEND);
	return 0;
}
