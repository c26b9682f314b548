#include <stdlib.h>
#include <string.h>

#include "report.h"

int
klog_report_add(struct klog_clean_report *report, const char *topic,
	int32_t partition, const struct klog_segment_fact *fact,
	const char *action, const char *rule, const char *group,
	struct klog_err *err)
{
	struct klog_clean_segment line = { .partition = partition,
		.base = fact->base,
		.next = fact->next,
		.bytes = fact->bytes,
		.newest_ms = fact->newest_ms,
		.action = action,
		.rule = rule,
		.when_ms = fact->when_ms };
	void *grown;

	grown = klog_grow(
		report->segments, report->count, sizeof(report->segments[0]));
	if (grown == NULL)
		return klog_fail_memory(err);
	report->segments = grown;
	line.topic = strdup(topic);
	line.group = group == NULL ? NULL : strdup(group);
	if (line.topic == NULL || (group != NULL && line.group == NULL)) {
		free(line.topic);
		return klog_fail_memory(err);
	}
	report->segments[report->count++] = line;
	return 0;
}

struct klog_clean_segment *
klog_report_find(const struct klog_clean_report *report, const char *topic,
	int32_t partition, int64_t base)
{
	size_t i;

	for (i = 0; i < report->count; i++)
		if (report->segments[i].base == base &&
			report->segments[i].partition == partition &&
			strcmp(report->segments[i].topic, topic) == 0)
			return &report->segments[i];
	return NULL;
}

void
klog_clean_report_free(struct klog_clean_report *report)
{
	size_t i;

	for (i = 0; i < report->count; i++) {
		free(report->segments[i].topic);
		free(report->segments[i].group);
	}
	free(report->segments);
	memset(report, 0, sizeof(*report));
}
