/* klog-inspect --verify and --repair: what is wrong, a line per damaged range,
 * and what was done about it. */
#include <stdlib.h>

#include "inspect.h"

static const char *const heads[] = { "FILE", "POSITION", "SIZE", "OFFSET",
	"WHAT", "SEVERITY" };

static const char *const repair_heads[] = { "FILE", "POSITION", "SIZE",
	"OFFSET", "WHAT", "SEVERITY", "DONE" };

static const char *const severities[] = { "leftover", "index", "damage" };

static void
add_finding(struct table *table, const struct klog_finding *f)
{
	table_text(table, f->file);
	table_number(table, f->position);
	table_number(table, f->size);
	table_known(table, f->offset);
	inspect_add_words(table, f->what);
	table_text(table, severities[f->severity]);
}

/* Without a name it is whatever topics are there. */
static int
fail(struct inspect *in, const char *topic, const struct klog_err *err)
{
	if (in->count == 0 &&
		(err->code == KLOG_ENOTFOUND || err->code == KLOG_EDELETED))
		return 0;
	return cli_fail_topic(in->cli, topic, err);
}

static int
verify(struct inspect *in, const char *topic, int32_t partition,
	struct table *table, bool *found)
{
	struct klog_verify *v;
	struct klog_finding f;
	struct klog_err err;
	int r, status = 0;

	v = klog_verify_open(in->klog, topic, partition, &err);
	if (v == NULL)
		return fail(in, topic, &err);
	while ((r = klog_verify_next(v, &f, &err)) == 1) {
		*found = true;
		add_finding(table, &f);
		if (f.severity != KLOG_FOUND_LEFTOVER)
			status = klog_exit_status(KLOG_ECORRUPT);
		if (table_step(table) == -1)
			break;
	}
	klog_verify_close(v);
	if (r == -1)
		status = cli_worse(status, fail(in, topic, &err));
	return status;
}

static int
verify_all(struct inspect *in, struct table *table, bool *found)
{
	struct klog_topic_info *list;
	struct klog_err err;
	size_t i, count;
	int status = 0;

	if (klog_topics(in->klog, &list, &count, &err) == -1)
		return cli_fail(in->cli, &err);
	for (i = 0; i < count; i++)
		status = cli_worse(
			status, verify(in, list[i].name, -1, table, found));
	free(list);
	return status;
}

int
inspect_verify(struct inspect *in)
{
	struct table table;
	bool found = false;
	int status = 0;
	size_t i;

	table_init(&table, heads, CLI_COUNT(heads), in->json);
	for (i = 0; i < in->count; i++)
		status = cli_worse(status,
			verify(in, in->topics[i].name, in->topics[i].partition,
				&table, &found));
	if (in->count == 0)
		status = verify_all(in, &table, &found);
	/* nothing wrong is nothing to say */
	if (found)
		return cli_worse(status, inspect_print(in, &table));
	table_free(&table);
	return status;
}

/* ---- --repair ---- */

static void
add_repaired(struct table *table, const struct klog_repaired *f)
{
	const struct klog_finding finding = { f->severity, f->file, f->position,
		f->size, f->offset, f->what };

	add_finding(table, &finding);
	inspect_add_words(table, f->done);
}

static int
repair(struct inspect *in, const struct args_topic *topic, bool dry_run,
	struct table *table, bool *found)
{
	struct klog_repaired *list;
	struct klog_err err;
	size_t i, count;
	int r, status = 0;

	r = klog_repair(in->klog, topic->name, topic->partition, dry_run, &list,
		&count, &err);
	for (i = 0; i < count; i++) {
		*found = true;
		add_repaired(table, &list[i]);
		if (!list[i].mended && list[i].severity != KLOG_FOUND_LEFTOVER)
			status = klog_exit_status(KLOG_ECORRUPT);
	}
	free(list);
	if (r == -1)
		status = cli_worse(
			status, cli_fail_topic(in->cli, topic->name, &err));
	return status;
}

int
inspect_repair(struct inspect *in, bool dry_run)
{
	struct table table;
	bool found = false;
	int status = 0;
	size_t i;

	table_init(&table, repair_heads, CLI_COUNT(repair_heads), in->json);
	for (i = 0; i < in->count; i++)
		status = cli_worse(status,
			repair(in, &in->topics[i], dry_run, &table, &found));
	if (found)
		return cli_worse(status, inspect_print(in, &table));
	table_free(&table);
	return status;
}
