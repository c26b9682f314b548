/*
 * Listings: for people aligned columns, one header line, and no blank in a
 * cell, so that awk can take them apart; or each row as a JSON object, whose
 * keys are the heads in small letters.
 */
#ifndef TABLE_H
#define TABLE_H

#include "libklog/bytes.h"

struct table {
	const char *const *heads; /* borrowed */
	size_t columns;
	bool json;
	struct klog_buf text; /* the cells: kind, text, NUL */
	size_t count;         /* cells */
	size_t *widths;       /* of the columns, once there was a line */
	bool failed;          /* out of memory */
};

void table_init(struct table *table, const char *const *heads, size_t columns,
	bool json);

/*
 * The next cell, row after row.  In a column an empty text and none are "-",
 * and a blank is \x20; in JSON none is null, and a list of numbers with commas
 * between them a list.
 */
void table_text(struct table *table, const char *text);
void table_number(struct table *table, int64_t n);
void table_list(struct table *table, const char *numbers);
void table_bool(struct table *table, bool yes);
void table_none(struct table *table);

/* A number that is not known where it is negative: none. */
void table_known(struct table *table, int64_t n);

/* A value in JSON as it stands, for a table that is printed as such. */
void table_value(struct table *table, const char *json);

/* Prints to stdout what was not printed yet, and always the header line once;
 * -1 when a cell could not be kept. */
int table_print(struct table *table);

/* Between rows: prints when enough have gathered, so that a listing of any
 * length takes little memory; its columns may grow on the way. */
int table_step(struct table *table);

void table_free(struct table *table);

#endif
