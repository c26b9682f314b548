#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "alter.h"
#include "create.h"
#include "delete.h"
#include "io.h"
#include "partition.h"

#define HIDDEN ".new-partition"

/* A topic under the metadata lock. */
struct work {
	struct klog_cluster *cluster;
	struct klog_cluster home;
	struct klog_topic topic; /* its config is not read */
	const char *name;
	int lock;
};

static void
end(struct work *w)
{
	klog_cluster_unlock(&w->lock);
	klog_cluster_close(&w->home);
	klog_topic_close(&w->topic);
}

static int
begin(struct work *w, struct klog_cluster *cluster, const char *operand,
	struct klog_err *err)
{
	struct klog_err ignored;
	int r;

	w->cluster = cluster;
	w->home.dir = w->lock = -1;
	if (klog_topic_find(&w->topic, cluster, operand, true, err) == -1)
		return -1;
	if (klog_cluster_around(
		    &w->home, cluster, w->topic.path, &w->name, err) == 0 &&
		klog_cluster_lock(&w->home, &w->lock, err) == 0 &&
		klog_topic_still_there(&w->topic, err) == 0) {
		klog_cluster_tidy(&w->home);
		(void)klog_remove_dir(w->topic.dir, HIDDEN, 1, &ignored);
		/* a delete that was killed is finished, not changed */
		r = klog_topic_finish_in(&w->home, w->name, err);
		if (r == 0)
			return 0;
		if (r == 1)
			klog_fail(err, KLOG_EDELETED,
				"topic %s: it was being deleted, and is gone",
				w->name);
	}
	end(w);
	return -1;
}

/* ---- partitions ---- */

/* Whether partition `i` is there, and its state; what klog made there before
 * it was killed, without saying so in topic.yaml, is of the same topic id. */
static int
is_there(const struct work *w, int32_t i, const uint8_t id[KLOG_TOPIC_ID],
	struct klog_state *s, struct klog_err *err)
{
	char name[16];
	struct stat st;

	snprintf(name, sizeof(name), "%" PRId32, i);
	if (fstatat(w->topic.dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 &&
		errno == ENOENT)
		return 0;
	if (klog_state_read_of(w->topic.dir, i, s, err) == 1 &&
		memcmp(s->topic_id, id, KLOG_TOPIC_ID) == 0)
		return 1;
	return klog_fail(err, KLOG_EREFUSED,
		"topic %s: %s/%s is there, and is no partition of this topic; "
		"move it away",
		w->topic.label, w->topic.path, name);
}

/* Partitions from..count-1: each hidden, whole and synced, then renamed. */
static int
make_partitions(struct work *w, int32_t from,
	const struct klog_topic_config *config, struct klog_err *err)
{
	struct klog_making m = { *config, -1, true, 0, true };
	struct klog_state state;
	struct stat st;
	char name[16];
	int32_t i;
	int r = 0;

	if (from >= config->partitions)
		return 0;
	if (fstat(w->topic.dir, &st) == -1)
		return klog_fail_errno(err, "topic %s", w->topic.label);
	m.mode = st.st_mode & 07777;
	m.group = st.st_gid;
	for (i = from; r == 0 && i < config->partitions; i++) {
		r = is_there(w, i, config->id, &state, err);
		if (r == 1) {
			r = 0;
			continue;
		}
		snprintf(name, sizeof(name), "%" PRId32, i);
		if (r == 0)
			r = klog_partition_make(w->topic.dir, HIDDEN, &m, err);
		if (r == 0)
			r = klog_rename_new(
				w->topic.dir, HIDDEN, w->topic.dir, name, err);
	}
	if (r == 0)
		r = klog_sync_dir(w->topic.dir, w->topic.label, err);
	return r;
}

/* ---- putting it in force ---- */

static int
raise_all(struct work *w, const struct klog_topic_config *config,
	struct klog_err *err)
{
	struct klog_partition p;
	int32_t i;
	int r = 0;

	for (i = 0; r == 0 && i < config->partitions; i++) {
		r = klog_partition_open(&p, w->topic.dir, w->topic.label, i,
			config, &w->cluster->say, w->cluster->lock_timeout_ms,
			err);
		if (r == -1 && err->code == KLOG_ENOTFOUND)
			return klog_topic_lacks(&w->topic, i, err);
		if (r == -1)
			break;
		r = klog_partition_raise(&p, config->generation, err);
		klog_partition_close(&p);
	}
	if (r == -1)
		return klog_err_in(err,
			"topic %s: changed, but running writers may not know; "
			"say it once more",
			w->topic.label);
	return 0;
}

static int
put_in_force(struct work *w, int32_t partitions,
	const struct klog_topic_config *config, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	int r;

	if (config->partitions < partitions)
		return klog_fail(err, KLOG_EREFUSED,
			"topic %s: it has %" PRId32
			" partitions; they can only become more",
			w->topic.label, partitions);
	if (make_partitions(w, partitions, config, err) == -1)
		return -1;
	r = klog_config_format(w->name, config, &text) == -1
		? klog_fail_memory(err)
		: klog_replace_file(w->topic.dir, KLOG_TOPIC_YAML,
			  klog_slice_of(text.data, text.size), err);
	klog_buf_free(&text);
	if (r == -1)
		return klog_err_in(err, "topic %s", w->topic.label);
	return raise_all(w, config, err);
}

/* ---- single settings ---- */

static int
change_settings(struct klog_settings *s, const struct klog_alter *alter,
	struct klog_err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < alter->setting_count; i++) {
		const struct klog_setting *one = &alter->settings[i];

		r = one->value[0] == '\0'
			? klog_settings_reset(s, KLOG_OF_TOPIC, one->key, err)
			: klog_settings_set(
				  s, KLOG_OF_TOPIC, one->key, one->value, err);
	}
	return r == 0 ? klog_settings_check(s, err) : -1;
}

/* The newest generation that was in force in any partition. */
static int
newest_generation(const struct work *w, const struct klog_topic_config *config,
	int64_t *generation)
{
	struct klog_err ignored;
	struct klog_state s;
	int32_t i;

	*generation = config->generation;
	for (i = 0; i < config->partitions; i++)
		if (is_there(w, i, config->id, &s, &ignored) == 1 &&
			s.generation > *generation)
			*generation = s.generation;
	return *generation > config->generation;
}

static int
change(struct work *w, const struct klog_alter *alter, struct klog_err *err)
{
	struct klog_topic_config config;
	struct klog_settings before;
	int32_t partitions;
	int64_t generation;

	if (klog_topic_read_config(&w->topic, &config, err) == -1)
		return -1;
	if (newest_generation(w, &config, &generation))
		return klog_fail(err, KLOG_ECORRUPT,
			"topic %s: " KLOG_TOPIC_YAML
			" is of generation %" PRId64 ", but %" PRId64
			" was in force: an old file was put back; look at it "
			"and put it in force with klog-alter --edit",
			w->topic.label, config.generation, generation);
	before = config.settings;
	partitions = config.partitions;
	if (change_settings(&config.settings, alter, err) == -1)
		return klog_err_in(err, "topic %s", w->topic.label);
	if (alter->partitions > 0)
		config.partitions = alter->partitions;
	/* nothing new: what may have been cut short is finished */
	if (config.partitions == partitions &&
		memcmp(&config.settings, &before, sizeof(before)) == 0)
		return raise_all(w, &config, err);
	config.generation++;
	return put_in_force(w, partitions, &config, err);
}

int
klog_topic_change(struct klog_cluster *cluster, const char *operand,
	const struct klog_alter *alter, struct klog_err *err)
{
	struct work w;
	int r;

	if (alter->partitions < 0 || alter->partitions > KLOG_PARTITIONS_MAX)
		return klog_fail(err, KLOG_EUSAGE,
			"%" PRId32 " partitions: from 1 to %d",
			alter->partitions, KLOG_PARTITIONS_MAX);
	if (begin(&w, cluster, operand, err) == -1)
		return -1;
	r = change(&w, alter, err);
	end(&w);
	return r;
}

/* ---- the whole text ---- */

/*
 * topic.yaml cannot be read: which topic this is, how many partitions it has
 * and which generation was in force, their directories and states say.
 */
static int
derive(const struct work *w, const struct klog_topic_config *text,
	int32_t *partitions, int64_t *generation, struct klog_err *err)
{
	struct klog_state s;
	int r = 1;

	*generation = text->generation;
	for (*partitions = 0; *partitions < KLOG_PARTITIONS_MAX;
		++*partitions) {
		r = is_there(w, *partitions, text->id, &s, err);
		if (r != 1)
			break;
		if (s.generation > *generation)
			*generation = s.generation;
	}
	return r == -1 ? -1 : 0;
}

static int
put_text(struct work *w, struct klog_slice was, struct klog_slice text,
	struct klog_err *err)
{
	struct klog_topic_config old, config;
	struct klog_buf now = { NULL, 0, 0 };
	struct klog_err ignored;
	bool same;
	int64_t generation;
	int32_t partitions;

	if (klog_topic_text(&w->topic, &now, err) == -1)
		return -1;
	same = now.size == was.size &&
		(was.size == 0 || memcmp(now.data, was.data, was.size) == 0);
	klog_buf_free(&now);
	if (!same)
		return klog_fail(err, KLOG_EREFUSED,
			"topic %s: " KLOG_TOPIC_YAML
			" was changed meanwhile; nothing was done",
			w->topic.label);
	if (klog_topic_parse(&w->topic, text, &config, err) == -1) {
		/* the text is wrong, not what is on the disk */
		err->code = KLOG_EUSAGE;
		return -1;
	}
	if (klog_topic_parse(&w->topic, was, &old, &ignored) == 0) {
		if (memcmp(old.id, config.id, KLOG_TOPIC_ID) != 0)
			return klog_fail(err, KLOG_EUSAGE,
				"topic %s: its id cannot be changed",
				w->topic.label);
		/* it was looked at: should it be old, it is the newest now */
		(void)newest_generation(w, &old, &generation);
		partitions = old.partitions;
	} else if (derive(w, &config, &partitions, &generation, err) == -1) {
		return -1;
	}
	/* as it was, and in force */
	if (text.size == was.size &&
		memcmp(text.data, was.data, was.size) == 0 &&
		generation == config.generation)
		return 0;
	config.generation = generation + 1;
	return put_in_force(w, partitions, &config, err);
}

int
klog_topic_put_text(struct klog_cluster *cluster, const char *operand,
	struct klog_slice was, struct klog_slice text, struct klog_err *err)
{
	struct work w;
	int r;

	if (begin(&w, cluster, operand, err) == -1)
		return -1;
	r = put_text(&w, was, text, err);
	end(&w);
	return r;
}
