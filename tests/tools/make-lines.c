/*
 * make-lines - lines to produce.
 *
 *	make-lines WRITER COUNT [WIDTH]   "WRITER SEQ" and letters up to WIDTH
 *	make-lines -m SEED COUNT          lines of any bytes but newline, from
 *	                                  nothing to the largest record
 *
 * The same arguments give the same lines.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 1048516

static uint64_t state;

static uint64_t
next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t
mixed_size(long i)
{
	static const size_t edges[] = { 0, 1, 2, 63, 64, 127, 128, 4095, 4096,
		8191, 8192, 16383, 16384, 65535, 65536, LARGEST - 1, LARGEST };

	if (i < (long)(sizeof(edges) / sizeof(*edges)))
		return edges[i];
	switch (next() % 64) {
	case 0:
		return next() % (LARGEST + 1);
	case 1:
	case 2:
		return next() % 20000;
	case 3:
	case 4:
	case 5:
		return 0;
	default:
		return next() % 300;
	}
}

static void
mixed(long count)
{
	char *line = malloc(LARGEST + 8);

	if (line == NULL)
		exit(1);
	for (long i = 0; i < count; i++) {
		size_t size = mixed_size(i);

		for (size_t at = 0; at < size; at += 8) {
			uint64_t x = next();

			memcpy(line + at, &x, 8);
		}
		for (size_t at = 0; at < size; at++)
			if (line[at] == '\n')
				line[at] = '\r';
		line[size] = '\n';
		fwrite(line, 1, size + 1, stdout);
	}
	free(line);
}

static void
numbered(const char *writer, long count, int width)
{
	for (long i = 0; i < count; i++) {
		int size = printf("%s %ld", writer, i);

		if (size < width)
			putchar(' ');
		for (int at = size + 1; at < width; at++)
			putchar('a' + at % 26);
		putchar('\n');
	}
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "-m") == 0) {
		state = 0x9e3779b97f4a7c15ULL *
			(strtoull(argv[2], NULL, 10) + 1);
		mixed(atol(argv[3]));
	} else if (argc == 3 || argc == 4) {
		numbered(argv[1], atol(argv[2]), argc == 4 ? atoi(argv[3]) : 0);
	} else {
		fprintf(stderr,
			"usage: make-lines WRITER COUNT [WIDTH]\n"
			"       make-lines -m SEED COUNT\n");
		return 2;
	}
	return fflush(stdout) != 0;
}
