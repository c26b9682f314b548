#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "table.h"

void
table_init(struct table *table, const char *const *heads, size_t columns)
{
	memset(table, 0, sizeof(*table));
	table->heads = heads;
	table->columns = columns;
}

static void
put(struct table *table, const char *text, size_t size)
{
	if (klog_buf_put(&table->text, text, size) == -1)
		table->failed = true;
}

void
table_text(struct table *table, const char *text)
{
	char safe[4096];
	const char *p;

	cli_escape(safe, sizeof(safe), text);
	for (p = *safe != '\0' ? safe : "-"; *p != '\0'; p++) {
		if (*p == ' ')
			put(table, "\\x20", 4);
		else
			put(table, p, 1);
	}
	put(table, "", 1);
	table->count++;
}

void
table_number(struct table *table, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	table_text(table, text);
}

/* Columns of a terminal, which are characters, not bytes. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
print_cell(const struct table *table, const size_t *widths, size_t column,
	const char *text)
{
	bool last = column + 1 == table->columns;
	size_t pad = last ? 0 : widths[column] - width(text) + 2;

	printf("%s%*s%s", text, (int)pad, "", last ? "\n" : "");
}

int
table_print(const struct table *table)
{
	const char *cells = (const char *)table->text.data, *p;
	size_t *widths, i, w;

	if (table->failed)
		return -1;
	widths = calloc(table->columns, sizeof(*widths));
	if (widths == NULL)
		return -1;
	for (i = 0; i < table->columns; i++)
		widths[i] = width(table->heads[i]);
	for (i = 0, p = cells; i < table->count; i++, p += strlen(p) + 1) {
		w = width(p);
		if (w > widths[i % table->columns])
			widths[i % table->columns] = w;
	}
	for (i = 0; i < table->columns; i++)
		print_cell(table, widths, i, table->heads[i]);
	for (i = 0, p = cells; i < table->count; i++, p += strlen(p) + 1)
		print_cell(table, widths, i % table->columns, p);
	free(widths);
	return 0;
}

void
table_free(struct table *table)
{
	klog_buf_free(&table->text);
}
