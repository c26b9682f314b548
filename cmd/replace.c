#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replace.h"

static const char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int
open_dir_of(const char *path)
{
	char *dir = strndup(path, (size_t)(name_of(path) - path));
	int fd;

	if (dir == NULL)
		return -1;
	fd = open(*dir != '\0' ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	return fd;
}

/* Without a name where the file system has such files, so that a kill leaves
 * nothing. */
static int
create(struct replace *r)
{
	int fd = openat(r->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);

	r->hidden = fd != -1;
	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	(void)unlinkat(r->dir, r->temp, 0);
	return openat(r->dir, r->temp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
}

static void
release(struct replace *r)
{
	if (r->dir != -1)
		close(r->dir);
	free(r->temp);
	free(r->path);
}

/* A descriptor for what is to be written, or -1. */
static int
open_output(struct replace *r, const char *path)
{
	struct stat st;
	bool there;

	if (strcmp(path, "-") == 0) {
		r->direct = true;
		r->path = strdup("stdout");
		return dup(STDOUT_FILENO);
	}
	there = stat(path, &st) == 0;
	r->direct = there && !S_ISREG(st.st_mode);
	r->path = there && !r->direct ? realpath(path, NULL) : strdup(path);
	if (r->path == NULL)
		return -1;
	if (r->direct)
		return open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	r->dir = open_dir_of(r->path);
	if (r->dir == -1 ||
		asprintf(&r->temp, ".%s.new", name_of(r->path)) == -1) {
		r->temp = NULL;
		return -1;
	}
	return create(r);
}

int
replace_begin(struct replace *r, const char *path, struct klog_err *err)
{
	int fd;

	memset(r, 0, sizeof(*r));
	r->dir = -1;
	fd = open_output(r, path);
	if (fd != -1)
		r->out = fdopen(fd, "w");
	if (r->out != NULL)
		return 0;
	klog_fail_errno(err, "%s", path);
	if (fd != -1) {
		close(fd);
		if (r->temp != NULL && !r->hidden)
			(void)unlinkat(r->dir, r->temp, 0);
	}
	release(r);
	return -1;
}

/* Gives it the name beside the file. */
static int
show(struct replace *r, int fd)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	(void)unlinkat(r->dir, r->temp, 0);
	if (linkat(AT_FDCWD, self, r->dir, r->temp, AT_SYMLINK_FOLLOW) == -1)
		return -1;
	r->hidden = false;
	return 0;
}

/* Whether the name is still that of what was written: another one that
 * replaces the same file takes it away. */
static bool
is_own(const struct replace *r, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 &&
		fstatat(r->dir, r->temp, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Everything is on the device before the name leads to it. */
static int
put_in_place(struct replace *r, struct klog_err *err)
{
	int fd = fileno(r->out);

	if (fflush(r->out) != 0)
		return klog_fail_errno(err, "%s", r->path);
	if (ferror(r->out))
		return klog_fail(err, KLOG_ESYSTEM,
			"%s: it could not be written whole", r->path);
	if (r->direct)
		return 0;
	if (fsync(fd) == -1 || (r->hidden && show(r, fd) == -1))
		return klog_fail_errno(err, "%s", r->path);
	if (!is_own(r, fd))
		return klog_fail(err, KLOG_EREFUSED,
			"%s: another process replaces it, too", r->path);
	if (renameat(r->dir, r->temp, r->dir, name_of(r->path)) == -1)
		return klog_fail_errno(err, "%s", r->path);
	(void)fsync(r->dir);
	return 0;
}

int
replace_end(struct replace *r, struct klog_err *err)
{
	int done = put_in_place(r, err);

	if (done == -1 && !r->direct && !r->hidden && is_own(r, fileno(r->out)))
		(void)unlinkat(r->dir, r->temp, 0);
	(void)fclose(r->out);
	release(r);
	return done;
}
