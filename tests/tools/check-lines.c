/*
 * check-lines - whether what several writers sent is there, once and in order.
 *
 *	check-lines WRITERS COUNT <records
 *
 * A line of input is "PARTITION OFFSET WRITER SEQ ...", as klog-consume prints
 * the lines of make-lines with -F '%p %o %s\n'.  Writers are 0 to WRITERS-1,
 * each sent the sequence 0 to COUNT-1.  Offsets of a partition must be dense
 * from 0, a writer's numbers ascend within a partition, and each is there
 * once.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTITIONS 64
#define WRITERS 64

static long next_offset[PARTITIONS];
static long last_seq[PARTITIONS][WRITERS];

static long
number(char **at)
{
	char *end;
	long n = strtol(*at, &end, 10);

	if (end == *at)
		n = -1;
	*at = end;
	return n;
}

static bool
check_line(char *line, long writers, long count, char *seen)
{
	long partition = number(&line), offset = number(&line);
	long writer = number(&line), seq = number(&line);

	if (partition < 0 || partition >= PARTITIONS || writer < 0 ||
		writer >= writers || seq < 0 || seq >= count) {
		fprintf(stderr, "check-lines: not a line of a writer\n");
		return false;
	}
	if (offset != next_offset[partition]) {
		fprintf(stderr,
			"check-lines: partition %ld: offset %ld, "
			"expected %ld\n",
			partition, offset, next_offset[partition]);
		return false;
	}
	next_offset[partition]++;
	if (seq + 1 <= last_seq[partition][writer]) {
		fprintf(stderr,
			"check-lines: partition %ld offset %ld: writer "
			"%ld goes back to %ld from %ld\n",
			partition, offset, writer, seq,
			last_seq[partition][writer] - 1);
		return false;
	}
	last_seq[partition][writer] = seq + 1;
	if (seen[writer * count + seq]++) {
		fprintf(stderr, "check-lines: writer %ld: %ld twice\n", writer,
			seq);
		return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	long writers = argc == 3 ? atol(argv[1]) : 0;
	long count = argc == 3 ? atol(argv[2]) : 0;
	char *line = NULL, *seen;
	size_t size = 0;
	long total = 0;

	if (writers < 1 || writers > WRITERS || count < 1) {
		fprintf(stderr, "usage: check-lines WRITERS COUNT\n");
		return 2;
	}
	seen = calloc((size_t)writers, (size_t)count);
	if (seen == NULL)
		return 1;
	while (getline(&line, &size, stdin) > 0) {
		if (!check_line(line, writers, count, seen))
			return 1;
		total++;
	}
	free(line);
	free(seen);
	if (total != writers * count) {
		fprintf(stderr, "check-lines: %ld lines of %ld\n", total,
			writers * count);
		return 1;
	}
	return 0;
}
