#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "findings.h"

#define FINDINGS_MAX 4096

static bool
goes_on(const struct klog_found *last, enum klog_severity severity,
	const char *file, int64_t position)
{
	return severity == KLOG_FOUND_INDEX && last->severity == severity &&
		last->size > 0 && last->position + last->size == position &&
		strcmp(last->file, file) == 0;
}

static struct klog_found *
make(struct klog_findings *f)
{
	struct klog_found *list;

	list = klog_grow(f->list, f->count, sizeof(list[0]));
	if (list == NULL)
		return NULL;
	f->list = list;
	return &f->list[f->count++];
}

/* There is no room for it: the last one says how many. */
static void
count_one(struct klog_findings *f, enum klog_severity severity)
{
	struct klog_found *last = &f->list[f->count - 1];

	if (severity > last->severity)
		last->severity = severity;
	last->size = 0;
	last->offset = -1;
	f->more++;
	snprintf(last->what, sizeof(last->what),
		"%" PRId64 " more findings from here on, which are not listed",
		f->more + 1);
}

int
klog_findings_add(struct klog_findings *f, enum klog_severity severity,
	const char *file, int64_t position, int64_t size, int64_t offset,
	struct klog_err *err, const char *fmt, ...)
{
	struct klog_found *found;
	va_list ap;

	if (f->count > 0 &&
		goes_on(&f->list[f->count - 1], severity, file, position)) {
		f->list[f->count - 1].size += size;
		return 0;
	}
	if (f->count == FINDINGS_MAX) {
		count_one(f, severity);
		return 0;
	}
	found = make(f);
	if (found == NULL)
		return klog_fail_memory(err);
	found->severity = severity;
	snprintf(found->file, sizeof(found->file), "%s", file);
	found->position = position;
	found->size = size;
	found->offset = offset >= 0 ? offset : -1;
	found->doubtful = false;
	va_start(ap, fmt);
	vsnprintf(found->what, sizeof(found->what), fmt, ap);
	va_end(ap);
	return 0;
}

void
klog_findings_cut(struct klog_findings *f, size_t count)
{
	if (count >= f->count)
		return;
	f->count = count;
	f->more = 0;
}

void
klog_findings_free(struct klog_findings *f)
{
	free(f->list);
	memset(f, 0, sizeof(*f));
}
