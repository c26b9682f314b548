#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "checkpoint.h"
#include "index.h"
#include "io.h"
#include "recover.h"
#include "swap.h"

/* ---- the active segment's part of the state ---- */

/* Whether the batch at or behind `position` that ends with `offset` has this
 * newest timestamp. */
static bool
has_time(struct klog_log *log, int64_t position, int64_t offset, int64_t ms)
{
	struct klog_err ignored;

	klog_scan_init(&log->scan, log->log_fd, position, 0);
	while (klog_scan_next(&log->scan, &ignored) == KLOG_SCAN_BATCH) {
		int64_t last = klog_batch_last_offset(&log->scan.batch);

		if (last >= offset)
			return last == offset &&
				log->scan.batch.max_timestamp_ms == ms;
	}
	return false;
}

/*
 * Sets what the state says of the segment up to an index entry, before the
 * batch at `position` that it names; false when batches do not say the same.
 */
static bool
begin_at_entry(struct klog_log *log, int64_t position, int64_t offset)
{
	struct klog_state *s = &log->state;
	int64_t base = s->active_base, ms = -1, at = base, near, found;
	struct klog_err ignored;

	s->time_entries = klog_timeindex_count_below(
		log->time_fd, base, offset + 1);
	if (s->time_entries > 0) {
		if (!klog_timeindex_get(
			    log->time_fd, s->time_entries - 1, base, &ms, &at))
			return false;
		klog_index_find(log->index_fd, base, at, &near, &found);
		if (!has_time(log, near, at, ms))
			return false;
	}
	klog_scan_init(&log->scan, log->log_fd, position, 0);
	if (klog_scan_next(&log->scan, &ignored) != KLOG_SCAN_BATCH ||
		klog_batch_last_offset(&log->scan.batch) != offset)
		return false;
	s->length = position;
	s->next_offset = log->scan.batch.base_offset;
	s->index_entries = klog_index_count_below(log->index_fd, position);
	s->newest_ms = s->time_indexed_ms = ms;
	s->newest_offset = at;
	return true;
}

/*
 * Where a walk that restores indexes and state may begin: at the last index
 * entry at or below `trusted`, but not behind the batch that the last time
 * entry names: the newest timestamp is known as far as that one, and what
 * newer entries said may be lost.  Else at the segment's beginning.
 */
static void
begin_walk(struct klog_log *log, int64_t trusted, int64_t interval)
{
	struct klog_state *s = &log->state;
	int64_t base = s->active_base, position, offset, ms, at;
	uint32_t times;

	klog_log_open_indexes(log);
	klog_index_find_position(
		log->index_fd, base, trusted, &position, &offset);
	times = klog_timeindex_count_below(log->time_fd, base, offset + 1);
	if (offset != -1 && times > 0 &&
		klog_timeindex_get(log->time_fd, times - 1, base, &ms, &at))
		klog_index_find(log->index_fd, base, at, &position, &offset);
	else
		offset = -1;
	s->unindexed = interval + 1; /* so that this batch is indexed again */
	if (offset != -1 && begin_at_entry(log, position, offset))
		return;
	s->length = 0;
	s->next_offset = base;
	s->unindexed = 0;
	s->index_entries = s->time_entries = 0;
	s->newest_ms = s->time_indexed_ms = -1;
	s->newest_offset = base;
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
	if (klog_log_open_active(log, err) == -1)
		return -1;
	begin_walk(log, trusted, settings->index_interval_bytes);
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
	struct klog_check found;
	int r;

	klog_scan_init(&log->scan, log->log_fd, s->length, 0);
	while ((r = klog_scan_next(&log->scan, err)) == KLOG_SCAN_BATCH &&
		log->scan.batch.base_offset == s->next_offset &&
		log->scan.batch.leader_epoch <= s->leader_epoch &&
		klog_batch_fits(&log->scan.batch, s->active_base))
		klog_log_note(log, &log->scan.batch, how->settings);
	if (r == -1)
		return klog_err_in(err, "%s", log->path);
	if (r == KLOG_SCAN_BATCH)
		return klog_check_foreign(log, s->active_base, err);
	records = s->next_offset - records;
	if (records > 0)
		klog_sayf(how->say, 1,
			"%s: took over %" PRId64
			" whole records that a killed writer left",
			log->path, records);
	if (s->length == size)
		return 0;
	/* nothing is cut from a log that is damaged elsewhere */
	if (klog_check_known(log, &found, err) == -1)
		return -1;
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

/* Segments behind the recovery point that were closed: their indexes are synced
 * after the roll, and may be lost. */
static int
restore_closed(struct klog_log *log, int64_t active,
	const struct klog_settings *settings, struct klog_err *err)
{
	const struct klog_state before = log->state;
	struct klog_bases bases;
	size_t i;
	int r = 0;

	if (klog_segment_list(log->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", log->path);
	for (i = 0; r == 0 && i < bases.count; i++) {
		struct klog_place end = { bases.base[i], 0, 0 };
		int fd;

		if (end.base < before.recovery_base || end.base >= active)
			continue;
		fd = klog_segment_open(
			log->dir, end.base, ".log", O_RDONLY, err);
		end.position = fd == -1 ? -1 : klog_file_size(fd, ".log", err);
		klog_close_fd(&fd);
		r = end.position == -1
			? klog_err_in(err, "%s", log->path)
			: restore_active(log, &end,
				  end.base == before.recovery_base
					  ? before.recovery_position
					  : 0,
				  settings, err);
		if (r == 0)
			klog_log_end_indexes(log);
		log->state = before;
	}
	klog_bases_free(&bases);
	return r;
}

/* Nothing of them is believed. */
static int
empty_indexes(struct klog_log *log, struct klog_err *err)
{
	klog_log_open_indexes(log);
	if (log->index_fd == -1 || log->time_fd == -1)
		return klog_fail(err, KLOG_ESYSTEM,
			"%s: its indexes cannot be opened", log->path);
	if (klog_truncate_file(log->index_fd, 0, ".index", err) == -1 ||
		klog_truncate_file(log->time_fd, 0, ".timeindex", err) == -1)
		return klog_err_in(err, "%s", log->path);
	return 0;
}

int
klog_recover_indexes(struct klog_log *log, int64_t base,
	const struct klog_settings *settings, struct klog_err *err)
{
	const struct klog_state before = log->state;
	bool active = base == before.active_base, suspect = log->suspect;
	struct klog_place end = { base, before.length, before.next_offset };
	int r;

	log->state.active_base = base;
	r = klog_log_open_active(log, err);
	if (r == 0 && !active) {
		end.position = klog_file_size(log->log_fd, log->open_name, err);
		r = end.position == -1 ? -1 : 0;
	}
	if (r == 0)
		r = empty_indexes(log, err);
	if (r == 0)
		r = restore_active(log, &end, 0, settings, err);
	if (r == 0 && active)
		return klog_log_save(log, err);
	if (r == 0)
		klog_log_end_indexes(log);
	klog_log_close_segment(log);
	log->state = before;
	log->suspect = suspect;
	return r;
}

int
klog_recover_cut(struct klog_log *log, const struct klog_check *found,
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
	if (restore_closed(log, found->end.base, settings, err) == -1)
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
	klog_stamp_update(&s->stamp, &log->today);
	return klog_log_save(log, err);
}

/* ---- V ---- */

int
klog_recover_log(struct klog_log *log, const struct klog_recover *how,
	struct klog_err *err)
{
	struct klog_stamp was = log->state.stamp;
	bool same_boot = memcmp(was.boot, log->today.boot, 16) == 0;
	bool copied = was.inode != log->today.inode ||
		(same_boot && was.device != log->today.device);
	bool doubtful = same_boot &&
		(log->state.marks & KLOG_MARK_SYNCING) != 0;
	struct klog_check found;

	klog_log_close_segment(log);
	if (klog_check_log(log, &found, err) == -1)
		return -1;
	/* records before the log start were synced when it was raised */
	if (found.end.offset < log->state.log_start)
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: %020" PRId64 ".log: whole up to offset %" PRId64
			" only, and the log starts at %" PRId64
			"; restore it, or cut it: klog-inspect --repair",
			log->path, found.end.base, found.end.offset,
			log->state.log_start);
	/* until it is done: of today's boot, so that a mark left by a sync
	 * that failed here counts, and of no file */
	klog_stamp_update(&log->state.stamp, &log->today);
	log->state.stamp.inode = UINT64_MAX;
	if (klog_recover_cut(
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

/*
 * Up to where the log may have gaps: what the last cleaning wrote down.  Where
 * that is lost, too, a topic that is compacted may have them in all of its
 * closed segments, and is cleaned anew.
 */
static int
find_gaps(struct klog_log *log, const struct klog_bases *bases,
	const struct klog_settings *settings, struct klog_err *err)
{
	struct klog_plan plan;
	int r = klog_plan_read(log->dir, &plan, err);

	if (r == 0 && settings->cleanup_policy & KLOG_CLEANUP_COMPACT &&
		bases->count > 1) {
		plan.from = bases->base[0];
		plan.to = bases->base[bases->count - 1];
		r = klog_plan_write(log->dir, &plan, err);
	}
	if (r != -1 && plan.to > log->state.first_dirty)
		log->state.first_dirty = plan.to;
	if (r != -1)
		klog_plan_free(&plan);
	return r == -1 ? -1 : 0;
}

int
klog_recover_state(struct klog_log *log, const uint8_t topic_id[16],
	const struct klog_recover *how, struct klog_err *err)
{
	struct klog_state *s = &log->state;
	struct klog_epochs epochs;
	struct klog_bases bases;
	struct klog_err ignored;
	int r = 0;

	if (klog_segment_list(log->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", log->path);
	klog_state_init(s, bases.count > 0 ? bases.base[0] : 0, topic_id);
	r = find_gaps(log, &bases, how->settings, err);
	klog_bases_free(&bases);
	if (r == -1)
		return klog_err_in(err, "%s", log->path);
	s->leader = log->broker;
	s->isr[0] = (uint16_t)log->broker;
	/* whether a sync failed since the machine came up nobody knows */
	s->marks |= KLOG_MARK_SYNCING;
	klog_stamp_update(&s->stamp, &log->today);
	s->stamp.inode = UINT64_MAX;
	/* an epoch above every batch's and line's; V begins the next */
	if (klog_epochs_read(log->dir, &epochs, &ignored) == 0 &&
		epochs.count > 0)
		s->leader_epoch = epochs.list[epochs.count - 1].epoch;
	r = klog_log_find_epochs(log, &epochs, err);
	if (epochs.count > 0 &&
		epochs.list[epochs.count - 1].epoch > s->leader_epoch)
		s->leader_epoch = epochs.list[epochs.count - 1].epoch;
	klog_epochs_free(&epochs);
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
