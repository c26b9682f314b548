#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libklog/err.h"
#include "monitor.h"

#define NAMED 5 /* groups that the line names */

enum { OK, WARNING, CRITICAL, UNKNOWN };

static const char *const words[] = { "OK", "WARNING", "CRITICAL" };

struct state {
	const struct monitor *limits;
	int status;
	size_t groups;         /* in a topic each */
	size_t above;          /* of them at the worst status so far */
	int64_t largest;       /* lag */
	struct klog_buf named; /* of those above the first few */
	struct klog_buf data;  /* 'group/topic'=LAG;WARN;CRIT;0 */
	struct klog_err err;   /* what failed first, or KLOG_OK */
};

static void
fail(struct state *s, const struct klog_err *err)
{
	if (s->err.code == KLOG_OK)
		s->err = *err;
}

static void
put(struct state *s, struct klog_buf *to, const char *text)
{
	struct klog_err err;

	if (klog_buf_put(to, text, strlen(text)) == -1) {
		klog_fail_memory(&err);
		fail(s, &err);
	}
}

/* ---- what a group adds ---- */

/* A label; in quotes, and without what ends the line's text. */
static void
put_data(struct state *s, const char *group, const char *topic, int64_t lag)
{
	char label[1024], number[128];
	size_t used = 0;
	const char *p;

	for (p = topic; *p != '\0' && used < sizeof(label) - 8; p++) {
		if (*p == '\'')
			label[used++] = '\'';
		label[used++] = *p == '|' || *p == '=' || (*p & 0xe0) == 0 ? '_'
									   : *p;
	}
	label[used] = '\0';
	put(s, &s->data, s->data.size == 0 ? "'" : " '");
	put(s, &s->data, group);
	put(s, &s->data, "/");
	put(s, &s->data, label);
	snprintf(number, sizeof(number),
		"'=%" PRId64 ";%" PRId64 ";%" PRId64 ";0", lag, s->limits->warn,
		s->limits->crit);
	put(s, &s->data, number);
}

static void
put_name(struct state *s, const char *group, const char *topic, int64_t lag)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s%s in %s lags %" PRId64,
		s->above == 0 ? "" : ", ", group, topic, lag);
	if (s->above++ < NAMED)
		put(s, &s->named, text);
}

static void
add(struct state *s, const struct offsets_topic *topic,
	const struct klog_group_info *info)
{
	int64_t lag = offsets_lag(topic, info);
	int status = lag > s->limits->crit ? CRITICAL
		: lag > s->limits->warn    ? WARNING
					   : OK;

	s->groups++;
	s->largest = lag > s->largest ? lag : s->largest;
	put_data(s, info->group, topic->name, lag);
	/* a worse one begins the list anew */
	if (status > s->status) {
		s->status = status;
		s->above = s->named.size = 0;
	}
	if (status != OK && status == s->status)
		put_name(s, info->group, topic->name, lag);
}

static void
look(struct state *s, const struct offsets *o,
	const struct offsets_topic *topic)
{
	struct klog_groups *groups;
	struct klog_group_info info;
	struct klog_err err;
	size_t i;
	int r;

	groups = klog_groups_open(o->klog, topic->name, o->group, false, &err);
	if (groups == NULL) {
		fail(s, &err);
		return;
	}
	while ((r = klog_groups_next(groups, &info, &err)) != 0) {
		if (r == -1 || offsets_check(topic, info.count, &err) == -1) {
			fail(s, &err);
			continue;
		}
		for (i = 0; i < info.count; i++)
			if (info.partitions[i].damaged) {
				offsets_damage(topic, info.group,
					info.partitions[i].partition, &err);
				fail(s, &err);
			}
		add(s, topic, &info);
	}
	klog_groups_close(groups);
}

/* ---- the line ---- */

static void
print_line(const struct state *s)
{
	printf("KLOG %s - ", words[s->status]);
	if (s->groups == 0)
		printf("no groups\n");
	else if (s->status == OK)
		printf("%zu group%s, largest lag %" PRId64 "|%.*s\n", s->groups,
			s->groups == 1 ? "" : "s", s->largest,
			(int)s->data.size, (const char *)s->data.data);
	else if (s->above > NAMED)
		printf("%.*s and %zu more|%.*s\n", (int)s->named.size,
			(const char *)s->named.data, s->above - NAMED,
			(int)s->data.size, (const char *)s->data.data);
	else
		printf("%.*s|%.*s\n", (int)s->named.size,
			(const char *)s->named.data, (int)s->data.size,
			(const char *)s->data.data);
}

int
monitor_run(const struct offsets *o, const struct monitor *limits)
{
	struct state s = { .limits = limits };
	size_t i;
	int status;

	for (i = 0; i < o->count; i++)
		look(&s, o, &o->topics[i]);
	status = s.status;
	if (s.err.code != KLOG_OK)
		status = cli_fail(o->cli, &s.err);
	else if (o->group != NULL && s.groups == 0)
		status = offsets_no_group(o, NULL);
	else
		print_line(&s);
	klog_buf_free(&s.named);
	klog_buf_free(&s.data);
	return status;
}
