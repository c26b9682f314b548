#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"
#include "io.h"
#include "topic.h"

#define CONFIG_MAX ((size_t)64 * 1024)

/* ---- opening ---- */

int
klog_topic_text(
	const struct klog_topic *t, struct klog_buf *text, struct klog_err *err)
{
	if (klog_read_file(t->dir, KLOG_TOPIC_YAML, CONFIG_MAX, text, err) ==
		-1)
		return klog_err_in(err, "%s", t->label);
	return 0;
}

int
klog_topic_parse(const struct klog_topic *t, struct klog_slice text,
	struct klog_topic_config *config, struct klog_err *err)
{
	char where[300];

	snprintf(where, sizeof(where), "%s/" KLOG_TOPIC_YAML, t->label);
	return klog_config_parse(where, text, config, err);
}

int
klog_topic_read_config(const struct klog_topic *t,
	struct klog_topic_config *config, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	int r = klog_topic_text(t, &text, err);

	if (r == 0)
		r = klog_topic_parse(
			t, klog_slice_of(text.data, text.size), config, err);
	klog_buf_free(&text);
	return r;
}

static int
ascending(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* The partitions NAME-N of a Kafka's log directory: 0, or -1 when there is
 * none. */
static int
find_kafka(struct klog_topic *t, struct klog_cluster *c, const char *name,
	struct klog_err *err)
{
	struct klog_buf numbers = { NULL, 0, 0 };
	struct klog_list list = { NULL };
	const char *child;
	int32_t n;
	int r;

	while ((r = klog_cluster_kafka(c, &list, &child, &n, err)) > 0)
		if (strncmp(child, name, strlen(name)) == 0 &&
			child[strlen(name)] == '-' &&
			strrchr(child, '-') == child + strlen(name) &&
			klog_buf_put(&numbers, &n, sizeof(n)) == -1) {
			r = klog_fail_memory(err);
			break;
		}
	klog_list_close(&list);
	if (r == 0 && numbers.size == 0)
		r = klog_fail(err, KLOG_ENOTFOUND, "%s: not there", name);
	if (r == 0)
		t->dir = klog_open_dir(c->dir, ".", err);
	if (t->dir == -1) {
		klog_buf_free(&numbers);
		return -1;
	}
	t->kind = KLOG_KAFKA_TOPIC;
	t->numbers = (int32_t *)(void *)numbers.data;
	t->number_count = (int32_t)(numbers.size / sizeof(n));
	qsort(t->numbers, (size_t)t->number_count, sizeof(n), ascending);
	return 0;
}

static int
find_named(struct klog_topic *t, struct klog_cluster *c, const char *name,
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
	if (t->dir == -1 && err->code == KLOG_ENOTFOUND &&
		find_kafka(t, c, name, err) == 0)
		return 0;
	if (t->dir == -1 && err->code == KLOG_ENOTFOUND)
		return klog_fail(err, KLOG_ENOTFOUND,
			"no topic %s in cluster %s; make it with klog-create, "
			"or name another cluster with -C",
			name, c->path);
	return t->dir == -1 ? -1 : 0;
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
	int32_t n = klog_partition_number(last);
	size_t size;

	t->partition = 0;
	snprintf(t->name, sizeof(t->name), "%s", last);
	if (n >= 0) {
		const char *two = path_end(real, 2);

		snprintf(t->name, sizeof(t->name), "%.*s",
			last > two ? (int)(last - two - 1) : 0, two);
		t->partition = n;
	} else if (klog_partition_name(last, &size, &t->partition)) {
		t->name[size] = '\0';
	} else {
		t->partition = 0;
	}
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
find_path(struct klog_topic *t, const char *path, struct klog_err *err)
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
		} else if (klog_segment_any(t->dir)) {
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
	return r;
}

/* Whether a partition's directory has files of such a name. */
static bool
is_of_partition(const char *name)
{
	static const char *const ends[] = { ".log", ".index", ".timeindex",
		".txnindex", ".snapshot", KLOG_EPOCH_NAME, KLOG_STATE_NAME,
		"partition.metadata" };
	size_t i, n = strlen(name);

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (n >= strlen(ends[i]) &&
			strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

int
klog_topic_find_file(struct klog_topic *t, const char *path, char file[256],
	struct klog_err *err)
{
	char *real = realpath(path, NULL);
	struct stat st;
	int32_t number;
	size_t size;
	int r = -1;

	file[0] = '\0';
	memset(t, 0, sizeof(*t));
	t->dir = -1;
	t->kind = KLOG_PARTITION_DIR;
	if (real == NULL || stat(real, &st) == -1) {
		free(real);
		return klog_fail(err, KLOG_ENOTFOUND, "%s: not there", path);
	}
	snprintf(t->label, sizeof(t->label), "%s",
		strlen(path) < sizeof(t->label) ? path : path_end(real, 2));
	if (S_ISREG(st.st_mode) && strlen(path_end(real, 1)) < 256 &&
		is_of_partition(path_end(real, 1))) {
		snprintf(file, 256, "%s", path_end(real, 1));
		/* that of the directory, but the label is the file's */
		real[path_end(real, 1) - real - 1] = '\0';
	}
	if (file[0] != '\0' ||
		klog_partition_name(path_end(real, 1), &size, &number)) {
		t->dir = klog_open_dir(
			AT_FDCWD, real[0] != '\0' ? real : "/", err);
		r = t->dir == -1 ? -1 : 0;
	}
	if (r == 0) {
		snprintf(t->path, sizeof(t->path), "%s", real);
		name_partition(t, real);
		/* those with segments klog_topic_find knows */
		if (file[0] == '\0' && klog_segment_any(t->dir)) {
			klog_topic_close(t);
			r = -1;
		}
	}
	free(real);
	return r == 0 ? 0
		      : klog_fail(err, KLOG_ENOTFOUND,
				"%s: no file of a partition", path);
}

int
klog_topic_find(struct klog_topic *t, struct klog_cluster *cluster,
	const char *operand, bool write, struct klog_err *err)
{
	int r;

	memset(t, 0, sizeof(*t));
	t->dir = -1;
	t->kind = KLOG_TOPIC;
	if (strchr(operand, '/') != NULL)
		r = find_path(t, operand, err);
	else
		r = find_named(t, cluster, operand, err);
	if (r == 0 && write && t->kind == KLOG_KAFKA_TOPIC)
		r = klog_fail(err, KLOG_EUSAGE,
			"topic %s: cluster %s is a Kafka's, and only read",
			operand, cluster->path);
	else if (r == 0 && write && t->kind != KLOG_TOPIC)
		r = klog_fail(err, KLOG_EUSAGE,
			"%s: only a topic can be written, by its name or its "
			"directory",
			operand);
	if (r == -1)
		klog_topic_close(t);
	return r;
}

int
klog_topic_open(struct klog_topic *t, struct klog_cluster *cluster,
	const char *operand, bool write, struct klog_err *err)
{
	struct klog_err gone;

	if (klog_topic_find(t, cluster, operand, write, err) == -1)
		return -1;
	if (t->kind != KLOG_TOPIC ||
		klog_topic_read_config(t, &t->config, err) == 0)
		return 0;
	/* deleted in this moment, and nothing is wrong with it */
	if (klog_topic_still_there(t, &gone) == -1)
		*err = gone;
	klog_topic_close(t);
	return -1;
}

void
klog_topic_close(struct klog_topic *t)
{
	klog_close_fd(&t->dir);
	free(t->numbers);
	t->numbers = NULL;
}

bool
klog_topic_is_same(const struct klog_topic *t, const struct klog_topic *other)
{
	struct stat a, b;

	return t->kind == other->kind && strcmp(t->name, other->name) == 0 &&
		fstat(t->dir, &a) == 0 && fstat(other->dir, &b) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino;
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
	if (klog_topic_still_there(t, err) == -1)
		return -1;
	if (klog_topic_read_config(t, &config, err) == -1)
		return err->code != KLOG_ENOTFOUND
			? -1
			: klog_fail(err, KLOG_EDELETED,
				  "topic %s: its " KLOG_TOPIC_YAML
				  " was removed while it was open",
				  t->label);
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
	switch (t->kind) {
	case KLOG_TOPIC:
		return t->config.partitions;
	case KLOG_KAFKA_TOPIC:
		return t->number_count;
	default:
		return 1;
	}
}

int32_t
klog_topic_number(const struct klog_topic *t, int32_t i)
{
	switch (t->kind) {
	case KLOG_TOPIC:
		return i;
	case KLOG_KAFKA_TOPIC:
		return t->numbers[i];
	default:
		return t->partition;
	}
}

bool
klog_topic_has(const struct klog_topic *t, int32_t partition)
{
	int32_t i;

	if (t->kind == KLOG_TOPIC)
		return partition >= 0 && partition < t->config.partitions;
	for (i = 0; i < klog_topic_partitions(t); i++)
		if (klog_topic_number(t, i) == partition)
			return true;
	return false;
}

/* A Kafka's partition: what its broker knows stands beside the directory. */
static void
read_foreign(
	const struct klog_topic *t, int32_t partition, struct klog_reader *r)
{
	int up;

	if (r->has_state)
		return;
	up = openat(t->dir, t->kind == KLOG_KAFKA_TOPIC ? "." : "..",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up == -1)
		return;
	if (klog_checkpoint_find(up, "recovery-point-offset-checkpoint",
		    t->name, partition, &r->foreign_point) == 0)
		r->foreign_point = -1;
	if (klog_checkpoint_find(up, "log-start-offset-checkpoint", t->name,
		    partition, &r->foreign_start) == 0)
		r->foreign_start = -1;
	klog_close_fd(&up);
}

int
klog_topic_need(
	const struct klog_topic *t, int32_t partition, struct klog_err *err)
{
	if (partition == -1 || klog_topic_has(t, partition))
		return 0;
	return klog_fail(err, KLOG_ENOTFOUND,
		"topic %s: no partition %" PRId32 ", it has %" PRId32, t->label,
		partition, klog_topic_partitions(t));
}

int
klog_topic_lacks(
	const struct klog_topic *t, int32_t partition, struct klog_err *err)
{
	return klog_fail(err, KLOG_ECORRUPT,
		"topic %s: partition %" PRId32
		": its directory is missing; restore it",
		t->label, partition);
}

int
klog_topic_reader(struct klog_topic *t, int32_t partition,
	const struct klog_say *say, size_t chunk, struct klog_reader *reader,
	struct klog_err *err)
{
	char name[300], label[300];
	int dir;

	if (klog_topic_need(t, partition, err) == -1)
		return -1;
	if (t->kind == KLOG_TOPIC) {
		snprintf(name, sizeof(name), "%" PRId32, partition);
		snprintf(label, sizeof(label), "%s/%s", t->label, name);
		dir = klog_open_dir(t->dir, name, err);
	} else if (t->kind == KLOG_KAFKA_TOPIC) {
		snprintf(name, sizeof(name), "%s-%" PRId32, t->name, partition);
		memcpy(label, name, sizeof(label));
		dir = klog_open_dir(t->dir, name, err);
	} else {
		snprintf(label, sizeof(label), "%s", t->label);
		dir = klog_open_dir(t->dir, ".", err);
	}
	if (dir == -1 && t->kind == KLOG_TOPIC && err->code == KLOG_ENOTFOUND)
		return klog_topic_lacks(t, partition, err);
	if (dir == -1)
		return klog_err_in(err, "%s", t->label);
	if (klog_reader_open(reader, dir, label, say, chunk, err) == -1)
		return -1;
	if (t->kind == KLOG_LOG_FILE)
		reader->only_base = t->base;
	if (t->kind != KLOG_TOPIC)
		read_foreign(t, partition, reader);
	return 0;
}
