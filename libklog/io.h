/*
 * Files, the system calls that change the disk among them: with lock.c the
 * only module that makes such calls, so that a test can fail the n-th one.
 * Names are single components below a directory descriptor and symbolic
 * links are never followed.  Descriptors are O_CLOEXEC and never 0, 1 or 2.
 * Messages name the file as given; callers add where it lies.
 */
#ifndef KLOG_IO_H
#define KLOG_IO_H

#include <sys/types.h>
#include <time.h>

#include "bytes.h"
#include "err.h"

/* Opens a directory; dir may be AT_FDCWD with any path, followed then. */
int klog_open_dir(int dir, const char *name, struct klog_err *err);

/* Opens a regular file that is there.  flags: O_RDONLY or O_RDWR. */
int klog_open_file(int dir, const char *name, int flags, struct klog_err *err);

/*
 * Opens for reading and writing, made when missing.  A new file takes group
 * and mode (and for root the owner) from the directory, so that the users of
 * one group get along.  *made (may be NULL) says whether it is new.
 */
int klog_create_file(
	int dir, const char *name, bool *made, struct klog_err *err);

/*
 * A new file that nobody sees yet, and its name for all: so that it can be
 * locked before.  KLOG_ESYSTEM with EOPNOTSUPP or EISDIR where the file system
 * has none such.  Owner, group and mode as klog_create_file.
 */
int klog_create_hidden(int dir, const char *name, struct klog_err *err);
int klog_link_hidden(int fd, int dir, const char *name, struct klog_err *err);

/* Removes a file; one that is not there is fine, and so is one that stays. */
void klog_remove_file(int dir, const char *name);

/*
 * Makes a directory, with the group and the group's rights of `dir` when that
 * is setgid, else 0777 less umask; mode != -1 is set as it is.
 */
int klog_make_dir(
	int dir, const char *name, int64_t mode, struct klog_err *err);

/* Gives a file or directory to a group. */
int klog_set_group(
	int dir, const char *name, uint32_t group, struct klog_err *err);

/* Makes the directories of a path that are missing. */
int klog_make_path(const char *path, struct klog_err *err);

void klog_close_fd(int *fd); /* closes unless -1; sets -1 */

/* The size of an open file, or -1. */
int64_t klog_file_size(int fd, const char *name, struct klog_err *err);

/* Reads up to size bytes at `at`; fewer only at the end: *got. */
int klog_read_at(int fd, void *data, size_t size, int64_t at, size_t *got,
	const char *name, struct klog_err *err);

/* Writes it all; on -1 *done bytes (may be NULL) were written. */
int klog_write_at(int fd, const void *data, size_t size, int64_t at,
	size_t *done, const char *name, struct klog_err *err);

int klog_truncate_file(
	int fd, int64_t size, const char *name, struct klog_err *err);

/* When it was read and written last; where that cannot be set, it is not. */
void klog_set_times(int fd, const struct timespec times[2]);

/* Data and size are on the device when it returns 0. */
int klog_sync_file(int fd, const char *name, struct klog_err *err);
int klog_sync_dir(int fd, const char *name, struct klog_err *err);

/* Reserves blocks for so many bytes; the size stays.  Where the file system
 * cannot, or has not so many, nothing happens. */
void klog_reserve(int fd, int64_t size);

/* Starts write-back of a range without waiting; says nothing. */
void klog_start_writeback(int fd, int64_t from, int64_t size);

/* Removes a directory and what is in it, `depth` levels of directories at
 * most; links are removed and not followed.  A missing one is no error. */
int klog_remove_dir(int dir, const char *name, int depth, struct klog_err *err);

/* Syncs the whole file system that fd lies on: for hundreds of new files. */
int klog_sync_everything(int fd, const char *name, struct klog_err *err);

/* Renames within or between directories; never over something that is there
 * (KLOG_EEXIST). */
int klog_rename_new(int from_dir, const char *from, int to_dir, const char *to,
	struct klog_err *err);

/* Renames within a directory, over what has the name. */
int klog_rename_over(
	int dir, const char *from, const char *to, struct klog_err *err);

/*
 * Replaces a small file whole: a temporary file beside it, fsync, rename,
 * fsync of the directory.  A power cut leaves the old or the new one.  The
 * caller holds a lock: one at a time replaces it.
 */
int klog_replace_file(int dir, const char *name, struct klog_slice text,
	struct klog_err *err);

/* Reads a small file whole into *text; KLOG_ECORRUPT beyond `limit`,
 * KLOG_ENOTFOUND when missing. */
int klog_read_file(int dir, const char *name, size_t limit,
	struct klog_buf *text, struct klog_err *err);

/*
 * Names in a directory, in no order: 1, 0 at the end, -1.  `list` begins
 * zeroed and is closed by klog_list_close, early or late.
 */
struct klog_list {
	void *stream;
};
int klog_list_next(struct klog_list *list, int dir, const char **name,
	struct klog_err *err);
void klog_list_close(struct klog_list *list);

#endif
