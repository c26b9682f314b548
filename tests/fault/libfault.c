/*
 * libfault.so - makes chosen system calls of a program fail, come short, lie
 * in wait or end it.  For LD_PRELOAD; does nothing unless FAULT_CALLS is set,
 * or FAULT_WITHOUT.
 *
 *	FAULT_CALLS	which calls, comma separated: write pwrite pwritev
 *			fsync fdatasync ftruncate rename link unlink mkdir
 *			chmod chown open create read pread preadv2 lock sync
 *			dread malloc; "dread" is a pread past the cache
 *			(O_DIRECT), "open" is one that makes no file, "create" one
 *			with O_CREAT, "tmpfile" one with O_TMPFILE, "lock" an OFD lock that is
 *			taken, "sync"
 *			sync_file_range and syncfs, "malloc" any allocation.
 *			"change" is all that changes a file or a name, the
 *			syncs of data included.
 *	FAULT_PATH	a pattern as of fnmatch(3), where * matches / too; the
 *			path that a descriptor leads to, or that a name stands
 *			for, has to match.  Default: "*".  malloc has no path.
 *	FAULT_NTH	the first call of those that is hit, from 1.  0: none.
 *	FAULT_DO	ENOSPC, EIO, ...  the call is not made, and fails so
 *			short:K		a write or read of K bytes at most
 *			garble:P	what a read brings of position P is
 *					another byte than is there
 *			kill		SIGKILL before the call
 *			kill-after	SIGKILL after it
 *			torn:K		a write of K bytes, then SIGKILL;
 *					K = half, or -N: N bytes before the end
 *			stop		SIGSTOP before the call, then the call
 *			stop-after	the call, then SIGSTOP
 *			ctrl-z		SIGTSTP before the call, then the call
 *	FAULT_STICKY	1: every later call, too
 *	FAULT_WHILE	a file: calls count and are hit only while it is there
 *	FAULT_LOG	a file to which each call that matches adds its line:
 *			"N NAME SIZE PATH", with "!" before a call that is hit
 *
 *	FAULT_WITHOUT	tmpfile or inotify: as if the system did not have it
 *
 * Each process counts for itself, all of its threads together.
 */

/* It would make inline functions of those that are defined here. */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The next definition of a function, behind this library's. */
#define REAL(type, name, ...)                                                  \
	static type (*real)(__VA_ARGS__);                                      \
	if (real == NULL)                                                      \
	*(void **)&real = dlsym(RTLD_NEXT, name)

enum action {
	NOTHING,
	FAIL,
	SHORT,
	GARBLE,
	KILL,
	KILL_AFTER,
	TORN,
	STOP,
	STOP_AFTER,
	CTRL_Z
};

static struct {
	const char *calls, *path, *gate;
	int log; /* a descriptor far above the program's own, or -1 */
	long nth;
	bool sticky;
	enum action action;
	int error;
	bool half;
	long bytes;
} plan = { .log = -1 };

static long counted;
static bool ready;

static const struct {
	const char *name;
	int number;
} errors[] = { { "ENOSPC", ENOSPC }, { "EIO", EIO }, { "EROFS", EROFS },
	{ "EDQUOT", EDQUOT }, { "EINTR", EINTR }, { "EFBIG", EFBIG },
	{ "EPERM", EPERM }, { "EACCES", EACCES }, { "EMFILE", EMFILE },
	{ "ENFILE", ENFILE }, { "ENOLCK", ENOLCK }, { "ENOMEM", ENOMEM },
	{ "EINVAL", EINVAL }, { "EAGAIN", EAGAIN }, { "ESTALE", ESTALE } };

static const char *const words[] = { [SHORT] = "short",
	[GARBLE] = "garble",
	[KILL] = "kill",
	[KILL_AFTER] = "kill-after",
	[TORN] = "torn",
	[STOP] = "stop",
	[STOP_AFTER] = "stop-after",
	[CTRL_Z] = "ctrl-z" };

/* A plan that is not understood must not pass for a run without faults. */
static void __attribute__((noreturn))
refuse(const char *what, const char *value)
{
	fprintf(stderr, "libfault: %s=%s: not understood\n", what, value);
	_exit(120);
}

static void
parse_action(const char *text)
{
	const char *colon = strchr(text, ':');
	size_t size = colon != NULL ? (size_t)(colon - text) : strlen(text);
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, text) == 0) {
			plan.action = FAIL;
			plan.error = errors[i].number;
			return;
		}
	for (i = SHORT; i <= CTRL_Z; i++)
		if (strlen(words[i]) == size &&
			strncmp(words[i], text, size) == 0)
			plan.action = (enum action)i;
	if (plan.action == NOTHING ||
		(colon != NULL) !=
			(plan.action == SHORT || plan.action == GARBLE ||
				plan.action == TORN))
		refuse("FAULT_DO", text);
	plan.half = colon != NULL && strcmp(colon, ":half") == 0;
	plan.bytes = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
}

static void __attribute__((constructor)) start(void)
{
	const char *action = getenv("FAULT_DO"), *nth = getenv("FAULT_NTH");
	const char *log = getenv("FAULT_LOG"), *sticky = getenv("FAULT_STICKY");

	plan.calls = getenv("FAULT_CALLS");
	if (plan.calls == NULL || *plan.calls == '\0')
		return;
	plan.path = getenv("FAULT_PATH");
	if (plan.path == NULL)
		plan.path = "*";
	plan.gate = getenv("FAULT_WHILE");
	plan.nth = nth != NULL ? strtol(nth, NULL, 10) : 0;
	plan.sticky = sticky != NULL && strcmp(sticky, "1") == 0;
	if (plan.nth > 0) {
		if (action == NULL)
			refuse("FAULT_DO", "");
		parse_action(action);
	}
	if (log != NULL && *log != '\0') {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, log,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

		if (fd == -1)
			refuse("FAULT_LOG", log);
		/* the lowest numbers stay as the program would have them */
		plan.log = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
		for (int high = 900; high > fd; high /= 2) {
			int up = (int)syscall(
				SYS_fcntl, fd, F_DUPFD_CLOEXEC, high);

			if (up == -1)
				continue;
			syscall(SYS_close, plan.log);
			plan.log = up;
			break;
		}
		syscall(SYS_close, fd);
	}
	ready = true;
}

/* ---- whether a call is one of those, and is hit ------------------------ */

static bool
listed(const char *name, const char *list)
{
	size_t size = strlen(name);

	for (const char *at = list; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, size) == 0 &&
			(at[size] == '\0' || at[size] == ','))
			return true;
	}
	return false;
}

static bool
chosen(const char *name)
{
	static const char changes[] = "write,pwrite,pwritev,fsync,fdatasync,"
				      "ftruncate,rename,link,unlink,mkdir,"
				      "chmod,chown,create";

	return listed(name, plan.calls) ||
		(listed("change", plan.calls) && listed(name, changes));
}

/* The path of `name` below the descriptor, or of the descriptor itself. */
static void
path_of(int fd, const char *name, char path[PATH_MAX])
{
	char link[64];
	ssize_t n = 0;

	path[0] = '\0';
	if (name != NULL && name[0] == '/') {
		snprintf(path, PATH_MAX, "%s", name);
		return;
	}
	if (fd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/self/cwd");
	else
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
	if (n < 0)
		n = 0;
	if (name != NULL)
		snprintf(path + n, (size_t)(PATH_MAX - n), "/%s", name);
	else
		path[n] = '\0';
}

static void
say(long n, bool hit, const char *name, size_t size, const char *path)
{
	char line[PATH_MAX + 128];
	int length = snprintf(line, sizeof(line), "%s%ld %s %zu %s\n",
		hit ? "!" : "", n, name, size, path);

	if (plan.log != -1)
		(void)!syscall(SYS_write, plan.log, line, (size_t)length);
}

static void
die(void)
{
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	for (;;)
		syscall(SYS_pause);
}

static void
stop(int sig)
{
	syscall(SYS_kill, syscall(SYS_getpid), sig);
}

/* What is done to this call; kill and stop are done here. */
static enum action
hit(const char *name, int fd, const char *below, size_t size)
{
	char path[PATH_MAX] = "";
	int saved = errno;
	enum action action = NOTHING;
	long n;

	if (!ready || !chosen(name))
		return NOTHING;
	if (strcmp(name, "malloc") != 0) {
		path_of(fd, below, path);
		if (fnmatch(plan.path, path, 0) != 0)
			goto out;
	}
	if (plan.gate != NULL &&
		syscall(SYS_faccessat, AT_FDCWD, plan.gate, F_OK) != 0)
		goto out;
	n = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
	if (plan.nth > 0 && (n == plan.nth || (plan.sticky && n > plan.nth)))
		action = plan.action;
	say(n, action != NOTHING, name, size, path);
	if (action == KILL)
		die();
	if (action == STOP || action == CTRL_Z)
		stop(action == STOP ? SIGSTOP : SIGTSTP);
out:
	errno = saved;
	return action;
}

static int
failed(void)
{
	errno = plan.error;
	return -1;
}

/* After the call: what was to come then. */
static void
after(enum action action)
{
	int saved = errno;

	if (action == KILL_AFTER || action == TORN)
		die();
	if (action == STOP_AFTER)
		stop(SIGSTOP);
	errno = saved;
}

/* How much of a transfer is let through. */
static size_t
part(enum action action, size_t size)
{
	size_t most = size;

	if (action != SHORT && action != TORN)
		return size;
	if (plan.half)
		most = size / 2;
	else if (plan.bytes >= 0)
		most = (size_t)plan.bytes;
	else if ((size_t)-plan.bytes <= size)
		most = size - (size_t)-plan.bytes;
	return most < size ? most : size;
}

/* A result of the call unless it is made to fail. */
#define CALL(action, call)                                                     \
	do {                                                                   \
		if ((action) == FAIL)                                          \
			return failed();                                       \
		long result_ = (long)(call);                                   \
		after(action);                                                 \
		return (__typeof__(call))result_;                              \
	} while (0)

/* ---- data -------------------------------------------------------------- */

ssize_t
write(int fd, const void *data, size_t size)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	enum action a = hit("write", fd, NULL, size);

	CALL(a, real(fd, data, part(a, size)));
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t at)
{
	REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
	enum action a = hit("pwrite", fd, NULL, size);

	CALL(a, real(fd, data, part(a, size), at));
}

ssize_t
pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	return pwrite(fd, data, size, at);
}

ssize_t
pwritev(int fd, const struct iovec *v, int count, off_t at)
{
	REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
	size_t size = 0;
	enum action a;

	for (int i = 0; i < count; i++)
		size += v[i].iov_len;
	a = hit("pwritev", fd, NULL, size);
	/* of several pieces only the first can come short here */
	if ((a == SHORT || a == TORN) && count > 0)
		CALL(a, pwrite(fd, v[0].iov_base, part(a, v[0].iov_len), at));
	CALL(a, real(fd, v, count, at));
}

ssize_t
read(int fd, void *data, size_t size)
{
	REAL(ssize_t, "read", int, void *, size_t);
	enum action a = hit("read", fd, NULL, size);

	CALL(a, real(fd, data, part(a, size)));
}

/* Whether this descriptor reads the device and not the cache. */
static bool
direct(int fd)
{
	int saved = errno;
	long flags = ready ? syscall(SYS_fcntl, fd, F_GETFL) : 0;

	errno = saved;
	return flags != -1 && (flags & O_DIRECT) != 0;
}

ssize_t
pread(int fd, void *data, size_t size, off_t at)
{
	REAL(ssize_t, "pread", int, void *, size_t, off_t);
	enum action a = hit(direct(fd) ? "dread" : "pread", fd, NULL, size);
	ssize_t n;

	if (a != GARBLE)
		CALL(a, real(fd, data, part(a, size), at));
	n = real(fd, data, size, at);
	if (n > 0 && plan.bytes >= at && plan.bytes < at + n)
		((unsigned char *)data)[plan.bytes - at] ^= 0x55;
	return n;
}

ssize_t
pread64(int fd, void *data, size_t size, off64_t at)
{
	return pread(fd, data, size, at);
}

/* What the headers call when the buffer's size is known. */
ssize_t
__read_chk(int fd, void *data, size_t size, size_t room)
{
	(void)room;
	return read(fd, data, size);
}

ssize_t
__pread_chk(int fd, void *data, size_t size, off_t at, size_t room)
{
	(void)room;
	return pread(fd, data, size, at);
}

ssize_t
__pread64_chk(int fd, void *data, size_t size, off64_t at, size_t room)
{
	(void)room;
	return pread(fd, data, size, at);
}

ssize_t
preadv2(int fd, const struct iovec *v, int count, off_t at, int flags)
{
	REAL(ssize_t, "preadv2", int, const struct iovec *, int, off_t, int);
	enum action a = hit("preadv2", fd, NULL, 0);

	CALL(a, real(fd, v, count, at, flags));
}

int
ftruncate(int fd, off_t size)
{
	REAL(int, "ftruncate", int, off_t);
	enum action a = hit("ftruncate", fd, NULL, (size_t)size);

	CALL(a, real(fd, size));
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

/* ---- syncs ------------------------------------------------------------- */

int
fsync(int fd)
{
	REAL(int, "fsync", int);
	enum action a = hit("fsync", fd, NULL, 0);

	CALL(a, real(fd));
}

int
fdatasync(int fd)
{
	REAL(int, "fdatasync", int);
	enum action a = hit("fdatasync", fd, NULL, 0);

	CALL(a, real(fd));
}

int
syncfs(int fd)
{
	REAL(int, "syncfs", int);
	enum action a = hit("sync", fd, NULL, 0);

	CALL(a, real(fd));
}

int
sync_file_range(int fd, off64_t from, off64_t size, unsigned int flags)
{
	REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned int);
	enum action a = hit("sync", fd, NULL, (size_t)size);

	CALL(a, real(fd, from, size, flags));
}

/* ---- names ------------------------------------------------------------- */

static bool
lacks(const char *name)
{
	const char *without = getenv("FAULT_WITHOUT");

	return without != NULL && strcmp(without, name) == 0;
}

static int
open_at(int dir, const char *name, int flags, mode_t mode)
{
	REAL(int, "openat", int, const char *, int, ...);
	bool hidden = (flags & O_TMPFILE) == O_TMPFILE;
	enum action a;

	if (hidden && lacks("tmpfile")) {
		errno = EOPNOTSUPP;
		return -1;
	}
	a = hit(flags & O_CREAT  ? "create"
			: hidden ? "tmpfile"
				 : "open",
		dir, name, 0);
	CALL(a, real(dir, name, flags, mode));
}

/* The mode is there only with these flags. */
#define OPEN_MODE(flags)                                                       \
	mode_t mode = 0;                                                       \
	if ((flags) & (O_CREAT | __O_TMPFILE)) {                               \
		va_list ap;                                                    \
		va_start(ap, flags);                                           \
		mode = va_arg(ap, mode_t);                                     \
		va_end(ap);                                                    \
	}

int
openat(int dir, const char *name, int flags, ...)
{
	OPEN_MODE(flags)
	return open_at(dir, name, flags, mode);
}

int
openat64(int dir, const char *name, int flags, ...)
{
	OPEN_MODE(flags)
	return open_at(dir, name, flags | O_LARGEFILE, mode);
}

int
open(const char *name, int flags, ...)
{
	OPEN_MODE(flags)
	return open_at(AT_FDCWD, name, flags, mode);
}

int
open64(const char *name, int flags, ...)
{
	OPEN_MODE(flags)
	return open_at(AT_FDCWD, name, flags | O_LARGEFILE, mode);
}

int
__open_2(const char *name, int flags)
{
	return open_at(AT_FDCWD, name, flags, 0);
}

int
__open64_2(const char *name, int flags)
{
	return open_at(AT_FDCWD, name, flags | O_LARGEFILE, 0);
}

int
__openat_2(int dir, const char *name, int flags)
{
	return open_at(dir, name, flags, 0);
}

int
__openat64_2(int dir, const char *name, int flags)
{
	return open_at(dir, name, flags | O_LARGEFILE, 0);
}

int
mkdirat(int dir, const char *name, mode_t mode)
{
	REAL(int, "mkdirat", int, const char *, mode_t);
	enum action a = hit("mkdir", dir, name, 0);

	CALL(a, real(dir, name, mode));
}

int
mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to,
	unsigned int flags)
{
	REAL(int, "renameat2", int, const char *, int, const char *,
		unsigned int);
	enum action a = hit("rename", to_dir, to, 0);

	CALL(a, real(from_dir, from, to_dir, to, flags));
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

int
rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	REAL(int, "linkat", int, const char *, int, const char *, int);
	enum action a = hit("link", to_dir, to, 0);

	CALL(a, real(from_dir, from, to_dir, to, flags));
}

int
link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
unlinkat(int dir, const char *name, int flags)
{
	REAL(int, "unlinkat", int, const char *, int);
	enum action a = hit("unlink", dir, name, 0);

	CALL(a, real(dir, name, flags));
}

int
unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int
fchmod(int fd, mode_t mode)
{
	REAL(int, "fchmod", int, mode_t);
	enum action a = hit("chmod", fd, NULL, 0);

	CALL(a, real(fd, mode));
}

int
fchown(int fd, uid_t user, gid_t group)
{
	REAL(int, "fchown", int, uid_t, gid_t);
	enum action a = hit("chown", fd, NULL, 0);

	CALL(a, real(fd, user, group));
}

int
fchownat(int dir, const char *name, uid_t user, gid_t group, int flags)
{
	REAL(int, "fchownat", int, const char *, uid_t, gid_t, int);
	enum action a = hit("chown", dir, name, 0);

	CALL(a, real(dir, name, user, group, flags));
}

int
inotify_init1(int flags)
{
	REAL(int, "inotify_init1", int);

	if (lacks("inotify")) {
		errno = EMFILE;
		return -1;
	}
	return real(flags);
}

/* ---- locks ------------------------------------------------------------- */

static int
control(int fd, int command, void *arg)
{
	REAL(int, "fcntl64", int, int, ...);
	enum action a = NOTHING;

	if ((command == F_OFD_SETLK || command == F_OFD_SETLKW) &&
		((struct flock *)arg)->l_type != F_UNLCK)
		a = hit("lock", fd, NULL, 0);
	CALL(a, real(fd, command, arg));
}

int
fcntl(int fd, int command, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	return control(fd, command, arg);
}

int
fcntl64(int fd, int command, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	return control(fd, command, arg);
}

/* ---- memory ------------------------------------------------------------ */

/* dlsym may allocate: the C library's own names are used. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static bool
no_memory(size_t size)
{
	if (hit("malloc", -1, NULL, size) != FAIL)
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return no_memory(size) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return no_memory(count * size) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return no_memory(size) ? NULL : __libc_realloc(old, size);
}
