/*
 * group-owner FILE: the process that holds the lock on a group's offset file,
 * by what the file says of its owner; nothing when it is free.
 * group-owner --raise FILE: a higher generation, as of one that came back from
 * elsewhere, behind the owner's back.
 */
#include <fcntl.h>
#include <stdio.h>
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

int
main(int argc, char **argv)
{
	bool raise = argc == 3 && strcmp(argv[1], "--raise") == 0;
	struct klog_commits commits;
	struct klog_err err;
	int fd;

	if (argc != 2 && !raise)
		return 2;
	fd = klog_open_file(
		AT_FDCWD, argv[argc - 1], raise ? O_RDWR : O_RDONLY, &err);
	if (fd == -1)
		return raise || err.code != KLOG_ENOTFOUND ? failed(&err) : 0;
	if (klog_commits_read(fd, &commits, argv[argc - 1], &err) == -1)
		return failed(&err);
	if (raise) {
		commits.now.generation++;
		return klog_commits_write(
			       fd, &commits, false, argv[argc - 1], &err) == -1
			? failed(&err)
			: 0;
	}
	if (klog_lock_free(fd, 0, argv[1], &err) == 0)
		printf("%d\n", (int)commits.now.pid);
	return 0;
}
