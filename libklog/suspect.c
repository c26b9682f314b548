#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "io.h"
#include "suspect.h"

#define DIRECT_SIZE ((size_t)256 * 1024)
#define DIRECT_ALIGN 4096

static bool
in_memory_only(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
		((uint32_t)fs.f_type == 0x01021994 ||
			(uint32_t)fs.f_type == 0x858458F6);
}

/* Without O_DIRECT: drop the file's pages, and trust what is read only when
 * none of it was still there. */
static bool
nothing_cached(int fd, int64_t from, int64_t to)
{
	uint8_t byte;
	struct iovec v = { &byte, 1 };
	int64_t at;

	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		return false;
	for (at = from; at < to; at += DIRECT_ALIGN)
		if (preadv2(fd, &v, 1, (off_t)at, RWF_NOWAIT) != -1 ||
			errno != EAGAIN)
			return false;
	return true;
}

/*
 * A descriptor that reads the device and not the cache, *fd; -1 there when
 * the file is nowhere but in memory, or when its pages were dropped, so that
 * every look at it from here on is at the device.
 */
static int
open_device(struct klog_log *log, int *fd, struct klog_err *err)
{
	const struct klog_state *s = &log->state;

	*fd = -1;
	if (in_memory_only(log->log_fd))
		return 0;
	*fd = klog_open_file(
		log->dir, log->open_name, O_RDONLY | O_DIRECT, err);
	if (*fd != -1)
		return 0;
	if (err->sys_errno != EINVAL)
		return klog_err_in(err, "%s", log->path);
	if (nothing_cached(log->log_fd, klog_recovery_floor(s), s->length))
		return 0;
	return klog_fail(err, KLOG_ESYSTEM,
		"%s: a sync failed, and this file system does not let the "
		"device be read past the cache; unmount and mount it, then "
		"write again",
		log->path);
}

/*
 * The first byte of [from, to) in the .log that the device does not have as
 * the cache shows it; `to` when there is none.
 */
static int
first_difference(struct klog_log *log, int device_fd, int64_t from, int64_t to,
	int64_t *at, struct klog_err *err)
{
	uint8_t *device = NULL, *cache = NULL;
	int64_t p = from - from % DIRECT_ALIGN;
	int r = -1;

	*at = to;
	if (from >= to || device_fd == -1)
		return 0;
	if (posix_memalign((void **)&device, DIRECT_ALIGN, DIRECT_SIZE) != 0 ||
		(cache = malloc(DIRECT_SIZE)) == NULL) {
		klog_fail_memory(err);
		goto out;
	}
	for (; p < to && *at == to; p += (int64_t)DIRECT_SIZE) {
		size_t n, got, same = 0;

		if (klog_read_at(log->log_fd, cache, DIRECT_SIZE, p, &n,
			    log->open_name, err) == -1 ||
			klog_read_at(device_fd, device, DIRECT_SIZE, p, &got,
				log->open_name, err) == -1) {
			klog_err_in(err, "%s", log->path);
			goto out;
		}
		while (same < n && same < got && cache[same] == device[same])
			same++;
		if (p + (int64_t)same < to && same < DIRECT_SIZE)
			*at = p + (int64_t)same < from ? from
						       : p + (int64_t)same;
	}
	r = 0;
out:
	free(device);
	free(cache);
	return r;
}

/* The place of the first batch that reaches beyond `good`. */
static int
place_before(struct klog_log *log, int64_t good, struct klog_check *found,
	struct klog_err *err)
{
	const struct klog_state *s = &log->state;
	int64_t to = found->end.position;
	int r;

	found->end.position = klog_recovery_floor(s);
	found->end.offset = s->recovery_base == s->active_base
		? s->recovery_offset
		: s->active_base;
	klog_scan_init(&log->scan, log->log_fd, found->end.position, 0);
	while ((r = klog_scan_next(&log->scan, err)) == KLOG_SCAN_BATCH &&
		log->scan.position <= good) {
		found->end.position = log->scan.position;
		found->end.offset = klog_batch_last_offset(&log->scan.batch) +
			1;
	}
	found->torn += to - found->end.position;
	return r == -1 ? klog_err_in(err, "%s", log->path) : 0;
}

int
klog_suspect_settle(struct klog_log *log, const struct klog_recover *how,
	struct klog_err *err)
{
	struct klog_state *s = &log->state;
	struct klog_check found;
	int64_t good = 0;
	int tries = 0, device, r;

	if (klog_recover_tail(log, how, err) == -1)
		return -1;
	while (klog_log_sync(log, err) == -1)
		if (++tries == 3)
			return -1;
	if (open_device(log, &device, err) == -1)
		return -1;
	r = klog_check_known(log, &found, err);
	if (r == 0)
		r = first_difference(log, device, klog_recovery_floor(s),
			found.end.position, &good, err);
	klog_close_fd(&device);
	if (r == -1)
		return -1;
	if (good < found.end.position &&
		place_before(log, good, &found, err) == -1)
		return -1;
	if (found.torn == 0) {
		klog_log_all_durable(log);
		s->marks &= ~(uint32_t)KLOG_MARK_SYNCING;
		log->suspect = false;
		return klog_log_save(log, err);
	}
	if (klog_recover_cut(log, &found, false, false, how->settings, err) ==
		-1)
		return -1;
	klog_sayf(how->say, 0,
		"%s: a sync had failed: cut %" PRId64
		" bytes after offset %" PRId64
		" that the device does not have; leader epoch %" PRId32,
		log->path, found.torn, found.end.offset - 1, s->leader_epoch);
	return 0;
}
