#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "names.h"

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* What topics and groups have in common. */
static int
check_name(const char *what, const char *name, struct klog_err *err)
{
	char shown[256];
	size_t size = strlen(name);
	size_t i;

	klog_printable(shown, sizeof(shown), name);
	if (size == 0)
		return klog_fail(err, KLOG_EUSAGE, "a %s name is empty", what);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return klog_fail(err, KLOG_EUSAGE,
			"%s name '%s': '.' and '..' are directories", what,
			shown);
	if (size > KLOG_TOPIC_MAX)
		return klog_fail(err, KLOG_EUSAGE,
			"%s name '%s': %zu bytes, at most %d are allowed", what,
			shown, size, KLOG_TOPIC_MAX);
	for (i = 0; i < size; i++)
		if (!is_name_byte(name[i]))
			return klog_fail(err, KLOG_EUSAGE,
				"%s name '%s': only letters, digits, '.', "
				"'_' and '-' of ASCII are allowed",
				what, shown);
	return 0;
}

int
klog_topic_name_check(const char *name, struct klog_err *err)
{
	if (check_name("topic", name, err) == -1)
		return -1;
	if (strcmp(name, KLOG_NEW_TOPIC) == 0 ||
		strncmp(name, KLOG_DELETED_PREFIX,
			strlen(KLOG_DELETED_PREFIX)) == 0)
		return klog_fail(err, KLOG_EUSAGE,
			"topic name '%s': klog itself uses it", name);
	return 0;
}

int
klog_group_name_check(const char *name, struct klog_err *err)
{
	return check_name("group", name, err);
}

bool
klog_partition_name(const char *name, size_t *topic_size, int32_t *partition)
{
	const char *dash = strrchr(name, '-');
	char topic[KLOG_TOPIC_MAX + 1];
	struct klog_err ignored;
	int64_t n;

	if (dash == NULL || (size_t)(dash - name) > KLOG_TOPIC_MAX)
		return false;
	*topic_size = (size_t)(dash - name);
	memcpy(topic, name, *topic_size);
	topic[*topic_size] = '\0';
	n = klog_number(dash + 1, INT32_MAX);
	*partition = (int32_t)n;
	return n >= 0 && klog_topic_name_check(topic, &ignored) == 0;
}

bool
klog_topic_names_collide(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		char x = *a == '.' ? '_' : *a;
		char y = *b == '.' ? '_' : *b;

		if (x != y)
			return false;
	}
	return *a == *b;
}

void
klog_file_name(
	char name[KLOG_FILE_NAME], int64_t base_offset, const char *suffix)
{
	snprintf(name, KLOG_FILE_NAME, "%020" PRId64 "%s", base_offset, suffix);
}

/* Adds the digit c to *value unless that would pass max. */
static bool
add_digit(int64_t *value, char c, int64_t max)
{
	int64_t digit = c - '0';

	if (digit < 0 || digit > 9 || max < digit ||
		*value > (max - digit) / 10)
		return false;
	*value = *value * 10 + digit;
	return true;
}

int64_t
klog_file_base(const char *name, const char *suffix)
{
	int64_t base = 0;
	int i;

	for (i = 0; i < 20; i++)
		if (!add_digit(&base, name[i], INT64_MAX))
			return -1;
	return strcmp(name + 20, suffix) == 0 ? base : -1;
}

int64_t
klog_number(const char *text, int64_t max)
{
	int64_t value = 0;
	const char *p;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -1;
	for (p = text; *p != '\0'; p++)
		if (!add_digit(&value, *p, max))
			return -1;
	return value;
}

char *
klog_printable(char *out, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	if (size == 0)
		return out;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= 0x20 && c < 0x7f;

		if (size - used <= (plain ? 1 : 4))
			break;
		if (plain) {
			out[used++] = *text;
			continue;
		}
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = hex[c >> 4];
		out[used++] = hex[c & 15];
	}
	out[used] = '\0';
	return out;
}

int32_t
klog_partition_number(const char *name)
{
	return (int32_t)klog_number(name, KLOG_PARTITIONS_MAX - 1);
}
