#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"
#include "index.h"
#include "io.h"
#include "lock.h"
#include "reader.h"

#define DAMAGE_WINDOW ((int64_t)16 * 1024 * 1024)

/* ---- opening ---- */

/* Takes a state that was read; `.klog` may have been made anew since (T4). */
static void
take_state(struct klog_reader *r, const struct klog_state *s)
{
	r->state = *s;
	/* without a boot id nothing can be told: not trusted */
	r->trusted = r->knows_today && klog_stamp_same(&s->stamp, &r->today);
	if (r->has_state)
		return;
	r->has_state = true;
	r->scan.old_formats = false;
	/* what was read before it may be of an older history */
	r->epoch = r->seen_epoch != -1 ? r->seen_epoch : s->leader_epoch;
}

/* Reads `.klog`: 1, 0 there is none, or none that is whole, -1. */
static int
read_state(struct klog_reader *r, struct klog_state *s, struct klog_err *err)
{
	struct klog_err ignored;

	if (r->state_fd == -1) {
		r->state_fd = klog_open_file(
			r->dir, KLOG_STATE_NAME, O_RDONLY, err);
		if (r->state_fd == -1)
			return err->code == KLOG_ENOTFOUND ? 0 : -1;
		r->knows_today = klog_stamp_now(
					 r->state_fd, &r->today, &ignored) == 0;
	}
	return klog_state_read(r->state_fd, s, err);
}

int
klog_reader_open(struct klog_reader *r, int dir, const char *path,
	const struct klog_say *say, size_t chunk, struct klog_err *err)
{
	struct klog_state s;
	int found;

	memset(r, 0, sizeof(*r));
	snprintf(r->path, sizeof(r->path), "%s", path);
	r->say = say;
	r->dir = dir;
	r->state_fd = -1;
	r->only_base = -1;
	r->foreign_start = r->foreign_point = -1;
	r->stop = INT64_MAX;
	r->stable = INT64_MAX;
	r->epoch = INT32_MAX; /* without a state nobody says what is new */
	r->base = -1;
	r->fd = -1;
	r->seen_epoch = -1;
	r->chunk = chunk;
	found = read_state(r, &s, err);
	if (found == 1)
		take_state(r, &s);
	if (found != -1)
		return 0;
	klog_reader_close(r);
	return klog_err_in(err, "%s", path);
}

void
klog_reader_park(struct klog_reader *r)
{
	klog_close_fd(&r->fd);
	r->base = -1;
	klog_scan_free(&r->scan);
}

void
klog_reader_trim(struct klog_reader *r, size_t keep)
{
	size_t capacity = r->scan.buf.capacity;

	if (r->base == -1 || capacity <= 2 * r->scan.chunk || capacity <= keep)
		return;
	klog_scan_forget(&r->scan);
	klog_scan_free(&r->scan);
}

void
klog_reader_close(struct klog_reader *r)
{
	klog_reader_park(r);
	klog_close_fd(&r->state_fd);
	klog_close_fd(&r->dir);
}

void
klog_reader_seek(struct klog_reader *r, int64_t offset)
{
	r->next = offset;
	klog_close_fd(&r->fd);
	r->base = -1;
}

/* ---- the state, and a new leader epoch ---- */

/* 1 looked, 0 there is nothing to look at, -1. */
static int
look(struct klog_reader *r, struct klog_err *err)
{
	struct klog_state s;
	int found = read_state(r, &s, err);

	/* damaged meanwhile: what is known stands */
	if (found != 1)
		return found == -1 ? klog_err_in(err, "%s", r->path) : 0;
	if (s.marks & KLOG_MARK_DELETED)
		return klog_fail(err, KLOG_EDELETED,
			"%s: the topic was deleted", r->path);
	take_state(r, &s);
	return 1;
}

int
klog_reader_look(struct klog_reader *r, struct klog_err *err)
{
	const struct klog_state *s = &r->state;
	int64_t part;
	int found = look(r, err);

	if (found != 1)
		return found;
	if (s->leader_epoch <= r->epoch)
		return 0;
	if (klog_epoch_end(r->dir, s, r->epoch, INT64_MAX, &part, err) == -1)
		return klog_err_in(err, "%s", r->path);
	if (r->next > part) {
		klog_sayf(r->say, 0,
			"%s: leader epoch %" PRId32 ": offsets %" PRId64
			" to %" PRId64
			" were lost; going back to where the histories part",
			r->path, s->leader_epoch, part, r->next - 1);
		klog_reader_seek(r, part);
	} else if (r->base != -1) {
		klog_scan_forget(&r->scan);
	}
	r->epoch = s->leader_epoch;
	return 0;
}

bool
klog_reader_held(const struct klog_reader *r, int byte)
{
	struct klog_err ignored;
	int fd, free = 1;

	if (r->alone)
		return false;
	fd = klog_open_file(r->dir, KLOG_LOCK_NAME, O_RDONLY, &ignored);
	if (fd != -1)
		free = klog_lock_free(fd, byte, KLOG_LOCK_NAME, &ignored);
	klog_close_fd(&fd);
	return free == 0;
}

/* ---- finding the place ---- */

int64_t
klog_reader_start(struct klog_reader *r, struct klog_err *err)
{
	struct klog_bases bases;
	int64_t first;

	if (r->only_base != -1)
		return r->only_base;
	if (r->has_state)
		return r->state.log_start;
	if (klog_segment_list_all(r->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", r->path);
	first = bases.count > 0 ? bases.base[0] : 0;
	klog_bases_free(&bases);
	return r->foreign_start > first ? r->foreign_start : first;
}

/* The next offset is below the log start: say what is gone, and go on where
 * auto.offset.reset says. */
static int
skip_what_is_gone(struct klog_reader *r, int64_t start, struct klog_err *err)
{
	int64_t to = start;

	if (r->reset == KLOG_RESET_NONE)
		return klog_fail(err, KLOG_EOFFSET,
			"%s: offsets %" PRId64 " to %" PRId64
			" are gone, the log starts at %" PRId64
			" (auto.offset.reset=none)",
			r->path, r->next, start - 1, start);
	if (r->reset == KLOG_RESET_LATEST)
		to = klog_reader_end(r, err);
	if (to == -1)
		return -1;
	klog_sayf(r->say, 0,
		"%s: offsets %" PRId64 " to %" PRId64
		" are gone; going on at %" PRId64,
		r->path, r->next, start - 1, to);
	klog_reader_seek(r, to);
	return 0;
}

/*
 * The base of the segment that holds r->next, or of the first one behind it;
 * of those past `after` only (-1: all).  1, 0 there is none, -1.
 */
static int
find_base(struct klog_reader *r, int64_t after, int64_t *base, bool *first,
	struct klog_err *err)
{
	struct klog_bases bases;
	size_t i = 0;
	int found = 0;

	if (r->only_base != -1) {
		*base = r->only_base;
		*first = false; /* the others are not asked for */
		return after == -1;
	}
	if (klog_segment_list_all(r->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", r->path);
	if (bases.count > 0) {
		i = klog_bases_find(&bases, r->next);
		/* the segment that was read to its end does not hold it:
		 * there is a gap, and the next one follows */
		while (i < bases.count && after != -1 && bases.base[i] <= after)
			i++;
		found = i < bases.count;
	}
	if (found)
		*base = bases.base[i];
	*first = i == 0;
	klog_bases_free(&bases);
	return found;
}

/* Where the log ends at the least, by what the state said. */
static int64_t
least_end(const struct klog_reader *r)
{
	const struct klog_state *s = &r->state;

	return r->trusted && !(s->marks & KLOG_MARK_SYNCING)
		? s->next_offset
		: s->recovery_offset;
}

/*
 * No file holds r->next: the first one behind it begins at `base` (INT64_MAX:
 * there is none), and is the first of all or not.  1 look again, 0 it is the
 * end or a gap that may be, -1.
 */
static int
no_file(struct klog_reader *r, int64_t base, bool first, struct klog_err *err)
{
	int64_t before = r->next, to;

	if (r->only_base != -1)
		return 0;
	if (!r->has_state) {
		/* a Kafka removed what was there; without its checkpoint the
		 * first segment is the log start */
		if (!first || base == INT64_MAX)
			return 0;
		return skip_what_is_gone(r, base, err) == -1 ? -1 : 1;
	}
	to = base == INT64_MAX ? least_end(r) : base;
	if (r->next >= to || r->next < r->state.first_dirty)
		return 0;
	/* was it removed, or cut, since the state was read? */
	if (klog_reader_look(r, err) == -1)
		return -1;
	if (r->next != before || r->next < r->state.log_start ||
		(base == INT64_MAX && r->next >= least_end(r)))
		return 1;
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: offsets %" PRId64 " to %" PRId64
		": damaged: their segment is missing",
		r->path, r->next, to - 1);
}

/*
 * An index entry counts only if a good batch is where it says (D4), which
 * ends at the offset it names.  A Kafka also names the last offset of all that
 * it appended at once, and before 0.11 it named the first; there a batch that
 * ends before r->next will do, since all that is before it does, too.
 */
static bool
hint_holds(struct klog_reader *r, int64_t position, int64_t offset)
{
	struct klog_err ignored;
	int64_t last;

	klog_scan_init(&r->scan, r->fd, position, r->chunk);
	if (klog_scan_next(&r->scan, &ignored) != KLOG_SCAN_BATCH)
		return false;
	klog_batch_raise_base(&r->scan.batch, r->base);
	last = klog_batch_last_offset(&r->scan.batch);
	return r->scan.batch.base_offset >= r->base &&
		(last == offset || (!r->has_state && last <= r->next));
}

/* Where to begin to look for r->next. */
static int64_t
hinted_position(struct klog_reader *r)
{
	int64_t position, offset = r->next + 1, found = 0;
	struct klog_err ignored;
	int fd = klog_segment_open(
		r->dir, r->base, ".index", O_RDONLY, &ignored);
	int tries;

	/* a wrapper of the old formats that was indexed by its first offset
	 * may end past r->next: the one before it does not */
	for (tries = 0; tries < 2 && found == 0; tries++) {
		klog_index_find(fd, r->base, offset - 1, &position, &offset);
		if (offset == -1)
			break;
		if (hint_holds(r, position, offset))
			found = position;
	}
	klog_close_fd(&fd);
	return found;
}

/* Opens a segment at the batch that holds r->next, or before it: 1, 0 gone
 * meanwhile, -1. */
static int
open_segment(struct klog_reader *r, int64_t base, struct klog_err *err)
{
	int64_t position;

	klog_close_fd(&r->fd);
	r->base = -1;
	r->fd = klog_segment_open_log(r->dir, base, err);
	if (r->fd == -1 && err->code == KLOG_ENOTFOUND)
		return 0;
	if (r->fd == -1)
		return klog_err_in(err, "%s", r->path);
	r->base = base;
	klog_scan_name(&r->scan, base);
	r->expected = base;
	r->seen_epoch = -1;
	r->scan.old_formats = !r->has_state;
	position = r->next > base ? hinted_position(r) : 0;
	if (position > 0) {
		r->expected = r->scan.batch.base_offset;
		r->scan.position = position; /* still in its buffer */
	} else {
		klog_scan_init(&r->scan, r->fd, 0, r->chunk);
	}
	return 1;
}

/* 1 a segment is open, 0 there is none yet, -1. */
static int
open_place(struct klog_reader *r, struct klog_err *err)
{
	int tries;

	for (tries = 0; tries < 100; tries++) {
		int64_t start = 0, base = INT64_MAX;
		bool first = false;
		int found;

		if (r->only_base == -1 && (r->has_state || tries == 0)) {
			if (klog_reader_look(r, err) == -1)
				return -1;
			start = klog_reader_start(r, err);
		}
		if (start == -1 ||
			(r->next < start &&
				skip_what_is_gone(r, start, err) == -1))
			return -1;
		found = find_base(r, -1, &base, &first, err);
		if (found != -1 && (found == 0 || base > r->next)) {
			int gone = no_file(r, base, first, err);

			if (gone == 1)
				continue;
			if (gone == -1)
				return -1;
		}
		if (found == 1)
			found = open_segment(r, base, err);
		else if (found == 0)
			return 0;
		if (found != 0)
			return found;
	}
	return 0;
}

/* ---- D2: what must be there ---- */

static bool
is_last_segment(struct klog_reader *r)
{
	struct klog_err ignored;
	int64_t base;
	bool first;

	/* after a power cut the state may name an older one */
	if (r->has_state && (r->trusted || r->state.active_base > r->base))
		return r->state.active_base <= r->base;
	return find_base(r, r->base, &base, &first, &ignored) != 1;
}

/* Whether scan.position lies before the recovery point. */
static bool
is_synced(const struct klog_reader *r)
{
	const struct klog_state *s = &r->state;

	return s->recovery_base > r->base ||
		(s->recovery_base == r->base &&
			r->scan.position < s->recovery_position);
}

/* Whether a batch at scan.position must be there, by what the state said
 * before it was read. */
static bool
must_be_whole(struct klog_reader *r, int why)
{
	const struct klog_state *s = &r->state;
	int64_t at = r->scan.position;

	if (!is_last_segment(r))
		return true;
	if (!r->has_state)
		return why == KLOG_SCAN_BAD || r->next < r->foreign_point;
	if (is_synced(r))
		return true;
	return r->trusted && !(s->marks & KLOG_MARK_SYNCING) &&
		s->active_base == r->base && at < s->length;
}

static int
fail_damaged(
	struct klog_reader *r, const struct klog_err *why, struct klog_err *err)
{
	char text[256];

	snprintf(text, sizeof(text), "%.250s", why->text);
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: %020" PRId64 ".log: batch at %" PRId64
		", from offset %" PRId64 ": damaged: %s",
		r->path, r->base, r->scan.position, r->next, text);
}

/* ---- the end of a segment ---- */

static bool
name_leads_here(struct klog_reader *r)
{
	char name[KLOG_FILE_NAME];
	struct stat by_name, open_one;

	klog_file_name(name, r->base, ".log");
	if (fstatat(r->dir, name, &by_name, AT_SYMLINK_NOFOLLOW) == -1) {
		klog_file_name(name, r->base, ".log" KLOG_SWAP);
		if (fstatat(r->dir, name, &by_name, AT_SYMLINK_NOFOLLOW) == -1)
			return false;
	}
	return fstat(r->fd, &open_one) == 0 &&
		by_name.st_ino == open_one.st_ino &&
		by_name.st_dev == open_one.st_dev;
}

static bool
segment_exists(struct klog_reader *r, int64_t base)
{
	char name[KLOG_FILE_NAME];
	struct stat st;

	klog_file_name(name, base, ".log");
	return fstatat(r->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * The file ends where the state, read before, has more: cut behind klog's
 * back, unless a writer cuts or appends just now.  1 look again, -1 damage.
 */
static int
ends_too_early(struct klog_reader *r, struct klog_err *err)
{
	uint64_t sequence = r->state.sequence;
	struct klog_err why;
	int again;

	again = klog_scan_look_again(&r->scan, &why);
	if (again != KLOG_SCAN_END)
		return 1;
	if (klog_reader_look(r, err) == -1)
		return -1;
	if (r->fd == -1 || r->state.sequence != sequence)
		return 1;
	klog_fail(&why, KLOG_ECORRUPT, "the file ends before it");
	return fail_damaged(r, &why, err);
}

/* The segment behind the open one: 1, 0 none, -1. */
static int
find_next(
	struct klog_reader *r, int64_t *base, bool *first, struct klog_err *err)
{
	int found = 0;

	*first = false;
	*base = r->next;
	/* as a rule it is named by the next offset: no need for a listing */
	if (r->next > r->base && r->only_base == -1 &&
		segment_exists(r, r->next))
		return 1;
	if (r->next > r->base)
		found = find_base(r, -1, base, first, err);
	if (found == 0 || (found == 1 && *base <= r->base))
		found = find_base(r, r->base, base, first, err);
	if (found == 0)
		*base = INT64_MAX;
	return found;
}

/* Read to its end: 1 another segment is open now, or there is more in this
 * one after all; 0 nothing newer, -1. */
static int
next_segment(struct klog_reader *r, struct klog_err *err)
{
	struct klog_err ignored;
	int64_t base;
	bool first;
	int found;

	if (klog_reader_look(r, err) == -1)
		return -1;
	if (r->fd == -1)
		return 1; /* sent back by a new epoch */
	if (r->has_state && is_last_segment(r))
		return must_be_whole(r, KLOG_SCAN_SHORT)
			? ends_too_early(r, err)
			: 0;
	found = find_next(r, &base, &first, err);
	if (found == -1)
		return -1;
	if (found == 1) {
		/* once more to its end, now that a newer one is there */
		if (klog_scan_look_again(&r->scan, &ignored) != KLOG_SCAN_END)
			return 1; /* what it is the caller judges */
		if (!name_leads_here(r)) {
			klog_reader_seek(r, r->next); /* replaced */
			return 1;
		}
	}
	if (found == 0 || base > r->next) {
		int gone = no_file(r, base, first, err);

		if (gone != 0)
			return gone;
	}
	if (found == 0)
		return 0;
	return open_segment(r, base, err) == -1 ? -1 : 1;
}

/*
 * A batch that was not whole and clean when it was read: reads it again
 * after the state, and judges.  KLOG_SCAN_BATCH: it is whole now;
 * KLOG_SCAN_END: the end, for now; -1 damage.
 */
static int
judge(struct klog_reader *r, struct klog_err *err)
{
	struct klog_err why = { KLOG_OK, 0, "" };
	int again, follows;

	if (klog_reader_look(r, err) == -1)
		return -1;
	if (r->fd == -1)
		return KLOG_SCAN_BATCH; /* a new epoch: begin anew */
	again = klog_scan_look_again(&r->scan, &why);
	if (again == -1)
		return klog_fail(err, why.code, "%s: %s", r->path, why.text);
	if (again != KLOG_SCAN_SHORT && again != KLOG_SCAN_BAD)
		return again;
	if (must_be_whole(r, again))
		return fail_damaged(r, &why, err);
	if (!r->trusted || r->state.marks & KLOG_MARK_SYNCING)
		return KLOG_SCAN_END;
	follows = klog_scan_batch_follows(&r->scan, DAMAGE_WINDOW, err);
	if (follows != 1)
		return follows == -1 ? -1 : KLOG_SCAN_END;
	/* or did a writer finish this one and the next meanwhile? */
	again = klog_scan_look_again(&r->scan, &why);
	if (again != KLOG_SCAN_SHORT && again != KLOG_SCAN_BAD)
		return again;
	return fail_damaged(r, &why, err);
}

/* ---- reading on ---- */

/* The offset at which to stop now. */
static int64_t
limit(const struct klog_reader *r)
{
	int64_t synced = r->has_state ? r->state.recovery_offset
				      : r->foreign_point;

	int64_t stop = r->stable < r->stop ? r->stable : r->stop;

	/* where nobody says what is synced (-1), nothing is */
	return r->synced && synced < stop ? synced : stop;
}

/*
 * Offset and epoch lie outside the checksum; their order guards them.  In
 * what klog wrote, offsets are dense but where it was compacted.
 */
static int
check_order(struct klog_reader *r, struct klog_err *why)
{
	const struct klog_batch *b = &r->scan.batch;
	bool dense = r->has_state && r->expected >= r->state.first_dirty;

	if (!klog_batch_fits(b, r->base))
		return klog_fail(why, KLOG_ECORRUPT,
			"offset %" PRId64 " in the segment of %" PRId64,
			b->base_offset, r->base);
	if (b->base_offset < r->expected ||
		(dense && b->base_offset != r->expected))
		return klog_fail(why, KLOG_ECORRUPT,
			"offset %" PRId64 " where %" PRId64 " is next",
			b->base_offset, r->expected);
	if (r->has_state &&
		(b->leader_epoch < r->seen_epoch || b->leader_epoch > r->epoch))
		return klog_fail(why, KLOG_ECORRUPT,
			"leader epoch %" PRId32 " between %" PRId32
			" and %" PRId32,
			b->leader_epoch, r->seen_epoch, r->epoch);
	return 0;
}

/* A cut follows its new epoch (F3): what it is about to take, and what was
 * there before it, is still in the file for a moment. */
static bool
about_to_go(const struct klog_reader *r)
{
	const struct klog_batch *b = &r->scan.batch;

	return r->has_state && r->trusted &&
		b->leader_epoch < r->state.leader_epoch &&
		klog_batch_last_offset(b) >= r->state.epoch_start;
}

/*
 * Such a batch is before scan.position: 3 the end for now, 2 begin anew, -1.
 * Before the recovery point nothing is cut: what is read there after the
 * state is what stays.
 */
static int
wait_for_cut(struct klog_reader *r, struct klog_err *err)
{
	const struct klog_batch *b = &r->scan.batch;
	struct klog_err why;
	int again;

	r->scan.position -= b->size;
	klog_scan_forget(&r->scan);
	if (!is_synced(r))
		return 3;
	again = klog_scan_look_again(&r->scan, &why);
	klog_scan_forget(&r->scan);
	if (again != KLOG_SCAN_BATCH || !about_to_go(r))
		return 2;
	klog_fail(&why, KLOG_ECORRUPT,
		"offset %" PRId64 " in leader epoch %" PRId32
		", but another begins at %" PRId64,
		klog_batch_last_offset(b), b->leader_epoch,
		r->state.epoch_start);
	return fail_damaged(r, &why, err);
}

/* A clean batch: 1 deliver it, 0 skip it, 2 begin anew, 3 the end for now,
 * -1. */
static int
consider(struct klog_reader *r, struct klog_err *err)
{
	const struct klog_batch *b = &r->scan.batch;
	int64_t last = klog_batch_last_offset(b);
	int64_t position = r->scan.position;
	struct klog_err why;

	klog_batch_raise_base(&r->scan.batch, r->expected);
	if (b->leader_epoch > r->epoch && !r->looked) {
		r->scan.position -= b->size;
		r->looked = true;
		return klog_reader_look(r, err) == -1 ? -1 : 2;
	}
	r->looked = false;
	if (check_order(r, &why) == -1) {
		r->scan.position = position - (int64_t)b->size;
		return fail_damaged(r, &why, err);
	}
	if (about_to_go(r))
		return wait_for_cut(r, err);
	r->expected = last + 1;
	r->seen_epoch = b->leader_epoch;
	return last >= r->next;
}

/* Whether to stop here; what is synced may be more by now: 1, 0, -1. */
static int
at_limit(struct klog_reader *r, struct klog_err *err)
{
	if (r->next < limit(r))
		return 0;
	if (!r->synced)
		return 1;
	if (klog_reader_look(r, err) == -1)
		return -1;
	return r->next >= limit(r);
}

int
klog_reader_next(struct klog_reader *r, int64_t *from, struct klog_err *err)
{
	for (;;) {
		int got, use;

		got = at_limit(r, err);
		if (got != 0)
			return got == 1 ? 0 : -1;
		if (r->fd == -1 && (got = open_place(r, err)) <= 0)
			return got;
		got = klog_scan_next(&r->scan, err);
		if (got == -1)
			return klog_err_in(err, "%s", r->path);
		if (got == KLOG_SCAN_SHORT || got == KLOG_SCAN_BAD) {
			got = judge(r, err);
			if (got == KLOG_SCAN_BATCH)
				continue;
			if (got == -1)
				return -1;
			if (is_last_segment(r))
				return 0;
		}
		if (got == KLOG_SCAN_END) {
			got = next_segment(r, err);
			if (got <= 0)
				return got;
			continue;
		}
		use = consider(r, err);
		if (use == -1 || use == 3)
			return use == -1 ? -1 : 0;
		if (use != 1)
			continue;
		if (r->scan.batch.base_offset >= limit(r)) {
			r->scan.position -= r->scan.batch.size;
			r->expected = r->scan.batch.base_offset;
			/* over a gap, if there is one: it is done */
			if (r->expected >= r->stop)
				r->next = r->stop;
			return 0;
		}
		*from = r->next;
		r->next = klog_batch_last_offset(&r->scan.batch) + 1;
		return 1;
	}
}

/* ---- the end ---- */

/* Reads on from `offset` to find where the log ends. */
static int64_t
walk_to_end(struct klog_reader *r, int64_t offset, struct klog_err *err)
{
	struct klog_reader walk = *r;
	int64_t from, start = klog_reader_start(r, err);
	int got;

	if (start == -1)
		return -1;
	memset(&walk.scan, 0, sizeof(walk.scan));
	walk.fd = -1;
	walk.base = -1;
	walk.stop = walk.stable = INT64_MAX;
	walk.synced = false;
	walk.next = offset > start ? offset : start;
	walk.say = NULL;
	while ((got = klog_reader_next(&walk, &from, err)) == 1)
		;
	klog_reader_park(&walk);
	return got == -1 ? -1 : walk.next;
}

/* Without a state to tell: the last segment, from its last index entry. */
static int64_t
end_of_files(struct klog_reader *r, struct klog_err *err)
{
	struct klog_bases bases = { NULL, 0 };
	struct klog_err ignored;
	int64_t base = r->only_base, position, offset = -1, end;
	int fd;

	if (base == -1) {
		if (klog_segment_list_all(r->dir, &bases, err) == -1)
			return klog_err_in(err, "%s", r->path);
		if (bases.count == 0)
			return klog_reader_start(r, err);
		base = bases.base[bases.count - 1];
		klog_bases_free(&bases);
	}
	fd = klog_segment_open(r->dir, base, ".index", O_RDONLY, &ignored);
	if (fd != -1)
		klog_index_find(fd, base, INT64_MAX - 1, &position, &offset);
	klog_close_fd(&fd);
	end = walk_to_end(r, offset > base ? offset : base, err);
	/* an entry that holds names a batch, which was read */
	return end == offset ? walk_to_end(r, base, err) : end;
}

int64_t
klog_reader_end(struct klog_reader *r, struct klog_err *err)
{
	char name[KLOG_FILE_NAME];
	struct stat st;

	if (r->only_base != -1)
		return end_of_files(r, err);
	if (r->synced && (r->has_state || r->foreign_point != -1))
		return r->has_state ? r->state.recovery_offset
				    : r->foreign_point;
	if (!r->has_state)
		return end_of_files(r, err);
	if (!r->trusted)
		return walk_to_end(r, r->state.recovery_offset, err);
	klog_file_name(name, r->state.active_base, ".log");
	if (fstatat(r->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		st.st_size == r->state.length)
		return r->state.next_offset;
	/* a writer died, or is at work */
	return walk_to_end(r, r->state.next_offset, err);
}
