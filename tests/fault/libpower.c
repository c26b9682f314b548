/*
 * libpower.so, for LD_PRELOAD: what the device is told by a tool.
 *
 *	KLOG_POWER_CUT='N MOUNT-POINT'	before this process's N-th call that
 *			changes or syncs something there, the power is cut
 *			(see power-cut.c)
 *	KLOG_POWER_NAMES=1	the journal is written before: names, sizes and
 *			what was removed are as they were left, and what was
 *			written into files without a sync is not
 *	KLOG_POWER_RECORD=FILE	each such call is appended to FILE, in the
 *			order in which they were made (see trace.h); several
 *			processes may share it
 *
 * While a call is made that is written down nobody else makes one, but for
 * syncs, during which others go on: their begin and their end are two events.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "trace.h"

#define SHUTDOWN _IOR('X', 125, uint32_t)
#define LOG_FLUSH 1
#define NO_LOG_FLUSH 2

/* The C library's own; a function pointer comes out of dlsym by a detour. */
#define REAL(type, name, args)                                                 \
	static type(*real_##name) args;                                        \
	static void __attribute__((constructor)) find_##name(void)             \
	{                                                                      \
		void *p = dlsym(RTLD_NEXT, #name);                             \
                                                                               \
		memcpy(&real_##name, &p, sizeof(p));                           \
	}

REAL(int, openat, (int, const char *, int, ...))
REAL(ssize_t, pwrite, (int, const void *, size_t, off_t))
REAL(int, ftruncate, (int, off_t))
REAL(int, fdatasync, (int))
REAL(int, fsync, (int))
REAL(int, syncfs, (int))
REAL(int, mkdirat, (int, const char *, mode_t))
REAL(int, unlinkat, (int, const char *, int))
REAL(int, renameat, (int, const char *, int, const char *))
REAL(int, renameat2, (int, const char *, int, const char *, unsigned))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int record_fd = -1;
static int cut_fd = -1;
static long cut_at;
static dev_t cut_device;
static bool with_names;
static atomic_long calls;
static atomic_ullong syncs;

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	_exit(125);
}

/* Descriptors out of the way of those that the tool counts on. */
static int
far_open(const char *path, int flags)
{
	int near = real_openat(AT_FDCWD, path, flags | O_CLOEXEC, 0666);
	int far = near < 0 ? -1 : fcntl(near, F_DUPFD_CLOEXEC, 500);

	if (far < 0)
		die(path);
	close(near);
	return far;
}

/* After the finders: constructors run in the order in which they stand. */
static void __attribute__((constructor)) begin(void)
{
	const char *cut = getenv("KLOG_POWER_CUT");
	const char *record = getenv("KLOG_POWER_RECORD");
	struct stat st;
	char *mount;

	if (record != NULL)
		record_fd = far_open(record, O_WRONLY | O_APPEND | O_CREAT);
	if (cut == NULL)
		return;
	with_names = getenv("KLOG_POWER_NAMES") != NULL;
	cut_at = strtol(cut, &mount, 10);
	cut_fd = far_open(mount + (*mount == ' '), O_RDONLY | O_DIRECTORY);
	if (fstat(cut_fd, &st) < 0)
		die(mount);
	cut_device = st.st_dev;
}

/* ---- before each call ------------------------------------------------- */

static void
maybe_cut(int fd)
{
	uint32_t flags = with_names ? LOG_FLUSH : NO_LOG_FLUSH;
	struct stat st;

	if (cut_fd < 0 || fstat(fd, &st) < 0 || st.st_dev != cut_device ||
		atomic_fetch_add(&calls, 1) + 1 != cut_at)
		return;
	if (ioctl(cut_fd, SHUTDOWN, &flags) < 0)
		die("shutdown");
}

static void
enter(int fd)
{
	maybe_cut(fd);
	if (record_fd < 0)
		return;
	pthread_mutex_lock(&mutex);
	while (flock(record_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			die("flock");
}

static void
leave(void)
{
	int e = errno;

	if (record_fd < 0)
		return;
	flock(record_fd, LOCK_UN);
	pthread_mutex_unlock(&mutex);
	errno = e;
}

/* ---- after it --------------------------------------------------------- */

static uint64_t
inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static uint64_t
inode_at(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_ino;
}

static void
put(enum trace_op op, uint64_t dir, uint64_t ino, uint64_t at, const char *one,
	const char *two, const void *data, size_t size)
{
	struct trace t = { dir, ino, at, (uint32_t)size, (uint16_t)op, 0 };
	struct iovec v[4] = { { &t, sizeof(t) } };
	int e = errno;
	ssize_t all;

	if (record_fd < 0)
		return;
	v[1].iov_base = (char *)(uintptr_t)(one ? one : "");
	v[1].iov_len = strlen(one ? one : "") + 1;
	v[2].iov_base = (char *)(uintptr_t)(two ? two : "");
	v[2].iov_len = strlen(two ? two : "") + 1;
	v[3].iov_base = (void *)(uintptr_t)data;
	v[3].iov_len = size;
	t.names = (uint16_t)(v[1].iov_len + v[2].iov_len);
	all = (ssize_t)(sizeof(t) + t.names + size);
	if (writev(record_fd, v, 4) != all)
		die("trace");
	errno = e;
}

/* ---- the calls -------------------------------------------------------- */

int
openat(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (!(flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE)
		return real_openat(dir, name, flags);
	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	if (!(flags & O_CREAT))
		return real_openat(dir, name, flags, mode);
	if (record_fd >= 0 && (flags & O_TRUNC || !(flags & O_EXCL)))
		die("libpower knows no such openat");
	enter(dir);
	fd = real_openat(dir, name, flags, mode);
	if (fd >= 0)
		put(TRACE_CREATE, inode(dir), inode(fd), 0, name, NULL, NULL,
			0);
	leave();
	return fd;
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t at)
{
	ssize_t n;

	enter(fd);
	n = real_pwrite(fd, data, size, at);
	if (n > 0)
		put(TRACE_WRITE, 0, inode(fd), (uint64_t)at, NULL, NULL, data,
			(size_t)n);
	leave();
	return n;
}

int
ftruncate(int fd, off_t size)
{
	int r;

	enter(fd);
	r = real_ftruncate(fd, size);
	if (r == 0)
		put(TRACE_TRUNCATE, 0, inode(fd), (uint64_t)size, NULL, NULL,
			NULL, 0);
	leave();
	return r;
}

static int
sync_with(int (*sync)(int), int fd, bool all)
{
	uint64_t ino = all ? 0 : inode(fd), id;
	int r;

	id = (uint64_t)getpid() << 32 | atomic_fetch_add(&syncs, 1);
	enter(fd);
	put(TRACE_SYNC_BEGIN, 0, ino, id, NULL, NULL, NULL, 0);
	leave();
	r = sync(fd);
	if (r < 0 || record_fd < 0)
		return r;
	pthread_mutex_lock(&mutex);
	flock(record_fd, LOCK_EX);
	put(TRACE_SYNC_END, 0, ino, id, NULL, NULL, NULL, 0);
	leave();
	return r;
}

int
fdatasync(int fd)
{
	return sync_with(real_fdatasync, fd, false);
}

int
fsync(int fd)
{
	return sync_with(real_fsync, fd, false);
}

int
syncfs(int fd)
{
	return sync_with(real_syncfs, fd, true);
}

int
mkdirat(int dir, const char *name, mode_t mode)
{
	int r;

	enter(dir);
	r = real_mkdirat(dir, name, mode);
	if (r == 0)
		put(TRACE_MKDIR, inode(dir), inode_at(dir, name), 0, name, NULL,
			NULL, 0);
	leave();
	return r;
}

int
unlinkat(int dir, const char *name, int flags)
{
	int r;

	enter(dir);
	r = real_unlinkat(dir, name, flags);
	if (r == 0)
		put(TRACE_UNLINK, inode(dir), 0, 0, name, NULL, NULL, 0);
	leave();
	return r;
}

static void
renamed(int dir, const char *from, int to_dir, const char *to)
{
	if (record_fd >= 0 && inode(dir) != inode(to_dir))
		die("libpower knows no rename between directories");
	put(TRACE_RENAME, inode(dir), 0, 0, from, to, NULL, 0);
}

int
renameat(int dir, const char *from, int to_dir, const char *to)
{
	int r;

	enter(dir);
	r = real_renameat(dir, from, to_dir, to);
	if (r == 0)
		renamed(dir, from, to_dir, to);
	leave();
	return r;
}

int
renameat2(int dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int r;

	enter(dir);
	r = real_renameat2(dir, from, to_dir, to, flags);
	if (r == 0)
		renamed(dir, from, to_dir, to);
	leave();
	return r;
}
