#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint.h"
#include "index.h"
#include "io.h"
#include "lock.h"
#include "log.h"
#include "time.h"

#define WRITE_BACK ((int64_t)8 * 1024 * 1024)

int
klog_log_open(struct klog_log *log, int topic_dir, const char *name,
	const char *path, int32_t broker, struct klog_err *err)
{
	memset(log, 0, sizeof(*log));
	snprintf(log->path, sizeof(log->path), "%s", path);
	log->broker = broker;
	log->dir = log->lock = log->state_fd = -1;
	log->log_fd = log->index_fd = log->time_fd = -1;
	log->old_index_fd = log->old_time_fd = -1;
	log->open_base = -1;
	log->dir = klog_open_dir(topic_dir, name, err);
	if (log->dir == -1)
		return klog_err_in(err, "%s", path);
	if (klog_refuse_remote(log->dir, err) == -1)
		goto fail;
	log->lock = klog_create_file(log->dir, KLOG_LOCK_NAME, NULL, err);
	if (log->lock == -1)
		goto fail;
	log->state_fd = klog_create_file(log->dir, KLOG_STATE_NAME, NULL, err);
	if (log->state_fd == -1 ||
		klog_stamp_now(log->state_fd, &log->today, err) == -1)
		goto fail;
	return 0;
fail:
	klog_log_close(log);
	return klog_err_in(err, "%s", path);
}

void
klog_log_close_segment(struct klog_log *log)
{
	klog_close_fd(&log->log_fd);
	klog_close_fd(&log->index_fd);
	klog_close_fd(&log->time_fd);
	log->indexes_open = false;
	log->open_base = -1;
}

void
klog_log_close(struct klog_log *log)
{
	klog_log_close_segment(log);
	klog_close_fd(&log->old_index_fd);
	klog_close_fd(&log->old_time_fd);
	klog_close_fd(&log->state_fd);
	klog_close_fd(&log->lock);
	klog_close_fd(&log->dir);
	klog_scan_free(&log->scan);
}

int
klog_log_load(struct klog_log *log, struct klog_err *err)
{
	int32_t epoch = log->state.leader_epoch;
	int r = klog_state_read(log->state_fd, &log->state, err);

	/* begun by another writer, who may have died before its line (T1) */
	if (log->state.leader_epoch != epoch)
		log->epoch_line_known = false;
	return r == -1 ? klog_err_in(err, "%s", log->path) : r;
}

int
klog_log_save(struct klog_log *log, struct klog_err *err)
{
	if (log->suspect)
		log->state.marks |= KLOG_MARK_SYNCING;
	if (klog_state_write(log->state_fd, &log->state, err) == -1)
		return klog_err_in(err, "%s", log->path);
	log->suspect = false;
	return 0;
}

int
klog_log_commit(struct klog_log *log, struct klog_err *err)
{
	if (log->suspect)
		log->state.marks |= KLOG_MARK_SYNCING;
	if (klog_state_commit(log->state_fd, &log->state, err) == -1)
		return klog_err_in(err, "%s", log->path);
	log->suspect = false;
	return 0;
}

/* ---- the active segment ---- */

/* Opened when there is something to write, or to cut.  An index that cannot
 * be opened costs readers a scan, and nobody a write. */
void
klog_log_open_indexes(struct klog_log *log)
{
	char name[KLOG_FILE_NAME];
	struct klog_err ignored;

	if (log->indexes_open)
		return;
	log->indexes_open = true;
	klog_file_name(name, log->open_base, ".index");
	log->index_fd = klog_create_file(log->dir, name, NULL, &ignored);
	klog_file_name(name, log->open_base, ".timeindex");
	log->time_fd = klog_create_file(log->dir, name, NULL, &ignored);
}

int
klog_log_open_active(struct klog_log *log, struct klog_err *err)
{
	char *name = log->open_name;
	int64_t size;
	int alone = 0;

	if (log->open_base == log->state.active_base)
		return 0;
	klog_log_close_segment(log);
	klog_file_name(name, log->state.active_base, ".log");
	klog_scan_name(&log->scan, log->state.active_base);
	log->log_fd = klog_recovery_floor(&log->state) == 0
		? klog_create_file(log->dir, name, NULL, err)
		: klog_open_file(log->dir, name, O_RDWR, err);
	if (log->log_fd == -1) {
		if (err->code == KLOG_ENOTFOUND)
			klog_fail(err, KLOG_ECORRUPT,
				"%s: missing, and it held synced records; "
				"restore it",
				name);
		goto fail;
	}
	size = klog_file_size(log->log_fd, name, err);
	if (size == -1)
		goto fail;
	/* a name that a power cut could still take (A4) */
	if (size == 0 && klog_sync_dir(log->dir, name, err) == -1)
		goto fail;
	alone = klog_lock_alone(log->log_fd, name, err);
	if (alone == -1 || klog_lock_share(log->log_fd, name, err) == -1)
		goto fail;
	if (alone == 1 &&
		(log->state.recovery_base != log->state.active_base ||
			size > log->state.recovery_position))
		log->suspect = size > 0;
	log->open_base = log->state.active_base;
	log->written_back = size;
	/* a Kafka wants all three files of a segment */
	if (size == 0)
		klog_log_open_indexes(log);
	return 0;
fail:
	klog_log_close_segment(log);
	return klog_err_in(err, "%s", log->path);
}

/* Kafka's TimeIndex.maybeAppend: only a newer timestamp is an entry. */
static void
note_time(struct klog_log *log)
{
	struct klog_state *s = &log->state;
	struct klog_err ignored;

	if (log->time_fd == -1 || s->newest_ms <= s->time_indexed_ms ||
		klog_timeindex_put(log->time_fd, s->time_entries,
			s->active_base, s->newest_ms, s->newest_offset,
			&ignored) == -1)
		return;
	s->time_entries++;
	s->time_indexed_ms = s->newest_ms;
}

void
klog_log_note(struct klog_log *log, const struct klog_batch *batch,
	const struct klog_settings *settings)
{
	struct klog_state *s = &log->state;
	int64_t last = klog_batch_last_offset(batch);
	struct klog_err ignored;

	if (s->length == 0)
		s->first_ms = batch->max_timestamp_ms;
	if (batch->max_timestamp_ms > s->newest_ms) {
		s->newest_ms = batch->max_timestamp_ms;
		s->newest_offset = last;
	}
	if (s->unindexed > settings->index_interval_bytes)
		klog_log_open_indexes(log);
	if (s->unindexed > settings->index_interval_bytes &&
		log->index_fd != -1 &&
		klog_index_put(log->index_fd, s->index_entries, s->active_base,
			last, s->length, &ignored) == 0) {
		s->index_entries++;
		s->unindexed = 0;
		note_time(log);
	}
	s->unindexed += batch->size;
	s->length += batch->size;
	s->next_offset = last + 1;
}

int
klog_log_write(struct klog_log *log, const struct klog_batch *batch,
	struct klog_slice bytes, const struct klog_settings *settings,
	struct klog_err *err)
{
	struct klog_err cut_err;

	if (settings->preallocate && log->state.length == 0)
		klog_reserve(log->log_fd, settings->segment_bytes);
	if (klog_write_at(log->log_fd, bytes.data, bytes.size,
		    log->state.length, NULL, log->open_name, err) == -1) {
		/* the torn batch goes; if even that fails, readers and the
		 * next writer know a torn tail when they see one */
		(void)klog_truncate_file(log->log_fd, log->state.length,
			log->open_name, &cut_err);
		return klog_err_in(err, "%s", log->path);
	}
	klog_log_note(log, batch, settings);
	return 0;
}

int
klog_log_take_back(struct klog_log *log, const struct klog_state *before,
	struct klog_err *err)
{
	uint64_t sequence = log->state.sequence;

	if (klog_truncate_file(
		    log->log_fd, before->length, log->open_name, err) == -1)
		return klog_err_in(err, "%s", log->path);
	log->state = *before;
	log->state.sequence = sequence;
	return 0;
}

void
klog_log_all_durable(struct klog_log *log)
{
	log->state.recovery_offset = log->state.next_offset;
	log->state.recovery_base = log->state.active_base;
	log->state.recovery_position = log->state.length;
}

int
klog_log_sync(struct klog_log *log, struct klog_err *err)
{
	if (klog_sync_file(log->log_fd, log->open_name, err) == -1)
		return klog_err_in(err, "%s", log->path);
	return 0;
}

void
klog_log_write_back(struct klog_log *log)
{
	int64_t behind = log->state.length - log->written_back;

	if (behind < WRITE_BACK || log->open_base != log->state.active_base)
		return;
	klog_start_writeback(log->log_fd, log->written_back, behind);
	log->written_back = log->state.length;
}

/* ---- roll ---- */

/* Kafka spreads the rolls of many partitions by a random share of
 * segment.jitter.ms; here it is the same for every writer of a segment. */
static int64_t
jitter(const struct klog_state *s, const struct klog_settings *settings)
{
	uint64_t h = (uint64_t)s->active_base * 0x9E3779B97F4A7C15u;
	size_t i;

	if (settings->segment_jitter_ms <= 0)
		return 0;
	for (i = 0; i < 8; i++)
		h = (h ^ s->topic_id[i]) * 0x100000001B3u;
	return (int64_t)((h >> 1) % (uint64_t)settings->segment_jitter_ms);
}

/* What is to be compacted after a while has to be closed by then (Kafka's
 * LogConfig.maxSegmentMs). */
static int64_t
longest(const struct klog_settings *settings)
{
	return settings->cleanup_policy & KLOG_CLEANUP_COMPACT &&
			settings->max_compaction_lag_ms < settings->segment_ms
		? settings->max_compaction_lag_ms
		: settings->segment_ms;
}

bool
klog_log_must_roll(const struct klog_log *log, const struct klog_batch *batch,
	const struct klog_settings *settings)
{
	const struct klog_state *s = &log->state;
	int64_t delta = s->next_offset + batch->last_offset_delta -
		s->active_base;
	int64_t entries = settings->segment_index_bytes / KLOG_INDEX_ENTRY;
	int64_t times = settings->segment_index_bytes / KLOG_TIME_ENTRY - 1;

	if (s->length == 0)
		return false;
	if (s->length + batch->size > settings->segment_bytes ||
		delta > INT32_MAX || s->index_entries >= entries ||
		s->time_entries >= times)
		return true;
	return s->first_ms >= 0 && batch->max_timestamp_ms > s->first_ms &&
		batch->max_timestamp_ms - s->first_ms >
		longest(settings) - jitter(s, settings);
}

/* A segment's indexes end where their entries do, the newest timestamp as
 * the last; retention and look-up by time rely on it. */
static void
finish_indexes(struct klog_log *log)
{
	struct klog_err ignored;

	klog_log_open_indexes(log);
	note_time(log);
	if (log->index_fd != -1)
		(void)klog_truncate_file(log->index_fd,
			(int64_t)log->state.index_entries * KLOG_INDEX_ENTRY,
			".index", &ignored);
	if (log->time_fd != -1)
		(void)klog_truncate_file(log->time_fd,
			(int64_t)log->state.time_entries * KLOG_TIME_ENTRY,
			".timeindex", &ignored);
}

/* Those of a closed segment are never rebuilt; an error costs a scan. */
void
klog_log_sync_old_indexes(struct klog_log *log)
{
	struct klog_err ignored;

	if (log->old_index_fd != -1)
		(void)klog_sync_file(log->old_index_fd, ".index", &ignored);
	if (log->old_time_fd != -1)
		(void)klog_sync_file(log->old_time_fd, ".timeindex", &ignored);
	klog_close_fd(&log->old_index_fd);
	klog_close_fd(&log->old_time_fd);
}

/* Takes the descriptors along for a sync once the locks are free. */
static void
keep_indexes(struct klog_log *log)
{
	klog_close_fd(&log->old_index_fd);
	klog_close_fd(&log->old_time_fd);
	log->old_index_fd = log->index_fd;
	log->old_time_fd = log->time_fd;
	log->index_fd = log->time_fd = -1;
}

void
klog_log_end_indexes(struct klog_log *log)
{
	finish_indexes(log);
	keep_indexes(log);
	klog_log_sync_old_indexes(log);
}

int
klog_log_roll(struct klog_log *log, const struct klog_settings *settings,
	struct klog_err *err)
{
	struct klog_state *s = &log->state;
	struct klog_err ignored;

	finish_indexes(log);
	keep_indexes(log);
	/* gives back what was reserved; the length is what it was */
	if (settings->preallocate)
		(void)klog_truncate_file(
			log->log_fd, s->length, ".log", &ignored);
	s->active_base = s->next_offset;
	s->length = 0;
	s->unindexed = 0;
	s->index_entries = 0;
	s->time_entries = 0;
	s->newest_ms = -1;
	s->newest_offset = s->next_offset;
	s->time_indexed_ms = -1;
	s->first_ms = -1;
	klog_log_all_durable(log);
	if (klog_log_save(log, err) == -1)
		return -1;
	return klog_log_open_active(log, err);
}

/* ---- leader epochs ---- */

int
klog_log_begin_epoch(struct klog_log *log, int64_t start, struct klog_err *err)
{
	struct klog_state *s = &log->state;

	/* the line of the one before, wherever it got lost (T1) */
	log->epoch_line_known = false;
	if (klog_log_epoch_line(log, err) == -1)
		return -1;
	if (s->leader_epoch == INT32_MAX)
		return klog_fail(err, KLOG_EREFUSED,
			"%s: no leader epoch is left; make a new topic",
			log->path);
	if (klog_state_new_change(s, err) == -1)
		return klog_err_in(err, "%s", log->path);
	s->leader_epoch++;
	s->epoch_start = start;
	log->epoch_line_known = false;
	if (klog_log_commit(log, err) == -1)
		return -1;
	return klog_log_epoch_line(log, err);
}

int
klog_log_trim_epochs(struct klog_log *log, struct klog_err *err)
{
	int64_t start = log->state.log_start;
	struct klog_epochs epochs;
	size_t gone = 0;
	int r = klog_epochs_read(log->dir, &epochs, err);

	/* one that is lost or damaged is made anew from what is left */
	if (r == -1)
		return err->code == KLOG_ECORRUPT ? 0 : -1;
	while (gone + 1 < epochs.count && epochs.list[gone + 1].start <= start)
		gone++;
	if (epochs.count > 0 && epochs.list[gone].start < start) {
		epochs.list[gone].start = start;
		memmove(epochs.list, &epochs.list[gone],
			(epochs.count - gone) * sizeof(epochs.list[0]));
		epochs.count -= gone;
		r = klog_epochs_write(log->dir, &epochs, err);
	}
	klog_epochs_free(&epochs);
	return r == -1 ? klog_err_in(err, "%s", log->path) : 0;
}

int
klog_log_find_epochs(
	struct klog_log *log, struct klog_epochs *epochs, struct klog_err *err)
{
	struct klog_bases bases;
	int32_t newest = -1;
	size_t i;
	int r = 0;

	klog_epochs_free(epochs);
	if (klog_segment_list(log->dir, &bases, err) == -1)
		return -1;
	for (i = 0; r == 0 && i < bases.count; i++) {
		int fd = klog_segment_open(
			log->dir, bases.base[i], ".log", O_RDONLY, err);
		int got = fd == -1 ? -1 : KLOG_SCAN_END;

		klog_scan_name(&log->scan, bases.base[i]);
		klog_scan_init(&log->scan, fd, 0, 0);
		while (fd != -1 &&
			(got = klog_scan_next(&log->scan, err)) ==
				KLOG_SCAN_BATCH) {
			const struct klog_batch *b = &log->scan.batch;

			if (b->leader_epoch <= newest)
				continue;
			newest = b->leader_epoch;
			r = klog_epochs_assign(
				epochs, newest, b->base_offset, err);
			if (r == -1)
				break;
		}
		klog_close_fd(&fd);
		if (got == -1)
			r = -1;
	}
	klog_bases_free(&bases);
	return r;
}

int
klog_log_epoch_line(struct klog_log *log, struct klog_err *err)
{
	struct klog_epochs epochs;
	bool anew = false;
	int r;

	/* the first epoch says nothing that is not known without it */
	if (log->epoch_line_known || log->state.leader_epoch == 0)
		return 0;
	r = klog_epochs_read(log->dir, &epochs, err);
	/* it is derived: lost or damaged, it is made anew (T1) */
	if ((r == 0 && epochs.count == 0) ||
		(r == -1 && err->code == KLOG_ECORRUPT)) {
		anew = true;
		r = klog_log_find_epochs(log, &epochs, err);
	}
	if (r == -1) {
		klog_epochs_free(&epochs);
		return klog_err_in(err, "%s", log->path);
	}
	if (epochs.count == 0 ||
		epochs.list[epochs.count - 1].epoch < log->state.leader_epoch) {
		anew = true;
		r = klog_epochs_assign(&epochs, log->state.leader_epoch,
			log->state.epoch_start, err);
	}
	if (r == 0 && anew)
		r = klog_epochs_write(log->dir, &epochs, err);
	klog_epochs_free(&epochs);
	if (r == -1)
		return klog_err_in(err, "%s", log->path);
	log->epoch_line_known = true;
	return 0;
}
