/*
 * klog-state - shows a partition's state, and makes another of it.
 *
 *	klog-state FILE			a line "name value" for each field
 *	klog-state FILE NAME		the value of one
 *	klog-state FILE NAME=VALUE...	both slots, with their checksums
 *
 * FILE is a `.klog`, changed in place, so that klog takes it for the one that
 * it knows.  It shares no line with libklog.  boot=0 is another boot.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT 512
#define SECOND 4096
#define CRC 508
#define SEQUENCE 8

static const struct field {
	const char *name;
	int at, width;
} fields[] = { { "sequence", SEQUENCE, 8 }, { "boot", 16, 16 },
	{ "file-system", 32, 8 }, { "device", 40, 8 }, { "inode", 48, 8 },
	{ "topic-id", 56, 16 }, { "epoch", 72, 4 }, { "epoch-start", 76, 8 },
	{ "leader", 84, 4 }, { "marks", 88, 4 }, { "log-start", 92, 8 },
	{ "base", 100, 8 }, { "length", 108, 8 }, { "next", 116, 8 },
	{ "recovery", 172, 8 }, { "recovery-base", 180, 8 },
	{ "recovery-position", 188, 8 }, { "first-dirty", 196, 8 },
	{ "generation", 204, 8 }, { "change", 245, 8 } };

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static uint32_t
crc32c(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;
	int bit;

	while (n-- > 0) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static uint64_t
get(const uint8_t *p, int width)
{
	uint64_t v = 0;

	while (width-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
set(uint8_t *p, int width, uint64_t v)
{
	while (width-- > 0) {
		p[width] = (uint8_t)v;
		v >>= 8;
	}
}

static bool
whole(const uint8_t *slot)
{
	return memcmp(slot, "klogst1\n", 8) == 0 &&
		get(slot + CRC, 4) == crc32c(slot, CRC);
}

static void
show(const uint8_t *slot, const struct field *f)
{
	int i;

	if (f->width <= 8) {
		printf("%" PRIu64 "\n", get(slot + f->at, f->width));
		return;
	}
	for (i = 0; i < f->width; i++)
		printf("%02x", slot[f->at + i]);
	putchar('\n');
}

static const struct field *
find(const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < FIELDS; i++)
		if (strlen(fields[i].name) == length &&
			memcmp(fields[i].name, name, length) == 0)
			return &fields[i];
	fprintf(stderr, "klog-state: no field %.*s\n", (int)length, name);
	exit(2);
}

/* The whole slot with the higher sequence. */
static void
newest(int fd, const char *path, uint8_t *slot)
{
	uint8_t page[SECOND + SLOT];
	ssize_t n = pread(fd, page, sizeof(page), 0);
	bool one = n >= SLOT && whole(page);
	bool two = n == (ssize_t)sizeof(page) && whole(page + SECOND);

	if (!one && !two) {
		fprintf(stderr, "klog-state: %s: no slot is whole\n", path);
		exit(1);
	}
	if (two &&
		(!one ||
			get(page + SECOND + SEQUENCE, 8) >
				get(page + SEQUENCE, 8)))
		memcpy(slot, page + SECOND, SLOT);
	else
		memcpy(slot, page, SLOT);
}

static void
put(int fd, const char *path, uint8_t *slot)
{
	uint64_t sequence = get(slot + SEQUENCE, 8) + 1;

	set(slot + SEQUENCE, 8, sequence);
	set(slot + CRC, 4, crc32c(slot, CRC));
	if (pwrite(fd, slot, SLOT, sequence % 2 != 0 ? 0 : SECOND) != SLOT) {
		perror(path);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	uint8_t slot[SLOT];
	bool changed = false;
	size_t f;
	int i, fd;

	if (argc < 2) {
		fputs("usage: klog-state FILE [NAME | NAME=VALUE...]\n",
			stderr);
		return 2;
	}
	fd = open(argv[1], (argc > 2 ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd == -1) {
		perror(argv[1]);
		return 1;
	}
	newest(fd, argv[1], slot);
	for (f = 0; argc == 2 && f < FIELDS; f++) {
		printf("%s ", fields[f].name);
		show(slot, &fields[f]);
	}
	for (i = 2; i < argc; i++) {
		size_t length = strcspn(argv[i], "=");
		const struct field *field = find(argv[i], length);

		if (argv[i][length] == '\0') {
			show(slot, field);
			continue;
		}
		set(slot + field->at, field->width,
			strtoull(argv[i] + length + 1, NULL, 0));
		changed = true;
	}
	if (changed) {
		put(fd, argv[1], slot);
		put(fd, argv[1], slot);
	}
	return 0;
}
