#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "given.h"
#include "libklog/settings.h"

int
given_put(struct given *settings, const char *key, const char *value,
	struct klog_err *err)
{
	struct klog_setting *grown;
	size_t i;

	for (i = 0; i < settings->count; i++) {
		if (strcmp(settings->list[i].key, key) == 0)
			return klog_fail(
				err, KLOG_EUSAGE, "%s is said twice", key);
	}
	grown = realloc(settings->list, (settings->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return klog_fail_memory(err);
	settings->list = grown;
	grown += settings->count;
	grown->key = strdup(key);
	grown->value = strdup(value);
	if (grown->key == NULL || grown->value == NULL)
		return klog_fail_memory(err);
	settings->count++;
	return 0;
}

int
given_text(struct given *settings, const char *text, struct klog_err *err)
{
	const char *equals = strchr(text, '=');
	char *key;
	int r;

	if (equals == NULL || equals == text)
		return klog_fail(err, KLOG_EUSAGE, "%s: not KEY=VALUE", text);
	key = strndup(text, (size_t)(equals - text));
	if (key == NULL)
		return klog_fail_memory(err);
	r = given_put(settings, key, equals + 1, err);
	free(key);
	return r;
}

/* The line without blanks around it. */
static char *
trim(char *line)
{
	size_t size;

	line += strspn(line, " \t");
	size = strlen(line);
	while (size > 0 && strchr(" \t\r\n", line[size - 1]) != NULL)
		size--;
	line[size] = '\0';
	return line;
}

int
given_file(struct given *settings, const char *path, struct klog_err *err)
{
	FILE *f = fopen(path, "re");
	char line[4096], *text;
	int r = 0, number;

	if (f == NULL)
		return klog_fail_errno(err, "%s", path);
	for (number = 1; r == 0; number++) {
		errno = 0;
		if (fgets(line, sizeof(line), f) == NULL) {
			if (ferror(f) != 0)
				r = klog_fail_errno(err, "%s", path);
			break;
		}
		if (strlen(line) == sizeof(line) - 1)
			r = klog_fail(err, KLOG_EUSAGE, "%s:%d: line too long",
				path, number);
		if (r == -1)
			break;
		text = trim(line);
		if (*text == '\0' || *text == '#')
			continue;
		r = given_text(settings, text, err);
		if (r == -1)
			klog_err_in(err, "%s:%d", path, number);
	}
	fclose(f);
	return r;
}

int
given_check(const struct given *settings, int scope, struct klog_err *err)
{
	struct klog_settings all;
	size_t i;

	klog_settings_init(&all);
	for (i = 0; i < settings->count; i++) {
		const struct klog_setting *one = &settings->list[i];
		bool reset = settings->resets && one->value[0] == '\0';

		if (reset ? klog_settings_reset(&all, scope, one->key, err)
			  : klog_settings_set(
				    &all, scope, one->key, one->value, err))
			return -1;
	}
	/* with what the topic has already it is the library's to judge */
	return settings->resets ? 0 : klog_settings_check(&all, err);
}

void
given_free(struct given *settings)
{
	size_t i;

	for (i = 0; i < settings->count; i++) {
		free((char *)(uintptr_t)settings->list[i].key);
		free((char *)(uintptr_t)settings->list[i].value);
	}
	free(settings->list);
	memset(settings, 0, sizeof(*settings));
}
