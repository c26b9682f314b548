#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint.h"
#include "create.h"
#include "delete.h"
#include "io.h"

static int
make_empty(int dir, const char *name, struct klog_err *err)
{
	int fd = klog_create_file(dir, name, NULL, err);

	if (fd == -1)
		return -1;
	klog_close_fd(&fd);
	return 0;
}

/* Lock file, first segment and the epoch's line; the state last. */
static int
fill_partition(int dir, const struct klog_making *m, struct klog_err *err)
{
	static const char *const suffix[] = { ".log", ".index", ".timeindex" };
	struct klog_epoch first = { 0, 0 };
	struct klog_epochs epochs = { &first, 1 };
	struct klog_state state;
	char name[KLOG_FILE_NAME];
	size_t i;
	int fd, r;

	if (make_empty(dir, KLOG_LOCK_NAME, err) == -1)
		return -1;
	for (i = 0; i < 3; i++) {
		klog_file_name(name, 0, suffix[i]);
		if (make_empty(dir, name, err) == -1)
			return -1;
	}
	if (klog_epochs_write(dir, &epochs, err) == -1)
		return -1;
	klog_state_init(&state, 0, m->config.id);
	state.generation = m->config.generation;
	fd = klog_create_file(dir, KLOG_STATE_NAME, NULL, err);
	if (fd == -1)
		return -1;
	r = klog_stamp_now(fd, &state.stamp, err);
	if (r == 0)
		r = klog_state_new_change(&state, err);
	if (r == 0)
		r = m->sync_each ? klog_state_commit(fd, &state, err)
			: klog_state_write(fd, &state, err) == -1
			? -1
			: klog_state_write(fd, &state, err);
	klog_close_fd(&fd);
	if (r == 0 && m->sync_each)
		r = klog_sync_dir(dir, "partition", err);
	return r;
}

int
klog_partition_make(int topic_dir, const char *name,
	const struct klog_making *m, struct klog_err *err)
{
	int fd, r;

	if (klog_make_dir(topic_dir, name, m->mode, err) == -1 ||
		(m->give &&
			klog_set_group(topic_dir, name, m->group, err) == -1))
		return -1;
	fd = klog_open_dir(topic_dir, name, err);
	if (fd == -1)
		return -1;
	r = fill_partition(fd, m, err);
	klog_close_fd(&fd);
	return r;
}

static int
fill_topic(int dir, const char *name, const struct klog_making *m,
	struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	char partition[16];
	int32_t i;
	int r = 0;

	for (i = 0; r == 0 && i < m->config.partitions; i++) {
		snprintf(partition, sizeof(partition), "%" PRId32, i);
		r = klog_partition_make(dir, partition, m, err);
	}
	if (r == 0 && klog_config_format(name, &m->config, &text) == -1)
		r = klog_fail_memory(err);
	if (r == 0)
		r = klog_replace_file(dir, KLOG_TOPIC_YAML,
			klog_slice_of(text.data, text.size), err);
	if (r == 0 && !m->sync_each)
		r = klog_sync_everything(dir, name, err);
	klog_buf_free(&text);
	return r;
}

static int
find_group(const char *name, gid_t *group, struct klog_err *err)
{
	const struct group *g = getgrnam(name);
	int64_t number = klog_number(name, INT32_MAX);

	if (g == NULL && number < 0)
		return klog_fail(err, KLOG_EREFUSED,
			"group %s: there is no such group", name);
	*group = g != NULL ? g->gr_gid : (gid_t)number;
	return 0;
}

static int
prepare(struct klog_making *m, const struct klog_create *create,
	struct klog_err *err)
{
	size_t i;

	memset(m, 0, sizeof(*m));
	m->mode = create->mode;
	m->config.generation = 1;
	m->config.partitions = create->partitions;
	if (create->partitions < 1 || create->partitions > KLOG_PARTITIONS_MAX)
		return klog_fail(err, KLOG_EUSAGE,
			"%" PRId32 " partitions: from 1 to %d",
			create->partitions, KLOG_PARTITIONS_MAX);
	m->sync_each = create->partitions <= 16;
	klog_settings_init(&m->config.settings);
	for (i = 0; i < create->setting_count; i++)
		if (klog_settings_set(&m->config.settings, KLOG_OF_TOPIC,
			    create->settings[i].key, create->settings[i].value,
			    err) == -1)
			return -1;
	if (klog_settings_check(&m->config.settings, err) == -1)
		return -1;
	if (create->group != NULL) {
		m->give = true;
		/* a group that is named is meant to write */
		if (m->mode == -1)
			m->mode = 02770;
		if (find_group(create->group, &m->group, err) == -1)
			return -1;
	}
	return klog_topic_id_make(m->config.id, err);
}

static int
refuse_collision(struct klog_cluster *c, const char *name, struct klog_err *err)
{
	char **names;
	size_t count, i;
	int r = 0;

	if (klog_cluster_topics(c, &names, &count, err) == -1)
		return -1;
	for (i = 0; r == 0 && i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			/* unless a delete that was killed is finished now */
			r = klog_topic_finish_in(c, name, err);
			if (r == 0)
				r = klog_fail(err, KLOG_EEXIST,
					"topic %s: already in cluster %s", name,
					c->path);
			r = r == 1 ? 0 : -1;
		} else if (klog_topic_names_collide(names[i], name))
			r = klog_fail(err, KLOG_EEXIST,
				"topic %s: Kafka cannot tell it from the topic "
				"%s that is there ('.' and '_' collide); "
				"choose another name",
				name, names[i]);
	}
	free(names);
	return r;
}

static int
make_hidden(struct klog_cluster *c, const char *name, const char *hidden,
	const struct klog_making *m, struct klog_err *err)
{
	int dir, r;

	if (klog_make_dir(c->dir, hidden, m->mode, err) == -1)
		return -1;
	if (m->give && klog_set_group(c->dir, hidden, m->group, err) == -1)
		return -1;
	dir = klog_open_dir(c->dir, hidden, err);
	if (dir == -1)
		return -1;
	r = fill_topic(dir, name, m, err);
	klog_close_fd(&dir);
	return r;
}

int
klog_topic_make(struct klog_cluster *c, const char *name,
	const struct klog_create *create, struct klog_err *err)
{
	/* short, so that the longest topic name fits too; the lock makes it
	 * the only one */
	const char *hidden = KLOG_NEW_TOPIC;
	struct klog_err ignored;
	struct klog_making m;
	int lock, r;

	if (klog_topic_name_check(name, err) == -1 ||
		prepare(&m, create, err) == -1 ||
		klog_refuse_remote(c->dir, err) == -1 ||
		klog_cluster_lock(c, &lock, err) == -1)
		return -1;
	klog_cluster_tidy(c);
	r = refuse_collision(c, name, err);
	if (r == 0) {
		r = make_hidden(c, name, hidden, &m, err);
		if (r == 0)
			r = klog_rename_new(c->dir, hidden, c->dir, name, err);
		if (r == 0)
			r = klog_sync_dir(c->dir, name, err);
		else
			(void)klog_remove_dir(c->dir, hidden, 2, &ignored);
		if (r == -1)
			klog_err_in(err, "topic %s", name);
	}
	klog_cluster_unlock(&lock);
	return r;
}
