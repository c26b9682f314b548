/* Clocks, and text for instants, durations and sizes. */
#ifndef KLOG_TIME_H
#define KLOG_TIME_H

#include "err.h"

/* Wall clock, ms since 1970 UTC, as records are stamped. */
int64_t klog_now_ms(void);

/* For intervals: ms of a clock that never jumps. */
int64_t klog_tick_ms(void);

/*
 * TIME: "2026-11-22", "2026-11-22T14:00[:05][.250][Z or +01:00]" (also with a
 * space; no zone: local), "14:00[:05]" (today), "now", "today", "yesterday",
 * "-10m" (ago), digits alone are seconds of the epoch, digits with "ms" are
 * milliseconds.  Eight digits that read as a date are refused, showing the
 * right form.  KLOG_EUSAGE with words.
 */
int klog_time_parse(
	const char *text, int64_t now_ms, int64_t *ms, struct klog_err *err);

/* DURATION: "500ms" "10s" "5m" "2h" "7d"; "0" alone is allowed. */
int klog_duration_parse(const char *text, int64_t *ms, struct klog_err *err);

/* SIZE: "4096" "64KiB" "1GiB" "500MB"; K M G T alone are 1024s. */
int klog_size_parse(const char *text, int64_t *bytes, struct klog_err *err);

/* "2026-11-22T14:00:05.250+01:00" in local time; "-" for -1. */
#define KLOG_TIME_TEXT 48
void klog_time_text(int64_t ms, char text[KLOG_TIME_TEXT]);

#endif
