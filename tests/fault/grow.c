/*
 * grow - makes a partition of two segments one of many.
 *
 *	grow COUNT DIR
 *
 * The first segment is put there COUNT times, one after the other and each an
 * hour older than the next, and the active one behind them; `.klog` says
 * so.  Zeros become holes, so a large partition needs little room.  All is as
 * klog would have written it: what is patched is offsets, timestamps and
 * checksums.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libklog/crc32c.h"

#define BLOCK ((size_t)4096)
#define HOUR ((int64_t)3600 * 1000)

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "grow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
get(const uint8_t *p, int size)
{
	uint64_t x = 0;

	while (size-- > 0)
		x = x << 8 | *p++;
	return x;
}

static void
put(uint8_t *p, uint64_t x, int size)
{
	while (size-- > 0) {
		p[size] = (uint8_t)x;
		x >>= 8;
	}
}

static void
add(uint8_t *p, int64_t x)
{
	put(p, get(p, 8) + (uint64_t)x, 8);
}

static uint8_t *
slurp(const char *name, size_t *size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(name);
	*size = (size_t)st.st_size;
	data = malloc(*size + 1);
	if (data == NULL)
		die("memory");
	for (size_t at = 0; at < *size;) {
		ssize_t n = read(fd, data + at, *size - at);

		if (n <= 0)
			die(name);
		at += (size_t)n;
	}
	close(fd);
	return data;
}

static void
spill(const char *name, const uint8_t *data, size_t size)
{
	static const uint8_t zero[BLOCK];
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		die(name);
	for (size_t at = 0; at < size; at += BLOCK) {
		size_t n = size - at < BLOCK ? size - at : BLOCK;

		if (memcmp(data + at, zero, n) != 0 &&
			pwrite(fd, data + at, n, (off_t)at) != (ssize_t)n)
			die(name);
	}
	close(fd);
}

/* The offset behind its last record. */
static int64_t
shift_log(uint8_t *log, size_t size, int64_t offsets, int64_t ms)
{
	int64_t next = 0;

	for (size_t at = 0; at < size;) {
		uint8_t *b = log + at;
		size_t length = (size_t)get(b + 8, 4) + 12;

		add(b, offsets);
		next = (int64_t)(get(b, 8) + get(b + 23, 4)) + 1;
		if (ms != 0) {
			add(b + 27, ms);
			add(b + 35, ms);
			put(b + 17, klog_crc32c(b + 21, length - 21), 4);
		}
		at += length;
	}
	return next;
}

static const char *
name_of(int64_t base, const char *suffix)
{
	static char name[64];

	snprintf(name, sizeof(name), "%020" PRId64 "%s", base, suffix);
	return name;
}

/* A segment's files, to another base. */
static int64_t
put_segment(uint8_t *const data[3], const size_t size[3], int64_t base,
	int64_t offsets, int64_t ms)
{
	int64_t next = shift_log(data[0], size[0], offsets, ms);

	for (size_t at = 0; at + 12 <= size[2]; at += 12)
		add(data[2] + at, ms);
	spill(name_of(base, ".log"), data[0], size[0]);
	spill(name_of(base, ".index"), data[1], size[1]);
	spill(name_of(base, ".timeindex"), data[2], size[2]);
	return next;
}

static void
take_segment(uint8_t *data[3], size_t size[3], int64_t base)
{
	data[0] = slurp(name_of(base, ".log"), &size[0]);
	data[1] = slurp(name_of(base, ".index"), &size[1]);
	data[2] = slurp(name_of(base, ".timeindex"), &size[2]);
}

/* In each whole slot: the active segment, next offset, newest timestamp's
 * offset, recovery point and its segment. */
static void
shift_state(int64_t offsets)
{
	static const int fields[] = { 100, 116, 132, 172, 180 };
	int fd = open(".klog", O_RDWR | O_CLOEXEC);
	uint8_t slot[512];

	for (off_t at = 0; at <= 4096; at += 4096) {
		if (fd < 0 || pread(fd, slot, 512, at) != 512)
			die(".klog");
		for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
			add(slot + fields[i], offsets);
		put(slot + 508, klog_crc32c(slot, 508), 4);
		if (pwrite(fd, slot, 512, at) != 512)
			die(".klog");
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	int64_t count = argc == 3 ? strtol(argv[1], NULL, 10) : 0, records;
	uint8_t *first[3], *active[3];
	size_t first_size[3], active_size[3];

	if (count < 2) {
		fprintf(stderr, "usage: grow COUNT DIR\n");
		return 2;
	}
	if (chdir(argv[2]) < 0)
		die(argv[2]);
	take_segment(first, first_size, 0);
	records = shift_log(first[0], first_size[0], 0, 0);
	take_segment(active, active_size, records);
	for (int i = 0; i < 3; i++) {
		static const char *const suffix[] = { ".log", ".index",
			".timeindex" };

		if (unlink(name_of(records, suffix[i])) < 0)
			die("the active segment");
	}
	/* the oldest first: each is made from the one before */
	put_segment(first, first_size, 0, 0, -HOUR * count);
	for (int64_t i = 1; i < count; i++)
		put_segment(first, first_size, i * records, records, HOUR);
	put_segment(
		active, active_size, count * records, (count - 1) * records, 0);
	shift_state((count - 1) * records);
	return 0;
}
