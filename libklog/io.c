#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

#define SMALL_FILE ((size_t)4096)
#define REMOVE_TRIES 100

/* A data file on descriptor 0 to 2 would be read or written as stdio. */
static int
above_stdio(int fd)
{
	int up;

	if (fd < 0 || fd > 2)
		return fd;
	up = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return up;
}

static int
fail_open(struct klog_err *err, const char *name)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return klog_fail(err, KLOG_ENOTFOUND, "%s: not there", name);
	if (errno == ELOOP)
		return klog_fail(err, KLOG_EREFUSED,
			"%s: a symbolic link, which is not followed here",
			name);
	return klog_fail_errno(err, "%s", name);
}

int
klog_open_dir(int dir, const char *name, struct klog_err *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd;

	if (dir != AT_FDCWD)
		flags |= O_NOFOLLOW;
	fd = above_stdio(openat(dir, name, flags));
	/* O_DIRECTORY|O_NOFOLLOW on a link says ENOTDIR, which would read
	 * as "not there" */
	if (fd == -1 && errno == ENOTDIR) {
		struct stat st;

		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return klog_fail(err, KLOG_EREFUSED, "%s: %s", name,
				S_ISLNK(st.st_mode)
					? "a symbolic link, which is not "
					  "followed here"
					: "not a directory");
		errno = ENOTDIR;
	}
	return fd == -1 ? fail_open(err, name) : fd;
}

static int
regular(int fd, const char *name, struct stat *st, struct klog_err *err)
{
	if (fstat(fd, st) == -1) {
		klog_fail_errno(err, "%s", name);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		close(fd);
		return klog_fail(
			err, KLOG_EREFUSED, "%s: not a regular file", name);
	}
	return fd;
}

static int
open_regular(int dir, const char *name, int flags, struct stat *st,
	struct klog_err *err)
{
	/* O_NONBLOCK: a FIFO in place of a file must not block */
	int fd = above_stdio(openat(dir, name,
		flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK));

	return fd == -1 ? fail_open(err, name) : regular(fd, name, st, err);
}

int
klog_open_file(int dir, const char *name, int flags, struct klog_err *err)
{
	struct stat st;

	return open_regular(dir, name, flags, &st, err);
}

/* Group, mode and, for root, owner as the directory has them. */
static int
adopt(int dir, int fd, const char *name, struct klog_err *err)
{
	struct stat parent, st;

	if (fstat(dir, &parent) == -1 || fstat(fd, &st) == -1)
		return klog_fail_errno(err, "%s", name);
	if (geteuid() == 0 &&
		(parent.st_uid != st.st_uid || parent.st_gid != st.st_gid)) {
		if (fchown(fd, parent.st_uid, parent.st_gid) == -1)
			return klog_fail_errno(
				err, "%s: change its owner", name);
	} else if (parent.st_gid != st.st_gid) {
		/* a user outside the group cannot: the mode says the rest */
		(void)!fchown(fd, (uid_t)-1, parent.st_gid);
	}
	if ((st.st_mode & 0777) != (parent.st_mode & 0666) &&
		fchmod(fd, parent.st_mode & 0666) == -1)
		return klog_fail_errno(err, "%s: change its mode", name);
	return 0;
}

int
klog_create_file(int dir, const char *name, bool *made, struct klog_err *err)
{
	int common = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	int fd = -1;
	bool fresh = false;
	struct stat st;
	int tries;

	for (tries = 0; fd == -1 && tries < 10; tries++) {
		fd = above_stdio(openat(dir, name, common));
		if (fd != -1 || errno != ENOENT)
			break;
		fd = above_stdio(
			openat(dir, name, common | O_CREAT | O_EXCL, 0666));
		fresh = fd != -1;
		if (fd == -1 && errno != EEXIST)
			break;
	}
	if (fd == -1)
		return fail_open(err, name);
	fd = regular(fd, name, &st, err);
	if (fd != -1 && fresh && adopt(dir, fd, name, err) == -1)
		klog_close_fd(&fd);
	if (made != NULL)
		*made = fresh;
	return fd;
}

int
klog_create_hidden(int dir, const char *name, struct klog_err *err)
{
	int fd = above_stdio(
		openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));

	if (fd == -1)
		return klog_fail_errno(err, "%s", name);
	if (adopt(dir, fd, name, err) == -1)
		klog_close_fd(&fd);
	return fd;
}

int
klog_link_hidden(int fd, int dir, const char *name, struct klog_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) == -1)
		return klog_fail_errno(err, "%s", name);
	return 0;
}

void
klog_remove_file(int dir, const char *name)
{
	(void)unlinkat(dir, name, 0);
}

int
klog_make_dir(int dir, const char *name, int64_t mode, struct klog_err *err)
{
	struct stat parent, st;
	mode_t want;
	int fd;
	int r = 0;

	if (mkdirat(dir, name, 0777) == -1)
		return errno == EEXIST
			? klog_fail(err, KLOG_EEXIST, "%s: already there", name)
			: klog_fail_errno(err, "%s", name);
	fd = klog_open_dir(dir, name, err);
	if (fd == -1)
		return -1;
	if (fstat(dir, &parent) == -1 || fstat(fd, &st) == -1) {
		klog_fail_errno(err, "%s", name);
		close(fd);
		return -1;
	}
	want = st.st_mode & 07777;
	if (mode != -1)
		want = (mode_t)mode;
	else if (parent.st_mode & S_ISGID)
		want = (want & ~(mode_t)0070) | (parent.st_mode & 02070);
	/* root's directory in a user's cluster is the user's */
	if (geteuid() == 0 && parent.st_uid != 0 &&
		fchown(fd, parent.st_uid, parent.st_gid) == -1)
		r = klog_fail_errno(err, "%s: change its owner", name);
	if (r == 0 && want != (st.st_mode & 07777) && fchmod(fd, want) == -1)
		r = klog_fail_errno(err, "%s: change its mode", name);
	close(fd);
	return r;
}

int
klog_make_path(const char *path, struct klog_err *err)
{
	char part[4096];
	size_t i;

	for (i = 1; i < sizeof(part); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0777) == -1 && errno != EEXIST)
			return klog_fail_errno(err, "make %s", part);
		if (path[i] == '\0')
			return 0;
	}
	return klog_fail(err, KLOG_EUSAGE, "path too long");
}

int
klog_set_group(int dir, const char *name, uint32_t group, struct klog_err *err)
{
	if (fchownat(dir, name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) == -1)
		return klog_fail_errno(err, "%s: change its group", name);
	return 0;
}

void
klog_close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

int64_t
klog_file_size(int fd, const char *name, struct klog_err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return klog_fail_errno(err, "%s", name);
	return st.st_size;
}

int
klog_read_at(int fd, void *data, size_t size, int64_t at, size_t *got,
	const char *name, struct klog_err *err)
{
	*got = 0;
	while (*got < size) {
		ssize_t n = pread(fd, (uint8_t *)data + *got, size - *got,
			(off_t)(at + (int64_t)*got));

		if (n == 0)
			break;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return klog_fail_errno(
				err, "%s: read at %jd", name, (intmax_t)at);
		*got += (size_t)n;
	}
	return 0;
}

int
klog_write_at(int fd, const void *data, size_t size, int64_t at, size_t *done,
	const char *name, struct klog_err *err)
{
	size_t sum = 0;
	int r = 0;

	while (sum < size && r == 0) {
		ssize_t n = pwrite(fd, (const uint8_t *)data + sum, size - sum,
			(off_t)(at + (int64_t)sum));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			r = klog_fail_errno(
				err, "%s: write at %jd", name, (intmax_t)at);
		else
			sum += (size_t)n;
	}
	if (done != NULL)
		*done = sum;
	return r;
}

int
klog_truncate_file(int fd, int64_t size, const char *name, struct klog_err *err)
{
	int r;

	do
		r = ftruncate(fd, (off_t)size);
	while (r == -1 && errno == EINTR);
	if (r == -1)
		return klog_fail_errno(
			err, "%s: cut at %jd", name, (intmax_t)size);
	return 0;
}

void
klog_set_times(int fd, const struct timespec times[2])
{
	(void)futimens(fd, times);
}

int
klog_sync_file(int fd, const char *name, struct klog_err *err)
{
	if (fdatasync(fd) == -1)
		return klog_fail_errno(err, "%s: sync", name);
	return 0;
}

int
klog_sync_dir(int fd, const char *name, struct klog_err *err)
{
	/* some file systems cannot sync a directory, and say EINVAL */
	if (fsync(fd) == -1 && errno != EINVAL)
		return klog_fail_errno(err, "%s: sync", name);
	return 0;
}

void
klog_reserve(int fd, int64_t size)
{
	(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
}

void
klog_start_writeback(int fd, int64_t from, int64_t size)
{
	(void)sync_file_range(fd, from, size, SYNC_FILE_RANGE_WRITE);
}

static int
empty_dir(int fd, const char *name, int depth, struct klog_err *err)
{
	struct klog_list list = { NULL };
	const char *child;
	int r;

	while ((r = klog_list_next(&list, fd, &child, err)) > 0) {
		if (strcmp(child, ".") == 0 || strcmp(child, "..") == 0 ||
			unlinkat(fd, child, 0) == 0 || errno == ENOENT)
			continue;
		if (depth > 1 && (errno == EISDIR || errno == EPERM))
			r = klog_remove_dir(fd, child, depth - 1, err);
		else
			r = klog_fail_errno(err, "%s/%s: remove", name, child);
		if (r == -1)
			break;
	}
	klog_list_close(&list);
	return r;
}

int
klog_remove_dir(int dir, const char *name, int depth, struct klog_err *err)
{
	int fd = klog_open_dir(dir, name, err);
	int tries, r = 0;

	if (fd == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	/* who does not know yet that it is to go may make files in it */
	for (tries = 0; tries < REMOVE_TRIES; tries++) {
		bool filled;

		r = empty_dir(fd, name, depth, err);
		if (r == -1 || unlinkat(dir, name, AT_REMOVEDIR) == 0 ||
			errno == ENOENT)
			break;
		filled = errno == ENOTEMPTY;
		r = klog_fail_errno(err, "%s: remove", name);
		if (!filled)
			break;
	}
	klog_close_fd(&fd);
	return r;
}

int
klog_sync_everything(int fd, const char *name, struct klog_err *err)
{
	if (syncfs(fd) == -1)
		return klog_fail_errno(err, "%s: sync", name);
	return 0;
}

int
klog_rename_new(int from_dir, const char *from, int to_dir, const char *to,
	struct klog_err *err)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST || errno == ENOTEMPTY)
		return klog_fail(err, KLOG_EEXIST, "%s: already there", to);
	return klog_fail_errno(err, "%s: rename to %s", from, to);
}

int
klog_rename_over(
	int dir, const char *from, const char *to, struct klog_err *err)
{
	if (renameat(dir, from, dir, to) == -1)
		return klog_fail_errno(err, "%s: rename to %s", from, to);
	return 0;
}

int
klog_replace_file(
	int dir, const char *name, struct klog_slice text, struct klog_err *err)
{
	char temp[128];
	int fd;
	int r = -1;

	/* one that a killed process left goes; its name is known, so that none
	 * stays for good */
	snprintf(temp, sizeof(temp), ".%s.new", name);
	if (unlinkat(dir, temp, 0) == -1 && errno != ENOENT)
		return klog_fail_errno(err, "%s: remove", temp);
	fd = klog_create_file(dir, temp, NULL, err);
	if (fd == -1)
		return -1;
	if (klog_write_at(fd, text.data, text.size, 0, NULL, name, err) == 0 &&
		klog_sync_file(fd, name, err) == 0) {
		if (renameat(dir, temp, dir, name) == 0)
			r = klog_sync_dir(dir, name, err);
		else
			klog_fail_errno(err, "%s: replace", name);
	}
	close(fd);
	if (r == -1)
		unlinkat(dir, temp, 0);
	return r;
}

int
klog_read_file(int dir, const char *name, size_t limit, struct klog_buf *text,
	struct klog_err *err)
{
	struct stat st;
	int fd = open_regular(dir, name, O_RDONLY, &st, err);
	ssize_t n = -1;
	int r = 0;

	if (fd == -1)
		return -1;
	text->size = 0;
	if (klog_buf_reserve(text, SMALL_FILE) == -1)
		r = klog_fail_memory(err);
	/* never changed, only replaced: its size is what it was */
	while (r == 0 && n != 0 && text->size < (size_t)st.st_size &&
		text->size <= limit) {
		if (klog_buf_reserve(text, SMALL_FILE) == -1) {
			r = klog_fail_memory(err);
			break;
		}
		n = pread(fd, text->data + text->size, SMALL_FILE,
			(off_t)text->size);
		if (n > 0)
			text->size += (size_t)n;
		else if (n == -1 && errno != EINTR)
			r = klog_fail_errno(err, "%s: read", name);
	}
	close(fd);
	if (r == 0 && text->size > limit)
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: larger than %zu bytes", name, limit);
	return r;
}

int
klog_list_next(struct klog_list *list, int dir, const char **name,
	struct klog_err *err)
{
	struct dirent *entry;

	if (list->stream == NULL) {
		/* its own description: the position is not shared */
		int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		list->stream = fd == -1 ? NULL : fdopendir(fd);
		if (list->stream == NULL) {
			klog_fail_errno(err, "list the directory");
			klog_close_fd(&fd);
			return -1;
		}
	}
	errno = 0;
	entry = readdir(list->stream);
	if (entry == NULL && errno != 0)
		return klog_fail_errno(err, "list the directory");
	if (entry == NULL)
		return 0;
	*name = entry->d_name;
	return 1;
}

void
klog_list_close(struct klog_list *list)
{
	if (list->stream != NULL)
		closedir(list->stream);
	list->stream = NULL;
}
