#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "table.h"

#define STEP ((size_t)64 * 1024)

enum {
	NONE = '-',
	TEXT = 't',
	NUMBER = 'n',
	LIST = 'l',
	VALUE = 'v',
	BOOL = 'b'
};

void
table_init(struct table *table, const char *const *heads, size_t columns,
	bool json)
{
	memset(table, 0, sizeof(*table));
	table->heads = heads;
	table->columns = columns;
	table->json = json;
}

/* ---- cells ---- */

static void
put(struct table *table, const char *text, size_t size)
{
	if (klog_buf_put(&table->text, text, size) == -1)
		table->failed = true;
}

/* As it is printed in a column. */
static void
put_safe(struct table *table, const char *text)
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
}

static void
add(struct table *table, char kind, const char *text)
{
	put(table, &kind, 1);
	if (table->json)
		put(table, text, strlen(text));
	else
		put_safe(table, text);
	put(table, "", 1);
	table->count++;
}

void
table_text(struct table *table, const char *text)
{
	add(table, TEXT, text);
}

void
table_number(struct table *table, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	add(table, NUMBER, text);
}

void
table_list(struct table *table, const char *numbers)
{
	add(table, LIST, numbers);
}

void
table_bool(struct table *table, bool yes)
{
	add(table, BOOL, yes ? "true" : "false");
}

void
table_none(struct table *table)
{
	add(table, NONE, "");
}

void
table_known(struct table *table, int64_t n)
{
	if (n < 0)
		table_none(table);
	else
		table_number(table, n);
}

void
table_value(struct table *table, const char *json)
{
	add(table, VALUE, json);
}

/* ---- columns ---- */

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

/* The cell behind this one. */
static const char *
next_cell(const char *cell)
{
	return cell + strlen(cell) + 1;
}

static int
print_columns(struct table *table)
{
	const char *cells = (const char *)table->text.data, *p;
	bool begun = table->widths != NULL;
	size_t *widths = table->widths, i, w;

	if (!begun) {
		widths = calloc(table->columns, sizeof(*widths));
		if (widths == NULL)
			return -1;
		table->widths = widths;
		for (i = 0; i < table->columns; i++)
			widths[i] = width(table->heads[i]);
	}
	for (i = 0, p = cells; i < table->count; i++, p = next_cell(p)) {
		w = width(p + 1);
		if (w > widths[i % table->columns])
			widths[i % table->columns] = w;
	}
	for (i = 0; !begun && i < table->columns; i++)
		print_cell(table, widths, i, table->heads[i]);
	for (i = 0, p = cells; i < table->count; i++, p = next_cell(p))
		print_cell(table, widths, i % table->columns, p + 1);
	return 0;
}

/* ---- JSON ---- */

static json_t *
list_of(const char *numbers)
{
	json_t *list = json_array();
	char *end;

	while (*numbers != '\0') {
		json_int_t n = strtoll(numbers, &end, 10);

		if (end == numbers ||
			json_array_append_new(list, json_integer(n)) == -1) {
			json_decref(list);
			return NULL;
		}
		numbers = *end == ',' ? end + 1 : end;
	}
	return list;
}

/* A name that is not UTF-8, of a directory, is shown as in a column. */
static json_t *
text_of(const char *text)
{
	char safe[4096];
	json_t *string = json_string(text);

	return string != NULL
		? string
		: json_string(cli_escape(safe, sizeof(safe), text));
}

static json_t *
value_of(const char *cell)
{
	switch (cell[0]) {
	case NUMBER:
		return json_integer(strtoll(cell + 1, NULL, 10));
	case LIST:
		return list_of(cell + 1);
	case VALUE:
		return json_loads(cell + 1, 0, NULL);
	case BOOL:
		return json_boolean(cell[1] == 't');
	case NONE:
		return json_null();
	default:
		return text_of(cell + 1);
	}
}

static int
set(json_t *row, const char *head, json_t *value)
{
	char key[32];
	size_t i;

	for (i = 0; head[i] != '\0' && i + 1 < sizeof(key); i++)
		key[i] = (char)tolower((unsigned char)head[i]);
	key[i] = '\0';
	return json_object_set_new(row, key, value);
}

static int
print_json(const struct table *table)
{
	const char *p = (const char *)table->text.data;
	size_t i, column;
	char *text;
	json_t *row;
	int bad;

	for (i = 0; i < table->count; i += table->columns) {
		row = json_object();
		bad = 0;
		for (column = 0; column < table->columns; column++) {
			bad |= set(row, table->heads[column], value_of(p));
			p = next_cell(p);
		}
		text = bad == 0 ? json_dumps(row, JSON_COMPACT) : NULL;
		json_decref(row);
		if (text == NULL)
			return -1;
		puts(text);
		free(text);
	}
	return 0;
}

int
table_print(struct table *table)
{
	int r;

	if (table->failed)
		return -1;
	r = table->json ? print_json(table) : print_columns(table);
	table->text.size = 0;
	table->count = 0;
	return r;
}

int
table_step(struct table *table)
{
	return table->text.size < STEP ? 0 : table_print(table);
}

void
table_free(struct table *table)
{
	klog_buf_free(&table->text);
	free(table->widths);
	table->widths = NULL;
	table->count = 0;
}
