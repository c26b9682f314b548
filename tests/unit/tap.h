/* Tests that print TAP: one line for each check, done() at the end of main. */
#ifndef TAP_H
#define TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

#define TAP_PRINTF(n) __attribute__((unused, format(printf, n, (n) + 1)))

static void
tap_line(bool good, const char *fmt, va_list ap)
{
	tap_count++;
	tap_failed += !good;
	printf("%sok %d - ", good ? "" : "not ", tap_count);
	vprintf(fmt, ap);
	putchar('\n');
}

TAP_PRINTF(2) static bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(good, fmt, ap);
	va_end(ap);
	return good;
}

TAP_PRINTF(3)
static bool
is_int(int64_t got, int64_t want, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(got == want, fmt, ap);
	va_end(ap);
	if (got != want)
		printf("# got %" PRId64 ", want %" PRId64 "\n", got, want);
	return got == want;
}

TAP_PRINTF(3)
static bool
is_str(const char *got, const char *want, const char *fmt, ...)
{
	bool same = strcmp(got, want) == 0;
	va_list ap;

	va_start(ap, fmt);
	tap_line(same, fmt, ap);
	va_end(ap);
	if (!same)
		printf("# got '%s'\n# want '%s'\n", got, want);
	return same;
}

__attribute__((unused)) static int
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed == 0 ? 0 : 1;
}

#endif
