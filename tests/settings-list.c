/*
 * For interface.bats.  Without operands: the library's table of settings, a
 * line each: name, type, default, bounds, scope ("topic,producer"), own (1 or
 * 0).  With operands SCOPE KEY=VALUE...: 0 when each can be set, else 1 and
 * the reasons.
 */
#include <stdio.h>
#include <string.h>

#include "libklog/settings.h"

static const struct {
	const char *name;
	int scope;
} scopes[] = { { "topic", KLOG_OF_TOPIC }, { "producer", KLOG_OF_PRODUCER },
	{ "consumer", KLOG_OF_CONSUMER } };

#define SCOPES (sizeof(scopes) / sizeof(scopes[0]))

static void
list(void)
{
	struct klog_setting_info info;
	size_t i, j;

	for (i = 0; klog_setting_info(i, &info); i++) {
		const char *comma = "";

		printf("%s\t%s\t%s\t%s\t", info.name, info.type, info.fallback,
			info.bounds[0] != '\0' ? info.bounds : "-");
		for (j = 0; j < SCOPES; j++)
			if (info.scope & scopes[j].scope) {
				printf("%s%s", comma, scopes[j].name);
				comma = ",";
			}
		printf("\t%d\n", info.own);
	}
}

static int
try(int scope, char *pair)
{
	struct klog_settings settings;
	struct klog_err err;
	char *value = strchr(pair, '=');

	if (value == NULL)
		return 1;
	*value++ = '\0';
	klog_settings_init(&settings);
	if (klog_settings_set(&settings, scope, pair, value, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}

int
main(int argc, char **argv)
{
	int failed = 0, i, scope = 0;
	size_t j;

	if (argc < 2) {
		list();
		return 0;
	}
	for (j = 0; j < SCOPES; j++)
		if (strcmp(argv[1], scopes[j].name) == 0)
			scope = scopes[j].scope;
	for (i = 2; i < argc; i++)
		failed |= try(scope, argv[i]);
	return failed;
}
