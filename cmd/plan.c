#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libklog/err.h"
#include "libklog/names.h"
#include "plan.h"

#define LINE_SIZE 2048
#define FIELDS 4

/* ---- a line ---- */

/* Takes a field off *rest, in place; one in quotes may hold commas, and two
 * quotes are one.  NULL: a quote that does not end. */
static char *
take_field(char **rest)
{
	char *from = *rest, *to, *field;

	if (*from != '"')
		return strsep(rest, ",");
	field = to = ++from;
	while (*from != '"' || *++from == '"') {
		if (*from == '\0')
			return NULL;
		*to++ = *from++;
	}
	if (*from != ',' && *from != '\0')
		return NULL;
	*rest = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return field;
}

static int
split(char *line, char *fields[FIELDS])
{
	int n = 0;

	while (line != NULL) {
		if (n == FIELDS || (fields[n++] = take_field(&line)) == NULL)
			return -1;
	}
	return n;
}

static int
add(struct plan *plan, const char *topic, int32_t partition, int64_t offset,
	size_t number, struct klog_err *err)
{
	struct klog_group_change *c;
	void *grown;

	grown = klog_grow(plan->list, plan->count, sizeof(*plan->list));
	if (grown == NULL)
		return klog_fail_memory(err);
	plan->list = grown;
	grown = klog_grow(plan->lines, plan->count, sizeof(*plan->lines));
	if (grown == NULL)
		return klog_fail_memory(err);
	plan->lines = grown;
	c = &plan->list[plan->count];
	memset(c, 0, sizeof(*c));
	c->topic = strdup(topic);
	if (c->topic == NULL)
		return klog_fail_memory(err);
	c->partition = partition;
	c->how = KLOG_TO_PLACE;
	c->at.where = KLOG_AT_OFFSET;
	c->at.value = offset;
	c->at.epoch = -1;
	plan->lines[plan->count++] = number;
	return 0;
}

/* Whether the topic and partition are among those that were named. */
static bool
is_meant(const struct offsets *o, const char *topic, int32_t partition)
{
	size_t i;

	for (i = 0; i < o->count; i++)
		if (strcmp(o->topics[i].name, topic) == 0)
			return offsets_wants(&o->topics[i], partition);
	return !o->given;
}

static int
take_line(struct plan *plan, char *line, size_t number, const struct offsets *o,
	struct klog_err *err)
{
	char *fields[FIELDS], **f = fields;
	int64_t partition, offset;
	int n = split(line, fields);

	if (n != 3 && n != 4)
		return klog_fail(err, KLOG_EINVALID,
			"neither topic,partition,offset nor "
			"group,topic,partition,offset");
	if (n == 4)
		f++;
	if (klog_topic_name_check(f[0], err) == -1) {
		err->code = KLOG_EINVALID;
		return -1;
	}
	partition = klog_number(f[1], INT32_MAX);
	offset = klog_number(f[2], INT64_MAX);
	if (partition == -1 || offset == -1)
		return klog_fail(err, KLOG_EINVALID, "'%s' is not %s",
			partition == -1 ? f[1] : f[2],
			partition == -1 ? "a partition" : "an offset");
	if ((n == 4 && strcmp(fields[0], o->group) != 0) ||
		!is_meant(o, f[0], (int32_t)partition)) {
		plan->others++;
		return 0;
	}
	return add(plan, f[0], (int32_t)partition, offset, number, err);
}

/* ---- the file ---- */

/* 1 with the next line, without its end, 0 there is none, -1 it is too long or
 * has a zero byte. */
static int
next_line(FILE *in, char line[LINE_SIZE])
{
	size_t size = 0;
	int c;

	while ((c = getc(in)) != EOF && c != '\n') {
		if (c == '\0' || size == LINE_SIZE - 1)
			return -1;
		line[size++] = (char)c;
	}
	if (size > 0 && line[size - 1] == '\r')
		size--;
	line[size] = '\0';
	return c != EOF || size > 0;
}

static int
read_lines(struct plan *plan, FILE *in, const char *name,
	const struct offsets *o, struct klog_err *err)
{
	char line[LINE_SIZE];
	size_t number = 0;
	int got;

	while ((got = next_line(in, line)) != 0) {
		number++;
		if (got == -1)
			klog_fail(err, KLOG_EINVALID,
				"too long, or with a zero byte");
		else if (*line == '\0' ||
			take_line(plan, line, number, o, err) == 0)
			continue;
		return klog_err_in(err, "%s: line %zu", name, number);
	}
	return ferror(in) ? klog_fail_errno(err, "%s", name) : 0;
}

int
plan_read(struct plan *plan, const char *file, const struct offsets *o,
	struct klog_err *err)
{
	FILE *in = stdin;
	int r;

	memset(plan, 0, sizeof(*plan));
	if (strcmp(file, "-") != 0)
		in = fopen(file, "re");
	if (in == NULL)
		return klog_fail_errno(err, "%s", file);
	errno = 0;
	r = read_lines(plan, in, file, o, err);
	if (in != stdin)
		fclose(in);
	return r;
}

/* ---- twice ---- */

struct entry {
	const struct klog_group_change *change;
	size_t line;
};

static int
by_partition(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r = strcmp(x->change->topic, y->change->topic);

	if (r != 0)
		return r;
	if (x->change->partition != y->change->partition)
		return x->change->partition < y->change->partition ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

int
plan_check(const struct plan *plan, const char *file, struct klog_err *err)
{
	struct entry *all = calloc(plan->count + 1, sizeof(*all));
	size_t i;
	int r = 0;

	if (all == NULL)
		return klog_fail_memory(err);
	for (i = 0; i < plan->count; i++) {
		all[i].change = &plan->list[i];
		all[i].line = plan->lines[i];
	}
	qsort(all, plan->count, sizeof(*all), by_partition);
	for (i = 1; r == 0 && i < plan->count; i++) {
		const struct klog_group_change *c = all[i].change;

		if (strcmp(c->topic, all[i - 1].change->topic) == 0 &&
			c->partition == all[i - 1].change->partition)
			r = klog_fail(err, KLOG_EINVALID,
				"%s: line %zu: %s,%" PRId32
				" is in line %zu already",
				file, all[i].line, c->topic, c->partition,
				all[i - 1].line);
	}
	free(all);
	return r;
}

void
plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		free((char *)(uintptr_t)plan->list[i].topic);
	free(plan->list);
	free(plan->lines);
}

/* A path ends in the topic's name. */
void
plan_print(const struct klog_group_change *change)
{
	const char *slash = strrchr(change->topic, '/');

	printf("%s,%" PRId32 ",%" PRId64 "\n",
		slash != NULL ? slash + 1 : change->topic, change->partition,
		change->to);
}
