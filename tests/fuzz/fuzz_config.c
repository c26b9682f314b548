/* topic.yaml: what is read is written again, and read the same. */
#include "fuzz.h"
#include "libklog/config.h"
#include "libklog/names.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(klog_slice_of(data, size));
	struct klog_topic_config config, again;
	struct klog_buf text = { NULL, 0, 0 };
	struct klog_err err;

	if (klog_config_parse("access/topic.yaml", klog_slice_of(copy, size),
		    &config, &err) == 0) {
		must(config.partitions >= 1 &&
			config.partitions <= KLOG_PARTITIONS_MAX);
		must(config.generation >= 0);
		must(klog_config_format("access", &config, &text) == 0);
		memset(&again, 0xff, sizeof(again));
		must(klog_config_parse("access/topic.yaml",
			     klog_slice_of(text.data, text.size), &again,
			     &err) == 0);
		must(memcmp(config.id, again.id, sizeof(config.id)) == 0);
		must(config.generation == again.generation);
		must(config.partitions == again.partitions);
		must(memcmp(&config.settings, &again.settings,
			     sizeof(config.settings)) == 0);
	} else {
		must(err.code == KLOG_ECORRUPT && err.text[0] != '\0');
	}
	klog_buf_free(&text);
	free(copy);
	return 0;
}
