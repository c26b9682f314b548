/* klog-inspect --timeline: records and bytes over time, drawn. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "inspect.h"
#include "libklog/time.h"

enum { ROWS = 24, WIDTH = 80, LEAST = 10 };

static const char *const heads[] = { "FROM", "TO", "RECORDS", "BYTES",
	"TOPIC" };

/* Columns of the terminal behind stdout. */
static int
columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) ||
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 ||
		size.ws_col == 0)
		return WIDTH;
	return size.ws_col;
}

/* In proportion to the largest; whatever is not nothing is a mark at least. */
static void
print_bar(int64_t n, int64_t most, int width, bool pad)
{
	int size = most > 0 ? (int)((double)n / (double)most * width + 0.5) : 0;
	int i;

	if (size == 0 && n > 0)
		size = 1;
	for (i = 0; i < size; i++)
		putchar('#');
	if (pad)
		printf("%*s", width - size, "");
}

/* To the second, where no bucket begins within one. */
static void
time_text(const struct klog_bucket *b, char text[KLOG_TIME_TEXT])
{
	enum { SECOND = 19, MILLISECOND = 23 };

	klog_time_text(b->from_ms, text);
	text[(b->to_ms - b->from_ms) % 1000 == 0 ? SECOND : MILLISECOND] = '\0';
}

static int
digits(int64_t n)
{
	return snprintf(NULL, 0, "%" PRId64, n);
}

static void
draw(const struct klog_bucket *list, size_t count)
{
	int64_t most_records = 0, most_bytes = 0;
	int wide_records, wide_bytes, bar;
	char from[KLOG_TIME_TEXT];
	size_t i;

	for (i = 0; i < count; i++) {
		if (list[i].records > most_records)
			most_records = list[i].records;
		if (list[i].bytes > most_bytes)
			most_bytes = list[i].bytes;
	}
	wide_records = digits(most_records) > 7 ? digits(most_records) : 7;
	wide_bytes = digits(most_bytes) > 5 ? digits(most_bytes) : 5;
	time_text(&list[0], from);
	bar = columns() - (int)strlen(from) - wide_records - wide_bytes - 8;
	bar = bar / 2 > LEAST ? bar / 2 : LEAST;
	printf("%-*s  %*s  %-*s  %*s\n", (int)strlen(from), "FROM",
		wide_records, "RECORDS", bar, "", wide_bytes, "BYTES");
	for (i = 0; i < count; i++) {
		time_text(&list[i], from);
		printf("%s  %*" PRId64 "  ", from, wide_records,
			list[i].records);
		print_bar(list[i].records, most_records, bar, true);
		printf("  %*" PRId64 "  ", wide_bytes, list[i].bytes);
		print_bar(list[i].bytes, most_bytes, bar, false);
		putchar('\n');
	}
}

static void
add(struct table *table, const char *topic, const struct klog_bucket *list,
	size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		table_number(table, list[i].from_ms);
		table_number(table, list[i].to_ms);
		table_number(table, list[i].records);
		table_number(table, list[i].bytes);
		table_text(table, topic);
	}
}

int
inspect_timeline(struct inspect *in)
{
	struct klog_bucket *list;
	struct klog_err err;
	struct table table;
	size_t i, count;
	int status = 0;

	table_init(&table, heads, CLI_COUNT(heads), in->json);
	for (i = 0; i < in->count; i++) {
		const struct args_topic *topic = &in->topics[i];

		if (klog_timeline(in->klog, topic->name, topic->partition, ROWS,
			    &list, &count, &err) == -1) {
			status = cli_worse(status,
				cli_fail_topic(in->cli, topic->name, &err));
			continue;
		}
		if (in->json) {
			add(&table, topic->name, list, count);
		} else if (count > 0) {
			if (in->count > 1)
				printf("%s%s:\n", i > 0 ? "\n" : "",
					topic->name);
			draw(list, count);
		}
		free(list);
	}
	if (in->json)
		return cli_worse(status, inspect_print(in, &table));
	table_free(&table);
	return status;
}
