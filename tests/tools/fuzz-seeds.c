/*
 * fuzz-seeds - the first inputs of the fuzz targets.
 *
 *	fuzz-seeds golden CORPUS	from the golden batches of the unit tests
 *	fuzz-seeds pack FRONT DIR	a partition's directory as tests/fuzz/tree.h
 *					has it, behind FRONT, in hex
 *	fuzz-seeds index FRONT DIR	the two indexes of its first segment
 *
 * The last two write to stdout.  tests/fuzz/seed calls it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/golden.h"

#define HEADER 61
#define SLOT 512
#define SECOND 4096

/* As tests/fuzz/tree.h has them, and what each mends. */
static const struct {
	const char *suffix;
	uint8_t kind;
} kinds[] = {
	{ ".log", 0x10 | 0 },
	{ ".index", 1 },
	{ ".timeindex", 2 },
	{ ".klog", 0x10 | 0x20 | 3 },
	{ "leader-epoch-checkpoint", 4 },
	{ ".snapshot", 0x10 | 5 },
	{ ".log.swap", 0x10 | 6 },
	{ ".log.cleaned", 7 },
};

static void
die(const char *what)
{
	fprintf(stderr, "fuzz-seeds: %s: %s\n", what, strerror(errno));
	exit(1);
}

static FILE *
create(const char *corpus, const char *target, const char *set, size_t i)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s-%zu", corpus, target, set, i);
	file = fopen(path, "we");
	if (file == NULL)
		die(path);
	return file;
}

static size_t
put_hex(FILE *to, const char *hex, size_t skip)
{
	size_t i, size = strlen(hex) / 2;

	for (i = skip; i < size; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		putc((int)strtol(two, NULL, 16), to);
	}
	return size;
}

static void
golden(const char *corpus, const char *set, const struct golden *list,
	size_t count)
{
	static const char *const codecs[] = { NULL, "gzip", "snappy", "lz4",
		"zstd" };
	size_t i;

	for (i = 0; i < count; i++) {
		char digit[2] = { list[i].hex[45], '\0' };
		long codec = strtol(digit, NULL, 16) & 7;
		FILE *file = create(corpus, "batch", set, i);

		put_hex(file, list[i].hex, 0);
		fclose(file);
		file = create(corpus, "records", set, i);
		put_hex(file, list[i].hex, 0);
		fclose(file);
		if (codec < 1 || codec > 4 || list[i].hex[33] != '2')
			continue;
		file = create(corpus, codecs[codec], set, i);
		put_hex(file, "4000", 0);
		put_hex(file, list[i].hex, HEADER);
		fclose(file);
	}
}

#define GOLDEN(corpus, list)                                                   \
	golden(corpus, #list, list, sizeof(list) / sizeof(list[0]))

/* ---- directories ---- */

static size_t
read_all(const char *dir, const char *name, uint8_t *data, size_t size)
{
	char path[4096];
	FILE *file;
	size_t got;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	got = fread(data, 1, size, file);
	fclose(file);
	return got;
}

static void
pack_file(const char *dir, const char *name, uint8_t kind)
{
	static uint8_t data[65536];
	size_t size = read_all(dir, name, data, sizeof(data) - 1);
	long base = strtol(name, NULL, 10);

	if ((kind & 0x0f) == 3 && size >= SECOND + SLOT) {
		memmove(data + SLOT, data + SECOND, SLOT);
		size = 2 * SLOT;
	}
	putchar(kind);
	putchar(base < 248 ? (int)base : 249);
	putchar((int)(size >> 8));
	putchar((int)(size & 0xff));
	fwrite(data, 1, size, stdout);
}

static void
pack(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	size_t i;

	if (d == NULL)
		die(dir);
	while ((entry = readdir(d)) != NULL) {
		const char *name = entry->d_name;
		size_t size = strlen(name);

		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			size_t end = strlen(kinds[i].suffix);

			if (size >= end &&
				strcmp(name + size - end, kinds[i].suffix) == 0)
				pack_file(dir, name, kinds[i].kind);
		}
	}
	closedir(d);
}

static void
indexes(const char *dir)
{
	static uint8_t data[65536];
	size_t size;

	size = read_all(
		dir, "00000000000000000000.index", data, sizeof(data) - 1);
	putchar((int)(size >> 8));
	putchar((int)(size & 0xff));
	fwrite(data, 1, size, stdout);
	size = read_all(
		dir, "00000000000000000000.timeindex", data, sizeof(data) - 1);
	fwrite(data, 1, size, stdout);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "golden") == 0) {
		GOLDEN(argv[2], golden_plain);
		GOLDEN(argv[2], golden_transactions);
		GOLDEN(argv[2], golden_compressed);
		GOLDEN(argv[2], golden_old);
	} else if (argc == 4 && strcmp(argv[1], "pack") == 0) {
		put_hex(stdout, argv[2], 0);
		pack(argv[3]);
	} else if (argc == 4 && strcmp(argv[1], "index") == 0) {
		put_hex(stdout, argv[2], 0);
		indexes(argv[3]);
	} else {
		fprintf(stderr, "usage: see the top of fuzz-seeds.c\n");
		return 2;
	}
	return 0;
}
