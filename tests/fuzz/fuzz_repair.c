/*
 * A partition's directory, repaired: a byte that means nothing, so that the
 * inputs are those of fuzz_writer.c, then the files (tree.h), as a topic's only
 * partition.  --dry-run changes nothing.  A log loses no byte but at its end,
 * and those are kept, but of a batch that a killed writer left.  Where all that
 * was found is mended nothing is found again, and a reader meets no damage.
 */
#include <fcntl.h>
#include <unistd.h>

#include "libklog/io.h"
#include "libklog/repair.h"
#include "tree.h"
#include "walk.h"

#define FRONT 1
#define FILES_MAX (2 * TREE_FILES_MAX)
#define ROUNDS 3 /* what is mended may show what was behind it */

struct file {
	char name[KLOG_FILE_NAME + 64];
	struct klog_buf bytes;
};

struct files {
	struct file list[FILES_MAX];
	size_t count;
};

static struct klog_cluster cluster;
static char path[64];

size_t
LLVMFuzzerCustomMutator(
	uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return tree_mutate(data, size, max_size, seed, FRONT);
}

/* The topic of the zero id, which is that of the states. */
static void
set_up(int topic)
{
	struct klog_topic_config config = { .partitions = 1, .generation = 1 };
	struct klog_buf text = { NULL, 0, 0 };
	struct klog_err err;

	if (path[0] != '\0')
		return;
	klog_settings_init(&config.settings);
	must(klog_config_format("t", &config, &text) == 0);
	tree_write_named(
		topic, KLOG_TOPIC_YAML, klog_slice_of(text.data, text.size));
	klog_buf_free(&text);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", topic);
	must(klog_cluster_open(&cluster, path, NULL, &err) == 0);
}

/* ---- the files of a directory ---- */

/* Its size is what a state said, whose bytes are any. */
static bool
is_index(const char *name)
{
	return klog_file_base(name, ".index") != -1 ||
		klog_file_base(name, ".timeindex") != -1;
}

static void
take_files(int parent, const char *dir_name, struct files *files)
{
	struct klog_list list = { 0 };
	struct klog_err err;
	const char *name;
	int dir = klog_open_dir(parent, dir_name, &err);

	files->count = 0;
	if (dir == -1)
		return;
	while (klog_list_next(&list, dir, &name, &err) == 1) {
		struct file *file = &files->list[files->count];

		if (name[0] == '.' && (name[1] == '\0' || name[1] == '.'))
			continue;
		if (strcmp(name, KLOG_REMOVED_NAME) == 0)
			continue;
		memset(file, 0, sizeof(*file));
		snprintf(file->name, sizeof(file->name), "%s", name);
		must(++files->count < FILES_MAX);
		if (!is_index(name))
			must(tree_read(dir, name, &file->bytes));
	}
	klog_list_close(&list);
	klog_close_fd(&dir);
}

static void
free_files(struct files *files)
{
	while (files->count > 0)
		klog_buf_free(&files->list[--files->count].bytes);
}

static const struct file *
find_file(const struct files *files, const char *name)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		if (strcmp(files->list[i].name, name) == 0)
			return &files->list[i];
	return NULL;
}

static struct klog_slice
bytes_of(const struct file *file, size_t from)
{
	return klog_slice_of(file->bytes.data + from, file->bytes.size - from);
}

static bool
is_kept(const struct files *kept, struct klog_slice end)
{
	size_t i;

	for (i = 0; i < kept->count; i++)
		if (fuzz_same(bytes_of(&kept->list[i], 0), end))
			return true;
	return false;
}

/* Of an unfinished batch that a killed writer left nothing is kept. */
static bool
was_left_over(const struct klog_repaired *list, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (list[i].severity == KLOG_FOUND_LEFTOVER &&
			strstr(list[i].file, name) != NULL)
			return true;
	return false;
}

static void
check_logs(int topic, const struct files *before,
	const struct klog_repaired *list, size_t count)
{
	struct files now, kept;
	size_t i;

	take_files(topic, "0", &now);
	take_files(topic, "0/" KLOG_REMOVED_NAME, &kept);
	for (i = 0; i < before->count; i++) {
		const struct file *was = &before->list[i];
		const struct file *is = find_file(&now, was->name);

		if (klog_file_base(was->name, ".log") == -1)
			continue;
		must(is != NULL && is->bytes.size <= was->bytes.size);
		must(memcmp(is->bytes.data, was->bytes.data, is->bytes.size) ==
			0);
		if (is->bytes.size < was->bytes.size)
			must(is_kept(&kept, bytes_of(was, is->bytes.size)) ||
				was_left_over(list, count, was->name));
	}
	free_files(&now);
	free_files(&kept);
}

static void
check_same(int topic, const struct files *before)
{
	struct files now;
	size_t i;

	take_files(topic, "0", &now);
	must(now.count == before->count);
	for (i = 0; i < before->count; i++) {
		const struct file *is = find_file(&now, before->list[i].name);

		must(is != NULL &&
			fuzz_same(bytes_of(is, 0),
				bytes_of(&before->list[i], 0)));
	}
	free_files(&now);
}

/* ---- repairing ---- */

/* 1 all that was found is mended, 0 there were leftovers at the most, -1 some
 * is left. */
static int
repair(int topic, bool dry_run, struct files *before)
{
	struct klog_repaired *list;
	struct klog_err err;
	size_t count, i;
	int r, mended = 0;

	take_files(topic, "0", before);
	r = klog_dir_repair(&cluster, path, 0, dry_run, &list, &count, &err);
	for (i = 0; i < count; i++) {
		if (!list[i].mended)
			mended = -1;
		else if (list[i].severity != KLOG_FOUND_LEFTOVER && mended == 0)
			mended = 1;
	}
	if (dry_run)
		check_same(topic, before);
	else
		check_logs(topic, before, list, count);
	free_files(before);
	free(list);
	return r == -1 ? -1 : mended;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	struct files *files = calloc(1, sizeof(*files));
	int dir, round, r = 1, topic = tree_fresh();
	struct klog_err err;
	size_t bytes;

	must(files != NULL);
	(void)fuzz_number(&in, FRONT);
	set_up(topic);
	dir = klog_open_dir(topic, "0", &err);
	must(dir != -1);
	bytes = tree_write(dir, in);
	klog_close_fd(&dir);
	(void)repair(topic, true, files);
	for (round = 0; r == 1; round++) {
		must(round <= ROUNDS);
		r = repair(topic, false, files);
	}
	if (r == 0)
		must_be_sound(topic, bytes);
	free(files);
	return 0;
}
