#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster.h"
#include "lock.h"
#include "names.h"
#include "segment.h"
#include "state.h"

static void
begin(struct klog_cluster *c, const struct klog_options *options)
{
	memset(c, 0, sizeof(*c));
	c->dir = -1;
	c->lock_timeout_ms = -1;
	if (options != NULL) {
		c->say = options->say;
		c->lock_timeout_ms = options->lock_timeout_ms;
	}
}

/* Takes the next directory of the list into c->path; false at its end. */
static bool
next_path(struct klog_cluster *c, const char **list)
{
	size_t n = strcspn(*list, ",");

	if (**list == '\0')
		return false;
	if (n >= sizeof(c->path))
		n = sizeof(c->path) - 1;
	memcpy(c->path, *list, n);
	c->path[n] = '\0';
	*list += strcspn(*list, ",");
	if (**list == ',')
		(*list)++;
	return true;
}

static int
find_real(struct klog_cluster *c, struct klog_err *err)
{
	if (realpath(c->path, c->real) != NULL)
		return 0;
	klog_fail_errno(err, "cluster %s", c->path);
	klog_close_fd(&c->dir);
	return -1;
}

int
klog_cluster_open(struct klog_cluster *c, const char *list,
	const struct klog_options *options, struct klog_err *err)
{
	const char *rest = list;

	begin(c, options);
	klog_fail(err, KLOG_EUSAGE, "the cluster's directory has no name");
	while (next_path(c, &rest)) {
		c->dir = klog_open_dir(AT_FDCWD, c->path, err);
		if (c->dir != -1)
			return find_real(c, err);
		if (err->code != KLOG_ENOTFOUND)
			return klog_err_in(err, "cluster");
	}
	if (err->code == KLOG_ENOTFOUND)
		return klog_fail(err, KLOG_ENOTFOUND,
			"cluster %s: not there; name another with -C or "
			"KLOG_CLUSTER, or make it with klog-create",
			list);
	return -1;
}

int
klog_cluster_around(struct klog_cluster *c, const struct klog_cluster *like,
	const char *topic_path, const char **name, struct klog_err *err)
{
	const char *slash = strrchr(topic_path, '/');
	size_t size = (size_t)(slash - topic_path);

	begin(c, NULL);
	c->say = like->say;
	c->lock_timeout_ms = like->lock_timeout_ms;
	*name = slash + 1;
	snprintf(c->real, sizeof(c->real), "%.*s", size > 0 ? (int)size : 1,
		topic_path);
	memcpy(c->path, c->real, sizeof(c->path));
	c->dir = klog_open_dir(AT_FDCWD, c->real, err);
	return c->dir == -1 ? klog_err_in(err, "cluster") : 0;
}

void
klog_cluster_close(struct klog_cluster *c)
{
	klog_close_fd(&c->dir);
}

static bool
is_topic(int dir, const char *name)
{
	char path[KLOG_TOPIC_MAX + 16];
	struct klog_err ignored;
	struct stat st;

	if (klog_topic_name_check(name, &ignored) == -1)
		return false;
	snprintf(path, sizeof(path), "%.249s/" KLOG_TOPIC_YAML, name);
	/* one that may not be looked into is there, too */
	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
		errno == EACCES;
}

/* Whether the directory may become a cluster: 2 it is one, 1 empty, 0 it
 * holds other things, -1. */
static int
look_around(struct klog_cluster *c, struct klog_err *err)
{
	struct klog_list list = { NULL };
	const char *name;
	int found = 1;
	int r;

	while ((r = klog_list_next(&list, c->dir, &name, err)) > 0) {
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
			strcmp(name, "lost+found") == 0)
			continue;
		found = 0;
		/* what a maker left is enough: the name of the lock file may
		 * be lost in a power cut */
		if (strcmp(name, KLOG_LOCK_NAME) == 0 ||
			strcmp(name, KLOG_NEW_TOPIC) == 0 ||
			is_topic(c->dir, name)) {
			found = 2;
			break;
		}
	}
	klog_list_close(&list);
	return r == -1 ? -1 : found;
}

int
klog_cluster_make(struct klog_cluster *c, const char *list,
	const struct klog_options *options, struct klog_err *err)
{
	const char *rest = list;
	int r = klog_cluster_open(c, list, options, err);

	if (r == -1 && err->code == KLOG_ENOTFOUND) {
		if (!next_path(c, &rest) || klog_make_path(c->path, err) == -1)
			return klog_err_in(err, "cluster %s", c->path);
		c->dir = klog_open_dir(AT_FDCWD, c->path, err);
		r = c->dir == -1 ? -1 : find_real(c, err);
	}
	if (r == -1)
		return -1;
	r = look_around(c, err);
	c->is_new = r == 1;
	if (r == 0)
		klog_fail(err, KLOG_EREFUSED,
			"cluster %s: the directory holds other things and no "
			"topic; name an empty or a new one",
			c->path);
	if (r <= 0) {
		klog_cluster_close(c);
		return -1;
	}
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
klog_cluster_kafka(struct klog_cluster *c, struct klog_list *list,
	const char **name, int32_t *partition, struct klog_err *err)
{
	struct klog_err ignored;
	size_t size;
	int r;

	while ((r = klog_list_next(list, c->dir, name, err)) > 0) {
		bool any;
		int dir;

		if (!klog_partition_name(*name, &size, partition))
			continue;
		dir = klog_open_dir(c->dir, *name, &ignored);
		any = dir != -1 ? klog_segment_any(dir)
				: ignored.sys_errno == EACCES;
		klog_close_fd(&dir);
		if (any)
			return 1;
	}
	return r == -1 ? klog_err_in(err, "cluster %s", c->path) : 0;
}

/* klog's topics, and the names of a Kafka's partitions without their numbers:
 * one NUL behind each. */
static int
put_names(struct klog_cluster *c, struct klog_buf *text, struct klog_err *err)
{
	struct klog_list list = { NULL };
	const char *name;
	int32_t partition;
	int r, put = 0;

	while ((r = klog_list_next(&list, c->dir, &name, err)) > 0 && put == 0)
		if (is_topic(c->dir, name))
			put = klog_buf_put(text, name, strlen(name) + 1);
	klog_list_close(&list);
	while (r != -1 && put == 0 &&
		(r = klog_cluster_kafka(c, &list, &name, &partition, err)) >
			0) {
		put = klog_buf_put(
			text, name, (size_t)(strrchr(name, '-') - name));
		if (put == 0)
			put = klog_buf_put(text, "", 1);
	}
	klog_list_close(&list);
	return put == -1 ? klog_fail_memory(err) : r == -1 ? -1 : 0;
}

int
klog_cluster_topics(struct klog_cluster *c, char ***names, size_t *count,
	struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	size_t i, n = 0, all = 0;
	char *to;

	if (put_names(c, &text, err) == -1) {
		klog_buf_free(&text);
		return klog_err_in(err, "cluster %s", c->path);
	}
	for (i = 0; i < text.size; i++)
		all += text.data[i] == '\0';
	*names = malloc(all * sizeof(char *) + text.size + 1);
	if (*names == NULL) {
		klog_buf_free(&text);
		return klog_fail_memory(err);
	}
	to = (char *)(*names + all);
	if (text.size > 0)
		memcpy(to, text.data, text.size);
	klog_buf_free(&text);
	for (i = 0; i < all; i++, to += strlen(to) + 1)
		(*names)[i] = to;
	if (all > 1)
		qsort(*names, all, sizeof(char *), by_name);
	/* a Kafka's topic stands there once for each partition */
	for (i = 0; i < all; i++)
		if (n == 0 || strcmp((*names)[n - 1], (*names)[i]) != 0)
			(*names)[n++] = (*names)[i];
	*count = n;
	return 0;
}

int
klog_cluster_lock(struct klog_cluster *c, int *fd, struct klog_err *err)
{
	struct klog_wait wait = { .say = &c->say,
		.timeout_ms = c->lock_timeout_ms,
		.what = c->path };

	*fd = klog_create_file(c->dir, KLOG_LOCK_NAME, NULL, err);
	if (*fd == -1)
		return klog_err_in(err, "cluster %s", c->path);
	if (klog_lock(*fd, 0, 1, &wait, err) == -1) {
		klog_close_fd(fd);
		return -1;
	}
	if (c->is_new)
		klog_sayf(&c->say, 0, "new cluster in %s", c->path);
	c->is_new = false;
	return 0;
}

void
klog_cluster_unlock(int *fd)
{
	klog_close_fd(fd);
}

/* NAME-ID, behind the prefix: nothing that a user might call so. */
static bool
is_deleted(const char *name)
{
	size_t size = strlen(name);
	uint8_t id[KLOG_TOPIC_ID];

	return size > 23 && name[size - 23] == '-' &&
		klog_topic_id_parse(name + size - 22, 22, id);
}

void
klog_cluster_tidy(struct klog_cluster *c)
{
	const size_t deleted_size = strlen(KLOG_DELETED_PREFIX);
	struct klog_list list = { NULL };
	struct klog_err ignored;
	const char *name;

	while (klog_list_next(&list, c->dir, &name, &ignored) > 0)
		if (strcmp(name, KLOG_NEW_TOPIC) == 0 ||
			(strncmp(name, KLOG_DELETED_PREFIX, deleted_size) ==
					0 &&
				is_deleted(name + deleted_size)))
			(void)klog_remove_dir(
				c->dir, name, KLOG_TOPIC_DEPTH, &ignored);
	klog_list_close(&list);
}
