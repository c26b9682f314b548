#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock.h"
#include "verify.h"
#include "verify_groups.h"

/* Who is at work has so long, a second in all, to do the rest of it. */
#define PAUSES 50
#define PAUSE_US 20000
#define CLEAN_NAME ".kafka_cleanshutdown"

/* ---- the topic ---- */

/* topic.yaml cannot be read: as many partitions as there are directories. */
static int32_t
count_partitions(int dir)
{
	struct klog_list list = { NULL };
	struct klog_err ignored;
	const char *name;
	int32_t n, count = 0;

	while (klog_list_next(&list, dir, &name, &ignored) > 0) {
		n = klog_partition_number(name);
		if (n >= count)
			count = n + 1;
	}
	klog_list_close(&list);
	return count;
}

/* klog-alter makes directories first, and then names them. */
static int32_t
settled_partitions(struct klog_verify *v)
{
	struct klog_err ignored;
	int32_t there = count_partitions(v->t.dir);
	int tries;

	for (tries = 0; there > v->t.config.partitions && tries < PAUSES;
		tries++) {
		usleep(PAUSE_US);
		klog_topic_read_config(&v->t, &v->t.config, &ignored);
		there = count_partitions(v->t.dir);
	}
	return there;
}

static int
look_at_config(struct klog_verify *v, struct klog_err *err)
{
	int32_t there;

	if (v->t.kind != KLOG_TOPIC)
		return 0;
	if (klog_topic_read_config(&v->t, &v->t.config, err) == 0) {
		v->config_read = true;
		there = settled_partitions(v);
		if (there > v->t.config.partitions)
			return klog_findings_add(&v->out, KLOG_FOUND_LEFTOVER,
				"/" KLOG_TOPIC_YAML, 0, 0, -1, err,
				"it names %" PRId32 " partitions, and %" PRId32
				" are there",
				v->t.config.partitions, there);
		return 0;
	}
	if (err->code != KLOG_ECORRUPT && err->code != KLOG_ENOTFOUND)
		return -1;
	v->t.config.partitions = count_partitions(v->t.dir);
	return klog_findings_add(&v->out, KLOG_FOUND_DAMAGE,
		"/" KLOG_TOPIC_YAML, 0, 0, -1, err, "%.150s", err->text);
}

/* ---- a partition ---- */

static bool
has_clean_marker(int dir)
{
	struct stat st;
	int up = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool clean = up != -1 &&
		fstatat(up, CLEAN_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0;

	klog_close_fd(&up);
	return clean;
}

/* Where the log begins, by what is known without its files. */
static int64_t
start_of(const struct klog_verify *v)
{
	if (v->r.has_state)
		return v->r.state.log_start;
	return v->r.foreign_start > 0 ? v->r.foreign_start : 0;
}

static int
missing_segment(
	struct klog_verify *v, int64_t from, int64_t to, struct klog_err *err)
{
	char name[KLOG_FILE_NAME];

	klog_file_name(name, from, ".log");
	return klog_findings_add(&v->out, KLOG_FOUND_DAMAGE, name, 0, 0, from,
		err, "missing: offsets %" PRId64 " to %" PRId64, from, to - 1);
}

/* Segments that must be there, before the first and behind the last. */
static int
look_at_ends(struct klog_verify *v, struct klog_err *err)
{
	const struct klog_state *s = &v->r.state;
	int64_t first = v->bases.count > 0 ? v->bases.base[0] : INT64_MAX;
	int64_t start = start_of(v);

	if (!v->r.has_state) {
		if (v->bases.count > 0 || v->only[0] != '\0')
			return 0;
		if (v->r.foreign_point > start)
			return missing_segment(
				v, start, v->r.foreign_point, err);
		return klog_findings_add(&v->out, KLOG_FOUND_LEFTOVER, "", 0, 0,
			-1, err, "no segment: a log that begins at 0");
	}
	/* removed since the state was read? */
	if (klog_reader_look(&v->r, err) == -1)
		return -1;
	if (start != s->log_start || start < s->first_dirty)
		start = first;
	if (v->bases.count > 0 && first > start)
		return missing_segment(v, start, first, err);
	if (v->bases.count == 0 && s->next_offset > start)
		return missing_segment(v, start, s->next_offset, err);
	return 0;
}

/* Says which partition, if the error does not yet. */
static int
in_partition(const struct klog_verify *v, struct klog_err *err)
{
	size_t size = strlen(v->r.path);

	if (strncmp(err->text, v->r.path, size) == 0 &&
		(err->text[size] == ':' || err->text[size] == '/'))
		return -1;
	return klog_err_in(err, "%s", v->r.path);
}

/* klog-alter may have been at work since topic.yaml was read. */
static int
look_at_state(struct klog_verify *v, struct klog_err *err)
{
	struct klog_topic_config *config = &v->t.config;

	if (v->config_read && v->r.has_state &&
		v->r.state.generation > config->generation &&
		klog_topic_reload(&v->t, err) == -1)
		return -1;
	return klog_survey_state(&v->r, v->t.kind == KLOG_TOPIC,
		v->config_read ? config : NULL, &v->out, err);
}

static int
begin(struct klog_verify *v, struct klog_err *err)
{
	bool good;

	klog_sweep_init(&v->sweep, &v->r, &v->out);
	v->sweep.clean = has_clean_marker(v->r.dir);
	if (v->r.alone)
		v->sweep.pause_us = 0;
	v->sweep.only_log = v->t.kind == KLOG_LOG_FILE;
	/* it has been the same since the topic was made */
	if (v->config_read && v->t.config.generation == 1)
		v->sweep.index_interval =
			v->t.config.settings.index_interval_bytes;
	v->segment = 0;
	if (look_at_state(v, err) == -1 ||
		klog_survey_epochs(&v->r, &v->epochs, &v->sweep.odd.epochs_size,
			&good, &v->out, err) == -1 ||
		klog_segment_list_all(v->r.dir, &v->bases, err) == -1 ||
		look_at_ends(v, err) == -1)
		return in_partition(v, err);
	if (good)
		v->sweep.odd.epochs = &v->epochs;
	/* all transactions that there ever were begin here */
	v->sweep.aborts.known = v->bases.count > 0 && v->bases.base[0] == 0 &&
		v->only[0] == '\0';
	return 0;
}

static void
end(struct klog_verify *v)
{
	if (!v->open)
		return;
	v->open = false;
	klog_sweep_free(&v->sweep);
	klog_epochs_free(&v->epochs);
	klog_bases_free(&v->bases);
	klog_reader_close(&v->r);
}

/* The next segment begins before the end of the one before it. */
static int
look_at_overlap(struct klog_verify *v, int64_t base, struct klog_err *err)
{
	int64_t ends = v->sweep.expected;
	char name[KLOG_FILE_NAME];
	struct stat st;
	bool ours;

	if (v->sweep.expected <= base)
		return 0;
	if (v->r.has_state && klog_reader_look(&v->r, err) == -1)
		return -1;
	ours = v->r.has_state && base >= v->r.state.first_dirty;
	klog_file_name(name, base, ".log");
	v->sweep.expected = base;
	v->sweep.odd.seen_epoch = -1;
	/* replaced since they were listed, or just now */
	if (fstatat(v->r.dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		(v->r.has_state && !ours &&
			klog_reader_held(&v->r, KLOG_BYTE_CLEAN)))
		return 0;
	/* a replacement stands for several, which go one by one */
	if (klog_findings_add(&v->out,
		    ours ? KLOG_FOUND_DAMAGE : KLOG_FOUND_LEFTOVER, name, 0, 0,
		    base, err, "the segment before it ends at offset %" PRId64,
		    ends - 1) == -1)
		return -1;
	return 0;
}

/* 1 looked at one, 0 there is none left, -1. */
static int
look_at_segment(struct klog_verify *v, struct klog_err *err)
{
	int64_t base, next;

	if (v->segment == v->bases.count)
		return 0;
	base = v->bases.base[v->segment++];
	next = v->segment < v->bases.count ? v->bases.base[v->segment]
					   : INT64_MAX;
	if (v->only[0] != '\0' && klog_file_base(v->only, ".log") != base &&
		klog_file_base(v->only, ".index") != base &&
		klog_file_base(v->only, ".timeindex") != base &&
		klog_file_base(v->only, ".txnindex") != base &&
		strcmp(v->only, KLOG_EPOCH_NAME) != 0) {
		v->sweep.expected = -1;
		return 1;
	}
	if (look_at_overlap(v, base, err) == -1)
		return -1;
	return klog_sweep_segment(&v->sweep, base, next, err) == -1
		? in_partition(v, err)
		: 1;
}

/* What a broker's checkpoints say, against the log's end. */
static int
look_at_checkpoints(struct klog_verify *v, struct klog_err *err)
{
	int64_t last = v->sweep.expected;

	if (v->r.has_state || last == -1)
		return 0;
	if (v->r.foreign_start > last)
		return klog_findings_add(&v->out, KLOG_FOUND_DAMAGE,
			"../log-start-offset-checkpoint", 0, 0,
			v->r.foreign_start, err,
			"log start %" PRId64 ", but the log ends at %" PRId64
			": a Kafka removes all of it",
			v->r.foreign_start, last);
	if (v->r.foreign_point > last && v->out.count == v->told)
		return klog_findings_add(&v->out, KLOG_FOUND_DAMAGE,
			"../recovery-point-offset-checkpoint", 0, 0, last, err,
			"flushed up to %" PRId64
			", but the log ends at %" PRId64,
			v->r.foreign_point, last);
	return 0;
}

/* Segments one by one, then what lies beside them: 1, 0 all is done, -1. */
static int
step_in_partition(struct klog_verify *v, struct klog_err *err)
{
	int r = look_at_segment(v, err);

	if (r != 0)
		return r;
	/* the log start may have been raised meanwhile */
	if ((v->r.has_state && klog_reader_look(&v->r, err) == -1) ||
		klog_odd_end(&v->sweep.odd, err) == -1 ||
		look_at_checkpoints(v, err) == -1 ||
		klog_survey_names(&v->r, &v->bases, start_of(v),
			v->sweep.pause_us, &v->out, err) == -1)
		return in_partition(v, err);
	return 0;
}

/* ---- one after the other ---- */

static int
begin_partition(struct klog_verify *v, int32_t partition, struct klog_err *err)
{
	bool ours = v->t.kind == KLOG_TOPIC;
	char name[64];

	snprintf(v->path, sizeof(v->path), "%s", v->t.label);
	if (klog_topic_reader(&v->t, partition, NULL, 0, &v->r, err) == -1) {
		if (!ours || err->code != KLOG_ECORRUPT)
			return -1;
		snprintf(name, sizeof(name), "/%" PRId32, partition);
		return klog_findings_add(&v->out, KLOG_FOUND_DAMAGE, name, 0, 0,
			-1, err, "its directory is missing; restore it");
	}
	snprintf(v->path, sizeof(v->path), "%s", v->r.path);
	v->open = true;
	return begin(v, err);
}

/* Whatever was found in a topic that was deleted meanwhile is none. */
static int
look_at_topic(const struct klog_verify *v, struct klog_err *err)
{
	return v->t.kind == KLOG_TOPIC ? klog_topic_still_there(&v->t, err) : 0;
}

/* A partition is marked, and the topic has its name yet: not for long, unless
 * klog-delete was killed. */
static int
tell_deleted(struct klog_verify *v, struct klog_err *err)
{
	int tries;

	end(v);
	for (tries = 0; v->sweep.pause_us > 0 && tries < PAUSES; tries++) {
		if (look_at_topic(v, err) == -1)
			return -1;
		usleep(PAUSE_US);
	}
	v->i = klog_topic_partitions(&v->t);
	klog_findings_cut(&v->out, 0);
	return klog_findings_add(&v->out, KLOG_FOUND_LEFTOVER, "/", 0, 0, -1,
		err,
		"deleted, but its files stay: klog-delete was killed; do "
		"it again");
}

/* One more step: 1, 0 all is done, -1. */
static int
step(struct klog_verify *v, struct klog_err *err)
{
	int32_t partition;
	int r;

	if (v->open) {
		r = step_in_partition(v, err);
		if (r == 0)
			end(v);
		return r == -1 ? -1 : 1;
	}
	if (v->i == klog_topic_partitions(&v->t))
		return 0;
	partition = klog_topic_number(&v->t, v->i++);
	if (v->asked != -1 && v->asked != partition)
		return 1;
	return begin_partition(v, partition, err) == -1 ? -1 : 1;
}

int
klog_verify_found(
	struct klog_verify *v, struct klog_found **found, struct klog_err *err)
{
	struct klog_err gone;
	int r = 1;

	for (;;) {
		if (v->told == 0 && (v->out.count > 0 || r == -1) &&
			look_at_topic(v, &gone) == -1) {
			*err = gone;
			return -1;
		}
		for (; v->told < v->out.count; v->told++) {
			*found = &v->out.list[v->told];
			if (v->only[0] != '\0' &&
				strcmp((*found)->file, v->only) != 0)
				continue;
			v->told++;
			return 1;
		}
		if (r != 1)
			return r;
		klog_findings_cut(&v->out, 0);
		v->told = 0;
		r = step(v, err);
		if (r == -1 && err->code == KLOG_EDELETED &&
			look_at_topic(v, &gone) == 0)
			r = tell_deleted(v, err) == -1 ? -1 : 1;
	}
}

/* Where the file is, as a message names it. */
static void
name_file(struct klog_verify *v, const char *file)
{
	const char *path = v->path;
	size_t size = strlen(path);
	bool up = strncmp(file, "../", 3) == 0;

	if (file[0] == '/') {
		path = v->t.label;
		size = strlen(path);
		file++;
	}
	/* beside the directory, or beside the file that was named */
	if (up || v->t.kind == KLOG_LOG_FILE || v->only[0] != '\0') {
		const char *slash = strrchr(path, '/');

		size = slash != NULL ? (size_t)(slash - path) : 0;
	}
	if (up)
		file += 3;
	snprintf(v->file, sizeof(v->file), "%.*s%s%s", (int)size, path,
		size > 0 && file[0] != '\0' ? "/" : "", file);
}

int
klog_verify_next(struct klog_verify *v, struct klog_finding *finding,
	struct klog_err *err)
{
	struct klog_found *found;
	int r = klog_verify_found(v, &found, err);

	if (r != 1)
		return r;
	name_file(v, found->file);
	finding->severity = found->severity;
	finding->file = v->file;
	finding->position = found->position;
	finding->size = found->size;
	finding->offset = found->offset;
	finding->what = found->what;
	return 1;
}

/* ---- opening and closing ---- */

void
klog_verify_done(struct klog_verify *v)
{
	end(v);
	klog_findings_free(&v->out);
}

int
klog_verify_begin(struct klog_verify *v, const struct klog_topic *t, int dir,
	const char *path, bool alone, struct klog_err *err)
{
	memset(v, 0, sizeof(*v));
	v->t = *t;            /* the caller's, and not closed here */
	v->asked = INT32_MAX; /* no other than this one */
	v->i = klog_topic_partitions(t);
	v->config_read = true;
	if (klog_reader_open(&v->r, dir, path, NULL, 0, err) == -1)
		return -1;
	v->open = true;
	v->r.alone = alone;
	return begin(v, err);
}

int
klog_verify_begin_groups(
	struct klog_verify *v, const struct klog_topic *t, struct klog_err *err)
{
	memset(v, 0, sizeof(*v));
	v->t = *t; /* the caller's, and not closed here */
	v->asked = -1;
	v->i = klog_topic_partitions(t);
	return klog_verify_groups(t, &v->out, err);
}

static int
open_operand(struct klog_verify *v, struct klog_cluster *cluster,
	const char *operand, struct klog_err *err)
{
	if (strchr(operand, '/') != NULL &&
		klog_topic_find_file(&v->t, operand, v->only, err) == 0)
		return 0;
	return klog_topic_find(&v->t, cluster, operand, false, err);
}

struct klog_verify *
klog_dir_verify_open(struct klog_cluster *cluster, const char *operand,
	int32_t partition, struct klog_err *err)
{
	struct klog_verify *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		klog_fail_memory(err);
		return NULL;
	}
	v->asked = partition;
	if (open_operand(v, cluster, operand, err) == -1) {
		free(v);
		return NULL;
	}
	if (look_at_config(v, err) == 0 &&
		klog_topic_need(&v->t, partition, err) == 0 &&
		(partition != -1 ||
			klog_verify_groups(&v->t, &v->out, err) == 0))
		return v;
	klog_verify_close(v);
	return NULL;
}

void
klog_verify_close(struct klog_verify *v)
{
	if (v == NULL)
		return;
	klog_verify_done(v);
	klog_topic_close(&v->t);
	free(v);
}
