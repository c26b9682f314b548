/*
 * Errors: a code for programs, one line for people.  Each level adds what it
 * alone knows; the library never prints.
 */
#ifndef KLOG_ERR_H
#define KLOG_ERR_H

#include "klog.h"

/* Fills *err and answers -1.  Text past KLOG_ERR_TEXT is cut. */
int klog_fail(struct klog_err *err, enum klog_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* KLOG_ESYSTEM with errno and its words after the text; answers -1. */
int klog_fail_errno(struct klog_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Puts "CONTEXT: " before the text, on the way up; answers -1. */
int klog_err_in(struct klog_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* KLOG_EMEMORY; answers -1. */
int klog_fail_memory(struct klog_err *err);

/* Says a line (klog.h, struct klog_say). */
void klog_sayf(const struct klog_say *say, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Where one that fails hides no other: the worst failure, damage before all
 * else, is kept for the caller, and the others are said.
 */
struct klog_failures {
	bool any;
	struct klog_err worst;
};
void klog_failures_add(struct klog_failures *f, const struct klog_say *say,
	const struct klog_err *err);

/* 0 there was none, -1 with *err. */
int klog_failures_end(const struct klog_failures *f, struct klog_err *err);

#endif
