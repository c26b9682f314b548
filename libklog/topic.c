#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"
#include "io.h"
#include "topic.h"

#define CONFIG_MAX ((size_t)64 * 1024)
#define NEW_PREFIX ".new-"

/* ---- opening ---- */

static int
read_config(struct klog_topic *t, struct klog_topic_config *config,
	struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	char where[300];
	int r;

	snprintf(where, sizeof(where), "%s/" KLOG_TOPIC_YAML, t->label);
	r = klog_read_file(t->dir, KLOG_TOPIC_YAML, CONFIG_MAX, &text, err);
	if (r == -1)
		klog_err_in(err, "%s", t->label);
	else
		r = klog_config_parse(where,
			klog_slice_of(text.data, text.size), config, err);
	klog_buf_free(&text);
	return r;
}

static int
open_named(struct klog_topic *t, struct klog_cluster *c, const char *name,
	struct klog_err *err)
{
	if (klog_topic_name_check(name, err) == -1)
		return -1;
	snprintf(t->name, sizeof(t->name), "%s", name);
	snprintf(t->label, sizeof(t->label), "%s", name);
	if (snprintf(t->path, sizeof(t->path), "%s/%s", c->real, name) >=
		(int)sizeof(t->path))
		return klog_fail(err, KLOG_EUSAGE, "%s: path too long", name);
	t->dir = klog_open_dir(c->dir, name, err);
	if (t->dir == -1 && err->code == KLOG_ENOTFOUND)
		return klog_fail(err, KLOG_ENOTFOUND,
			"no topic %s in cluster %s; make it with klog-create, "
			"or name another cluster with -C",
			name, c->path);
	return t->dir == -1 ? -1 : read_config(t, &t->config, err);
}

/* The last `parts` components of a path. */
static const char *
path_end(const char *path, int parts)
{
	const char *p = path + strlen(path);

	while (p > path && (p[-1] != '/' || --parts > 0))
		p--;
	return p;
}

/* Kafka's TOPIC-N, or klog's TOPIC/N: what records show for a partition
 * directory. */
static void
name_partition(struct klog_topic *t, const char *real)
{
	const char *last = path_end(real, 1);
	const char *dash = strrchr(last, '-');
	int64_t n = klog_number(last, KLOG_PARTITIONS_MAX);

	t->partition = 0;
	snprintf(t->name, sizeof(t->name), "%s", last);
	if (n >= 0) {
		const char *two = path_end(real, 2);

		snprintf(t->name, sizeof(t->name), "%.*s",
			last > two ? (int)(last - two - 1) : 0, two);
		t->partition = (int32_t)n;
	} else if (dash != NULL && dash > last &&
		(n = klog_number(dash + 1, INT32_MAX)) >= 0) {
		t->name[dash - last] = '\0';
		t->partition = (int32_t)n;
	}
}

static bool
holds_segments(int dir)
{
	struct klog_bases bases;
	struct klog_err ignored;
	bool some;

	if (klog_segment_list(dir, &bases, &ignored) == -1)
		return false;
	some = bases.count > 0;
	klog_bases_free(&bases);
	return some;
}

static int
open_log_file(struct klog_topic *t, char *real, struct klog_err *err)
{
	char *slash = strrchr(real, '/');

	t->kind = KLOG_LOG_FILE;
	t->base = klog_file_base(slash + 1, ".log");
	if (t->base == -1)
		return klog_fail(err, KLOG_EREFUSED,
			"%s: a segment is named by 20 digits and .log",
			t->path);
	*slash = '\0';
	t->dir = klog_open_dir(AT_FDCWD, *real != '\0' ? real : "/", err);
	name_partition(t, real);
	return t->dir == -1 ? -1 : 0;
}

static int
open_path(struct klog_topic *t, const char *path, bool write,
	struct klog_err *err)
{
	struct stat st;
	char *real = realpath(path, NULL);
	int r = 0;

	if (real == NULL)
		return errno == ENOENT || errno == ENOTDIR
			? klog_fail(err, KLOG_ENOTFOUND, "%s: not there", path)
			: klog_fail_errno(err, "%s", path);
	snprintf(t->path, sizeof(t->path), "%s", real);
	snprintf(t->label, sizeof(t->label), "%s",
		strlen(path) < sizeof(t->label) ? path : path_end(real, 2));
	if (stat(real, &st) == 0 && S_ISREG(st.st_mode)) {
		r = open_log_file(t, real, err);
	} else {
		t->dir = klog_open_dir(AT_FDCWD, real, err);
		if (t->dir == -1) {
			r = -1;
		} else if (fstatat(t->dir, KLOG_TOPIC_YAML, &st,
				   AT_SYMLINK_NOFOLLOW) == 0) {
			snprintf(t->name, sizeof(t->name), "%s",
				path_end(real, 1));
			r = read_config(t, &t->config, err);
		} else if (holds_segments(t->dir)) {
			t->kind = KLOG_PARTITION_DIR;
			name_partition(t, real);
		} else {
			r = klog_fail(err, KLOG_ENOTFOUND,
				"%s: neither a topic's directory "
				"(with " KLOG_TOPIC_YAML
				") nor a partition's (with .log files)",
				path);
		}
	}
	free(real);
	if (r == 0 && write && t->kind != KLOG_TOPIC)
		r = klog_fail(err, KLOG_EUSAGE,
			"%s: only a topic can be written, by its name or its "
			"directory",
			path);
	return r;
}

int
klog_topic_open(struct klog_topic *t, struct klog_cluster *cluster,
	const char *operand, bool write, struct klog_err *err)
{
	int r;

	memset(t, 0, sizeof(*t));
	t->dir = -1;
	t->kind = KLOG_TOPIC;
	if (strchr(operand, '/') != NULL)
		r = open_path(t, operand, write, err);
	else
		r = open_named(t, cluster, operand, err);
	if (r == -1)
		klog_topic_close(t);
	return r;
}

void
klog_topic_close(struct klog_topic *t)
{
	klog_close_fd(&t->dir);
}

int
klog_topic_still_there(const struct klog_topic *t, struct klog_err *err)
{
	struct stat by_path, open_one;

	if (stat(t->path, &by_path) == 0 && fstat(t->dir, &open_one) == 0 &&
		by_path.st_dev == open_one.st_dev &&
		by_path.st_ino == open_one.st_ino)
		return 0;
	return klog_fail(err, KLOG_EDELETED,
		"topic %s: deleted, moved or replaced while it was open",
		t->label);
}

int
klog_topic_reload(struct klog_topic *t, struct klog_err *err)
{
	struct klog_topic_config config;

	if (t->kind != KLOG_TOPIC)
		return 0;
	if (klog_topic_still_there(t, err) == -1 ||
		read_config(t, &config, err) == -1)
		return -1;
	if (memcmp(config.id, t->config.id, KLOG_TOPIC_ID) != 0)
		return klog_fail(err, KLOG_EDELETED,
			"topic %s: deleted, and another made under its name",
			t->label);
	t->config = config;
	return 0;
}

/* ---- partitions ---- */

int32_t
klog_topic_partitions(const struct klog_topic *t)
{
	return t->kind == KLOG_TOPIC ? t->config.partitions : 1;
}

bool
klog_topic_has(const struct klog_topic *t, int32_t partition)
{
	if (t->kind != KLOG_TOPIC)
		return partition == t->partition;
	return partition >= 0 && partition < t->config.partitions;
}

/* A Kafka's partition: what its broker knows stands beside the directory. */
static void
read_foreign(struct klog_topic *t, struct klog_reader *r)
{
	int up;

	if (r->has_state)
		return;
	up = openat(t->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up == -1)
		return;
	if (klog_checkpoint_find(up, "recovery-point-offset-checkpoint",
		    t->name, t->partition, &r->foreign_point) == 0)
		r->foreign_point = -1;
	if (klog_checkpoint_find(up, "log-start-offset-checkpoint", t->name,
		    t->partition, &r->foreign_start) == 0)
		r->foreign_start = -1;
	klog_close_fd(&up);
}

int
klog_topic_reader(struct klog_topic *t, int32_t partition,
	const struct klog_say *say, size_t chunk, struct klog_reader *reader,
	struct klog_err *err)
{
	char name[16], label[300];
	int dir;

	if (!klog_topic_has(t, partition))
		return klog_fail(err, KLOG_ENOTFOUND,
			"topic %s: no partition %" PRId32 ", it has %" PRId32,
			t->label, partition, klog_topic_partitions(t));
	if (t->kind == KLOG_TOPIC) {
		snprintf(name, sizeof(name), "%" PRId32, partition);
		snprintf(label, sizeof(label), "%s/%s", t->label, name);
		dir = klog_open_dir(t->dir, name, err);
	} else {
		snprintf(label, sizeof(label), "%s", t->label);
		dir = klog_open_dir(t->dir, ".", err);
	}
	if (dir == -1)
		return klog_err_in(err, "%s", t->label);
	if (klog_reader_open(reader, dir, label, say, chunk, err) == -1)
		return -1;
	if (t->kind == KLOG_LOG_FILE)
		reader->only_base = t->base;
	if (t->kind != KLOG_TOPIC)
		read_foreign(t, reader);
	return 0;
}

/* ---- making one ---- */

struct making {
	const struct klog_create *create;
	struct klog_topic_config config;
	int64_t mode;
	bool give; /* to `group` */
	gid_t group;
	bool sync_each;
};

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
fill_partition(int dir, const struct making *m, struct klog_err *err)
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

static int
make_partition(int topic_dir, int32_t number, const struct making *m,
	struct klog_err *err)
{
	char name[16];
	int fd, r;

	snprintf(name, sizeof(name), "%" PRId32, number);
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
fill_topic(
	int dir, const char *name, const struct making *m, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	int32_t i;
	int r = 0;

	for (i = 0; r == 0 && i < m->config.partitions; i++)
		r = make_partition(dir, i, m, err);
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
prepare(struct making *m, const struct klog_create *create,
	struct klog_err *err)
{
	size_t i;

	memset(m, 0, sizeof(*m));
	m->create = create;
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
		if (strcmp(names[i], name) == 0)
			r = klog_fail(err, KLOG_EEXIST,
				"topic %s: already in cluster %s", name,
				c->path);
		else if (klog_topic_names_collide(names[i], name))
			r = klog_fail(err, KLOG_EEXIST,
				"topic %s: Kafka cannot tell it from the topic "
				"%s that is there ('.' and '_' collide); "
				"choose another name",
				name, names[i]);
	}
	free(names);
	return r;
}

/* What killed creations left; their makers would hold the lock. */
static void
tidy(struct klog_cluster *c)
{
	struct klog_list list = { NULL };
	struct klog_err ignored;
	const char *name;

	while (klog_list_next(&list, c->dir, &name, &ignored) > 0)
		if (strncmp(name, NEW_PREFIX, strlen(NEW_PREFIX)) == 0)
			(void)klog_remove_dir(c->dir, name, 2, &ignored);
	klog_list_close(&list);
}

static int
make_hidden(struct klog_cluster *c, const char *name, const char *hidden,
	const struct making *m, struct klog_err *err)
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
	const char *hidden = NEW_PREFIX "topic";
	struct klog_err ignored;
	struct making m;
	int lock, r;

	if (klog_topic_name_check(name, err) == -1 ||
		prepare(&m, create, err) == -1 ||
		klog_refuse_remote(c->dir, err) == -1 ||
		klog_cluster_lock(c, &lock, err) == -1)
		return -1;
	tidy(c);
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
