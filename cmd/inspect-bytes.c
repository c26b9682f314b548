/* klog-inspect --bytes: one batch, byte by byte, and what it means. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

static const char *const heads[] = { "BYTES", "HEX", "FIELD", "VALUE",
	"MEANING" };
static const char *const json_heads[] = { "FILE", "FROM", "TO", "UNPACKED",
	"HEX", "FIELD", "VALUE", "MEANING" };

/* In a column a long run of bytes is cut, and its end shown. */
enum { SHOWN = 16 };

static void
add_hex(struct table *table, struct klog_slice bytes)
{
	size_t n = table->json || bytes.size <= SHOWN ? bytes.size : SHOWN - 2;
	char *text = malloc(2 * bytes.size + 8);
	size_t i, used = 0;

	if (text == NULL) {
		table->failed = true;
		return;
	}
	text[0] = '\0';
	for (i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, 3, "%02x", bytes.data[i]);
	if (n < bytes.size)
		snprintf(text + used, 8, "..%02x%02x",
			bytes.data[bytes.size - 2], bytes.data[bytes.size - 1]);
	table_text(table, text);
	free(text);
}

/* The ranges of decompressed records have a + in front. */
static void
add_range(struct table *table, const struct klog_field *f)
{
	char text[64];

	if (f->to - f->from <= 1)
		snprintf(text, sizeof(text), "%s%" PRId64,
			f->unpacked ? "+" : "", f->from);
	else
		snprintf(text, sizeof(text), "%s%" PRId64 "-%" PRId64,
			f->unpacked ? "+" : "", f->from, f->to - 1);
	table_text(table, text);
}

static void
add_field(struct table *table, const char *file, const struct klog_field *f)
{
	if (table->json) {
		table_text(table, file);
		table_number(table, f->from);
		table_number(table, f->to);
		table_bool(table, f->unpacked);
	} else {
		add_range(table, f);
	}
	add_hex(table, f->bytes);
	table_text(table, f->name);
	inspect_add_words(table, f->value);
	if (f->meaning[0] != '\0')
		inspect_add_words(table, f->meaning);
	else
		table_none(table);
}

int
inspect_bytes(struct inspect *in, int64_t offset)
{
	const struct args_topic *topic = &in->topics[0];
	struct klog_batch_info info;
	struct klog_field field;
	struct klog_dump *d;
	struct klog_err err;
	struct table table;
	int r, status = 0;

	d = klog_dump_open(in->klog, topic->name, topic->partition, &err);
	if (d == NULL)
		return cli_fail_topic(in->cli, topic->name, &err);
	if (klog_dump_find(d, offset, &info, &err) == -1) {
		klog_dump_close(d);
		return cli_fail(in->cli, &err);
	}
	if (!in->json)
		printf("%s: %" PRId64 " bytes at %" PRId64 ", offsets %" PRId64
		       " to %" PRId64 "\n",
			info.file, info.size, info.position, info.base_offset,
			info.last_offset);
	if (in->json)
		table_init(&table, json_heads, CLI_COUNT(json_heads), true);
	else
		table_init(&table, heads, CLI_COUNT(heads), false);
	while ((r = klog_dump_field(d, &field, &err)) == 1) {
		add_field(&table, info.file, &field);
		if (table_step(&table) == -1)
			break;
	}
	status = inspect_print(in, &table);
	fflush(stdout);
	if (r == -1)
		status = cli_worse(status, cli_fail(in->cli, &err));
	if (!info.valid)
		status = cli_worse(status, klog_exit_status(KLOG_ECORRUPT));
	klog_dump_close(d);
	return status;
}
