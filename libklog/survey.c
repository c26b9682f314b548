#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "entries.h"
#include "io.h"
#include "lock.h"
#include "survey.h"
#include "swap.h"

#define METADATA_NAME "partition.metadata"
#define METADATA_MAX 4096
#define TRIES 6

/* ---- `.klog` ---- */

static int
check_slots(struct klog_reader *r, const struct klog_slots *slots,
	struct klog_findings *out, struct klog_err *err)
{
	/* a power cut may tear the slot that is being written */
	enum klog_severity severity = r->knows_today && r->has_state &&
			memcmp(r->state.stamp.boot, r->today.boot, 16) != 0
		? KLOG_FOUND_LEFTOVER
		: KLOG_FOUND_INDEX;
	int i;

	if (!slots->whole[0] && !slots->whole[1])
		return klog_findings_add(out, KLOG_FOUND_DAMAGE,
			KLOG_STATE_NAME, 0, slots->size, -1, err,
			"neither slot is whole: log start and leader epoch "
			"are lost");
	for (i = 0; i < 2; i++)
		if (!slots->whole[i] &&
			klog_findings_add(out, severity, KLOG_STATE_NAME,
				i * KLOG_STATE_SECOND, KLOG_STATE_SLOT, -1, err,
				"slot %d is not whole; the other is", i) == -1)
			return -1;
	if (!slots->padded &&
		klog_findings_add(out, KLOG_FOUND_INDEX, KLOG_STATE_NAME,
			KLOG_STATE_SLOT, KLOG_STATE_SECOND - KLOG_STATE_SLOT,
			-1, err, "bytes between the slots") == -1)
		return -1;
	if (slots->size > KLOG_STATE_SIZE)
		return klog_findings_add(out, KLOG_FOUND_INDEX, KLOG_STATE_NAME,
			KLOG_STATE_SIZE, slots->size - KLOG_STATE_SIZE, -1, err,
			"bytes behind the second slot");
	return 0;
}

static int
check_topic(struct klog_reader *r, const struct klog_topic_config *config,
	struct klog_findings *out, struct klog_err *err)
{
	if (memcmp(r->state.topic_id, config->id, 16) != 0)
		return klog_findings_add(out, KLOG_FOUND_DAMAGE,
			KLOG_STATE_NAME, 56, 16, -1, err,
			"topic.yaml has another topic id; one of them was "
			"copied from elsewhere");
	if (r->state.generation > config->generation)
		return klog_findings_add(out, KLOG_FOUND_DAMAGE,
			"../topic.yaml", 0, 0, -1, err,
			"of generation %" PRId64 ", but %" PRId64
			" was in force here: an old file was put back",
			config->generation, r->state.generation);
	return 0;
}

int
klog_survey_state(struct klog_reader *r, bool must,
	const struct klog_topic_config *config, struct klog_findings *out,
	struct klog_err *err)
{
	struct klog_slots slots;

	if (r->state_fd == -1)
		return !must ? 0
			     : klog_findings_add(out, KLOG_FOUND_DAMAGE,
				       KLOG_STATE_NAME, 0, 0, -1, err,
				       "missing; a writer makes it anew from "
				       "the segments");
	if (klog_state_look(r->state_fd, &slots, err) == -1 ||
		check_slots(r, &slots, out, err) == -1)
		return -1;
	if (!r->has_state)
		return 0;
	return config != NULL ? check_topic(r, config, out, err) : 0;
}

/* ---- leader epochs ---- */

/* Whether the last line is that of the state's epoch; who removes segments
 * sets the line that covers the log start to begin there. */
static bool
is_newest(const struct klog_state *s, const struct klog_epoch *last)
{
	if (last->epoch != s->leader_epoch)
		return false;
	return last->start == s->epoch_start ||
		(last->start > s->epoch_start && last->start <= s->log_start);
}

/* Holds the last line against the state, which alone knows of an epoch without
 * records. */
static int
check_newest(struct klog_reader *r, const struct klog_epochs *epochs,
	int64_t size, bool *good, struct klog_findings *out,
	struct klog_err *err)
{
	const struct klog_state *s = &r->state;
	const struct klog_epoch *last = &epochs->list[epochs->count - 1];

	if (!r->has_state || epochs->count == 0 || is_newest(s, last))
		return 0;
	/* before the line: whoever has the lock next adds it */
	if (last->epoch < s->leader_epoch && last->start <= s->epoch_start &&
		klog_reader_held(r, KLOG_BYTE_APPEND))
		return 0;
	if (last->epoch < s->leader_epoch && last->start <= s->epoch_start)
		return klog_findings_add(out, KLOG_FOUND_LEFTOVER,
			KLOG_EPOCH_NAME, 0, 0, s->epoch_start, err,
			"no line for leader epoch %" PRId32
			" yet; whoever writes next adds it",
			s->leader_epoch);
	*good = false;
	return klog_findings_add(out, KLOG_FOUND_INDEX, KLOG_EPOCH_NAME, 0,
		size, s->epoch_start, err,
		"leader epoch %" PRId32 " from %" PRId64
		" on, and the state says %" PRId32 " from %" PRId64 " on",
		last->epoch, last->start, s->leader_epoch, s->epoch_start);
}

static int
check_epochs(struct klog_reader *r, struct klog_epochs *epochs, int64_t *size,
	bool *good, struct klog_findings *out, struct klog_err *err)
{
	struct stat st;
	bool exact;

	*good = false;
	*size = 0;
	epochs->list = NULL;
	epochs->count = 0;
	if (fstatat(r->dir, KLOG_EPOCH_NAME, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return !r->has_state
			? 0
			: klog_findings_add(out, KLOG_FOUND_INDEX,
				  KLOG_EPOCH_NAME, 0, 0, -1, err, "missing");
	if (klog_epochs_check(r->dir, epochs, &exact, err) == -1)
		return err->code != KLOG_ECORRUPT
			? klog_err_in(err, "%s", r->path)
			: klog_findings_add(out, KLOG_FOUND_INDEX,
				  KLOG_EPOCH_NAME, 0, st.st_size, -1, err,
				  "not \"0\", a count, and a line of epoch and "
				  "offset for each");
	*size = st.st_size;
	if (st.st_size == 0)
		return !r->has_state
			? 0
			: klog_findings_add(out, KLOG_FOUND_INDEX,
				  KLOG_EPOCH_NAME, 0, 0, -1, err, "empty");
	*good = exact;
	if (!exact)
		return klog_findings_add(out, KLOG_FOUND_INDEX, KLOG_EPOCH_NAME,
			0, st.st_size, -1, err,
			"not as it was written: other blanks");
	return check_newest(r, epochs, *size, good, out, err);
}

int
klog_survey_epochs(struct klog_reader *r, struct klog_epochs *epochs,
	int64_t *size, bool *good, struct klog_findings *out,
	struct klog_err *err)
{
	size_t before = out->count;
	uint64_t sequence;
	int tries;

	/* the state and the file change one after the other */
	for (tries = 0; tries < TRIES; tries++) {
		sequence = r->state.sequence;
		if (tries > 0)
			klog_epochs_free(epochs);
		klog_findings_cut(out, before);
		if (check_epochs(r, epochs, size, good, out, err) == -1)
			return -1;
		if (out->count == before || !r->has_state)
			break;
		if (klog_reader_look(r, err) == -1)
			return -1;
		if (r->state.sequence == sequence)
			break;
	}
	return 0;
}

/* ---- names ---- */

static bool
ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

/* The digits that a name begins with; -1: none. */
static int64_t
number_of(const char *name)
{
	char digits[32];

	if (strlen(name) < 20)
		return -1;
	snprintf(digits, sizeof(digits), "%.20s", name);
	return klog_file_base(digits, "");
}

static bool
has_base(const struct klog_bases *bases, int64_t base)
{
	return bases->count > 0 &&
		bases->base[klog_bases_find(bases, base)] == base;
}

static int64_t
size_of(struct klog_reader *r, const char *name)
{
	struct stat st;

	return fstatat(r->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_size
								    : -1;
}

static int
leftover(struct klog_reader *r, const char *name, const char *what,
	struct klog_findings *out, struct klog_err *err)
{
	int64_t size;

	/* what is at work makes it */
	if (r->has_state &&
		(klog_reader_held(r, KLOG_BYTE_CLEAN) ||
			klog_reader_held(r, KLOG_BYTE_APPEND)))
		return 0;
	size = size_of(r, name);
	if (size == -1)
		return 0; /* gone by now */
	return klog_findings_add(out, KLOG_FOUND_LEFTOVER, name, 0, size,
		number_of(name), err, "%s", what);
}

/* An index without its .log. */
static int
orphan(struct klog_reader *r, const struct klog_bases *bases, int64_t base,
	int64_t start, const char *name, struct klog_findings *out,
	struct klog_err *err)
{
	char log[KLOG_FILE_NAME];
	size_t i;

	klog_file_name(log, base, ".log");
	/* made since they were listed, or removed in the same moment */
	if (size_of(r, log) != -1 || size_of(r, name) == -1)
		return 0;
	if (base < start || bases->count == 0 || base < bases->base[0])
		return leftover(
			r, name, "of a segment that was removed", out, err);
	/* the gap between two others was told */
	if (r->has_state && base >= r->state.first_dirty &&
		base < bases->base[bases->count - 1])
		return 0;
	for (i = 0; i < out->count; i++)
		if (strcmp(out->list[i].file, log) == 0)
			return 0; /* said */
	return klog_findings_add(out, KLOG_FOUND_DAMAGE, log, 0, 0, base, err,
		"missing, and its index is there");
}

/* ---- snapshots ---- */

/* Why a .snapshot is not whole, or NULL; read a piece at a time. */
static int
look_at_snapshot(int fd, const char *name, int64_t *size, const char **why,
	struct klog_err *err)
{
	uint8_t piece[4096], head[KLOG_SNAPSHOT_HEAD];
	uint32_t crc = 0;
	int64_t at = 6;
	size_t got;

	*why = NULL;
	*size = klog_file_size(fd, name, err);
	if (*size == -1 ||
		klog_read_at(fd, head, sizeof(head), 0, &got, name, err) == -1)
		return -1;
	if (got < sizeof(head)) {
		*why = "shorter than its head";
		return 0;
	}
	do {
		if (klog_read_at(fd, piece, sizeof(piece), at, &got, name,
			    err) == -1)
			return -1;
		crc = klog_crc32c_add(crc, piece, got);
		at += (int64_t)got;
	} while (got > 0);
	if (klog_get_be16(head) != 1)
		*why = "of an unknown version";
	else if (crc != klog_get_be32(head + 2))
		*why = "bad checksum";
	else if ((int64_t)klog_get_be32(head + 6) * KLOG_SNAPSHOT_ENTRY !=
		*size - KLOG_SNAPSHOT_HEAD)
		*why = "another count of producers than there are";
	return 0;
}

static int
check_snapshot(struct klog_reader *r, int64_t at, const char *name,
	unsigned pause_us, struct klog_findings *out, struct klog_err *err)
{
	const char *why = NULL;
	int64_t size;
	int tries, fd, got = 0;

	/* a Kafka writes it in place */
	for (tries = 0; tries < 2; tries++) {
		if (tries > 0 && pause_us > 0)
			usleep(pause_us);
		fd = klog_open_file(r->dir, name, O_RDONLY, err);
		if (fd == -1 && err->code == KLOG_EREFUSED)
			return klog_findings_add(out, KLOG_FOUND_INDEX, name, 0,
				0, at, err, "not a regular file");
		if (fd == -1)
			return err->code == KLOG_ENOTFOUND
				? 0
				: klog_err_in(err, "%s", r->path);
		got = look_at_snapshot(fd, name, &size, &why, err);
		klog_close_fd(&fd);
		if (got == -1)
			return klog_err_in(err, "%s", r->path);
		if (why == NULL)
			return 0;
	}
	return klog_findings_add(out, KLOG_FOUND_INDEX, name, 0, size, at, err,
		"producers before offset %" PRId64 ": %s", at, why);
}

/* ---- partition.metadata ---- */

static bool
is_metadata(const char *text)
{
	static const char version[] = "version: 0\ntopic_id: ";
	const char *id = text + strlen(version);

	if (strncmp(text, version, strlen(version)) != 0)
		return false;
	return strspn(id,
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		       "0123456789-_") == 22 &&
		(id[22] == '\0' || strcmp(id + 22, "\n") == 0);
}

static int
check_metadata(
	struct klog_reader *r, struct klog_findings *out, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	int got = klog_read_file(
		r->dir, METADATA_NAME, METADATA_MAX, &text, err);

	if (got == 0)
		got = klog_buf_put(&text, "", 1) == -1 ? klog_fail_memory(err)
						       : 0;
	if (got == -1 && err->code == KLOG_ENOTFOUND)
		got = 0;
	else if ((got == -1 && err->code == KLOG_ECORRUPT) ||
		(got == 0 && !is_metadata((const char *)text.data)))
		got = klog_findings_add(out, KLOG_FOUND_DAMAGE, METADATA_NAME,
			0, (int64_t)text.size - (text.size > 0), -1, err,
			"neither a version nor a topic id");
	klog_buf_free(&text);
	return got;
}

/* ---- the directory ---- */

/* What klog-clean was about to do; without groups it is done. */
static int
check_plan(
	struct klog_reader *r, struct klog_findings *out, struct klog_err *err)
{
	struct klog_plan plan;
	struct klog_err why;
	int found = klog_plan_read(r->dir, &plan, &why);

	if (found == -1 && why.code == KLOG_ECORRUPT)
		return klog_findings_add(out, KLOG_FOUND_DAMAGE, KLOG_PLAN_NAME,
			0, size_of(r, KLOG_PLAN_NAME), -1, err, "%s", why.text);
	if (found != 1)
		return 0;
	if (plan.count > 0)
		found = leftover(r, KLOG_PLAN_NAME,
			"of a compaction that is under way, or was killed", out,
			err);
	klog_plan_free(&plan);
	return found == -1 ? -1 : 0;
}

static int
look_at_name(struct klog_reader *r, const struct klog_bases *bases,
	int64_t start, unsigned pause_us, const char *name,
	struct klog_findings *out, struct klog_err *err)
{
	static const char *const reserved[] = { ".log", ".index", ".timeindex",
		".txnindex", ".snapshot", ".cleaned", ".swap" };
	static const char *const indexes[] = { ".index", ".timeindex",
		".txnindex" };
	int64_t base;
	size_t i;

	if (ends_in(name, ".deleted"))
		return leftover(r, name,
			"removed from the log, and not yet from the disk", out,
			err);
	if (ends_in(name, ".tmp") || ends_in(name, ".new"))
		return leftover(
			r, name, "a file that was not finished", out, err);
	if (strcmp(name, METADATA_NAME) == 0)
		return check_metadata(r, out, err);
	if (strcmp(name, KLOG_PLAN_NAME) == 0)
		return check_plan(r, out, err);
	for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (ends_in(name, reserved[i]) && number_of(name) == -1)
			return klog_findings_add(out, KLOG_FOUND_DAMAGE, name,
				0, size_of(r, name), -1, err,
				"no number is in front of %s, so no Kafka "
				"loads this directory",
				reserved[i]);
	if (ends_in(name, ".cleaned") || ends_in(name, ".swap"))
		return leftover(r, name,
			"of a compaction that is under way, or was killed", out,
			err);
	base = klog_file_base(name, ".snapshot");
	if (base != -1)
		return check_snapshot(r, base, name, pause_us, out, err);
	for (i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		base = klog_file_base(name, indexes[i]);
		if (base != -1 && !has_base(bases, base))
			return orphan(r, bases, base, start, name, out, err);
	}
	return 0;
}

int
klog_survey_names(struct klog_reader *r, const struct klog_bases *bases,
	int64_t start, unsigned pause_us, struct klog_findings *out,
	struct klog_err *err)
{
	struct klog_list list = { NULL };
	const char *name;
	int got;

	while ((got = klog_list_next(&list, r->dir, &name, err)) > 0)
		if (look_at_name(r, bases, start, pause_us, name, out, err) ==
			-1) {
			got = -1;
			break;
		}
	klog_list_close(&list);
	return got;
}
