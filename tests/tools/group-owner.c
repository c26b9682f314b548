/*
 * group-owner FILE: the process that holds the lock on a group's offset file,
 * by what the file says of its owner; nothing when it is free.
 * group-owner --raise FILE: a higher generation, as of one that came back from
 * elsewhere, behind the owner's back.
 * group-owner --epoch|--sequence|--generation N FILE: that number in the
 * newest slot, which stays whole.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libklog/committed.h"
#include "libklog/io.h"
#include "libklog/lock.h"

static int
failed(const struct klog_err *err)
{
	fprintf(stderr, "group-owner: %s\n", err->text);
	return 1;
}

static void
set(struct klog_committed *c, const char *what, const char *number)
{
	int64_t n = strtoll(number, NULL, 10);

	if (strcmp(what, "--epoch") == 0)
		c->epoch = (int32_t)n;
	else if (strcmp(what, "--sequence") == 0)
		c->sequence = (uint64_t)n - 1; /* written as the next */
	else
		c->generation = n;
}

int
main(int argc, char **argv)
{
	const char *file = argc > 1 ? argv[argc - 1] : NULL;
	bool raise = argc == 3 && strcmp(argv[1], "--raise") == 0;
	bool change = argc == 4 || raise;
	struct klog_commits commits;
	struct klog_err err;
	int fd;

	if (argc != 2 && !change)
		return 2;
	fd = klog_open_file(AT_FDCWD, file, change ? O_RDWR : O_RDONLY, &err);
	if (fd == -1)
		return change || err.code != KLOG_ENOTFOUND ? failed(&err) : 0;
	if (klog_commits_read(fd, &commits, file, &err) == -1)
		return failed(&err);
	if (raise)
		commits.now.generation++;
	else if (change)
		set(&commits.now, argv[1], argv[2]);
	if (change)
		return klog_commits_write(fd, &commits, false, file, &err) == -1
			? failed(&err)
			: 0;
	if (klog_lock_free(fd, 0, file, &err) == 0)
		printf("%d\n", (int)commits.now.pid);
	return 0;
}
