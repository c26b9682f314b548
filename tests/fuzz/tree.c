#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libklog/batch.h"
#include "libklog/checkpoint.h"
#include "libklog/crc32c.h"
#include "libklog/io.h"
#include "libklog/names.h"
#include "libklog/segment.h"
#include "libklog/state.h"
#include "tree.h"

#define FILE_HEADER 4
#define BYTES_MAX ((size_t)UINT16_MAX)
#define BATCH_LEAST 26 /* an empty message of the oldest format */

bool
tree_take(struct klog_slice *in, struct tree_file *file)
{
	size_t size;

	if (in->size < FILE_HEADER)
		return false;
	file->kind = (uint8_t)fuzz_number(in, 1);
	file->base = (uint8_t)fuzz_number(in, 1);
	size = (size_t)fuzz_number(in, 2);
	return klog_take(in, size < in->size ? size : in->size, &file->bytes);
}

int64_t
tree_base(uint8_t byte)
{
	static const int64_t far[] = { 100, 1000, INT32_MAX,
		INT64_C(2147483648), INT64_C(4294967296), INT64_MAX - 1,
		INT64_MAX };
	size_t count = sizeof(far) / sizeof(far[0]);

	if (byte < 248)
		return byte;
	return far[(size_t)(byte - 248) % count];
}

static void
name_of(const struct tree_file *file, char name[KLOG_FILE_NAME])
{
	static const char *const suffixes[TREE_KINDS] = { ".log", ".index",
		".timeindex", NULL, NULL, ".snapshot", ".log" KLOG_SWAP,
		".log.cleaned" };
	int kind = (file->kind & TREE_KIND) % TREE_KINDS;

	if (kind == TREE_STATE)
		snprintf(name, KLOG_FILE_NAME, "%s", KLOG_STATE_NAME);
	else if (kind == TREE_EPOCHS)
		snprintf(name, KLOG_FILE_NAME, "%s", KLOG_EPOCH_NAME);
	else
		klog_file_name(name, tree_base(file->base), suffixes[kind]);
}

/* ---- mending ---- */

/* The size of the batch at the front, by its length, cut to what is there. */
static size_t
batch_size(const uint8_t *p, size_t left)
{
	uint32_t length = klog_get_be32(p + 8);

	return length >= BATCH_LEAST - KLOG_BATCH_PREFIX &&
			length <= left - KLOG_BATCH_PREFIX
		? (size_t)length + KLOG_BATCH_PREFIX
		: left;
}

static void
mend_checksum(uint8_t *p, size_t size)
{
	if (p[16] < 2)
		klog_set_be32(p + 12, fuzz_crc32(p + 16, size - 16));
	else if (size >= KLOG_BATCH_HEADER)
		klog_set_be32(p + 17, klog_crc32c(p + 21, size - 21));
}

static void
mend_log(uint8_t *p, size_t left, int64_t base, bool chain)
{
	while (left >= BATCH_LEAST) {
		size_t size = batch_size(p, left);
		uint64_t delta = size < KLOG_BATCH_HEADER || p[16] < 2
			? 0
			: klog_get_be32(p + 23) & UINT16_MAX;

		klog_set_be32(p + 8, (uint32_t)(size - KLOG_BATCH_PREFIX));
		if (chain)
			klog_set_be64(p, (uint64_t)base);
		base = (int64_t)(((uint64_t)base + delta + 1) & INT64_MAX);
		mend_checksum(p, size);
		p += size;
		left -= size;
	}
}

/* Magic, the stamp, the id of the topic, which is none, and the checksum. */
static void
mend_state(uint8_t *p, size_t size, int fd, bool is_todays)
{
	struct klog_stamp today;
	struct klog_err err;
	size_t at;

	must(klog_stamp_now(fd, &today, &err) == 0);
	for (at = 0; at + 512 <= size; at += 4096) {
		uint8_t *slot = p + at;

		memcpy(slot, "klogst1\n", 8);
		if (is_todays) {
			memcpy(slot + 16, today.boot, 16);
			klog_set_be64(slot + 32, today.file_system);
			klog_set_be64(slot + 40, today.device);
			klog_set_be64(slot + 48, today.inode);
		}
		memset(slot + 56, 0, 16);
		klog_set_be32(slot + 508, klog_crc32c(slot, 508));
	}
}

/* A state is kept as its two slots, without what lies between. */
static struct klog_slice
spread_slots(struct klog_slice packed, uint8_t *file)
{
	size_t two;

	memset(file, 0, 4096 + 512);
	if (packed.size < 512)
		return klog_slice_of(file, 0);
	memcpy(file, packed.data, 512);
	two = packed.size - 512 < 512 ? packed.size - 512 : 512;
	memcpy(file + 4096, packed.data + 512, two);
	return klog_slice_of(file, 4096 + 512);
}

static void
mend(const struct tree_file *file, int fd, uint8_t *bytes, size_t size)
{
	switch ((file->kind & TREE_KIND) % TREE_KINDS) {
	case TREE_LOG:
	case TREE_SWAP:
		mend_log(bytes, size, tree_base(file->base),
			(file->kind & TREE_CHAIN) != 0);
		break;
	case TREE_STATE:
		mend_state(bytes, size, fd, (file->kind & TREE_TODAY) != 0);
		break;
	case TREE_SNAPSHOT:
		if (size >= 10)
			klog_set_be32(
				bytes + 2, klog_crc32c(bytes + 6, size - 6));
		break;
	default:
		break;
	}
}

/* ---- the directory ---- */

static char root[64];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_root(void)
{
	(void)nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
tree_fresh(void)
{
	static int dir = -1;
	struct klog_err err;

	if (dir == -1) {
		const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm"
								  : "/tmp";

		snprintf(root, sizeof(root), "%s/klog-fuzz.XXXXXX", where);
		must(mkdtemp(root) != NULL);
		atexit(remove_root);
		dir = klog_open_dir(AT_FDCWD, root, &err);
		must(dir != -1);
	}
	must(klog_remove_dir(dir, "0", 2, &err) == 0);
	must(mkdirat(dir, "0", 0700) == 0);
	return dir;
}

static int
create(int dir, const char *name)
{
	int fd = openat(
		dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd != -1);
	return fd;
}

void
tree_write_file(int dir, const struct tree_file *file)
{
	uint8_t spread[4096 + 512];
	struct klog_slice in = file->bytes;
	char name[KLOG_FILE_NAME];
	uint8_t *bytes;
	int fd;

	name_of(file, name);
	fd = create(dir, name);
	if ((file->kind & TREE_KIND) % TREE_KINDS == TREE_STATE)
		in = spread_slots(in, spread);
	bytes = fuzz_copy(in);
	if (file->kind & TREE_MEND)
		mend(file, fd, bytes, in.size);
	must(pwrite(fd, bytes, in.size, 0) == (ssize_t)in.size);
	free(bytes);
	close(fd);
}

void
tree_write_named(int dir, const char *name, struct klog_slice bytes)
{
	int fd = create(dir, name);

	must(pwrite(fd, bytes.data, bytes.size, 0) == (ssize_t)bytes.size);
	close(fd);
}

size_t
tree_write(int dir, struct klog_slice in)
{
	struct tree_file file;
	size_t logs = 0;
	int i;

	for (i = 0; i < TREE_FILES_MAX && tree_take(&in, &file); i++) {
		tree_write_file(dir, &file);
		logs += file.bytes.size;
	}
	return logs;
}

bool
tree_read(int dir, const char *name, struct klog_buf *out)
{
	struct klog_err err;

	out->size = 0;
	if (klog_read_file(dir, name, (size_t)1 << 30, out, &err) == 0)
		return true;
	must(err.code == KLOG_ENOTFOUND);
	return false;
}

/* ---- mutating ---- */

struct random {
	uint32_t state;
};

static uint32_t
pick(struct random *r, size_t below)
{
	r->state = r->state * 1664525u + 1013904223u;
	return (uint32_t)((r->state >> 8) % below);
}

/* Replaces `old` bytes at `at` of *all by `size` of them. */
static void
exchange(struct klog_buf *all, size_t at, size_t old, const uint8_t *bytes,
	size_t size)
{
	must(klog_buf_reserve(all, size + 1) == 0);
	memmove(all->data + at + size, all->data + at + old,
		all->size - at - old);
	if (size > 0)
		memcpy(all->data + at, bytes, size);
	all->size = all->size - old + size;
}

/* A part of the input, mutated by libFuzzer, with at most `room` more. */
static size_t
mutate_part(struct klog_buf *all, size_t at, size_t size, size_t room)
{
	uint8_t *part = malloc(size + room + 1);
	size_t made;

	must(part != NULL);
	memcpy(part, all->data + at, size);
	made = LLVMFuzzerMutate(part, size, size + room);
	exchange(all, at, size, part, made);
	free(part);
	return made;
}

/* One batch of a log: mutated, doubled or removed; its length is mended, so
 * that those behind it stay what they are. */
static void
mutate_batch(struct klog_buf *all, size_t at, size_t size, size_t room,
	struct random *r)
{
	size_t skip = pick(r, 8), batch = size;
	uint8_t *copy;

	while (size >= BATCH_LEAST) {
		batch = batch_size(all->data + at, size);
		if (skip-- == 0 || size - batch < BATCH_LEAST)
			break;
		at += batch;
		size -= batch;
	}
	if (size < BATCH_LEAST)
		return;
	switch (pick(r, 8)) {
	case 0:
		if (batch > room)
			return;
		copy = fuzz_copy(klog_slice_of(all->data + at, batch));
		exchange(all, at, 0, copy, batch);
		free(copy);
		return;
	case 1:
		exchange(all, at, batch, NULL, 0);
		return;
	case 2: /* its header alone, at the same length */
		if (batch > KLOG_BATCH_HEADER)
			batch = KLOG_BATCH_HEADER;
		LLVMFuzzerMutate(all->data + at, batch, batch);
		return;
	default:
		batch = mutate_part(all, at, batch, room);
		if (batch >= BATCH_LEAST)
			klog_set_be32(all->data + at + 8,
				(uint32_t)(batch - KLOG_BATCH_PREFIX));
	}
}

/* The file that begins at `at` of *all. */
static void
mutate_file(struct klog_buf *all, size_t at, size_t room, struct random *r)
{
	struct klog_slice in = klog_slice_of(all->data + at, all->size - at);
	size_t before = all->size;
	struct tree_file file;
	size_t size;
	uint8_t *copy;

	must(tree_take(&in, &file));
	size = file.bytes.size;
	if (room > BYTES_MAX - size)
		room = BYTES_MAX - size;
	switch (pick(r, 12)) {
	case 0: /* another kind, or mended in another way */
		all->data[at] ^= (uint8_t)(1u << pick(r, 7));
		return;
	case 1:
		all->data[at + 1] = pick(r, 2) == 0 ? (uint8_t)pick(r, 16)
						    : (uint8_t)pick(r, 256);
		return;
	case 2:
		exchange(all, at, FILE_HEADER + size, NULL, 0);
		return;
	case 3: /* once more, perhaps under another name */
		if (FILE_HEADER + size > room)
			return;
		copy = fuzz_copy(
			klog_slice_of(all->data + at, FILE_HEADER + size));
		copy[pick(r, 2)] ^= (uint8_t)(1u << pick(r, 4));
		exchange(all, at, 0, copy, FILE_HEADER + size);
		free(copy);
		return;
	default:
		if ((file.kind & TREE_KIND) % TREE_KINDS == TREE_LOG &&
			pick(r, 4) != 0)
			mutate_batch(all, at + FILE_HEADER, size, room, r);
		else
			mutate_part(all, at + FILE_HEADER, size, room);
		size = size + all->size - before;
		klog_set_be16(all->data + at + 2, (uint16_t)size);
	}
}

size_t
tree_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed,
	size_t front)
{
	struct random r = { seed };
	struct klog_buf all = { NULL, 0, 0 };
	size_t starts[TREE_FILES_MAX];
	struct klog_slice in = klog_slice_of(data, size), taken;
	struct tree_file file;
	size_t count = 0;

	if (!klog_take(&in, front, &taken) || pick(&r, 16) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	while (count < TREE_FILES_MAX && in.size > 0) {
		starts[count] = size - in.size;
		if (!tree_take(&in, &file))
			break;
		count++;
	}
	if (count == 0 || pick(&r, 12) == 0) {
		LLVMFuzzerMutate(data, front, front);
		return size;
	}
	must(klog_buf_put(&all, data, size) == 0);
	mutate_file(&all, starts[pick(&r, count)], max_size - size, &r);
	must(all.size <= max_size);
	size = all.size;
	memcpy(data, all.data, size);
	klog_buf_free(&all);
	return size;
}
