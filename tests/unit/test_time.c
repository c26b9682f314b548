/* Instants, durations and sizes, from text and back. */
#include <stdlib.h>
#include <time.h>

#include "libklog/time.h"
#include "tap.h"

/* 2026-11-22T13:00:05.250Z, a Sunday; 14:00 in Berlin. */
#define NOW INT64_C(1795352405250)
#define HOUR INT64_C(3600000)

static void
zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static int64_t
at(const char *text)
{
	struct klog_err err = { 0 };
	int64_t ms = -5;

	if (klog_time_parse(text, NOW, &ms, &err) == 0)
		return ms;
	return err.code == KLOG_EUSAGE && err.text[0] != '\0' ? -1 : -2;
}

static void
instants(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} v[] = {
		{ "now", NOW },
		{ "today", NOW - 14 * HOUR - 5250 },
		{ "yesterday", NOW - 38 * HOUR - 5250 },
		{ "-10m", NOW - 600000 },
		{ "-7d", NOW - 168 * HOUR },
		{ "-500ms", NOW - 500 },
		{ "-0", NOW },
		{ "0", 0 },
		{ "1795352405", NOW - 250 },
		{ "1795352405250ms", NOW },
		{ "0ms", 0 },
		{ "9223372036854775807ms", INT64_MAX },
		{ "14:00", NOW - 5250 },
		{ "14:00:05", NOW - 250 },
		{ "2026-11-22", NOW - 14 * HOUR - 5250 },
		{ "2026-11-22T14:00", NOW - 5250 },
		{ "2026-11-22 14:00", NOW - 5250 },
		{ "2026-11-22T14:00:05", NOW - 250 },
		{ "2026-11-22T14:00:05.250", NOW },
		{ "2026-11-22T14:00:05.25", NOW },
		{ "2026-11-22T14:00:05.2509999", NOW },
		{ "2026-11-22T13:00:05.250Z", NOW },
		{ "2026-11-22T13:00Z", NOW - 5250 },
		{ "2026-11-22T14:00:05.250+01:00", NOW },
		{ "2026-11-22T07:30:05.250-05:30", NOW },
		{ "2026-11-23T03:00:05.250+14:00", NOW },
		{ "2026-07-01T14:00", INT64_C(1782907200000) },
		{ "2024-02-29T00:00Z", INT64_C(1709164800000) },
		{ "1970-01-01T00:00Z", 0 },
		{ "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
	};
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		is_int(at(v[i].text), v[i].ms, "%s", v[i].text);
}

static void
nonsense(void)
{
	static const char *const v[] = { "", " ", "-", "-10", "-10x", "--10m",
		"tomorrow", "Now", "now ", "2026-13-01", "2026-00-01",
		"2026-02-29", "2026-11-31", "2026-11-00", "2026-11",
		"2026-11-2", "26-11-22", "2026-11-22T", "2026-11-22T14",
		"2026-11-22T24:00", "25:00", "14:60", "14:00:60", "14:0",
		"4:00", "14:00:05.", "14:00.250", "14:00Z", "2026-11-22Z",
		"2026-11-22T14:00X", "2026-11-22T14:00Zx", "2026-11-22T14:00+1",
		"2026-11-22T14:00+15:00", "2026-11-22T14:00+01:60",
		"2026-11-22T14:00 +01:00", "2026-11-22  14:00",
		"2026-11-22T14:00:05 trailing", "1795352405x", "1795352405 ms",
		"1.5", "+5", "0x10", "1795352405250", "99999999999999999999",
		"99999999999999999999ms", "9223372036854775808ms",
		"-9223372036854775807ms", "-99999999999999999d",
		"1969-12-31T23:59Z", "1970-01-01T00:00", "0000-01-01" };
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		is_int(at(v[i]), -1, "refused: '%s'", v[i]);
	}
}

static void
dates_in_digits(void)
{
	struct klog_err err;
	int64_t ms;

	klog_time_parse("20261122", NOW, &ms, &err);
	is_str(err.text,
		"20261122 reads as a date: write 2026-11-22, or 20261122000ms "
		"for seconds of the epoch",
		"eight digits that are a date");
	is_int(at("20261122000ms"), INT64_C(20261122000), "the way it names");
	is_int(at("20261322"), INT64_C(20261322000), "eight that are not");
	klog_time_parse("1795352405250", NOW, &ms, &err);
	ok(strstr(err.text, "1795352405250ms") != NULL,
		"milliseconds taken for seconds: %s", err.text);
	klog_time_parse("\x1b[2J", NOW, &ms, &err);
	ok(strchr(err.text, '\x1b') == NULL, "no escapes in a message");
}

static void
texts(void)
{
	static const struct {
		int64_t ms;
		const char *text;
	} v[] = {
		{ NOW, "2026-11-22T14:00:05.250+01:00" },
		{ INT64_C(1782907200007), "2026-07-01T14:00:00.007+02:00" },
		{ 0, "1970-01-01T01:00:00.000+01:00" },
		{ -1, "-" },
		{ -2, "1970-01-01T00:59:59.998+01:00" },
		{ INT64_MAX, "292278994-08-17T08:12:55.807+01:00" },
	};
	char text[KLOG_TIME_TEXT];
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		klog_time_text(v[i].ms, text);
		if (v[i].ms == INT64_MAX) {
			/* summer or not, after 292 million years */
			ok(strlen(text) > 0 && text[0] == '2', "%s", text);
			continue;
		}
		is_str(text, v[i].text, "%s", v[i].text);
		if (v[i].ms >= 0)
			is_int(at(text), v[i].ms, "and back");
	}
	klog_time_text(INT64_MIN, text);
	ok(text[0] != '\0', "the smallest: %s", text);
	zone("NST3:30");
	klog_time_text(NOW, text);
	is_str(text, "2026-11-22T09:30:05.250-03:30", "west, and half an hour");
	zone("UTC0");
	klog_time_text(NOW, text);
	is_str(text, "2026-11-22T13:00:05.250+00:00", "UTC");
}

static int64_t
duration(const char *text)
{
	struct klog_err err = { 0 };
	int64_t ms;

	if (klog_duration_parse(text, &ms, &err) == 0)
		return ms;
	return err.code == KLOG_EUSAGE ? -1 : -2;
}

static int64_t
size(const char *text)
{
	struct klog_err err = { 0 };
	int64_t bytes;

	if (klog_size_parse(text, &bytes, &err) == 0)
		return bytes;
	return err.code == KLOG_EUSAGE ? -1 : -2;
}

static void
measures(void)
{
	static const char *const durations[] = { "", "5", "00", "-5m", "5 m",
		"5M", "5min", "m", "1.5h", "5m5s", "106751991168d",
		"99999999999999999999ms" };
	static const char *const sizes[] = { "", "-1", "1.5K", "K", "4 K",
		"4096B", "1KiBx", "8388608T", "9223372036854775808",
		"9007199254740992KiB", "9223373TB", "0x10" };
	size_t i;

	is_int(duration("0"), 0, "0");
	is_int(duration("0s"), 0, "0s");
	is_int(duration("500ms"), 500, "500ms");
	is_int(duration("10s"), 10000, "10s");
	is_int(duration("5m"), 300000, "5m");
	is_int(duration("2h"), 7200000, "2h");
	is_int(duration("7d"), 604800000, "7d");
	is_int(duration("106751991167d"), INT64_C(106751991167) * 24 * HOUR,
		"the most days");
	for (i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
		is_int(duration(durations[i]), -1, "not a duration: '%s'",
			durations[i]);

	is_int(size("0"), 0, "0");
	is_int(size("4096"), 4096, "4096");
	is_int(size("64KiB"), 65536, "64KiB");
	is_int(size("64K"), 65536, "64K");
	is_int(size("64kB"), 64000, "64kB");
	is_int(size("500MB"), 500000000, "500MB");
	is_int(size("3M"), 3 << 20, "3M");
	is_int(size("1GiB"), 1 << 30, "1GiB");
	is_int(size("1GB"), 1000000000, "1GB");
	is_int(size("2T"), INT64_C(2) << 40, "2T");
	is_int(size("8388607T"), INT64_C(8388607) << 40, "the most T");
	is_int(size("9223372036854775807"), INT64_MAX, "the most");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		is_int(size(sizes[i]), -1, "not a size: '%s'", sizes[i]);
}

static void
clocks(void)
{
	int64_t tick = klog_tick_ms();

	ok(klog_now_ms() > INT64_C(1600000000000), "the clock is set");
	ok(klog_tick_ms() >= tick, "ticks do not go back");
}

int
main(void)
{
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	instants();
	nonsense();
	dates_in_digits();
	texts();
	measures();
	clocks();
	return done();
}
