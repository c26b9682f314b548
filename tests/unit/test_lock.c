/* Byte locks: whose they are, and when they go. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libklog/io.h"
#include "libklog/lock.h"
#include "tap.h"

static int
open_lock(int dir)
{
	struct klog_err err;

	return klog_create_file(dir, "lock", NULL, &err);
}

/* What somebody gets who comes with a descriptor of his own. */
static int
other(int dir, int byte)
{
	struct klog_err err;
	int fd = open_lock(dir);
	int r = klog_lock_try(fd, byte, 1, "lock", &err);

	close(fd);
	return r;
}

static int
another_process(int dir, int byte)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(other(dir, byte) == 1 ? 1 : 0);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void
locks(int dir)
{
	struct klog_err err;
	int fd = open_lock(dir);

	ok(fcntl(fd, F_GETFD) & FD_CLOEXEC,
		"a program that is run does not keep the lock");
	is_int(klog_lock_try(fd, 0, 1, "lock", &err), 1, "taken");
	is_int(other(dir, 0), 0, "not twice in a process");
	is_int(another_process(dir, 0), 0, "nor by another process");
	is_int(another_process(dir, 0), 0,
		"nor after a descriptor of the same file was closed");
	is_int(another_process(dir, 1), 1, "another byte is free");
	klog_unlock(fd, 0, 1);
	is_int(another_process(dir, 0), 1, "free again");
	klog_lock_try(fd, 0, 1, "lock", &err);
	close(fd);
	is_int(another_process(dir, 0), 1, "gone with its descriptor");
}

static void
shared(int dir)
{
	struct klog_err err;
	int one = open_lock(dir), two = open_lock(dir);

	is_int(klog_lock_alone(one, "log", &err), 1, "nobody has it open");
	klog_lock_share(one, "log", &err);
	is_int(klog_lock_alone(one, "log", &err), 1, "but for oneself");
	is_int(klog_lock_alone(two, "log", &err), 0, "somebody has");
	is_int(klog_lock_share(two, "log", &err), 0, "and two may");
	close(one);
	is_int(klog_lock_alone(two, "log", &err), 1, "alone again");
	close(two);
}

int
main(void)
{
	char name[] = "/tmp/klog-lock.XXXXXX";
	int dir = open(mkdtemp(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	locks(dir);
	shared(dir);
	unlinkat(dir, "lock", 0);
	close(dir);
	rmdir(name);
	return done();
}
