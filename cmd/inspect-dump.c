/* klog-inspect --segments, --batches, --records, and files of entries: what is
 * in them, a line each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "json.h"
#include "libklog/err.h"

static const char *const segment_heads[] = { "FILE", "BASE_OFFSET",
	"LAST_OFFSET", "SIZE", "RECORDS" };
static const char *const batch_heads[] = { "FILE", "BASE_OFFSET", "LAST_OFFSET",
	"RECORDS", "POSITION", "SIZE", "CRC", "CODEC", "MAGIC", "EPOCH",
	"TSTYPE", "MAX_TS", "PRODUCER_ID", "PRODUCER_EPOCH", "BASE_SEQUENCE",
	"LAST_SEQUENCE", "TRANSACTIONAL", "CONTROL", "DELETE_HORIZON",
	"VALID" };
static const char *const record_heads[] = { "TOPIC", "PARTITION", "OFFSET",
	"TSTYPE", "TS", "KEY", "PAYLOAD", "HEADERS", "CONTROL" };

/* ---- cells ---- */

/* Bytes as text: those that are none are escaped by the table, NULs here. */
static void
add_bytes(struct table *table, struct klog_slice bytes)
{
	enum { LONGEST = 1024 };
	char text[4 * LONGEST + 8];
	size_t i, n = 0;

	if (bytes.data == NULL) {
		table_none(table);
		return;
	}
	for (i = 0; i < bytes.size && i < LONGEST; i++)
		if (bytes.data[i] != '\0')
			text[n++] = (char)bytes.data[i];
		else
			n += (size_t)snprintf(text + n, 5, "\\x00");
	snprintf(text + n, 4, "%s", i < bytes.size ? "..." : "");
	table_text(table, text);
}

/* "name=value,name": of a record's headers. */
static void
add_headers(struct table *table, struct klog_slice headers)
{
	struct klog_buf text = { NULL, 0, 0 };
	struct klog_header header;
	int bad = 0;

	while (klog_header_next(&headers, &header) == 1) {
		if (text.size > 0)
			bad |= klog_buf_put(&text, ",", 1);
		bad |= klog_buf_put(&text, header.name.data, header.name.size);
		if (header.value.data == NULL)
			continue;
		bad |= klog_buf_put(&text, "=", 1);
		bad |= klog_buf_put(
			&text, header.value.data, header.value.size);
	}
	table->failed |= bad != 0;
	add_bytes(table, klog_slice_of(text.data, text.size));
	klog_buf_free(&text);
}

static void
add_segment(struct table *table, const struct klog_segment_info *info)
{
	table_text(table, info->file);
	table_number(table, info->base_offset);
	table_known(table, info->last_offset);
	table_number(table, info->size);
	table_number(table, info->records);
}

static void
add_batch(struct table *table, const struct klog_batch_info *info)
{
	table_text(table, info->file);
	table_number(table, info->base_offset);
	table_number(table, info->last_offset);
	table_known(table, info->records);
	table_number(table, info->position);
	table_number(table, info->size);
	table_number(table, info->crc);
	table_text(table, info->codec);
	table_number(table, info->magic);
	table_known(table, info->epoch);
	table_text(table, info->timestamp_type);
	table_known(table, info->max_timestamp_ms);
	table_known(table, info->producer_id);
	table_known(table, info->producer_epoch);
	table_known(table, info->base_sequence);
	table_known(table, info->last_sequence);
	table_bool(table, info->transactional);
	table_bool(table, info->control);
	table_known(table, info->delete_horizon_ms);
	table_bool(table, info->valid);
}

static void
add_record(struct table *table, const struct klog_run *run,
	const struct klog_record *rec, bool control)
{
	table_text(table, run->topic);
	table_number(table, run->partition);
	table_number(table, rec->offset);
	table_text(table,
		run->no_timestamps             ? "unknown"
			: run->log_append_time ? "logappend"
					       : "create");
	table_known(table, rec->timestamp_ms);
	add_bytes(table, rec->key);
	add_bytes(table, rec->value);
	add_headers(table, rec->headers);
	if (control)
		table_text(table, klog_marker_of(rec).type);
	else
		table_none(table);
}

/* ---- a record as JSON: klog-consume's keys, and what else is known ---- */

static int
print_record(struct klog_buf *line, const struct klog_run *run,
	const struct klog_record *rec, const struct klog_batch_info *info,
	struct klog_err *err)
{
	char more[200];
	int n;

	line->size = 0;
	if (json_put(line, run, rec, err) == -1)
		return -1;
	line->size--; /* its brace */
	n = snprintf(more, sizeof(more), ",\"control\":%s",
		info->control ? "true" : "false");
	if (info->control) {
		struct klog_marker m = klog_marker_of(rec);

		n += snprintf(more + n, sizeof(more) - (size_t)n,
			",\"marker\":\"%s\",\"coordinator_epoch\":%" PRId32,
			m.type, m.coordinator_epoch);
	}
	if (info->base_sequence >= 0)
		n += snprintf(more + n, sizeof(more) - (size_t)n,
			",\"sequence\":%" PRId64,
			(info->base_sequence + rec->offset -
				info->base_offset) &
				INT32_MAX);
	n += snprintf(more + n, sizeof(more) - (size_t)n,
		",\"epoch\":%" PRId32 "}\n", info->epoch);
	if (klog_buf_put(line, more, (size_t)n) == -1)
		return klog_fail_memory(err);
	fwrite(line->data, 1, line->size, stdout);
	return 0;
}

/* ---- one operand ---- */

struct work {
	struct inspect *in;
	struct table table;
	bool begun; /* the table has its heads */
	struct klog_buf line;
};

/* 1 a row, 0 the end, -1 */
static int
segments(struct work *w, struct klog_dump *d, struct klog_err *err)
{
	struct klog_segment_info info;
	int r = klog_dump_segment(d, &info, err);

	if (r == 1)
		add_segment(&w->table, &info);
	return r;
}

static int
batches(struct work *w, struct klog_dump *d, struct klog_err *err)
{
	struct klog_batch_info info;
	int r = klog_dump_batch(d, &info, err);

	if (r != 1)
		return r;
	add_batch(&w->table, &info);
	if (info.valid)
		return 1;
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: batch at %" PRId64 ": bad checksum", info.file,
		info.position);
}

static int
records(struct work *w, struct klog_dump *d, struct klog_err *err)
{
	struct klog_batch_info info;
	struct klog_run run;
	size_t i;
	int r = klog_dump_records(d, &run, &info, err);

	for (i = 0; r == 1 && i < run.count; i++) {
		if (!w->in->json)
			add_record(
				&w->table, &run, &run.records[i], info.control);
		else if (print_record(&w->line, &run, &run.records[i], &info,
				 err) == -1)
			return -1;
	}
	return r;
}

static int
entries(struct work *w, struct klog_dump *d, struct klog_err *err)
{
	int64_t values[KLOG_FIELDS_MAX];
	const char *file;
	size_t i;
	int r = klog_dump_entry(d, &file, values, err);

	if (r != 1)
		return r;
	table_text(&w->table, file);
	for (i = 0; i + 1 < w->table.columns; i++)
		if (values[i] == INT64_MIN)
			table_none(&w->table);
		else
			table_number(&w->table, values[i]);
	return 1;
}

typedef int step(struct work *w, struct klog_dump *d, struct klog_err *err);

/* Row after row; what is damaged is said, and what lies behind it shown. */
static int
all(struct work *w, struct klog_dump *d, step *next)
{
	struct klog_err err;
	int r, status = 0;

	while ((r = next(w, d, &err)) != 0) {
		if (r == -1) {
			/* rows first, so that they stand before it */
			if (table_print(&w->table) == -1)
				break;
			fflush(stdout);
			status = cli_worse(status, cli_fail(w->in->cli, &err));
			if (err.code != KLOG_ECORRUPT)
				break;
		}
		if (ferror(stdout) || table_step(&w->table) == -1)
			break;
	}
	return status;
}

/* A file of entries has columns of its own, under its own header line. */
static int
all_entries(struct work *w, struct klog_dump *d)
{
	const char *const *names;
	const char *heads[KLOG_FIELDS_MAX + 1];
	char text[KLOG_FIELDS_MAX][40];
	struct table before = w->table;
	size_t i, j, n = klog_dump_fields(d, &names);
	int status;

	heads[0] = "FILE";
	for (i = 0; i < n; i++) {
		for (j = 0; names[i][j] != '\0' && j < 39; j++)
			text[i][j] = names[i][j] == '_'
				? '_'
				: (char)(names[i][j] - 'a' + 'A');
		text[i][j] = '\0';
		heads[i + 1] = text[i];
	}
	table_init(&w->table, heads, n + 1, w->in->json);
	status = all(w, d, entries);
	status = cli_worse(status, inspect_print(w->in, &w->table));
	w->table = before;
	return status;
}

static int
dump(struct work *w, const struct args_topic *topic, step *next)
{
	const char *const *names;
	struct klog_dump *d;
	struct klog_err err;
	int status;

	d = klog_dump_open(w->in->klog, topic->name, topic->partition, &err);
	if (d == NULL)
		return cli_fail_topic(w->in->cli, topic->name, &err);
	if (klog_dump_fields(d, &names) > 0) {
		status = all_entries(w, d);
	} else {
		w->begun = true;
		status = all(w, d, next);
	}
	klog_dump_close(d);
	return status;
}

static int
dump_all(struct work *w, step *next)
{
	struct args_topic topic = { NULL, -1 };
	struct klog_topic_info *list;
	struct klog_err err;
	size_t i, count;
	int status = 0;

	if (klog_topics(w->in->klog, &list, &count, &err) == -1)
		return cli_fail(w->in->cli, &err);
	for (i = 0; i < count; i++) {
		topic.name = list[i].name;
		status = cli_worse(status, dump(w, &topic, next));
	}
	free(list);
	return status;
}

int
inspect_dump(struct inspect *in, enum inspect_depth depth)
{
	struct work w = { .in = in };
	step *next = depth == INSPECT_SEGMENTS ? segments
		: depth == INSPECT_BATCHES     ? batches
					       : records;
	int status = 0;
	size_t i;

	if (depth == INSPECT_SEGMENTS)
		table_init(&w.table, segment_heads, CLI_COUNT(segment_heads),
			in->json);
	else if (depth == INSPECT_BATCHES)
		table_init(&w.table, batch_heads, CLI_COUNT(batch_heads),
			in->json);
	else
		table_init(&w.table, record_heads, CLI_COUNT(record_heads),
			in->json);
	for (i = 0; i < in->count; i++)
		status = cli_worse(status, dump(&w, &in->topics[i], next));
	if (in->count == 0)
		status = dump_all(&w, next);
	if (w.begun)
		status = cli_worse(status, inspect_print(in, &w.table));
	else
		table_free(&w.table);
	klog_buf_free(&w.line);
	return status;
}

bool
inspect_is_entries(const struct inspect *in, const char *path)
{
	const char *const *names;
	struct klog_dump *d;
	struct klog_err err;
	bool is;

	if (strchr(path, '/') == NULL)
		return false;
	d = klog_dump_open(in->klog, path, -1, &err);
	is = d != NULL
		? klog_dump_fields(d, &names) > 0
		: err.code == KLOG_ECORRUPT && strstr(path, ".log") == NULL &&
			strstr(path, "leader-epoch-checkpoint") != NULL;
	klog_dump_close(d);
	return is;
}
