/* Listings for people: aligned columns, one header line, and no blank in a
 * cell, so that awk can take them apart. */
#ifndef TABLE_H
#define TABLE_H

#include "libklog/bytes.h"

struct table {
	const char *const *heads; /* borrowed */
	size_t columns;
	struct klog_buf text; /* the cells, each with its NUL */
	size_t count;         /* cells */
	bool failed;          /* out of memory */
};

void table_init(struct table *table, const char *const *heads, size_t columns);

/* The next cell, row after row; empty is "-", a blank is written \x20. */
void table_text(struct table *table, const char *text);
void table_number(struct table *table, int64_t n);

/* Prints to stdout; -1 when a cell could not be kept. */
int table_print(const struct table *table);

void table_free(struct table *table);

#endif
