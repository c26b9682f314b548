#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "io.h"
#include "journal.h"
#include "lock.h"
#include "recover.h"
#include "repair.h"
#include "suspect.h"
#include "verify.h"

/* A partition under repair. */
struct work {
	const struct klog_topic *topic;
	const struct klog_cluster *cluster;
	char path[300];
	struct klog_log log;
	bool dry_run;
	struct klog_wait wait;
	sigset_t signals;

	/* what is wrong, of all partitions; this one's from `first` on */
	struct klog_buf *out;
	size_t first;

	/* what can be done about it */
	struct klog_bases bases;
	int64_t last; /* base of the last segment */
	int64_t cut;  /* position in it, -1: nothing is cut */
	int64_t cut_offset;
	bool older_damage; /* in another segment */
	bool below;        /* in the last one, but before the log start */
	bool state_lost, state_bad, epochs_bad;
	bool stands;  /* there is damage that stays */
	bool blocked; /* so that nothing is done, which could hide it */
	bool ready;   /* state and files are made to agree */
	char kept[KLOG_FILE_NAME + 64];
	bool kept_already; /* by a run that was killed then */
};

static struct klog_repaired *
found(const struct work *w, size_t i)
{
	return (struct klog_repaired *)(void *)w->out->data + w->first + i;
}

static size_t
count_found(const struct work *w)
{
	return w->out->size / sizeof(struct klog_repaired) - w->first;
}

/* What a killed writer of leader-epoch-checkpoint leaves; the next one of the
 * file removes it, too. */
#define UNFINISHED "." KLOG_EPOCH_NAME ".new"

#define FRESH ".new" /* what is kept, until it is whole */
#define NAMES_MAX 1000

/* ---- looking ---- */

static const char *
name_of(const struct klog_repaired *f)
{
	const char *slash = strrchr(f->file, '/');

	return slash != NULL ? slash + 1 : f->file;
}

static int
keep_finding(struct work *w, const struct klog_found *f, struct klog_err *err)
{
	struct klog_repaired one;

	memset(&one, 0, sizeof(one));
	one.severity = f->severity;
	snprintf(one.file, sizeof(one.file), "%.280s%s%s", w->path,
		f->file[0] == '/' ? "" : "/", f->file);
	one.position = f->position;
	one.size = f->size;
	one.offset = f->offset;
	one.doubtful = f->doubtful;
	snprintf(one.what, sizeof(one.what), "%s", f->what);
	snprintf(one.done, sizeof(one.done), "left");
	one.left = true;
	if (klog_buf_put(w->out, &one, sizeof(one)) == -1)
		return klog_fail_memory(err);
	return 0;
}

static int
keep_all(struct work *w, struct klog_verify *v, struct klog_err *err)
{
	struct klog_found *f;
	int r;

	while ((r = klog_verify_found(v, &f, err)) == 1)
		if (keep_finding(w, f, err) == -1)
			return -1;
	return r;
}

/* Everything that is wrong with the partition. */
static int
look(struct work *w, struct klog_err *err)
{
	struct klog_verify v;
	int dir = klog_open_dir(w->log.dir, ".", err);
	int r;

	if (dir == -1)
		return -1;
	r = klog_verify_begin(&v, w->topic, dir, w->path, !w->dry_run, err);
	if (r == 0)
		r = keep_all(w, &v, err);
	klog_verify_done(&v);
	return r;
}

/* What is wrong with the topic's groups is told, and stays. */
static int
look_at_groups(struct work *w, struct klog_err *err)
{
	struct klog_verify v;
	int r;
	size_t i;

	snprintf(w->path, sizeof(w->path), "%s", w->topic->label);
	r = klog_verify_begin_groups(&v, w->topic, err);
	if (r == 0)
		r = keep_all(w, &v, err);
	klog_verify_done(&v);
	for (i = 0; i < count_found(w); i++) {
		struct klog_repaired *f = found(w, i);

		f->mended = f->severity == KLOG_FOUND_LEFTOVER;
		snprintf(f->done, sizeof(f->done), "%s",
			f->mended ? "left to who commits next"
				: strcmp(name_of(f), KLOG_JOURNAL_NAME) == 0
				? "left: remove it, if nothing is to be undone"
				: "left: say where the group goes on with "
				  "klog-offsets --reset");
	}
	return r;
}

/* ---- the name of what is cut ---- */

/* Whether the file holds what is cut, to the byte: 1, 0, -1. */
static int
holds_it(const struct work *w, int kept, int log, struct klog_err *err)
{
	uint8_t a[16 * 1024], b[sizeof(a)];
	int64_t at = 0, size = klog_file_size(kept, KLOG_REMOVED_NAME, err);
	int64_t end = klog_file_size(log, ".log", err);
	size_t got = 0, other = 0;

	if (size == -1 || end == -1)
		return -1;
	if (size != end - w->cut)
		return 0;
	for (; at < size; at += (int64_t)got) {
		if (klog_read_at(kept, a, sizeof(a), at, &got,
			    KLOG_REMOVED_NAME, err) == -1 ||
			klog_read_at(log, b, sizeof(b), w->cut + at, &other,
				".log", err) == -1)
			return -1;
		if (got == 0 || got != other || memcmp(a, b, got) != 0)
			return 0;
	}
	return 1;
}

/* The first name that is free, or whose file holds just this. */
static int
find_name(struct work *w, int dir, int log, struct klog_err *err)
{
	size_t size = strlen(w->kept);
	int n, fd, same;

	for (n = 1; n < NAMES_MAX; n++) {
		fd = klog_open_file(dir, w->kept, O_RDONLY, err);
		if (fd == -1)
			return err->code == KLOG_ENOTFOUND ? 0 : -1;
		same = holds_it(w, fd, log, err);
		klog_close_fd(&fd);
		w->kept_already = same == 1;
		if (same != 0)
			return same == 1 ? 0 : -1;
		snprintf(w->kept + size, sizeof(w->kept) - size, ".%d", n);
	}
	return klog_fail(err, KLOG_EREFUSED,
		KLOG_REMOVED_NAME ": too much is kept there; remove what is of "
				  "no use any more");
}

static int
choose_name(struct work *w, struct klog_err *err)
{
	int dir, log, r = -1;

	snprintf(w->kept, sizeof(w->kept),
		"%020" PRId64 ".log.at-%" PRId64 ".epoch-%" PRId32, w->last,
		w->cut, w->log.state.leader_epoch);
	dir = klog_open_dir(w->log.dir, KLOG_REMOVED_NAME, err);
	if (dir == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	log = klog_segment_open(w->log.dir, w->last, ".log", O_RDONLY, err);
	if (log != -1)
		r = find_name(w, dir, log, err);
	klog_close_fd(&log);
	klog_close_fd(&dir);
	return r;
}

/* ---- what can be done ---- */

/* Whether the finding is about the .log of a segment: its base, or -1. */
static int64_t
log_of(const struct klog_repaired *f)
{
	return f->severity == KLOG_FOUND_DAMAGE
		? klog_file_base(name_of(f), ".log")
		: -1;
}

static int64_t
index_of(const struct klog_repaired *f)
{
	int64_t base = klog_file_base(name_of(f), ".index");

	return base != -1 ? base : klog_file_base(name_of(f), ".timeindex");
}

static bool
is_damaged(const struct work *w, int64_t base)
{
	size_t i;

	for (i = 0; i < count_found(w); i++)
		if (log_of(found(w, i)) == base)
			return true;
	return false;
}

/* Whether what is damaged lies before the log start: the good batch behind it
 * begins there, or before. */
static int
lies_below(const struct work *w, const struct klog_repaired *f, bool *below,
	struct klog_err *err)
{
	struct klog_scan scan = { .fd = -1 };
	int64_t start = w->log.state.log_start;
	int got = KLOG_SCAN_END;

	*below = false;
	if (w->state_lost || f->offset < 0 || f->offset >= start)
		return 0;
	scan.fd = klog_segment_open(w->log.dir, w->last, ".log", O_RDONLY, err);
	if (scan.fd == -1)
		return -1;
	klog_scan_name(&scan, w->last);
	klog_scan_init(&scan, scan.fd, f->position + f->size, 4096);
	got = klog_scan_header(&scan, err);
	*below = got == KLOG_SCAN_BATCH && scan.batch.base_offset <= start;
	klog_scan_free(&scan);
	klog_close_fd(&scan.fd);
	return got == -1 ? -1 : 0;
}

static int
sort_out(struct work *w, struct klog_repaired *f, struct klog_err *err)
{
	int64_t base = log_of(f);
	bool below;

	if (strcmp(name_of(f), KLOG_STATE_NAME) == 0 &&
		f->severity == KLOG_FOUND_INDEX)
		w->state_bad = true;
	if (strcmp(name_of(f), KLOG_EPOCH_NAME) == 0)
		w->epochs_bad = true;
	if (base == -1)
		return 0;
	if (base != w->last) {
		w->older_damage = true;
		return 0;
	}
	if (lies_below(w, f, &below, err) == -1)
		return -1;
	w->below |= below;
	if (!below && (w->cut == -1 || f->position < w->cut)) {
		w->cut = f->position;
		w->cut_offset = f->offset;
	}
	return 0;
}

/* Whether what a compaction wrote lies behind the last segment, which then is
 * not the one that was written last. */
static int
look_behind(struct work *w, bool *more, struct klog_err *err)
{
	struct klog_bases all;

	if (klog_segment_list_all(w->log.dir, &all, err) == -1)
		return -1;
	*more = all.count > 0 && all.base[all.count - 1] > w->last;
	klog_bases_free(&all);
	return 0;
}

static int
plan(struct work *w, struct klog_err *err)
{
	bool more;
	bool same = !w->state_lost &&
		klog_stamp_same(&w->log.state.stamp, &w->log.today);
	size_t i;

	w->cut = -1;
	w->last = w->bases.count > 0 ? w->bases.base[w->bases.count - 1] : -1;
	for (i = 0; i < count_found(w); i++)
		if (sort_out(w, found(w, i), err) == -1)
			return -1;
	if (look_behind(w, &more, err) == -1)
		return -1;
	/* what the state says is active is not there: nobody knows the end;
	 * and with an unknown end all that may be unsynced is looked at again,
	 * and must be whole */
	if (w->below || more ||
		(!w->state_lost && w->log.state.active_base > w->last) ||
		(w->older_damage && !same))
		w->cut = -1;
	w->stands = w->cut == -1 && (is_damaged(w, w->last) || w->older_damage);
	w->blocked = w->stands && !w->state_lost && !same;
	w->ready = !w->blocked && !(w->stands && is_damaged(w, w->last));
	return w->cut != -1 ? choose_name(w, err) : 0;
}

static bool
can_rebuild(const struct work *w, int64_t base)
{
	size_t i;

	/* the cut end's are made anew with it */
	if (base == w->last && w->cut != -1)
		return true;
	for (i = 0; i < count_found(w); i++)
		if (index_of(found(w, i)) == base && found(w, i)->doubtful)
			return false;
	for (i = 0; i < w->bases.count; i++)
		if (w->bases.base[i] == base)
			return !is_damaged(w, base);
	return false;
}

static bool
can_rebuild_epochs(const struct work *w)
{
	return !w->older_damage && (w->cut != -1 || !is_damaged(w, w->last));
}

/* What is done about a finding that is not cut; NULL: nothing. */
static const char *
remedy(struct work *w, struct klog_repaired *f)
{
	const char *name = name_of(f);

	if (f->severity == KLOG_FOUND_LEFTOVER)
		return w->ready &&
				(klog_file_base(name, ".log") != -1 ||
					strcmp(name, KLOG_EPOCH_NAME) == 0)
			? "tidied, as any writer does"
			: NULL;
	if (log_of(f) != -1 || w->blocked || f->doubtful)
		return NULL;
	if ((index_of(f) != -1 && can_rebuild(w, index_of(f))) ||
		(strcmp(name, KLOG_EPOCH_NAME) == 0 && can_rebuild_epochs(w)) ||
		(strcmp(name, KLOG_STATE_NAME) == 0 &&
			(f->severity == KLOG_FOUND_INDEX || w->state_lost)))
		return "made anew";
	return NULL;
}

/* Why nothing is done about it, and what to do. */
static const char *
advice(struct work *w, struct klog_repaired *f)
{
	int64_t base = log_of(f);

	if (f->severity == KLOG_FOUND_LEFTOVER)
		return "left to who writes or cleans next";
	if (base != -1 && base == w->last && w->below)
		return "left: it lies before the log start, and goes with its "
		       "segment";
	if (base != -1)
		return "left: restore it; nothing but a damaged end is cut";
	if (w->blocked)
		return "left: first restore what is damaged";
	if (f->doubtful)
		return "left: it, or the batch's base offset, is wrong; to "
		       "believe the batch, remove the file and repair again";
	return "left";
}

/* What is done, or would be, about each finding. */
static void
describe(struct work *w)
{
	const char *would = w->dry_run ? "would be " : "";
	size_t i;

	for (i = 0; i < count_found(w); i++) {
		struct klog_repaired *f = found(w, i);
		const char *what = remedy(w, f);
		bool cut = log_of(f) != -1 && log_of(f) == w->last &&
			w->cut != -1;

		f->left = !cut && what == NULL;
		if (cut)
			snprintf(f->done, sizeof(f->done),
				"%scut from offset %" PRId64
				" on, and kept in " KLOG_REMOVED_NAME "/%.60s",
				would, w->cut_offset, w->kept);
		else
			snprintf(f->done, sizeof(f->done), "%s%s",
				f->left ? "" : would,
				f->left ? advice(w, f) : what);
		f->mended = f->severity == KLOG_FOUND_LEFTOVER ||
			(!f->left && !w->dry_run);
	}
}

/* It could not be done; what was is not told apart. */
static void
take_back(struct work *w)
{
	size_t i;

	for (i = 0; i < count_found(w); i++) {
		struct klog_repaired *f = found(w, i);

		if (f->left)
			continue;
		snprintf(f->done, sizeof(f->done), "not done");
		f->mended = false;
	}
}

/* ---- keeping what is cut ---- */

static int
copy_range(int from, int to, int64_t at, int64_t end, struct klog_err *err)
{
	uint8_t piece[64 * 1024];
	int64_t start = at;
	size_t got;

	for (; at < end; at += (int64_t)got) {
		size_t want = end - at < (int64_t)sizeof(piece)
			? (size_t)(end - at)
			: sizeof(piece);

		if (klog_read_at(from, piece, want, at, &got, ".log", err) ==
				-1 ||
			klog_write_at(to, piece, got, at - start, NULL,
				KLOG_REMOVED_NAME, err) == -1)
			return -1;
		if (got == 0)
			break;
	}
	return klog_truncate_file(to, at - start, KLOG_REMOVED_NAME, err);
}

static int
keep(struct work *w, struct klog_err *err)
{
	char fresh[sizeof(w->kept) + sizeof(FRESH)];
	int from = -1, dir = -1, to = -1, r = -1;
	int64_t size;

	snprintf(fresh, sizeof(fresh), "%s" FRESH, w->kept);
	if (klog_make_dir(w->log.dir, KLOG_REMOVED_NAME, -1, err) == -1 &&
		err->sys_errno != EEXIST && err->code != KLOG_EEXIST)
		return klog_err_in(err, "%s", w->path);
	from = klog_segment_open(w->log.dir, w->last, ".log", O_RDONLY, err);
	if (from != -1)
		dir = klog_open_dir(w->log.dir, KLOG_REMOVED_NAME, err);
	if (dir != -1)
		to = klog_create_file(
			dir, w->kept_already ? w->kept : fresh, NULL, err);
	size = to == -1 ? -1 : klog_file_size(from, ".log", err);
	if (size != -1 &&
		(w->kept_already ||
			copy_range(from, to, w->cut, size, err) == 0) &&
		klog_sync_file(to, KLOG_REMOVED_NAME, err) == 0 &&
		(w->kept_already ||
			klog_rename_new(dir, fresh, dir, w->kept, err) == 0) &&
		klog_sync_dir(dir, KLOG_REMOVED_NAME, err) == 0 &&
		klog_sync_dir(w->log.dir, w->path, err) == 0)
		r = 0;
	klog_close_fd(&from);
	klog_close_fd(&to);
	klog_close_fd(&dir);
	return r == -1 ? klog_err_in(err, "%s", w->path) : 0;
}

/* ---- doing it, under all three bytes ---- */

/*
 * The recovery point goes back first, and with the epoch, so that whoever
 * comes after a kill finds the damage behind it, and cuts, too.
 */
static int
cut_end(struct work *w, struct klog_err *err)
{
	struct klog_state *s = &w->log.state;
	const struct klog_settings *settings = &w->topic->config.settings;
	bool copied = !klog_stamp_same(&s->stamp, &w->log.today);
	bool doubtful = (s->marks & KLOG_MARK_SYNCING) != 0;
	struct klog_check c;
	int64_t size;
	int fd;

	if (keep(w, err) == -1)
		return -1;
	fd = klog_segment_open(w->log.dir, w->last, ".log", O_RDONLY, err);
	size = fd == -1 ? -1 : klog_file_size(fd, ".log", err);
	klog_close_fd(&fd);
	if (size == -1)
		return klog_err_in(err, "%s", w->path);
	memset(&c, 0, sizeof(c));
	c.end.base = w->last;
	c.end.position = w->cut;
	c.end.offset = w->cut_offset;
	c.torn = size - w->cut;
	if (s->recovery_base > w->last ||
		(s->recovery_base == w->last &&
			s->recovery_position > w->cut)) {
		s->recovery_base = w->last;
		s->recovery_position = w->cut;
		s->recovery_offset = w->cut_offset;
	}
	/* all that is left was damaged: an offset that is given anew is of
	 * another leader epoch */
	if (s->log_start > w->cut_offset)
		s->log_start = w->cut_offset;
	if (klog_recover_cut(&w->log, &c, copied, doubtful, settings, err) ==
		-1)
		return -1;
	return klog_recover_indexes(&w->log, w->last, settings, err);
}

/* Makes state and files agree as any writer would, before anything else is
 * made anew. */
static int
make_ready(struct work *w, const struct klog_recover *how, struct klog_err *err)
{
	struct klog_log *log = &w->log;

	if (w->cut != -1)
		return cut_end(w, err);
	if (!klog_stamp_same(&log->state.stamp, &log->today))
		return klog_recover_log(log, how, err);
	if (klog_recover_tail(log, how, err) == -1)
		return -1;
	if (log->suspect || (log->state.marks & KLOG_MARK_SYNCING) != 0)
		return klog_suspect_settle(log, how, err);
	return klog_log_save(log, err);
}

static int
rebuild_indexes(struct work *w, struct klog_err *err)
{
	const struct klog_settings *settings = &w->topic->config.settings;
	size_t i, j;
	int r = 0;

	for (i = 0; r == 0 && i < w->bases.count; i++) {
		int64_t base = w->bases.base[i];

		if (base == w->last && w->cut != -1)
			continue;
		for (j = 0; j < count_found(w); j++)
			if (index_of(found(w, j)) == base &&
				found(w, j)->severity == KLOG_FOUND_INDEX)
				break;
		if (j < count_found(w) && can_rebuild(w, base))
			r = klog_recover_indexes(&w->log, base, settings, err);
	}
	return r;
}

static int
rebuild_epochs(struct work *w, struct klog_err *err)
{
	struct klog_epochs epochs = { NULL, 0 };
	int r = klog_log_find_epochs(&w->log, &epochs, err);

	if (r == 0)
		r = klog_epochs_assign(&epochs, w->log.state.leader_epoch,
			w->log.state.epoch_start, err);
	if (r == 0)
		r = klog_epochs_write(w->log.dir, &epochs, err);
	klog_epochs_free(&epochs);
	return r == -1 ? klog_err_in(err, "%s", w->path) : 0;
}

/* Both slots anew, and nothing between them or behind. */
static int
rebuild_state(struct work *w, struct klog_err *err)
{
	static const uint8_t zeros[KLOG_STATE_SECOND - KLOG_STATE_SLOT];

	if (klog_write_at(w->log.state_fd, zeros, sizeof(zeros),
		    KLOG_STATE_SLOT, NULL, KLOG_STATE_NAME, err) == -1 ||
		klog_truncate_file(w->log.state_fd, KLOG_STATE_SIZE,
			KLOG_STATE_NAME, err) == -1)
		return klog_err_in(err, "%s", w->path);
	return klog_log_commit(&w->log, err);
}

static int
mend(struct work *w, struct klog_err *err)
{
	const struct klog_recover how = { &w->topic->config.settings,
		&w->cluster->say };

	if (w->state_lost &&
		klog_recover_state(&w->log, w->topic->config.id, &how, err) ==
			-1)
		return -1;
	if (w->blocked)
		return 0;
	if (w->ready && make_ready(w, &how, err) == -1)
		return -1;
	if (rebuild_indexes(w, err) == -1)
		return -1;
	if (w->epochs_bad && can_rebuild_epochs(w) &&
		rebuild_epochs(w, err) == -1)
		return -1;
	return w->state_bad ? rebuild_state(w, err) : 0;
}

/* ---- a partition ---- */

static int
refuse_without_state(struct work *w, int dir, struct klog_err *err)
{
	struct stat st;

	if (fstatat(dir, KLOG_STATE_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return klog_fail(err, KLOG_EUSAGE,
		"%s: no " KLOG_STATE_NAME
		" is there, so it is not klog's to repair; see what is wrong "
		"with klog-inspect --verify, and save what can be read with "
		"klog-consume PATH",
		w->path);
}

/* Bytes 2, 1 and 0 in this order (L2). */
static int
lock(struct work *w, struct klog_err *err)
{
	int byte;

	w->wait.say = &w->cluster->say;
	w->wait.timeout_ms = w->cluster->lock_timeout_ms;
	w->wait.what = w->path;
	w->wait.blocked = &w->signals;
	for (byte = KLOG_BYTE_CLEAN; byte >= KLOG_BYTE_APPEND; byte--) {
		if (klog_lock(w->log.lock, byte, 1, &w->wait, err) == -1) {
			while (++byte <= KLOG_BYTE_CLEAN)
				klog_unlock(w->log.lock, byte, 1);
			return -1;
		}
	}
	return 0;
}

static int
repair_locked(struct work *w, struct klog_err *err)
{
	int r = klog_log_load(&w->log, err);

	if (r == -1)
		return -1;
	w->state_lost = r == 0;
	if (r == 1 &&
		memcmp(w->log.state.topic_id, w->topic->config.id, 16) != 0)
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: topic.yaml and the partition's state name two "
			"topic ids; one of them was copied from elsewhere",
			w->path);
	if (r == 1 && (w->log.state.marks & KLOG_MARK_DELETED) != 0)
		return klog_fail(err, KLOG_EDELETED,
			"%s: the topic was deleted", w->path);
	if (!w->dry_run)
		klog_remove_file(w->log.dir, UNFINISHED);
	if (klog_segment_list(w->log.dir, &w->bases, err) == -1 ||
		look(w, err) == -1)
		return klog_err_in(err, "%s", w->path);
	if (plan(w, err) == -1)
		return klog_err_in(err, "%s", w->path);
	describe(w);
	if (w->dry_run || count_found(w) == 0 || mend(w, err) == 0)
		return 0;
	take_back(w);
	return -1;
}

/* The same for looking only: nothing is made, and nobody is held up. */
static int
open_to_look(struct work *w, int dir, struct klog_err *err)
{
	memset(&w->log, 0, sizeof(w->log));
	w->log.lock = -1;
	w->log.log_fd = w->log.index_fd = w->log.time_fd = -1;
	w->log.old_index_fd = w->log.old_time_fd = -1;
	w->log.open_base = -1;
	snprintf(w->log.path, sizeof(w->log.path), "%s", w->path);
	w->log.dir = klog_open_dir(dir, ".", err);
	w->log.state_fd = w->log.dir == -1
		? -1
		: klog_open_file(w->log.dir, KLOG_STATE_NAME, O_RDONLY, err);
	if (w->log.state_fd == -1 ||
		klog_stamp_now(w->log.state_fd, &w->log.today, err) == -1) {
		klog_log_close(&w->log);
		return klog_err_in(err, "%s", w->path);
	}
	return 0;
}

static int
repair(struct work *w, int32_t number, struct klog_err *err)
{
	char name[16];
	int dir, r;

	snprintf(name, sizeof(name), "%" PRId32, number);
	snprintf(w->path, sizeof(w->path), "%s/%s", w->topic->label, name);
	dir = klog_open_dir(w->topic->dir, name, err);
	if (dir == -1)
		return err->code == KLOG_ENOTFOUND
			? klog_topic_lacks(w->topic, number, err)
			: -1;
	r = refuse_without_state(w, dir, err);
	if (r == 0)
		r = w->dry_run ? open_to_look(w, dir, err)
			       : klog_log_open(&w->log, w->topic->dir, name,
					 w->path, 0, err);
	klog_close_fd(&dir);
	if (r == -1)
		return -1;
	if (w->dry_run) {
		r = repair_locked(w, err);
	} else {
		klog_signals_hold(&w->signals);
		r = lock(w, err);
		if (r == 0) {
			r = repair_locked(w, err);
			klog_unlock(w->log.lock, KLOG_BYTE_APPEND, 3);
		}
		klog_signals_release(&w->signals);
	}
	klog_bases_free(&w->bases);
	klog_log_close(&w->log);
	return r;
}

/* ---- the topic ---- */

/* A partition's directory of a topic of klog's stands for the two. */
static int
find(struct klog_topic *t, struct klog_cluster *cluster, const char *operand,
	int32_t *partition, struct klog_err *err)
{
	struct klog_topic in;
	char path[4096], *slash;
	int32_t number;

	if (strchr(operand, '/') != NULL &&
		klog_topic_find(&in, cluster, operand, false, err) == 0) {
		snprintf(path, sizeof(path), "%s", in.path);
		klog_topic_close(&in);
		slash = strrchr(path, '/');
		number = slash == NULL ? -1 : klog_partition_number(slash + 1);
		if (in.kind == KLOG_PARTITION_DIR && number != -1 &&
			*partition == -1) {
			*slash = '\0';
			if (klog_topic_open(t, cluster, path, true, err) == 0) {
				*partition = number;
				return 0;
			}
		}
	}
	if (klog_topic_open(t, cluster, operand, true, err) == 0)
		return 0;
	if (err->code == KLOG_EUSAGE)
		klog_fail(err, KLOG_EUSAGE,
			"%s: only a topic of klog's is repaired; see what is "
			"wrong with klog-inspect --verify, and save what can "
			"be read with klog-consume PATH",
			operand);
	return -1;
}

/* 0 go on with the next, -1 the topic is gone, and nothing is wrong with it. */
static int
tell(const struct klog_topic *t, const struct klog_cluster *cluster,
	const struct klog_err *why, struct klog_failures *failures)
{
	struct klog_err gone;

	if (klog_topic_still_there(t, &gone) == 0) {
		klog_failures_add(failures, &cluster->say, why);
		return 0;
	}
	failures->any = true;
	failures->worst = gone;
	return -1;
}

int
klog_dir_repair(struct klog_cluster *cluster, const char *operand,
	int32_t partition, bool dry_run, struct klog_repaired **list,
	size_t *count, struct klog_err *err)
{
	struct klog_failures failures = { .any = false };
	struct klog_buf out = { NULL, 0, 0 };
	struct klog_err why;
	struct klog_topic t;
	int32_t i;
	int r;

	*list = NULL;
	*count = 0;
	if (find(&t, cluster, operand, &partition, err) == -1)
		return -1;
	r = klog_topic_need(&t, partition, err);
	for (i = 0; r == 0 && i < t.config.partitions; i++) {
		struct work w = { .topic = &t,
			.cluster = cluster,
			.dry_run = dry_run,
			.out = &out };

		if (partition != -1 && partition != i)
			continue;
		w.first = out.size / sizeof(struct klog_repaired);
		if (repair(&w, i, &why) == -1)
			r = tell(&t, cluster, &why, &failures);
	}
	if (r == 0 && partition == -1) {
		struct work w = { .topic = &t, .out = &out };

		w.first = out.size / sizeof(struct klog_repaired);
		if (look_at_groups(&w, &why) == -1)
			r = tell(&t, cluster, &why, &failures);
	}
	if (failures.any)
		r = klog_failures_end(&failures, err);
	*list = (struct klog_repaired *)(void *)out.data;
	*count = out.size / sizeof(struct klog_repaired);
	klog_topic_close(&t);
	return r;
}
