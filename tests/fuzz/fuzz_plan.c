/*
 * What a klog-clean that was killed was about to do, and the files that it
 * left: the plan is read as it is written, and tidying ends, leaves nothing
 * half done behind, and never takes the first segment.
 *
 * The first two bytes of the input say which files of new segments are there,
 * six bits for that of offset 0, and as many for that of offset 10; the rest
 * is the plan, to which its end and the right checksum are added.
 */
#include "libklog/crc32c.h"
#include "libklog/names.h"
#include "libklog/swap.h"
#include "tree.h"

static const char *const suffixes[] = { ".log.cleaned", ".index.cleaned",
	".timeindex.cleaned", ".log.swap", ".index.swap", ".timeindex.swap" };

#define SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

static bool
is_there(int dir, int64_t base, const char *suffix)
{
	struct klog_buf bytes = { NULL, 0, 0 };
	char name[KLOG_FILE_NAME];
	bool found;

	klog_file_name(name, base, suffix);
	found = tree_read(dir, name, &bytes);
	klog_buf_free(&bytes);
	return found;
}

static void
write_one(int dir, int64_t base, const char *suffix)
{
	char name[KLOG_FILE_NAME];

	klog_file_name(name, base, suffix);
	tree_write_named(dir, name, klog_slice_of(suffix, strlen(suffix)));
}

static void
write_plan(int dir, struct klog_slice body)
{
	struct klog_buf text = { NULL, 0, 0 };
	char sum[KLOG_CRC32C_TEXT];

	must(klog_buf_put(&text, body.data, body.size) == 0 &&
		klog_buf_put(&text, "end", 3) == 0);
	klog_crc32c_text(sum, (char *)text.data, text.size);
	must(klog_buf_put(&text, sum, strlen(sum)) == 0 &&
		klog_buf_put(&text, "\n", 1) == 0);
	tree_write_named(
		dir, KLOG_PLAN_NAME, klog_slice_of(text.data, text.size));
	klog_buf_free(&text);
}

static void
check_plan(int dir, const struct klog_plan *plan)
{
	struct klog_plan again;
	struct klog_err err;
	int64_t end = 0;
	size_t i;

	must(plan->from >= 0 && plan->to >= plan->from);
	must(plan->count <= KLOG_PLAN_ROWS);
	for (i = 0; i < plan->count; i++) {
		must(plan->rows[i].base >= end);
		must(plan->rows[i].next > plan->rows[i].base);
		end = plan->rows[i].next;
	}
	must(klog_plan_write(dir, plan, &err) == 0);
	must(klog_plan_read(dir, &again, &err) == 1);
	must(again.from == plan->from && again.to == plan->to);
	must(again.count == plan->count);
	must(plan->count == 0 ||
		memcmp(again.rows, plan->rows,
			plan->count * sizeof(plan->rows[0])) == 0);
	klog_plan_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_plan plan;
	struct klog_err err;
	size_t i, base;
	int dir, r;

	if (size < 2)
		return 0;
	dir = tree_fresh();
	for (base = 0; base < 3; base++)
		write_one(dir, (int64_t)base * 10, ".log");
	for (base = 0; base < 2; base++)
		for (i = 0; i < SUFFIXES; i++)
			if (data[base] & 1 << i)
				write_one(dir, (int64_t)base * 10, suffixes[i]);
	write_plan(dir, klog_slice_of(data + 2, size - 2));
	r = klog_plan_read(dir, &plan, &err);
	if (r != 1) {
		must(r == -1 && err.code == KLOG_ECORRUPT);
		return 0;
	}
	check_plan(dir, &plan);
	must(klog_swap_tidy(dir, &plan, &err) == 0);
	must(is_there(dir, 0, ".log"));
	for (base = 0; base < 2; base++)
		for (i = 0; i < 3; i++)
			must(!is_there(dir, (int64_t)base * 10, suffixes[i]));
	/* once more there is nothing to do */
	must(klog_swap_tidy(dir, &plan, &err) == 0);
	klog_plan_free(&plan);
	return 0;
}
