#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "names.h"
#include "time.h"

#define DAY_MS INT64_C(86400000)
#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
klog_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t
klog_tick_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* ---- taking pieces off the front of a text ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* At least one digit; false also when the number passes int64_t. */
static bool
take_number(const char **p, int64_t *value)
{
	int64_t v = 0;

	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++) {
		int64_t digit = **p - '0';

		if (v > (INT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return true;
}

/* Exactly `count` digits that make a number of min to max. */
static bool
take_digits(const char **p, int count, int min, int max, int *value)
{
	const char *q = *p;
	int v = 0;

	for (; count > 0; count--, q++) {
		if (!is_digit(*q))
			return false;
		v = v * 10 + (*q - '0');
	}
	if (v < min || v > max)
		return false;
	*p = q;
	*value = v;
	return true;
}

static bool
take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static int
days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* YYYY-MM-DD, or without the dashes. */
static bool
take_date(const char **p, bool dashes, struct tm *tm)
{
	int year, month, day;

	if (!take_digits(p, 4, 0, 9999, &year))
		return false;
	if (dashes && !take_char(p, '-'))
		return false;
	if (!take_digits(p, 2, 1, 12, &month))
		return false;
	if (dashes && !take_char(p, '-'))
		return false;
	if (!take_digits(p, 2, 1, days_of(year, month), &day))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

/* Digits behind the point; what is finer than a millisecond is dropped. */
static bool
take_fraction(const char **p, int *ms)
{
	int scale = 100;

	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++) {
		*ms += (**p - '0') * scale;
		scale /= 10;
	}
	return true;
}

/* HH:MM[:SS[.fraction]] */
static bool
take_clock(const char **p, struct tm *tm, int *ms)
{
	tm->tm_sec = 0;
	*ms = 0;
	if (!take_digits(p, 2, 0, 23, &tm->tm_hour) || !take_char(p, ':') ||
		!take_digits(p, 2, 0, 59, &tm->tm_min))
		return false;
	if (!take_char(p, ':'))
		return true;
	if (!take_digits(p, 2, 0, 59, &tm->tm_sec))
		return false;
	return !take_char(p, '.') || take_fraction(p, ms);
}

/* Z, +HH:MM or -HH:MM, or without the colon; the farthest zones are 14 hours from UTC. */
static bool
take_zone(const char **p, int *east_s)
{
	bool west = **p == '-';
	int hours, minutes;

	*east_s = 0;
	if (take_char(p, 'Z'))
		return true;
	if (!take_char(p, '+') && !take_char(p, '-'))
		return false;
	if (!take_digits(p, 2, 0, 14, &hours))
		return false;
	(void)take_char(p, ':');
	if (!take_digits(p, 2, 0, 59, &minutes))
		return false;
	*east_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return true;
}

/* ---- instants ---- */

static int64_t
local_ms(struct tm *tm)
{
	tm->tm_isdst = -1;
	return (int64_t)mktime(tm) * 1000;
}

/* The local day of now_ms, at midnight. */
static bool
today(int64_t now_ms, struct tm *tm)
{
	time_t now = (time_t)(now_ms / 1000);

	if (localtime_r(&now, tm) == NULL)
		return false;
	tm->tm_hour = 0;
	tm->tm_min = 0;
	tm->tm_sec = 0;
	return true;
}

/* A date, a clock or both, and a zone only where there is both. */
static bool
calendar(const char *text, int64_t now_ms, int64_t *ms)
{
	const char *p = text;
	struct tm tm = { 0 };
	int fraction = 0;
	int east_s;

	if (take_date(&p, true, &tm)) {
		if (*p == '\0') {
			*ms = local_ms(&tm);
			return true;
		}
		if (!take_char(&p, 'T') && !take_char(&p, ' '))
			return false;
		if (!take_clock(&p, &tm, &fraction))
			return false;
		if (*p != '\0') {
			if (!take_zone(&p, &east_s) || *p != '\0')
				return false;
			*ms = ((int64_t)timegm(&tm) - east_s) * 1000 + fraction;
			return true;
		}
	} else {
		p = text;
		if (!today(now_ms, &tm) || !take_clock(&p, &tm, &fraction) ||
			*p != '\0')
			return false;
	}
	*ms = local_ms(&tm) + fraction;
	return true;
}

static bool
by_name(const char *text, int64_t now_ms, int64_t *ms)
{
	struct tm tm;

	if (strcmp(text, "now") == 0) {
		*ms = now_ms;
		return true;
	}
	if (strcmp(text, "today") != 0 && strcmp(text, "yesterday") != 0)
		return false;
	if (!today(now_ms, &tm))
		return false;
	if (text[0] == 'y')
		tm.tm_mday--;
	*ms = local_ms(&tm);
	return true;
}

/*
 * Digits alone are seconds, digits and "ms" milliseconds: 1, 0 when it is
 * neither, -1 with words.
 */
static int
since_epoch(const char *text, int64_t *ms, struct klog_err *err)
{
	const char *p = text;
	struct tm tm;
	int64_t v;

	if (text[0] == '\0' || strspn(text, "0123456789") < strlen(text)) {
		if (!take_number(&p, &v) || strcmp(p, "ms") != 0)
			return 0;
		*ms = v;
		return 1;
	}
	if (strlen(text) == 8 && take_date(&p, false, &tm))
		return klog_fail(err, KLOG_EUSAGE,
			"%s reads as a date: write %.4s-%.2s-%.2s, or %s000ms "
			"for seconds of the epoch",
			text, text, text + 4, text + 6, text);
	p = text;
	if (!take_number(&p, &v) || v > LAST_SECOND)
		return klog_fail(err, KLOG_EUSAGE,
			"%.40s seconds are past the year 9999: "
			"write %.40sms for milliseconds",
			text, text);
	*ms = v * 1000;
	return 1;
}

static int
bad_time(const char *text, struct klog_err *err)
{
	char shown[80];

	return klog_fail(err, KLOG_EUSAGE,
		"'%s' is not a time: write 2026-11-22, 2026-11-22T14:00, "
		"2026-11-22T14:00:05.250+01:00, 14:00, now, today, yesterday, "
		"-10m (ago), or seconds or ms of the epoch (1795352400, "
		"1795352400000ms)",
		klog_printable(shown, sizeof(shown), text));
}

int
klog_time_parse(
	const char *text, int64_t now_ms, int64_t *ms, struct klog_err *err)
{
	char shown[80];
	int64_t found = -1;
	int64_t ago;
	int r;

	if (text[0] == '-') {
		if (klog_duration_parse(text + 1, &ago, err) == -1)
			return bad_time(text, err);
		found = ago > now_ms ? -1 : now_ms - ago;
	} else if (!by_name(text, now_ms, &found)) {
		r = since_epoch(text, &found, err);
		if (r == -1)
			return -1;
		if (r == 0 && !calendar(text, now_ms, &found))
			return bad_time(text, err);
	}
	/* No record is older: a negative timestamp means none. */
	if (found < 0)
		return klog_fail(err, KLOG_EUSAGE,
			"'%s' is before 1970, where time begins",
			klog_printable(shown, sizeof(shown), text));
	*ms = found;
	return 0;
}

void
klog_time_text(int64_t ms, char text[KLOG_TIME_TEXT])
{
	int64_t fraction = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;
	time_t s = (time_t)(ms / 1000 - (ms % 1000 < 0));
	char day[32];
	struct tm tm;
	bool west;
	int east;

	if (ms == -1) {
		snprintf(text, KLOG_TIME_TEXT, "-");
		return;
	}
	if (localtime_r(&s, &tm) == NULL ||
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		snprintf(text, KLOG_TIME_TEXT, "%jdms", (intmax_t)ms);
		return;
	}
	/* A zone of long ago may be off by seconds; there is no form for it. */
	east = (int)(tm.tm_gmtoff / 60);
	west = east < 0;
	snprintf(text, KLOG_TIME_TEXT, "%s.%03d%c%02d:%02d", day, (int)fraction,
		west ? '-' : '+', abs(east) / 60 % 100, abs(east) % 60);
}

/* ---- durations and sizes ---- */

struct unit {
	const char *name;
	int64_t factor;
};

/* Digits and one of the units; false also when the product overflows. */
static bool
measure(const char *text, const struct unit *units, int64_t *value)
{
	const char *p = text;
	int64_t v;

	if (!take_number(&p, &v))
		return false;
	for (; units->name != NULL; units++) {
		if (strcmp(p, units->name) != 0)
			continue;
		if (v > INT64_MAX / units->factor)
			return false;
		*value = v * units->factor;
		return true;
	}
	return false;
}

int
klog_duration_parse(const char *text, int64_t *ms, struct klog_err *err)
{
	static const struct unit units[] = { { "ms", 1 }, { "s", 1000 },
		{ "m", 60000 }, { "h", 3600000 }, { "d", DAY_MS },
		{ NULL, 0 } };
	char shown[80];

	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return 0;
	}
	if (measure(text, units, ms))
		return 0;
	return klog_fail(err, KLOG_EUSAGE,
		"'%s' is not a duration: write 500ms, 10s, 5m, 2h or 7d",
		klog_printable(shown, sizeof(shown), text));
}

int
klog_size_parse(const char *text, int64_t *bytes, struct klog_err *err)
{
	static const struct unit units[] = { { "", 1 }, { "kB", INT64_C(1000) },
		{ "KB", INT64_C(1000) }, { "MB", INT64_C(1000000) },
		{ "GB", INT64_C(1000000000) }, { "TB", INT64_C(1000000000000) },
		{ "k", INT64_C(1) << 10 }, { "K", INT64_C(1) << 10 },
		{ "M", INT64_C(1) << 20 }, { "G", INT64_C(1) << 30 },
		{ "T", INT64_C(1) << 40 }, { "KiB", INT64_C(1) << 10 },
		{ "MiB", INT64_C(1) << 20 }, { "GiB", INT64_C(1) << 30 },
		{ "TiB", INT64_C(1) << 40 }, { NULL, 0 } };
	char shown[80];

	if (measure(text, units, bytes))
		return 0;
	return klog_fail(err, KLOG_EUSAGE,
		"'%s' is not a size: write 4096, 64KiB, 1GiB or 500MB",
		klog_printable(shown, sizeof(shown), text));
}
