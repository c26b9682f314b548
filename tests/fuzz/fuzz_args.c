/* What people and scripts type: the first byte says which operand it is. */
#include <time.h>

#include "cmd/args.h"
#include "fuzz.h"
#include "libklog/time.h"

#define NOW INT64_C(1795352400123)
#define YEAR_10000 INT64_C(253402300800000)

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return 0;
}

/* An instant has a text that means the same. */
static void
take_time(const char *text)
{
	char again[KLOG_TIME_TEXT];
	struct klog_err err;
	int64_t ms, same;

	if (klog_time_parse(text, NOW, &ms, &err) == -1) {
		must(err.code == KLOG_EUSAGE);
		return;
	}
	must(ms >= 0);
	klog_time_text(ms, again);
	if (ms >= YEAR_10000 - 86400000)
		return;
	must(klog_time_parse(again, NOW, &same, &err) == 0);
	must(same == ms);
}

static void
take_measures(const char *text)
{
	struct klog_err err;
	int64_t n;

	if (klog_duration_parse(text, &n, &err) == 0)
		must(n >= 0);
	else
		must(err.code == KLOG_EUSAGE);
	if (klog_size_parse(text, &n, &err) == 0)
		must(n >= 0);
	else
		must(err.code == KLOG_EUSAGE);
}

static void
take_range(const char *text)
{
	struct args_range range;
	struct klog_err err;

	if (args_range(text, NOW, &range, &err) == 0)
		must(range.from.value >= 0 && range.to.value >= 0);
	else
		must(err.code == KLOG_EUSAGE);
}

static void
take_list(const char *text)
{
	struct args_list list = { NULL, 0 };
	struct klog_err err;
	size_t i;

	if (args_list(text, &list, &err) == 0)
		must(list.count > 0);
	else
		must(err.code == KLOG_EUSAGE);
	must(list.count <= ARGS_LIST_MAX);
	for (i = 1; i < list.count; i++)
		must(list.numbers[i - 1] < list.numbers[i]);
	free(list.numbers);
}

static void
take_delim(const char *text)
{
	struct klog_buf delim = { NULL, 0, 0 };
	struct klog_err err;

	if (args_delim(text, &delim, &err) == 0)
		must(delim.size >= 1 && delim.size <= strlen(text));
	else
		must(err.code == KLOG_EUSAGE);
	klog_buf_free(&delim);
}

/* TOPICs, one a line. */
static void
take_topics(char *text)
{
	struct args_topics topics = { .names = NULL };
	struct klog_err err;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		if (args_topics_add(&topics, line, &err) == -1)
			must(err.code == KLOG_EUSAGE);
	args_topics_free(&topics);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	uint64_t kind = fuzz_number(&in, 1);
	char *text = fuzz_text(in);

	switch (kind % 6) {
	case 0:
		take_time(text);
		break;
	case 1:
		take_measures(text);
		break;
	case 2:
		take_range(text);
		break;
	case 3:
		take_list(text);
		break;
	case 4:
		take_delim(text);
		break;
	default:
		take_topics(text);
		break;
	}
	free(text);
	return 0;
}
