/* KEY=VALUE of -X, after a byte for who sets it: what is set has a text that
 * sets the same. */
#include "fuzz.h"
#include "libklog/settings.h"

static void
set_again(const struct klog_settings *settings, int scope, const char *key)
{
	struct klog_settings again;
	struct klog_err err;
	char text[256];
	size_t i;

	must(klog_setting_find(key, &i));
	(void)klog_setting_value(settings, i, text, sizeof(text));
	klog_settings_init(&again);
	must(klog_settings_set(&again, scope, key, text, &err) == 0);
	must(memcmp(settings, &again, sizeof(again)) == 0);
	must(klog_settings_reset(&again, scope, key, &err) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	int scope = (int)fuzz_number(&in, 1) & 7;
	char *key = fuzz_text(in);
	char *value = strchr(key, '=');
	struct klog_settings settings;
	struct klog_err err;

	if (value != NULL) {
		*value++ = '\0';
		klog_settings_init(&settings);
		if (klog_settings_set(&settings, scope, key, value, &err) == 0)
			set_again(&settings, scope, key);
		else
			must(err.code == KLOG_EUSAGE && err.text[0] != '\0');
		(void)klog_settings_check(&settings, &err);
		(void)klog_setting_nearest(scope, key);
	}
	free(key);
	return 0;
}
