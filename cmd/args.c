#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "libklog/err.h"
#include "libklog/names.h"
#include "libklog/time.h"

/* ---- topics and offsets ---- */

int
args_topic(const char *text, struct args_topic *topic, struct klog_err *err)
{
	const char *colon = strrchr(text, ':');
	int64_t partition = -1;
	size_t size = strlen(text);

	topic->name = NULL;
	topic->partition = -1;
	if (strchr(text, '/') == NULL && colon != NULL) {
		partition = klog_number(colon + 1, INT32_MAX);
		if (partition == -1)
			return klog_fail(err, KLOG_EUSAGE,
				"%s: no partition number after the colon",
				text);
		size = (size_t)(colon - text);
	}
	topic->name = strndup(text, size);
	if (topic->name == NULL)
		return klog_fail_memory(err);
	topic->partition = (int32_t)partition;
	if (strchr(text, '/') == NULL &&
		klog_topic_name_check(topic->name, err) == -1) {
		free(topic->name);
		topic->name = NULL;
		return -1;
	}
	return 0;
}

/* N or N/EPOCH */
static int
plain_offset(const char *text, struct klog_at *at, struct klog_err *err)
{
	const char *slash = strchr(text, '/');
	size_t size = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char digits[24];
	int64_t epoch;

	at->where = KLOG_AT_OFFSET;
	at->value = -1;
	if (size < sizeof(digits)) {
		memcpy(digits, text, size);
		digits[size] = '\0';
		at->value = klog_number(digits, INT64_MAX);
	}
	if (at->value == -1)
		return klog_fail(err, KLOG_EUSAGE,
			"%s: not an offset: N, N/EPOCH, -N, beginning, end, "
			"max-timestamp or @TIME",
			text);
	/* -1 is how %e prints that there is none */
	if (slash == NULL || strcmp(slash, "/-1") == 0)
		return 0;
	epoch = klog_number(slash + 1, INT32_MAX);
	if (epoch == -1)
		return klog_fail(err, KLOG_EUSAGE,
			"%s: not an offset: no leader epoch after the slash",
			text);
	at->epoch = (int32_t)epoch;
	return 0;
}

int
args_offset(const char *text, int64_t now_ms, struct klog_at *at,
	struct klog_err *err)
{
	static const struct {
		const char *word;
		enum klog_where where;
	} words[] = {
		{ "beginning", KLOG_AT_BEGINNING },
		{ "earliest", KLOG_AT_BEGINNING },
		{ "end", KLOG_AT_END },
		{ "latest", KLOG_AT_END },
		{ "max-timestamp", KLOG_AT_MAX_TIMESTAMP },
	};
	size_t i;

	at->value = 0;
	at->epoch = -1;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].word) == 0) {
			at->where = words[i].where;
			return 0;
		}
	}
	if (strcmp(text, "stored") == 0)
		return klog_fail(err, KLOG_EUSAGE,
			"stored: only a group has stored offsets");
	if (*text == '@') {
		at->where = KLOG_AT_TIME;
		return klog_time_parse(text + 1, now_ms, &at->value, err);
	}
	if (*text == '-') {
		at->where = KLOG_AT_TAIL;
		at->value = klog_number(text + 1, INT64_MAX);
		if (at->value != -1)
			return 0;
	}
	return plain_offset(text, at, err);
}

int
args_range(const char *text, int64_t now_ms, struct args_range *range,
	struct klog_err *err)
{
	const char *dots = strstr(text, "..");
	char from[64];

	memset(range, 0, sizeof(*range));
	range->from.epoch = range->to.epoch = -1;
	if (dots == NULL)
		return args_offset(text, now_ms, &range->from, err);
	range->range = true;
	if ((size_t)(dots - text) >= sizeof(from))
		return klog_fail(
			err, KLOG_EUSAGE, "%s: not a range FROM..TO", text);
	memcpy(from, text, (size_t)(dots - text));
	from[dots - text] = '\0';
	if (*from != '\0' && args_offset(from, now_ms, &range->from, err) == -1)
		return -1;
	if (dots[2] != '\0' &&
		args_offset(dots + 2, now_ms, &range->to, err) == -1)
		return -1;
	if (range->from.where == range->to.where &&
		(range->from.where == KLOG_AT_OFFSET ||
			range->from.where == KLOG_AT_TIME) &&
		range->from.value > range->to.value)
		return klog_fail(err, KLOG_EUSAGE,
			"%s: the range ends before it begins", text);
	return 0;
}

/* ---- lists of numbers ---- */

int
args_list_add(struct args_list *list, int32_t n, struct klog_err *err)
{
	size_t at = list->count;
	int32_t *grown;

	while (at > 0 && list->numbers[at - 1] >= n)
		at--;
	if (at < list->count && list->numbers[at] == n)
		return klog_fail(
			err, KLOG_EUSAGE, "partition %d is said twice", n);
	if (list->count == ARGS_LIST_MAX)
		return klog_fail(err, KLOG_EUSAGE, "more than %d partitions",
			ARGS_LIST_MAX);
	grown = klog_grow(list->numbers, list->count, sizeof(*grown));
	if (grown == NULL)
		return klog_fail_memory(err);
	list->numbers = grown;
	memmove(&list->numbers[at + 1], &list->numbers[at],
		(list->count - at) * sizeof(*list->numbers));
	list->numbers[at] = n;
	list->count++;
	return 0;
}

/* "7" or "5-7" */
static int
list_item(struct args_list *list, char *item, struct klog_err *err)
{
	char *dash = strchr(item, '-');
	int64_t first, last, n;

	if (dash != NULL)
		*dash = '\0';
	first = klog_number(item, INT32_MAX);
	last = dash != NULL ? klog_number(dash + 1, INT32_MAX) : first;
	if (first == -1 || last == -1 || first > last)
		return klog_fail(err, KLOG_EUSAGE,
			"'%s%s%s' is not a partition or FIRST-LAST", item,
			dash != NULL ? "-" : "", dash != NULL ? dash + 1 : "");
	for (n = first; n <= last; n++) {
		if (args_list_add(list, (int32_t)n, err) == -1)
			return -1;
	}
	return 0;
}

int
args_list(const char *text, struct args_list *list, struct klog_err *err)
{
	char *copy = strdup(text), *rest = copy, *item;
	int r = 0;

	if (copy == NULL)
		return klog_fail_memory(err);
	while (r == 0 && (item = strsep(&rest, ",")) != NULL)
		r = list_item(list, item, err);
	free(copy);
	return r;
}

/* ---- topics, each for itself ---- */

static bool
is_within(const struct args_topic *a, const struct args_topic *b)
{
	return strcmp(a->name, b->name) == 0 &&
		(a->partition == b->partition || a->partition == -1 ||
			b->partition == -1);
}

int
args_topic_list(char *const *operands, size_t count, struct args_topic **list,
	bool *paths_only, struct klog_err *err)
{
	size_t i, j;

	*paths_only = count > 0;
	*list = calloc(count + 1, sizeof(**list));
	if (*list == NULL)
		return klog_fail_memory(err);
	for (i = 0; i < count; i++) {
		if (args_topic(operands[i], &(*list)[i], err) == -1)
			break;
		*paths_only &= strchr((*list)[i].name, '/') != NULL;
		for (j = 0; j < i && !is_within(&(*list)[j], &(*list)[i]); j++)
			;
		if (j == i)
			continue;
		klog_fail(err, KLOG_EUSAGE, "%s is said twice", operands[i]);
		break;
	}
	if (i == count)
		return 0;
	args_topic_list_free(*list, count);
	*list = NULL;
	return -1;
}

void
args_topic_list_free(struct args_topic *list, size_t count)
{
	size_t i;

	for (i = 0; list != NULL && i < count; i++)
		free(list[i].name);
	free(list);
}

/* ---- topics to read ---- */

/* Whether a topic fits to those before it; *known: its name is there. */
static int
check_topic(const struct args_topics *topics, const struct args_topic *topic,
	bool *known, struct klog_err *err)
{
	bool named = topic->partition != -1;
	size_t i;

	*known = false;
	for (i = 0; i < topics->count; i++)
		*known |= strcmp(topics->names[i], topic->name) == 0;
	if (*known && !named && topics->partitions.count == 0)
		return klog_fail(
			err, KLOG_EUSAGE, "%s is said twice", topic->name);
	if (topics->count > 0 &&
		(!*known || named != (topics->partitions.count > 0)) &&
		(named || topics->partitions.count > 0))
		return klog_fail(err, KLOG_EUSAGE,
			"TOPIC:PARTITION goes with one topic only; -p is for "
			"several");
	return 0;
}

int
args_topics_add(
	struct args_topics *topics, const char *text, struct klog_err *err)
{
	struct args_topic topic;
	char **grown;
	bool known;

	if (args_topic(text, &topic, err) == -1)
		return -1;
	if (check_topic(topics, &topic, &known, err) == -1 ||
		(topic.partition != -1 &&
			args_list_add(&topics->partitions, topic.partition,
				err) == -1)) {
		free(topic.name);
		return -1;
	}
	if (known) {
		free(topic.name);
		return 0;
	}
	grown = realloc(topics->names, (topics->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		free(topic.name);
		return klog_fail_memory(err);
	}
	topics->names = grown;
	grown[topics->count++] = topic.name;
	topics->paths_only = (topics->count == 1 || topics->paths_only) &&
		strchr(topic.name, '/') != NULL;
	return 0;
}

int
args_whole_topics(struct args_topics *topics, char *const *operands, int count,
	struct klog_err *err)
{
	int i;

	if (count == 0)
		return klog_fail(err, KLOG_EUSAGE, "no topic");
	for (i = 0; i < count; i++) {
		if (args_topics_add(topics, operands[i], err) == -1)
			return -1;
		if (topics->partitions.count > 0)
			return klog_fail(err, KLOG_EUSAGE,
				"'%s' is a partition; name a whole topic",
				operands[i]);
	}
	return 0;
}

void
args_topics_free(struct args_topics *topics)
{
	size_t i;

	for (i = 0; i < topics->count; i++)
		free(topics->names[i]);
	free(topics->names);
	free(topics->partitions.numbers);
	memset(topics, 0, sizeof(*topics));
}

/* ---- bytes ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
args_char(const char **s, uint8_t *byte, struct klog_err *err)
{
	static const char letters[] = "ntr0\\", bytes[] = "\n\t\r\0\\";
	const char *p = *s, *letter;

	if (*p != '\\') {
		*byte = (uint8_t)*p;
		*s = p + 1;
		return 0;
	}
	letter = p[1] != '\0' ? strchr(letters, p[1]) : NULL;
	if (letter != NULL) {
		*byte = (uint8_t)bytes[letter - letters];
		*s = p + 2;
		return 0;
	}
	if (p[1] == 'x' && hex_digit(p[2]) != -1 && hex_digit(p[3]) != -1) {
		*byte = (uint8_t)(hex_digit(p[2]) << 4 | hex_digit(p[3]));
		*s = p + 4;
		return 0;
	}
	return klog_fail(err, KLOG_EUSAGE,
		"'%.4s': escapes are \\n \\t \\r \\0 \\\\ \\xNN", p);
}

int
args_delim(const char *text, struct klog_buf *delim, struct klog_err *err)
{
	uint8_t byte;

	if (*text == '\0')
		return klog_fail(
			err, KLOG_EUSAGE, "a delimiter has at least one byte");
	while (*text != '\0') {
		if (args_char(&text, &byte, err) == -1)
			return -1;
		if (klog_buf_put(delim, &byte, 1) == -1)
			return klog_fail_memory(err);
	}
	return 0;
}

int
args_header(const char *text, struct klog_buf *headers, struct klog_err *err)
{
	const char *equals = strchr(text, '=');
	struct klog_header header;

	if (equals == NULL)
		return klog_fail(err, KLOG_EUSAGE, "%s: not NAME=VALUE", text);
	header.name = klog_slice_of(text, (size_t)(equals - text));
	header.value = klog_slice_of(equals + 1, strlen(equals + 1));
	if (klog_buf_reserve(headers,
		    KLOG_HEADER_EXTRA + header.name.size + header.value.size) ==
		-1)
		return klog_fail_memory(err);
	headers->size = (size_t)(klog_header_put(headers->data + headers->size,
					 &header) -
		headers->data);
	return 0;
}
