/*
 * libdevice.so, for LD_PRELOAD: a device that is not what the page cache
 * shows of a .log.
 *
 *	DEVICE_LOST=FROM:TO	what is read past the cache (O_DIRECT) of any
 *				.log has zeros there
 *	DEVICE_ONLY_CACHE=1	nothing is read past the cache: O_DIRECT is
 *				refused, and a page that is dropped stays
 */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The next definition of a function, behind this library's. */
#define REAL(type, name, ...)                                                  \
	static type (*real)(__VA_ARGS__);                                      \
	if (real == NULL)                                                      \
	*(void **)&real = dlsym(RTLD_NEXT, name)

static bool
refused(int flags)
{
	if ((flags & O_DIRECT) == 0 || getenv("DEVICE_ONLY_CACHE") == NULL)
		return false;
	errno = EINVAL;
	return true;
}

int openat(int dir, const char *name, int flags, ...);
int
openat(int dir, const char *name, int flags, ...)
{
	REAL(int, "openat", int, const char *, int, ...);
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return refused(flags) ? -1 : real(dir, name, flags, mode);
}

/* What FORTIFY makes of one without a mode. */
int __openat_2(int dir, const char *name, int flags);
int
__openat_2(int dir, const char *name, int flags)
{
	REAL(int, "__openat_2", int, const char *, int);

	return refused(flags) ? -1 : real(dir, name, flags);
}

ssize_t pread(int fd, void *data, size_t size, off_t at);
ssize_t
pread(int fd, void *data, size_t size, off_t at)
{
	REAL(ssize_t, "pread", int, void *, size_t, off_t);
	ssize_t n = real(fd, data, size, at);
	const char *lost = getenv("DEVICE_LOST");
	char *colon;
	off_t from, to;

	if (n <= 0 || lost == NULL || (fcntl(fd, F_GETFL) & O_DIRECT) == 0)
		return n;
	from = strtol(lost, &colon, 10);
	to = strtol(colon + 1, NULL, 10);
	if (from < at)
		from = at;
	if (to > at + n)
		to = at + n;
	if (from < to)
		memset((char *)data + (from - at), 0, (size_t)(to - from));
	return n;
}

ssize_t preadv2(int fd, const struct iovec *v, int count, off_t at, int flags);
ssize_t
preadv2(int fd, const struct iovec *v, int count, off_t at, int flags)
{
	REAL(ssize_t, "preadv2", int, const struct iovec *, int, off_t, int);

	if (getenv("DEVICE_ONLY_CACHE") != NULL)
		flags &= ~RWF_NOWAIT;
	return real(fd, v, count, at, flags);
}
