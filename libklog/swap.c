#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "io.h"
#include "names.h"
#include "segment.h"
#include "swap.h"

#define PLAN_MAX ((size_t)8 * 1024 * 1024)
#define HEAD "klog-clean 1"
#define TAIL "end" /* and the checksum of all before it */

/* ---- the plan ---- */

static int
take_two(char *line, int64_t *a, int64_t *b)
{
	char *rest = line;

	*a = klog_number(strsep(&rest, " "), INT64_MAX);
	*b = rest != NULL ? klog_number(rest, INT64_MAX) : -1;
	return *a < 0 || *b < *a ? -1 : 0;
}

static int
parse(char *text, struct klog_plan *plan)
{
	char *rest = text, *line;
	int64_t end = 0;

	line = strsep(&rest, "\n");
	if (strcmp(line, HEAD) != 0 || rest == NULL)
		return -1;
	line = strsep(&rest, "\n");
	if (take_two(line, &plan->from, &plan->to) == -1)
		return -1;
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		struct klog_swap_row *g = &plan->rows[plan->count];

		if (rest == NULL)
			return strcmp(line, TAIL) == 0 ? 0 : -1;
		if (plan->count == KLOG_PLAN_ROWS ||
			take_two(line, &g->base, &g->next) == -1 ||
			g->base < end || g->next == g->base)
			return -1;
		end = g->next;
		plan->count++;
	}
	return -1;
}

/* Whether it is whole; then it is cut behind TAIL. */
static bool
is_whole(struct klog_buf *text)
{
	if (text->size == 0 || text->data[text->size - 1] != '\n')
		return false;
	text->data[text->size - 1] = '\0';
	return strlen((char *)text->data) == text->size - 1 &&
		klog_crc32c_cut((char *)text->data);
}

int
klog_plan_read(int dir, struct klog_plan *plan, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	size_t i, lines = 1;
	int r;

	memset(plan, 0, sizeof(*plan));
	if (klog_read_file(dir, KLOG_PLAN_NAME, PLAN_MAX, &text, err) == -1) {
		klog_buf_free(&text);
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	}
	for (i = 0; i < text.size; i++)
		lines += text.data[i] == '\n';
	plan->rows = calloc(lines, sizeof(plan->rows[0]));
	if (plan->rows == NULL) {
		klog_buf_free(&text);
		return klog_fail_memory(err);
	}
	r = is_whole(&text) ? parse((char *)text.data, plan) : -1;
	klog_buf_free(&text);
	if (r == 0)
		return 1;
	klog_plan_free(plan);
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: damaged: what an interrupted klog-clean was about to do; "
		"remove it, and the files *.cleaned and *.swap, if the "
		"segments are all there",
		KLOG_PLAN_NAME);
}

int
klog_plan_write(int dir, const struct klog_plan *plan, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	char line[64], sum[KLOG_CRC32C_TEXT];
	size_t i;
	int n = snprintf(line, sizeof(line), HEAD "\n%" PRId64 " %" PRId64 "\n",
		plan->from, plan->to);
	int r = klog_buf_put(&text, line, (size_t)n);

	for (i = 0; r == 0 && i < plan->count; i++) {
		n = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 "\n",
			plan->rows[i].base, plan->rows[i].next);
		r = klog_buf_put(&text, line, (size_t)n);
	}
	if (r == 0)
		r = klog_buf_put(&text, TAIL, strlen(TAIL));
	if (r == 0) {
		klog_crc32c_text(sum, (char *)text.data, text.size);
		n = snprintf(line, sizeof(line), "%s\n", sum);
		r = klog_buf_put(&text, line, (size_t)n);
	}
	if (r == -1)
		klog_fail_memory(err);
	else
		r = klog_replace_file(dir, KLOG_PLAN_NAME,
			klog_slice_of(text.data, text.size), err);
	klog_buf_free(&text);
	return r;
}

int
klog_plan_end(
	int dir, struct klog_plan *plan, int64_t begun, struct klog_err *err)
{
	plan->count = 0;
	plan->from = plan->to;
	if (plan->to < begun)
		plan->to = begun;
	return klog_plan_write(dir, plan, err);
}

void
klog_plan_free(struct klog_plan *plan)
{
	free(plan->rows);
	plan->rows = NULL;
	plan->count = 0;
}

/* ---- files ---- */

static const char *const parts[] = { ".log", ".index", ".timeindex" };
enum { LOG, INDEX, TIMEINDEX, PARTS };

static void
name_part(char name[KLOG_FILE_NAME], int64_t base, int part, const char *suffix)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%s", parts[part], suffix);
	klog_file_name(name, base, text);
}

static bool
exists(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
unlink_one(int dir, const char *name, struct klog_err *err)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	return klog_fail_errno(err, "%s: remove", name);
}

static int
rename_one(int dir, int64_t base, int part, const char *from, const char *to,
	struct klog_err *err)
{
	char old[KLOG_FILE_NAME], new[KLOG_FILE_NAME];

	name_part(old, base, part, from);
	name_part(new, base, part, to);
	return klog_rename_over(dir, old, new, err);
}

int
klog_segment_remove(int dir, int64_t base, struct klog_err *err)
{
	static const char *const suffixes[] = { ".index", ".timeindex",
		".txnindex", ".snapshot", ".log" };
	char name[KLOG_FILE_NAME];
	size_t i;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		klog_file_name(name, base, suffixes[i]);
		if (unlink_one(dir, name, err) == -1)
			return -1;
	}
	return 0;
}

/* ---- replacing ---- */

/* The segments that the new one stands for, but the first. */
static int
unlink_others(int dir, const struct klog_swap_row *row, struct klog_err *err)
{
	struct klog_bases bases;
	size_t i;
	int r = klog_segment_list(dir, &bases, err);

	for (i = 0; r == 0 && i < bases.count; i++)
		if (bases.base[i] > row->base && bases.base[i] < row->next)
			r = klog_segment_remove(dir, bases.base[i], err);
	klog_bases_free(&bases);
	return r;
}

/* From any point on once all three are .swap; each step done twice is done. */
static int
finish(int dir, const struct klog_swap_row *row, struct klog_err *err)
{
	char name[KLOG_FILE_NAME];
	int part;

	name_part(name, row->base, LOG, KLOG_SWAP);
	if (exists(dir, name) &&
		rename_one(dir, row->base, LOG, KLOG_SWAP, "", err) == -1)
		return -1;
	/* the old ones go when nothing can bring back the old first one */
	if (klog_sync_dir(dir, name, err) == -1 ||
		unlink_others(dir, row, err) == -1 ||
		klog_sync_dir(dir, name, err) == -1)
		return -1;
	for (part = INDEX; part < PARTS; part++) {
		name_part(name, row->base, part, KLOG_SWAP);
		if (exists(dir, name) &&
			rename_one(dir, row->base, part, KLOG_SWAP, "", err) ==
				-1)
			return -1;
	}
	return klog_sync_dir(dir, name, err);
}

int
klog_swap_in(int dir, const struct klog_swap_row *row, struct klog_err *err)
{
	int part;

	/* the time index first: without a .cleaned it stands for all three */
	for (part = TIMEINDEX; part >= 0; part--)
		if (rename_one(dir, row->base, part, ".cleaned", KLOG_SWAP,
			    err) == -1)
			return -1;
	if (klog_sync_dir(dir, "segments", err) == -1)
		return -1;
	return finish(dir, row, err);
}

bool
klog_swap_stands(int dir, int64_t base)
{
	char log[KLOG_FILE_NAME], time[KLOG_FILE_NAME], cleaned[KLOG_FILE_NAME];

	name_part(log, base, LOG, KLOG_SWAP);
	name_part(time, base, TIMEINDEX, KLOG_SWAP);
	name_part(cleaned, base, LOG, ".cleaned");
	return exists(dir, time) && !exists(dir, log) && !exists(dir, cleaned);
}

/* ---- tidying ---- */

/* Drops the files with one of the suffixes, of a base or (-1) of any. */
static int
drop(int dir, int64_t base, const char *suffix, struct klog_err *err)
{
	struct klog_list list = { NULL };
	const char *name;
	char want[32];
	int r, part;

	while ((r = klog_list_next(&list, dir, &name, err)) > 0) {
		for (part = 0; part < PARTS; part++) {
			int64_t of;

			snprintf(want, sizeof(want), "%s%s", parts[part],
				suffix);
			of = klog_file_base(name, want);
			if (of == -1 || (base != -1 && of != base))
				continue;
			if (unlink_one(dir, name, err) == -1)
				r = -1;
		}
		if (r == -1)
			break;
	}
	klog_list_close(&list);
	return r;
}

static bool
has_any(int dir, int64_t base, const char *suffix)
{
	char name[KLOG_FILE_NAME];
	int part;

	for (part = 0; part < PARTS; part++) {
		name_part(name, base, part, suffix);
		if (exists(dir, name))
			return true;
	}
	return false;
}

int
klog_swap_tidy(int dir, const struct klog_plan *plan, struct klog_err *err)
{
	bool dropped = false;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		const struct klog_swap_row *row = &plan->rows[i];

		if (has_any(dir, row->base, ".cleaned")) {
			if (drop(dir, row->base, KLOG_SWAP, err) == -1)
				return -1;
			dropped = true;
		} else if (has_any(dir, row->base, KLOG_SWAP) &&
			finish(dir, row, err) == -1) {
			return -1;
		}
	}
	/* a power cut that took the .cleaned alone would leave a .swap that
	 * seems to stand for all three */
	if (dropped && klog_sync_dir(dir, ".swap", err) == -1)
		return -1;
	return drop(dir, -1, ".cleaned", err);
}
