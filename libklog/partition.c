#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "checkpoint.h"
#include "io.h"
#include "partition.h"
#include "recover.h"
#include "suspect.h"
#include "time.h"

/* ---- lines ---- */

static void
hold_line(void *arg, int level, const char *text)
{
	struct klog_partition *p = arg;
	uint8_t byte = (uint8_t)level;

	if (klog_buf_put(&p->lines, &byte, 1) == 0 &&
		klog_buf_put(&p->lines, text, strlen(text) + 1) == -1)
		p->lines.size--;
}

static void
say_lines(struct klog_partition *p)
{
	size_t at;

	for (at = 0; at < p->lines.size;) {
		const char *text = (const char *)p->lines.data + at + 1;

		klog_sayf(p->say, p->lines.data[at], "%s", text);
		at += strlen(text) + 2;
	}
	p->lines.size = 0;
}

int
klog_partition_open(struct klog_partition *p, int topic_dir,
	const char *topic_path, int32_t number,
	const struct klog_topic_config *config, const struct klog_say *say,
	int64_t lock_timeout_ms, struct klog_err *err)
{
	char name[16];

	memset(p, 0, sizeof(*p));
	snprintf(p->path, sizeof(p->path), "%s/%" PRId32, topic_path, number);
	snprintf(name, sizeof(name), "%" PRId32, number);
	p->config = config;
	p->say = say;
	p->wait.say = say;
	p->wait.timeout_ms = lock_timeout_ms;
	p->wait.what = p->path;
	p->wait.blocked = &p->signals;
	p->appended_offset = -1;
	p->later.line = hold_line;
	p->later.arg = p;
	if (klog_log_open(&p->replica[0], topic_dir, name, p->path, 0, err) ==
		-1)
		return -1;
	p->replicas = 1;
	return 0;
}

void
klog_partition_close(struct klog_partition *p)
{
	if (p->sync_held)
		klog_signals_release(&p->signals);
	while (p->replicas > 0)
		klog_log_close(&p->replica[--p->replicas]);
	klog_buf_free(&p->lines);
}

static struct klog_log *
leader(struct klog_partition *p)
{
	return &p->replica[0];
}

/* ---- locks: each on every replica, in one order (L2) ---- */

static void
unlock(struct klog_partition *p, int byte, int count)
{
	int i;

	for (i = p->replicas - 1; i >= 0; i--)
		klog_unlock(p->replica[i].lock, byte, count);
}

static int
lock(struct klog_partition *p, int byte, int count, struct klog_err *err)
{
	int i;

	for (i = 0; i < p->replicas; i++)
		if (klog_lock(p->replica[i].lock, byte, count, &p->wait, err) ==
			-1) {
			while (i-- > 0)
				klog_unlock(p->replica[i].lock, byte, count);
			return -1;
		}
	return 0;
}

/*
 * The append byte, and the sync byte with it if that is free: for a sync that
 * comes next (S3), and before the first append, so that nothing is put behind
 * what a failed sync lost (F).  With several replicas that would not be one
 * call.
 */
static int
lock_to_append(struct klog_partition *p, struct klog_err *err)
{
	int r;

	if ((p->sync_next || (p->syncs && p->appended_offset == -1)) &&
		p->replicas == 1) {
		r = klog_lock_try(
			p->replica[0].lock, KLOG_BYTE_APPEND, 2, p->path, err);
		p->sync_held = r == 1;
		if (r != 0)
			return r == 1 ? 0 : -1;
	}
	return lock(p, KLOG_BYTE_APPEND, 1, err);
}

/* The append byte, by who has the sync byte: a signal may end that wait, but
 * not stop it, others would wait with us (L5). */
static int
lock_under_sync(struct klog_partition *p, struct klog_err *err)
{
	int r;

	p->wait.no_stop = true;
	r = lock(p, KLOG_BYTE_APPEND, 1, err);
	p->wait.no_stop = false;
	return r;
}

/* The sync byte, then the append byte: not in one call, whose wait could
 * hold back those who need only one. */
static int
lock_both(struct klog_partition *p, struct klog_err *err)
{
	if (lock(p, KLOG_BYTE_SYNC, 1, err) == -1)
		return -1;
	if (lock_under_sync(p, err) == -1) {
		unlock(p, KLOG_BYTE_SYNC, 1);
		return -1;
	}
	return 0;
}

static void
unlock_both(struct klog_partition *p)
{
	unlock(p, KLOG_BYTE_APPEND, 1);
	unlock(p, KLOG_BYTE_SYNC, 1);
}

/* ---- A1, A2: what the state says first ---- */

static int
deleted(const struct klog_partition *p, struct klog_err *err)
{
	return klog_fail(err, KLOG_EDELETED,
		"%s: the topic was deleted; what was appended to it before is "
		"gone with it",
		p->path);
}

/* What is known of topic.yaml: as it was opened, read anew just now, or of
 * no matter, since no record is added under it. */
enum known { AS_OPENED, REREAD, ANY };

/*
 * Whether the config is the one in force: 0, 1 to read it again, -1.  After
 * rereading, topic.yaml decides (A1).
 */
static int
agree(struct klog_partition *p, struct klog_log *log, enum known known,
	struct klog_err *err)
{
	struct klog_state *s = &log->state;

	if (memcmp(s->topic_id, p->config->id, KLOG_TOPIC_ID) != 0)
		return known != AS_OPENED
			? klog_fail(err, KLOG_ECORRUPT,
				  "%s: topic.yaml and the partition's state "
				  "name two topic ids; one of them was copied "
				  "from elsewhere",
				  p->path)
			: 1;
	if (s->marks & KLOG_MARK_DELETED)
		return deleted(p, err);
	if (known == ANY || s->generation == p->config->generation)
		return 0;
	if (known == AS_OPENED)
		return 1;
	if (s->generation > p->config->generation)
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: topic.yaml is of generation %" PRId64
			", but %" PRId64
			" was in force here: an old file was put back; look "
			"at it and put it in force with klog-alter --edit",
			p->path, p->config->generation, s->generation);
	s->generation = p->config->generation;
	return 0;
}

/*
 * Loads every replica's state under the append byte.  0 go on; 1 read the
 * config again; 2 recovery is due, which needs the sync byte too; -1.
 */
static int
load(struct klog_partition *p, enum known known, struct klog_err *err)
{
	int i, r;

	for (i = 0; i < p->replicas; i++) {
		struct klog_log *log = &p->replica[i];

		r = klog_log_load(log, err);
		if (r == -1)
			return -1;
		if (r == 0)
			return 2;
		r = agree(p, log, known, err);
		if (r != 0)
			return r;
		if (!klog_stamp_same(&log->state.stamp, &log->today))
			return 2;
	}
	return 0;
}

/* Under both bytes: V, after T4 where the state is lost. */
static int
recover(struct klog_partition *p, struct klog_err *err)
{
	const struct klog_recover how = { &p->config->settings, &p->later };
	int i, r;

	for (i = 0; i < p->replicas; i++) {
		struct klog_log *log = &p->replica[i];

		r = klog_log_load(log, err);
		if (r == 0)
			r = klog_recover_state(log, p->config->id, &how, err);
		if (r == -1)
			return -1;
		if (!klog_stamp_same(&log->state.stamp, &log->today) &&
			klog_recover_log(log, &how, err) == -1)
			return -1;
	}
	return 0;
}

/* A3 and A4 on every replica, and the epoch's line (T1). */
static int
ready(struct klog_partition *p, struct klog_err *err)
{
	const struct klog_recover how = { &p->config->settings, &p->later };
	int i;

	for (i = 0; i < p->replicas; i++)
		if (klog_recover_tail(&p->replica[i], &how, err) == -1 ||
			klog_log_epoch_line(&p->replica[i], err) == -1)
			return -1;
	return 0;
}

/* S1: whether a later epoch begins at or before our last record. */
static int
was_cut(struct klog_partition *p, struct klog_err *err)
{
	const struct klog_state *s = &leader(p)->state;
	int64_t end;

	if (s->leader_epoch <= p->appended_epoch)
		return 0;
	if (klog_epoch_end(leader(p)->dir, s, p->appended_epoch, s->next_offset,
		    &end, err) == -1)
		return klog_err_in(err, "%s", p->path);
	if (end > p->appended_offset)
		return 0;
	return klog_fail(err, KLOG_ECUT,
		"%s: a sync failed, or a damaged end was repaired: what was "
		"appended from offset %" PRId64 " on was cut; send it again",
		p->path, end);
}

/* ---- append ---- */

/*
 * S2: the append byte is let go without A6's save that would have carried the
 * mark of a log that was opened.  Where even that fails the log is closed,
 * so that whoever opens it next marks it.
 */
static void
keep_marks(struct klog_partition *p)
{
	struct klog_err ignored;
	int i;

	for (i = 0; i < p->replicas; i++) {
		struct klog_log *log = &p->replica[i];

		if (!log->suspect || klog_log_save(log, &ignored) == 0)
			continue;
		klog_log_close_segment(log);
		log->suspect = false;
	}
}

static int
write_all(struct klog_partition *p, const struct klog_batch *batch,
	struct klog_slice bytes, struct klog_err *err)
{
	struct klog_state before[KLOG_REPLICAS_MAX];
	struct klog_err ignored;
	bool begin;
	int i;

	for (i = p->replicas - 1; i >= 0; i--) {
		before[i] = p->replica[i].state;
		if (klog_log_write(&p->replica[i], batch, bytes,
			    &p->config->settings, err) == -1)
			break;
	}
	if (i >= 0) {
		while (++i < p->replicas)
			(void)klog_log_take_back(
				&p->replica[i], &before[i], &ignored);
		return -1;
	}
	/* The state last: a kill before it leaves a longer log, which the
	 * next writer adopts.  So does a state that cannot be written: the
	 * batch is in the log, readers have seen it, and it stays. */
	begin = p->sync_held && p->sync_next && !leader(p)->suspect &&
		!(leader(p)->state.marks & KLOG_MARK_SYNCING);
	if (begin)
		leader(p)->state.marks |= KLOG_MARK_SYNCING;
	for (i = p->replicas - 1; i >= 0; i--)
		if (klog_log_save(&p->replica[i], &ignored) == -1)
			begin = false;
	keep_marks(p);
	if (p->sync_held && !begin) {
		unlock(p, KLOG_BYTE_SYNC, 1);
		p->sync_held = false;
	}
	return 0;
}

/* S4: where the part begins that the device may not have. */
static int
fail_not_durable(struct klog_partition *p, struct klog_err *err)
{
	return klog_err_in(err, "%s: not durable from offset %" PRId64 " on",
		p->path, leader(p)->state.recovery_offset);
}

/* Whether there is to be a new segment: for a batch, or where there is none,
 * to let go of all the records before the end that the log had. */
static bool
is_due(struct klog_partition *p, const struct klog_batch *batch, int64_t end)
{
	if (batch == NULL)
		return leader(p)->state.length > 0 &&
			leader(p)->state.next_offset == end;
	return klog_log_must_roll(leader(p), batch, &p->config->settings);
}

/*
 * R1: under both bytes the old segment is synced, whatever --no-sync says,
 * before the next one exists, so that only the last segment can ever be torn.
 */
static int
roll(struct klog_partition *p, const struct klog_batch *batch, int64_t end,
	enum known known, struct klog_err *err)
{
	const struct klog_recover how = { &p->config->settings, &p->later };
	int i;
	int r = lock_both(p, err);

	if (r == -1)
		return -1;
	r = load(p, known, err);
	if (r == 0)
		r = ready(p, err);
	/* looked at again: someone may have rolled, or recovery be due */
	if (r != 0 || !is_due(p, batch, end))
		goto out;
	for (i = p->replicas - 1; r == 0 && i >= 0; i--) {
		struct klog_log *log = &p->replica[i];

		if (log->suspect || log->state.marks & KLOG_MARK_SYNCING)
			r = klog_suspect_settle(log, &how, err);
		if (r == 0) {
			log->state.marks |= KLOG_MARK_SYNCING;
			r = klog_log_save(log, err);
		}
		if (r == 0)
			r = klog_log_sync(log, err);
		if (r == -1) /* the mark stays (S4) */
			fail_not_durable(p, err);
		if (r == 0) {
			log->state.marks &= ~(uint32_t)KLOG_MARK_SYNCING;
			r = klog_log_roll(log, &p->config->settings, err);
		}
	}
out:
	keep_marks(p);
	unlock_both(p);
	/* what nobody waits for */
	for (i = p->replicas - 1; i >= 0; i--)
		klog_log_sync_old_indexes(&p->replica[i]);
	return r == -1 ? -1 : 0;
}

static void
stamp(struct klog_partition *p, uint8_t *batch, struct klog_batch *header)
{
	const struct klog_state *s = &leader(p)->state;
	bool log_append = p->config->settings.message_timestamp_log_append != 0;
	int64_t now = log_append ? klog_now_ms() : -1;

	klog_batch_stamp(batch, s->next_offset, s->leader_epoch, now);
	header->base_offset = s->next_offset;
	header->leader_epoch = s->leader_epoch;
	if (log_append)
		header->max_timestamp_ms = now;
}

/* Under both bytes: a mark that is there is nobody's who still lives. */
static int
settle(struct klog_partition *p, struct klog_err *err)
{
	const struct klog_recover how = { &p->config->settings, &p->later };
	struct klog_log *log = leader(p);

	if (!log->suspect && !(log->state.marks & KLOG_MARK_SYNCING))
		return 0;
	return klog_suspect_settle(log, &how, err) == -1
		? fail_not_durable(p, err)
		: 0;
}

/* One try under the append byte: 0 appended, 1 config, 2 recover, 3 roll. */
static int
try_append(struct klog_partition *p, uint8_t *batch, struct klog_batch *header,
	struct klog_slice bytes, enum known known, struct klog_err *err)
{
	int r = load(p, known, err);

	if (r != 0)
		return r;
	if (ready(p, err) == -1 || (p->sync_held && settle(p, err) == -1))
		return -1;
	/* what it appended before and has not synced may be cut */
	if (p->appended_offset >= p->synced_offset && was_cut(p, err) == -1)
		return -1;
	if (p->acks_all &&
		p->config->settings.min_insync_replicas > p->replicas)
		return klog_fail(err, KLOG_EREFUSED,
			"%s: %d in-sync replicas, min.insync.replicas=%" PRId64
			" asks for more; lower it, or use acks=1",
			p->path, p->replicas,
			p->config->settings.min_insync_replicas);
	if (header->last_offset_delta >
		INT64_MAX - 1 - leader(p)->state.next_offset)
		return klog_fail(err, KLOG_EOFFSET,
			"%s: no offsets are left; make a new topic", p->path);
	stamp(p, batch, header);
	if (klog_log_must_roll(leader(p), header, &p->config->settings))
		return 3;
	return write_all(p, header, bytes, err);
}

int
klog_partition_append(struct klog_partition *p, uint8_t *batch, size_t size,
	bool reread, int64_t *base_offset, struct klog_err *err)
{
	enum known known = reread ? REREAD : AS_OPENED;
	struct klog_slice bytes = klog_slice_of(batch, size);
	struct klog_batch header;
	int r;

	if (size < KLOG_BATCH_HEADER ||
		klog_batch_parse(bytes, &header, err) == -1)
		return -1;
	klog_signals_hold(&p->signals);
	do {
		r = lock_to_append(p, err);
		if (r == -1)
			break;
		r = try_append(p, batch, &header, bytes, known, err);
		if (r == 0) {
			*base_offset = header.base_offset;
			p->appended_offset = klog_batch_last_offset(&header);
			p->appended_epoch = header.leader_epoch;
		} else {
			keep_marks(p);
			if (p->sync_held)
				unlock(p, KLOG_BYTE_SYNC, 1);
			p->sync_held = false;
		}
		unlock(p, KLOG_BYTE_APPEND, 1);
		if (r == 2 && (r = lock_both(p, err)) == 0) {
			r = recover(p, err) == -1 ? -1 : 2;
			unlock_both(p);
		} else if (r == 3) {
			r = roll(p, &header, 0, known, err) == -1 ? -1 : 3;
		}
	} while (r == 2 || r == 3);
	if (!p->sync_held)
		klog_signals_release(&p->signals);
	say_lines(p);
	if (r == 0)
		klog_log_write_back(leader(p));
	return r;
}

/* ---- sync ---- */

/* S2, S3 up to the fdatasync, under both bytes: 1 the point is past our
 * last record, 0 marked and to be synced, -1. */
static int
begin_sync(struct klog_partition *p, struct klog_err *err)
{
	const struct klog_recover how = { &p->config->settings, &p->later };
	bool durable = true;
	int i;

	/* what the config says does not matter here: no record is added */
	i = load(p, ANY, err);
	if (i == 2)
		i = recover(p, err);
	if (i == -1 || was_cut(p, err) == -1)
		return -1;
	for (i = 0; i < p->replicas; i++)
		if (p->replica[i].state.recovery_offset <= p->appended_offset)
			durable = false;
	if (durable)
		return 1;
	if (ready(p, err) == -1)
		return -1;
	for (i = 0; i < p->replicas; i++) {
		struct klog_log *log = &p->replica[i];

		if ((log->suspect || log->state.marks & KLOG_MARK_SYNCING) &&
			(klog_suspect_settle(log, &how, err) == -1 ||
				was_cut(p, err) == -1))
			return fail_not_durable(p, err);
		log->state.marks |= KLOG_MARK_SYNCING;
		if (klog_log_save(log, err) == -1)
			return -1;
	}
	return 0;
}

/* S3's end, under the append byte again: 1 done, 0 once more, -1. */
static int
end_sync(struct klog_partition *p, const struct klog_place *end, int32_t epoch,
	struct klog_err *err)
{
	int i, r = load(p, ANY, err);

	if (r != 0)
		return r == -1 ? -1 : 0;
	if (leader(p)->state.leader_epoch != epoch)
		return 0;
	for (i = 0; i < p->replicas; i++) {
		struct klog_state *s = &p->replica[i].state;

		s->recovery_offset = end->offset;
		s->recovery_base = end->base;
		s->recovery_position = end->position;
		s->marks &= ~(uint32_t)KLOG_MARK_SYNCING;
		if (klog_log_save(&p->replica[i], err) == -1)
			return -1;
	}
	return 1;
}

/* Under the sync byte.  `begun`: the append has set the mark. */
static int
sync_once(struct klog_partition *p, bool begun, struct klog_err *err)
{
	struct klog_place end;
	int32_t epoch;
	int i, r = 0;

	if (!begun && lock_under_sync(p, err) == -1)
		return -1;
	if (!begun)
		r = begin_sync(p, err);
	end.base = leader(p)->state.active_base;
	end.position = leader(p)->state.length;
	end.offset = leader(p)->state.next_offset;
	epoch = leader(p)->state.leader_epoch;
	if (!begun) {
		keep_marks(p);
		unlock(p, KLOG_BYTE_APPEND, 1);
	}
	if (r != 0)
		return r;
	for (i = p->replicas - 1; i >= 0; i--)
		if (klog_log_sync(&p->replica[i], err) == -1)
			return fail_not_durable(p, err); /* the mark stays */
	if (lock_under_sync(p, err) == -1)
		return -1;
	r = end_sync(p, &end, epoch, err);
	unlock(p, KLOG_BYTE_APPEND, 1);
	return r;
}

int
klog_partition_sync(struct klog_partition *p, struct klog_err *err)
{
	bool begun = p->sync_held;
	int r = 0;

	if (p->appended_offset == -1)
		return 0;
	if (!begun) {
		klog_signals_hold(&p->signals);
		r = lock(p, KLOG_BYTE_SYNC, 1, err);
	}
	if (r == 0) {
		while ((r = sync_once(p, begun, err)) == 0)
			begun = false;
		unlock(p, KLOG_BYTE_SYNC, 1);
	}
	p->sync_held = false;
	klog_signals_release(&p->signals);
	say_lines(p);
	if (r == -1)
		return -1;
	p->synced_offset = p->appended_offset + 1;
	return 0;
}

int
klog_partition_sync_before(struct klog_partition *p, int64_t offset,
	int32_t epoch, struct klog_err *err)
{
	/* as if it had appended what it read */
	p->appended_offset = offset - 1;
	p->appended_epoch = epoch == -1 ? INT32_MAX : epoch;
	return klog_partition_sync(p, err);
}

/* ---- what changes the topic ---- */

/* Under the append byte each replica's state is loaded, and changed. */
static int
change_states(struct klog_partition *p,
	int (*change)(struct klog_partition *p, struct klog_log *log,
		bool whole, int64_t value, struct klog_err *err),
	int64_t value, struct klog_err *err)
{
	int i, r;

	klog_signals_hold(&p->signals);
	r = lock(p, KLOG_BYTE_APPEND, 1, err);
	if (r == 0) {
		for (i = 0; r == 0 && i < p->replicas; i++) {
			r = klog_log_load(&p->replica[i], err);
			if (r != -1)
				r = change(
					p, &p->replica[i], r == 1, value, err);
		}
		unlock(p, KLOG_BYTE_APPEND, 1);
	}
	klog_signals_release(&p->signals);
	say_lines(p);
	return r;
}

static int
raise_generation(struct klog_partition *p, struct klog_log *log, bool whole,
	int64_t generation, struct klog_err *err)
{
	(void)p;
	/* one that is lost is made anew, and raised, by a writer */
	if (!whole || log->state.generation >= generation)
		return 0;
	log->state.generation = generation;
	return klog_log_save(log, err);
}

int
klog_partition_raise(
	struct klog_partition *p, int64_t generation, struct klog_err *err)
{
	return change_states(p, raise_generation, generation, err);
}

static int
add_mark(struct klog_partition *p, struct klog_log *log, bool whole,
	int64_t mark, struct klog_err *err)
{
	/* where it is lost, the mark is all that counts */
	if (!whole)
		klog_state_init(&log->state, 0, p->config->id);
	log->state.marks |= (uint32_t)mark;
	return klog_log_commit(log, err);
}

int
klog_partition_mark_deleted(struct klog_partition *p, struct klog_err *err)
{
	return change_states(p, add_mark, KLOG_MARK_DELETED, err);
}

/* ---- cleaning ---- */

/* Under both bytes: the log is recovered, its tail is whole. */
static int
settle_log(struct klog_partition *p, struct klog_err *err)
{
	int r = lock_both(p, err);

	if (r == -1)
		return -1;
	r = load(p, ANY, err);
	if (r == 2)
		r = recover(p, err);
	if (r == 0)
		r = ready(p, err);
	if (r == 0)
		r = klog_log_save(leader(p), err);
	keep_marks(p);
	unlock_both(p);
	return r;
}

int
klog_partition_clean_begin(struct klog_partition *p, struct klog_err *err)
{
	int r = lock(p, KLOG_BYTE_CLEAN, 1, err);

	if (r == -1)
		return -1;
	klog_signals_hold(&p->signals);
	r = settle_log(p, err);
	klog_signals_release(&p->signals);
	say_lines(p);
	if (r == -1)
		unlock(p, KLOG_BYTE_CLEAN, 1);
	return r;
}

void
klog_partition_clean_end(struct klog_partition *p)
{
	unlock(p, KLOG_BYTE_CLEAN, 1);
}

bool
klog_partition_is_deleted(struct klog_partition *p)
{
	struct klog_err ignored;

	return klog_log_load(leader(p), &ignored) == 1 &&
		(leader(p)->state.marks & KLOG_MARK_DELETED) != 0;
}

static int
fail_meanwhile(struct klog_partition *p, const char *what, struct klog_err *err)
{
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: %s while it was cleaned; run klog-clean again", p->path,
		what);
}

static int
raise_start(struct klog_partition *p, struct klog_log *log, bool whole,
	int64_t offset, struct klog_err *err)
{
	struct klog_state *s = &log->state;

	if (!whole)
		return fail_meanwhile(p, "its state was damaged", err);
	if (offset <= s->log_start)
		return 0;
	/* no recovery may find that the log ends before it begins */
	if (offset > s->recovery_offset)
		return fail_meanwhile(p, "records were cut", err);
	s->log_start = offset;
	if (s->first_dirty < offset)
		s->first_dirty = offset;
	return klog_log_commit(log, err);
}

int
klog_partition_raise_start(
	struct klog_partition *p, int64_t offset, struct klog_err *err)
{
	if (klog_partition_sync_before(p, offset, -1, err) == -1)
		return -1;
	return change_states(p, raise_start, offset, err);
}

static int
trim_epochs(struct klog_partition *p, struct klog_log *log, bool whole,
	int64_t nothing, struct klog_err *err)
{
	(void)nothing;
	if (!whole)
		return fail_meanwhile(p, "its state was damaged", err);
	return klog_log_trim_epochs(log, err);
}

int
klog_partition_trim_epochs(struct klog_partition *p, struct klog_err *err)
{
	return change_states(p, trim_epochs, 0, err);
}

static int
raise_dirty(struct klog_partition *p, struct klog_log *log, bool whole,
	int64_t offset, struct klog_err *err)
{
	if (!whole)
		return fail_meanwhile(p, "its state was damaged", err);
	if (offset <= log->state.first_dirty)
		return 0;
	log->state.first_dirty = offset;
	return klog_log_commit(log, err);
}

int
klog_partition_raise_dirty(
	struct klog_partition *p, int64_t offset, struct klog_err *err)
{
	return change_states(p, raise_dirty, offset, err);
}

int
klog_partition_roll(struct klog_partition *p, int64_t end, struct klog_err *err)
{
	int r;

	klog_signals_hold(&p->signals);
	r = roll(p, NULL, end, ANY, err);
	klog_signals_release(&p->signals);
	say_lines(p);
	if (r == -1)
		return -1;
	return leader(p)->state.active_base == end;
}

/* ---- K4 ---- */

static bool
leads_to(int dir, const char *name, int fd)
{
	struct stat by_name, open_one;

	return fstatat(dir, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
		fstat(fd, &open_one) == 0 &&
		by_name.st_dev == open_one.st_dev &&
		by_name.st_ino == open_one.st_ino;
}

int
klog_partition_still_there(
	struct klog_partition *p, int topic_dir, struct klog_err *err)
{
	const char *name = strrchr(p->path, '/') + 1;

	if (leads_to(topic_dir, name, leader(p)->dir) &&
		leads_to(leader(p)->dir, KLOG_LOCK_NAME, leader(p)->lock))
		return 0;
	return klog_fail(err, KLOG_EDELETED,
		"%s: this path no longer leads to the partition that is being "
		"written: it was moved, deleted or replaced",
		p->path);
}
