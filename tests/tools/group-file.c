/*
 * group-file - what stands in the files of a consumer group.
 *
 *	group-file slot LINE		LINE as a slot of an offset file
 *	group-file line LINE		LINE with its sum, as in a journal
 *	group-file lock FILE
 *	group-file hold DIR TOPIC PARTITION...
 *
 * lock holds byte 0 of a file until its stdin ends.  The last one is a member of the group in directory DIR: it locks a file in
 * members/, and the offset files of the partitions, in which it puts its name
 * and keeps the offset.  It prints its process id, and holds the locks until
 * its stdin ends.  It shares no line with libklog.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SLOT 512
#define SECOND 4096

static uint32_t
crc32c(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	uint32_t crc = 0xffffffff;
	int bit;

	while (*p != '\0') {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
make_slot(char slot[SLOT + 1], const char *line)
{
	snprintf(slot, SLOT + 1, "%s %08" PRIx32 "%*s", line, crc32c(line),
		SLOT, "");
	slot[SLOT - 1] = '\n';
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
lock(int fd, const char *name)
{
	struct flock fl = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1
	};

	if (fcntl(fd, F_OFD_SETLK, &fl) == -1)
		die(name);
}

/* The newest slot's sequence, generation and offset, 0 0 -1 without one; and
 * where it stands. */
static off_t
newest(int fd, int64_t n[3])
{
	off_t at, found = SECOND;

	n[0] = n[1] = 0;
	n[2] = -1;
	for (at = 0; at <= SECOND; at += SECOND) {
		char slot[SLOT + 1] = "";
		int64_t m[3];

		if (pread(fd, slot, SLOT, at) == SLOT &&
			sscanf(slot,
				"klog-offset %" SCNd64 " %" SCNd64 " %" SCNd64,
				&m[0], &m[1], &m[2]) == 3 &&
			m[0] > n[0]) {
			memcpy(n, m, sizeof(m));
			found = at;
		}
	}
	return found;
}

static void
take(const char *dir, const char *partition, const char *member)
{
	char path[4096], line[SLOT], slot[SLOT + 1];
	int64_t n[3];
	off_t at;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, partition);
	fd = open(path, O_RDWR | O_CREAT, 0666);
	if (fd == -1)
		die(path);
	lock(fd, path);
	at = newest(fd, n);
	snprintf(line, sizeof(line),
		"klog-offset %" PRId64 " %" PRId64 " %" PRId64 " -1 %" PRId64
		" %" PRId64 " %d %s ",
		n[0] + 1, n[1] + 1, n[2], now_ms(), now_ms(), (int)getpid(),
		member);
	if (gethostname(line + strlen(line), 65) == -1)
		die("gethostname");
	make_slot(slot, line);
	if (pwrite(fd, slot, SLOT, at == 0 ? SECOND : 0) != SLOT)
		die(path);
}

static void
hold(const char *dir, const char *topic, char **partitions)
{
	char path[4096], member[64], host[65] = "", c;
	int fd;

	snprintf(path, sizeof(path), "%s/members", dir);
	(void)mkdir(path, 0777);
	snprintf(member, sizeof(member), "%013" PRId64 "-%d-0", now_ms(),
		(int)getpid());
	snprintf(path, sizeof(path), "%s/members/%s", dir, member);
	fd = open(path, O_RDWR | O_CREAT, 0666);
	if (fd == -1)
		die(path);
	lock(fd, path);
	(void)gethostname(host, sizeof(host) - 1);
	dprintf(fd, "klog-member %d %s %" PRId64 " range %s\n", (int)getpid(),
		host, now_ms(), topic);
	for (; *partitions != NULL; partitions++)
		take(dir, *partitions, member);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	while (read(0, &c, 1) == 1)
		;
	unlink(path);
}

int
main(int argc, char **argv)
{
	char slot[SLOT + 1];

	if (argc == 3 && strcmp(argv[1], "slot") == 0) {
		make_slot(slot, argv[2]);
		fwrite(slot, 1, SLOT, stdout);
	} else if (argc == 3 && strcmp(argv[1], "line") == 0) {
		printf("%s %08" PRIx32 "\n", argv[2], crc32c(argv[2]));
	} else if (argc == 3 && strcmp(argv[1], "lock") == 0) {
		char c;
		int fd = open(argv[2], O_RDWR);

		if (fd == -1)
			die(argv[2]);
		lock(fd, argv[2]);
		puts("locked");
		fflush(stdout);
		while (read(0, &c, 1) == 1)
			;
	} else if (argc >= 4 && strcmp(argv[1], "hold") == 0) {
		hold(argv[2], argv[3], argv + 4);
	} else {
		fprintf(stderr,
			"usage: group-file slot|line LINE, or hold "
			"DIR TOPIC PARTITION...\n");
		return 2;
	}
	return 0;
}
