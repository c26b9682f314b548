#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "checkpoint.h"
#include "index.h"
#include "io.h"
#include "recover.h"

/* ---- the active segment's part of the state ---- */

/* Where a walk that restores indexes and state may begin: the last index
 * entry at or below `trusted` whose batch is there, else the beginning. */
static int
begin_walk(struct klog_log *log, int64_t trusted, int64_t interval,
	struct klog_err *err)
{
	struct klog_state *s = &log->state;
	int64_t base = s->active_base, position, offset;
	int r = KLOG_SCAN_END;

	klog_log_open_indexes(log);
	klog_index_find_position(
		log->index_fd, base, trusted, &position, &offset);
	if (offset != -1) {
		klog_scan_init(&log->scan, log->log_fd, position, 0);
		r = klog_scan_next(&log->scan, err);
	}
	if (r == -1)
		return -1;
	s->newest_ms = -1;
	s->newest_offset = base;
	s->time_indexed_ms = -1;
	s->time_entries = 0;
	if (r != KLOG_SCAN_BATCH ||
		klog_batch_last_offset(&log->scan.batch) != offset) {
		s->length = 0;
		s->next_offset = base;
		s->unindexed = 0;
		s->index_entries = 0;
		return 0;
	}
	s->length = position;
	s->next_offset = log->scan.batch.base_offset;
	s->index_entries = klog_index_count_below(log->index_fd, position);
	s->unindexed = interval + 1; /* so that this batch is indexed again */
	s->time_entries = klog_time_count_below(log->time_fd, base, offset + 1);
	if (s->time_entries > 0 &&
		klog_time_get(log->time_fd, s->time_entries - 1, base,
			&s->newest_ms, &s->newest_offset))
		s->time_indexed_ms = s->newest_ms;
	return 0;
}

static int64_t
first_timestamp(struct klog_log *log)
{
	struct klog_err ignored;

	klog_scan_init(&log->scan, log->log_fd, 0, 4096);
	return klog_scan_next(&log->scan, &ignored) == KLOG_SCAN_BATCH
		? log->scan.batch.max_timestamp_ms
		: -1;
}

/*
 * Sets the state's fields of the active segment, `end` long, and its
 * indexes, walking from the last trusted index entry.
 */
static int
restore_active(struct klog_log *log, const struct klog_place *end,
	int64_t trusted, const struct klog_settings *settings,
	struct klog_err *err)
{
	struct klog_state *s = &log->state;
	struct klog_err ignored;
	int r = 0;

	s->active_base = end->base;
	if (klog_log_open_active(log, err) == -1 ||
		begin_walk(log, trusted, settings->index_interval_bytes, err) ==
			-1)
		return -1;
	klog_scan_init(&log->scan, log->log_fd, s->length, 0);
	while (s->length < end->position &&
		(r = klog_scan_next(&log->scan, err)) == KLOG_SCAN_BATCH)
		klog_log_note(log, &log->scan.batch, settings);
	if (r == -1)
		return -1;
	if (s->length != end->position)
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: %020" PRId64 ".log: no batch at %" PRId64
			", before the end at %" PRId64,
			log->path, end->base, s->length, end->position);
	if (s->length == 0)
		s->next_offset = end->offset;
	s->first_ms = first_timestamp(log);
	if (log->index_fd != -1)
		(void)klog_truncate_file(log->index_fd,
			(int64_t)s->index_entries * KLOG_INDEX_ENTRY, ".index",
			&ignored);
	if (log->time_fd != -1)
		(void)klog_truncate_file(log->time_fd,
			(int64_t)s->time_entries * KLOG_TIME_ENTRY,
			".timeindex", &ignored);
	return 0;
}

/* ---- A3: the tail that a killed writer left ---- */

static int
adopt(struct klog_log *log, int64_t size, const struct klog_recover *how,
	struct klog_err *err)
{
	struct klog_state *s = &log->state;
	int64_t records = s->next_offset;
	int r;

	klog_scan_init(&log->scan, log->log_fd, s->length, 0);
	while ((r = klog_scan_next(&log->scan, err)) == KLOG_SCAN_BATCH &&
		log->scan.batch.base_offset == s->next_offset &&
		log->scan.batch.leader_epoch <= s->leader_epoch)
		klog_log_note(log, &log->scan.batch, how->settings);
	if (r == -1)
		return klog_err_in(err, "%s", log->path);
	records = s->next_offset - records;
	if (records > 0)
		klog_sayf(how->say, 1,
			"%s: took over %" PRId64
			" whole records that a killed writer left",
			log->path, records);
	if (s->length == size)
		return 0;
	klog_sayf(how->say, 0,
		"%s: cut %" PRId64 " bytes after offset %" PRId64
		": a batch that a killed writer left unfinished",
		log->path, size - s->length, s->next_offset - 1);
	if (klog_truncate_file(log->log_fd, s->length, log->open_name, err) ==
		-1)
		return klog_err_in(err, "%s", log->path);
	return 0;
}

/* The log is shorter than its state: a cut was interrupted (F3). */
static int
finish_cut(struct klog_log *log, int64_t size, const struct klog_recover *how,
	struct klog_err *err)
{
	struct klog_place end = { log->state.active_base, size,
		log->state.active_base };

	if (size < klog_recovery_floor(&log->state))
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: %020" PRId64 ".log: %" PRId64
			" bytes, but %" PRId64
			" were synced: the file was cut or replaced; restore "
			"it, or salvage what is there by reading",
			log->path, end.base, size,
			log->state.recovery_position);
	if (restore_active(log, &end, klog_recovery_floor(&log->state),
		    how->settings, err) == -1)
		return -1;
	klog_sayf(how->say, 0,
		"%s: finished an interrupted cut, the log ends at offset "
		"%" PRId64,
		log->path, log->state.next_offset);
	return klog_log_sync(log, err);
}

int
klog_recover_tail(struct klog_log *log, const struct klog_recover *how,
	struct klog_err *err)
{
	int64_t size;

	if (klog_log_open_active(log, err) == -1)
		return -1;
	size = klog_file_size(log->log_fd, log->open_name, err);
	if (size == -1)
		return klog_err_in(err, "%s", log->path);
	if (size > log->state.length)
		return adopt(log, size, how, err);
	if (size < log->state.length)
		return finish_cut(log, size, how, err);
	return 0;
}

/* ---- V2: everything past the recovery point ---- */

struct check {
	struct klog_place end; /* of what is good */
	int64_t torn;          /* bytes behind it in the last segment */
	int32_t epoch;         /* of the last good batch; epochs never fall */
};

static int
damaged(struct klog_log *log, int64_t base, int64_t position,
	const struct klog_err *why, struct klog_err *err)
{
	char text[256];

	snprintf(text, sizeof(text), "%.250s", why->text);
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: %020" PRId64 ".log: batch at %" PRId64
		": %s; nothing was changed",
		log->path, base, position, text);
}

/* Whether the batch at hand is the next: dense, but where the log was
 * compacted, and of an epoch that has begun. */
static bool
follows(const struct klog_log *log, const struct check *so_far)
{
	const struct klog_batch *b = &log->scan.batch;
	int64_t next = so_far->end.offset;

	if (b->leader_epoch < so_far->epoch ||
		b->leader_epoch > log->state.leader_epoch)
		return false;
	return b->base_offset == next ||
		(b->base_offset > next && next < log->state.first_dirty);
}

/*
 * Offsets lie outside the checksum: whether the batches that lead up to the
 * recovery point end at its offset.  From the last index entry before it, so
 * it costs as much in a large segment as in a small one.
 */
static int
check_joint(struct klog_log *log, int fd, const struct klog_place *joint,
	struct klog_err *err)
{
	struct klog_err why = { KLOG_OK, 0, "" }, ignored;
	int64_t position, offset, next = -1;
	int index = klog_segment_open(
		log->dir, joint->base, ".index", O_RDONLY, &ignored);
	int r;

	klog_index_find_position(
		index, joint->base, joint->position - 1, &position, &offset);
	klog_close_fd(&index);
	klog_scan_init(&log->scan, fd, position, 0);
	while ((r = klog_scan_next(&log->scan, &why)) == KLOG_SCAN_BATCH &&
		log->scan.position <= joint->position)
		next = klog_batch_last_offset(&log->scan.batch) + 1;
	if (r == -1) {
		*err = why;
		return klog_err_in(err, "%s", log->path);
	}
	if (next == joint->offset)
		return 0;
	/* a foolish index may point into the middle of a batch */
	if (position > 0) {
		klog_scan_init(&log->scan, fd, 0, 0);
		next = -1;
		while (klog_scan_next(&log->scan, &why) == KLOG_SCAN_BATCH &&
			log->scan.position <= joint->position)
			next = klog_batch_last_offset(&log->scan.batch) + 1;
		if (next == joint->offset)
			return 0;
	}
	klog_fail(&why, KLOG_ECORRUPT,
		"it is synced, but what leads up to it does not end at offset "
		"%" PRId64,
		joint->offset);
	return damaged(log, joint->base, joint->position, &why, err);
}

/* Walks one segment from a position; sets out->end, and torn when it is not
 * good to its end (which only the last segment may be). */
static int
check_segment(struct klog_log *log, int64_t base, int64_t position,
	struct check *out, struct klog_err *err)
{
	struct klog_err why = { KLOG_OK, 0, "" };
	int fd = klog_segment_open(log->dir, base, ".log", O_RDONLY, err);
	int64_t size;
	int r = -1;

	if (fd == -1)
		return klog_err_in(err, "%s", log->path);
	size = klog_file_size(fd, ".log", err);
	out->end.base = base;
	out->end.position = position;
	if (size != -1 && size < position) {
		klog_fail(&why, KLOG_ECORRUPT,
			"the file ends at %" PRId64 ", before what was synced",
			size);
		damaged(log, base, position, &why, err);
	} else if (size != -1 && position > 0 &&
		check_joint(log, fd, &out->end, err) == -1) {
		r = -1;
	} else if (size != -1) {
		klog_scan_init(&log->scan, fd, position, 0);
		while ((r = klog_scan_next(&log->scan, &why)) ==
				KLOG_SCAN_BATCH &&
			follows(log, out)) {
			out->end.position = log->scan.position;
			out->epoch = log->scan.batch.leader_epoch;
			out->end.offset = klog_batch_last_offset(
						  &log->scan.batch) +
				1;
		}
		if (r == KLOG_SCAN_BATCH)
			klog_fail(&why, KLOG_ECORRUPT,
				"offset %" PRId64 " in leader epoch %" PRId32
				" where %" PRId64 " is next",
				log->scan.batch.base_offset,
				log->scan.batch.leader_epoch, out->end.offset);
		if (r == -1)
			*err = why;
		out->torn = size - out->end.position;
	}
	klog_close_fd(&fd);
	if (r == -1)
		return -1;
	/* kept for the caller, should this not be the last segment */
	if (out->torn > 0)
		*err = why;
	return 0;
}

static int
check_from_recovery_point(
	struct klog_log *log, struct check *out, struct klog_err *err)
{
	const struct klog_state *s = &log->state;
	struct klog_bases bases;
	size_t i;
	int r = 0;

	out->end.base = s->recovery_base;
	out->end.position = 0;
	out->end.offset = s->recovery_offset;
	out->torn = 0;
	out->epoch = -1;
	if (klog_segment_list(log->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", log->path);
	i = bases.count > 0 ? klog_bases_find(&bases, s->recovery_base) : 0;
	if (i < bases.count && bases.base[i] < s->recovery_base)
		i++; /* its file is gone */
	if (s->recovery_position > 0 && i == bases.count)
		r = klog_fail(err, KLOG_ECORRUPT,
			"%s: %020" PRId64 ".log: missing, and it held synced "
			"records; restore it",
			log->path, s->recovery_base);
	for (; r == 0 && i < bases.count; i++) {
		int64_t base = bases.base[i];

		if (base > out->end.offset) {
			if (out->end.offset >= s->first_dirty &&
				out->end.offset >= s->log_start)
				r = klog_fail(err, KLOG_ECORRUPT,
					"%s: offsets %" PRId64 " to %" PRId64
					": their segment is missing; restore "
					"it",
					log->path, out->end.offset, base - 1);
			out->end.offset = base;
		}
		if (r == -1)
			break;
		r = check_segment(log, base,
			base == s->recovery_base ? s->recovery_position : 0,
			out, err);
		if (r == 0 && out->torn > 0 && i + 1 < bases.count) {
			struct klog_err why = *err;

			r = damaged(log, base, out->end.position, &why, err);
		}
	}
	klog_bases_free(&bases);
	return r;
}

/* A copy's bytes may never have been synced where they are now. */
static int
sync_every_segment(struct klog_log *log, struct klog_err *err)
{
	struct klog_bases bases;
	size_t i;
	int r = 0;

	if (klog_segment_list(log->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", log->path);
	for (i = 0; r == 0 && i < bases.count; i++) {
		int fd = klog_segment_open(
			log->dir, bases.base[i], ".log", O_RDWR, err);

		r = fd == -1 ? -1 : klog_sync_file(fd, ".log", err);
		klog_close_fd(&fd);
	}
	klog_bases_free(&bases);
	return r == -1 ? klog_err_in(err, "%s", log->path) : 0;
}

/*
 * Cuts at `end` and makes state and indexes agree: epoch first, then the cut,
 * then its sync, then the state (V1, F3).  `doubtful`: a sync failed since the
 * machine came up, so the mark and the recovery point stay for F.
 */
static int
cut_under_new_epoch(struct klog_log *log, const struct check *found,
	bool copied, bool doubtful, const struct klog_settings *settings,
	struct klog_err *err)
{
	struct klog_state *s = &log->state;
	int64_t trusted = found->end.base == s->recovery_base
		? s->recovery_position
		: 0;

	/* a sync that fails below must not be forgotten by the next try */
	s->marks |= KLOG_MARK_SYNCING;
	if (klog_log_begin_epoch(log, found->end.offset, err) == -1)
		return -1;
	if (copied && sync_every_segment(log, err) == -1)
		return -1;
	s->active_base = found->end.base;
	if (klog_log_open_active(log, err) == -1)
		return -1;
	if (found->torn > 0 &&
		klog_truncate_file(
			log->log_fd, found->end.position, ".log", err) == -1)
		return klog_err_in(err, "%s", log->path);
	if (restore_active(log, &found->end, trusted, settings, err) == -1 ||
		klog_log_sync(log, err) == -1)
		return -1;
	log->suspect = false;
	if (!doubtful) {
		klog_log_all_durable(log);
		s->marks &= ~(uint32_t)KLOG_MARK_SYNCING;
	}
	klog_stamp_update(&s->stamp, &log->now);
	return klog_log_save(log, err);
}

/* ---- V ---- */

int
klog_recover_log(struct klog_log *log, const struct klog_recover *how,
	struct klog_err *err)
{
	struct klog_stamp was = log->state.stamp;
	bool same_boot = memcmp(was.boot, log->now.boot, 16) == 0;
	bool copied = was.inode != log->now.inode ||
		(same_boot && was.device != log->now.device);
	bool doubtful = same_boot &&
		(log->state.marks & KLOG_MARK_SYNCING) != 0;
	struct check found;

	klog_log_close_segment(log);
	if (check_from_recovery_point(log, &found, err) == -1)
		return -1;
	/* until it is done: of today's boot, so that a mark left by a sync
	 * that failed here counts, and of no file */
	log->state.stamp = log->now;
	log->state.stamp.inode = UINT64_MAX;
	if (cut_under_new_epoch(
		    log, &found, copied, doubtful, how->settings, err) == -1)
		return -1;
	if (found.torn > 0)
		klog_sayf(how->say, 0,
			"%s: recovered: cut %" PRId64
			" bytes after offset %" PRId64
			" that were not whole; leader epoch %" PRId32,
			log->path, found.torn, found.end.offset - 1,
			log->state.leader_epoch);
	else
		klog_sayf(how->say, 1,
			"%s: recovered: whole up to offset %" PRId64
			"; leader epoch %" PRId32,
			log->path, found.end.offset, log->state.leader_epoch);
	return 0;
}

/* ---- T4 ---- */

int
klog_recover_state(struct klog_log *log, const uint8_t topic_id[16],
	const struct klog_recover *how, struct klog_err *err)
{
	struct klog_state *s = &log->state;
	struct klog_epochs epochs;
	struct klog_bases bases;
	struct klog_err ignored;
	size_t i;
	int r = 0;

	if (klog_segment_list(log->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", log->path);
	klog_state_init(s, bases.count > 0 ? bases.base[0] : 0, topic_id);
	s->leader = log->broker;
	s->isr[0] = (uint16_t)log->broker;
	if (klog_epochs_read(log->dir, &epochs, &ignored) == 0 &&
		epochs.count > 0)
		s->leader_epoch = epochs.list[epochs.count - 1].epoch;
	klog_epochs_free(&epochs);
	/* an epoch above every batch's; V begins the next */
	for (i = 0; r == 0 && i < bases.count; i++) {
		int fd = klog_segment_open(
			log->dir, bases.base[i], ".log", O_RDONLY, err);

		r = fd == -1 ? -1 : 0;
		klog_scan_init(&log->scan, fd, 0, 0);
		while (fd != -1 &&
			(r = klog_scan_next(&log->scan, err)) ==
				KLOG_SCAN_BATCH)
			if (log->scan.batch.leader_epoch > s->leader_epoch)
				s->leader_epoch = log->scan.batch.leader_epoch;
		klog_close_fd(&fd);
		r = r == -1 ? -1 : 0;
	}
	klog_bases_free(&bases);
	if (r == -1)
		return klog_err_in(err, "%s", log->path);
	if (klog_state_new_change(s, err) == -1)
		return klog_err_in(err, "%s", log->path);
	log->epoch_line_known = true; /* V's line is the next */
	klog_sayf(how->say, 0,
		"%s: %s was lost or damaged; made anew from the segments",
		log->path, KLOG_STATE_NAME);
	return klog_log_commit(log, err);
}

/* ---- F ---- */

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
static int
nothing_cached(int fd, int64_t from, int64_t to)
{
	uint8_t byte;
	struct iovec v = { &byte, 1 };
	int64_t at;

	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		return -1;
	for (at = from; at < to; at += DIRECT_ALIGN)
		if (preadv2(fd, &v, 1, (off_t)at, RWF_NOWAIT) != -1 ||
			errno != EAGAIN)
			return -1;
	return 0;
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
	if (nothing_cached(log->log_fd, klog_recovery_floor(s), s->length) == 0)
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
place_before(struct klog_log *log, int64_t good, struct check *found,
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
klog_recover_suspect(struct klog_log *log, const struct klog_recover *how,
	struct klog_err *err)
{
	struct klog_state *s = &log->state;
	struct check found;
	int64_t good;
	int tries = 0, device, r;

	if (klog_recover_tail(log, how, err) == -1)
		return -1;
	while (klog_log_sync(log, err) == -1)
		if (++tries == 3)
			return -1;
	if (open_device(log, &device, err) == -1)
		return -1;
	r = check_from_recovery_point(log, &found, err);
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
	if (cut_under_new_epoch(
		    log, &found, false, false, how->settings, err) == -1)
		return -1;
	klog_sayf(how->say, 0,
		"%s: a sync had failed: cut %" PRId64
		" bytes after offset %" PRId64
		" that the device does not have; leader epoch %" PRId32,
		log->path, found.torn, found.end.offset - 1, s->leader_epoch);
	return 0;
}
