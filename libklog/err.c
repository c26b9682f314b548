#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "err.h"

int
klog_exit_status(enum klog_code code)
{
	switch (code) {
	case KLOG_OK:
		return 0;
	case KLOG_EUSAGE:
		return 2;
	case KLOG_ECORRUPT:
		return 3;
	default:
		return 1;
	}
}

int
klog_fail(struct klog_err *err, enum klog_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->sys_errno = 0;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
klog_fail_errno(struct klog_err *err, const char *fmt, ...)
{
	int sys = errno;
	va_list ap;
	size_t used;

	err->code = KLOG_ESYSTEM;
	err->sys_errno = sys;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s%s",
		strerror(sys),
		sys == EMFILE ? "; raise the limit (ulimit -n)" : "");
	return -1;
}

int
klog_err_in(struct klog_err *err, const char *fmt, ...)
{
	char text[KLOG_ERR_TEXT];
	va_list ap;
	size_t used;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, ": %s", err->text);
	memcpy(err->text, text, sizeof(text));
	return -1;
}

int
klog_fail_memory(struct klog_err *err)
{
	return klog_fail(err, KLOG_EMEMORY, "out of memory");
}

void
klog_sayf(const struct klog_say *say, int level, const char *fmt, ...)
{
	char text[KLOG_ERR_TEXT];
	va_list ap;

	if (say == NULL || say->line == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say->line(say->arg, level, text);
}

void
klog_failures_add(struct klog_failures *f, const struct klog_say *say,
	const struct klog_err *err)
{
	bool worse = err->code == KLOG_ECORRUPT &&
		f->worst.code != KLOG_ECORRUPT;

	if (f->any)
		klog_sayf(say, 0, "%s", worse ? f->worst.text : err->text);
	if (!f->any || worse)
		f->worst = *err;
	f->any = true;
}

int
klog_failures_end(const struct klog_failures *f, struct klog_err *err)
{
	if (!f->any)
		return 0;
	*err = f->worst;
	return -1;
}
