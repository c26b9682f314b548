/* topic.yaml: what is written is read back, and nothing else is read. */
#include <stdlib.h>

#include "libklog/config.h"
#include "libklog/time.h"
#include "tap.h"

#define ID "id: ASNFZ4mrze_-3LqYdlQyEA\n"
#define KEYS ID "generation: 1\npartitions: 3\n"
#define SETTINGS KEYS "settings:\n"
#define EDIT "; correct it with klog-alter --edit orders"
#define RESTORE "; restore it from a backup"

static struct klog_topic_config config;
static struct klog_err err;

/*
 * Parses a copy in memory of its exact size, so that ASan sees a byte too
 * many, and takes note of what takes long.
 */
static int
parse(const void *bytes, size_t size)
{
	int64_t begin = klog_tick_ms();
	uint8_t *copy = malloc(size + (size == 0));
	int r;

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, size);
	err.code = KLOG_OK;
	err.text[0] = '\0';
	r = klog_config_parse(
		"orders/topic.yaml", klog_slice_of(copy, size), &config, &err);
	free(copy);
	if (klog_tick_ms() - begin > 200)
		ok(false, "%d ms: %s", (int)(klog_tick_ms() - begin), err.text);
	return r;
}

static void
is_refused(const char *text, const char *what)
{
	char want[512];
	bool same;

	snprintf(want, sizeof(want), "orders/topic.yaml:%s", what);
	same = parse(text, strlen(text)) == -1 && err.code == KLOG_ECORRUPT;
	ok(same, "refused as damaged");
	is_str(err.text, want, "%s", what);
}

static void
reads(void)
{
	static const uint8_t id[KLOG_TOPIC_ID] = { 0x01, 0x23, 0x45, 0x67, 0x89,
		0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32,
		0x10 };
	static const char text[] = "# a remark\n" SETTINGS
				   "  retention.ms: 7d # a week\n"
				   "  \"segment.bytes\": '64MiB'\n"
				   "  cleanup.policy: compact, delete\n";
	static const char flow[] = "{partitions: 10000, generation: 0, "
				   "settings: {flush.ms: 0},\n "
				   "id: 'ASNFZ4mrze_-3LqYdlQyEA'}\n";

	is_int(parse(text, strlen(text)), 0, "a file: %s", err.text);
	ok(memcmp(config.id, id, sizeof(id)) == 0, "its id");
	is_int(config.generation, 1, "its generation");
	is_int(config.partitions, 3, "its partitions");
	is_int(config.settings.retention_ms, 604800000, "a duration");
	is_int(config.settings.segment_bytes, 64 << 20, "in quotes, a size");
	is_int(config.settings.cleanup_policy, 3, "a list");
	is_int(config.settings.flush_ms, 1000, "a default");
	is_int(parse(flow, strlen(flow)), 0, "in braces: %s", err.text);
	is_int(config.partitions, 10000, "the most partitions");
	is_int(config.settings.flush_ms, 0, "its setting");
	is_int(parse(SETTINGS, strlen(SETTINGS)), 0, "no setting is left");
	is_int(parse("---\n" KEYS "...\n", strlen(KEYS) + 8), 0,
		"marks of begin and end");
}

static void
refuses(void)
{
	is_refused(SETTINGS "  retention.sm: 1\n",
		"5:3: unknown key 'retention.sm' (did you mean "
		"retention.ms?)" EDIT);
	is_refused(SETTINGS "  zookeeper: 1\n",
		"5:3: unknown key 'zookeeper'" EDIT);
	is_refused(SETTINGS "  segment.bytes: 14\n",
		"5:18: segment.bytes=14: must be 1048576..2147483647, a number "
		"of bytes or a size such as 64KiB" EDIT);
	is_refused(SETTINGS "  preallocate: yes\n",
		"5:16: preallocate=yes: must be true or false" EDIT);
	is_refused(SETTINGS "  flush.ms: ~\n",
		"5:13: flush.ms=~: must be 0..9223372036854775807, a number of "
		"ms or a duration such as 7d" EDIT);
	is_refused(SETTINGS "  flush.ms:\n",
		"5:12: flush.ms: its value is missing" EDIT);
	is_refused(SETTINGS "  flush.ms: 1:30\n",
		"5:13: flush.ms=1:30: must be 0..9223372036854775807, a number "
		"of ms or a duration such as 7d" EDIT);
	is_refused(SETTINGS "  flush.ms: 1_000\n",
		"5:13: flush.ms=1_000: must be 0..9223372036854775807, a "
		"number of ms or a duration such as 7d" EDIT);
	is_refused(SETTINGS "  flush.ms: 0x10\n",
		"5:13: flush.ms=0x10: must be 0..9223372036854775807, a number "
		"of ms or a duration such as 7d" EDIT);
	is_refused(SETTINGS "  flush.ms: [1]\n",
		"5:13: flush.ms: one plain value is expected, not a list or a "
		"mapping" EDIT);
	is_refused(SETTINGS "  flush.ms: |\n    1\n",
		"5:13: flush.ms: a block of text is not used" EDIT);
	is_refused(SETTINGS "  flush.ms: \"1\\0\"\n",
		"5:13: flush.ms: a NUL byte" EDIT);
	is_refused(SETTINGS "  batch.size: 1\n",
		"5:3: 'batch.size' is a setting of a producer: set it with "
		"klog-produce -X" EDIT);
	is_refused(SETTINGS "  min.compaction.lag.ms: 2\n"
			    "  max.compaction.lag.ms: 1\n",
		"4:1: min.compaction.lag.ms=2 is more than "
		"max.compaction.lag.ms=1" EDIT);
	is_refused(KEYS "settings: 5\n",
		"4:11: settings: lines of KEY: VALUE are expected, each two "
		"spaces in" EDIT);
	is_refused(KEYS "settings: []\n",
		"4:11: settings: lines of KEY: VALUE are expected, each two "
		"spaces in" EDIT);
	is_refused(KEYS "retention.ms: 1\n",
		"4:1: 'retention.ms' is a setting: it belongs under "
		"'settings:', two spaces in" EDIT);
	is_refused(KEYS "partition: 1\n",
		"4:1: unknown key 'partition': here are id, generation, "
		"partitions and settings" EDIT);
	is_refused(ID "generation: 1\npartitions: 0\n",
		"3:13: partitions: '0' is not a number of 1..10000" EDIT);
	is_refused(ID "generation: 1\npartitions: 10001\n",
		"3:13: partitions: '10001' is not a number of 1..10000" EDIT);
	is_refused(ID "generation: -1\npartitions: 1\n",
		"2:13: generation: '-1' is not a number of "
		"0..9223372036854775807" EDIT);
	is_refused("id: ASNFZ4mrze_-3LqYdlQyEB\ngeneration: 1\npartitions: 1\n",
		"1:5: id: 'ASNFZ4mrze_-3LqYdlQyEB' is not 22 characters of "
		"URL-safe base64" EDIT);
	is_refused("- id\n", "1:1: lines of KEY: VALUE are expected" EDIT);
	is_refused(KEYS "[a]: b\n",
		"4:1: a key: one plain value is expected, not a list or a "
		"mapping" EDIT);
	is_refused(ID, "2:1: the key 'generation' is missing" RESTORE);
	is_refused("generation: 1\npartitions: 3\n",
		"3:1: the key 'id' is missing" RESTORE);
	is_refused(ID "generation: 1\n",
		"3:1: the key 'partitions' is missing" RESTORE);
}

static void
yaml_tricks(void)
{
	is_refused(KEYS "id: x\n",
		"4:1: duplicate key 'id', first on line 1" EDIT);
	is_refused(SETTINGS "  flush.ms: 1\n  \"flush.ms\": 2\n",
		"6:3: duplicate key 'flush.ms', first on line 5" EDIT);
	is_refused(KEYS "settings: {}\nsettings: {}\n",
		"5:1: duplicate key 'settings', first on line 4" EDIT);
	is_refused(SETTINGS "  flush.ms: !!int 5\n",
		"5:13: a tag is not used here" EDIT);
	is_refused(SETTINGS "  flush.ms: ! 5\n",
		"5:13: a tag is not used here" EDIT);
	is_refused(KEYS "settings: !!map {}\n",
		"4:11: a tag is not used here" EDIT);
	is_refused(SETTINGS "  flush.ms: &a 5\n",
		"5:13: an anchor is not used here" EDIT);
	is_refused(SETTINGS "  flush.ms: *a\n",
		"5:13: an alias is not used here" EDIT);
	is_refused(KEYS "settings: &a [*a]\n",
		"4:11: an anchor is not used here" EDIT);
	is_refused("&a {x: *a}\n", "1:1: an anchor is not used here" EDIT);
	is_refused(KEYS "<<: {partitions: 4}\n",
		"4:1: unknown key '<<': here are id, generation, partitions "
		"and settings" EDIT);
	is_refused(
		SETTINGS "  <<: {flush.ms: 4}\n", "5:3: unknown key '<<'" EDIT);
	is_refused("%YAML 1.1\n---\n" KEYS,
		"1:1: a directive is not used here" EDIT);
	is_refused(KEYS "---\n" KEYS, "4:1: a second document" EDIT);
	is_refused("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
		"1:1: unknown key 'a': here are id, generation, partitions and "
		"settings" EDIT);
	is_refused(SETTINGS "\tflush.ms: 1\n", "5:1: a tab: use spaces" EDIT);
	is_refused(SETTINGS "  flush.ms:\t1\n", "5:12: a tab: use spaces" EDIT);
	is_refused("\xef\xbb\xbf" KEYS,
		"1:1: a byte order mark: the file must be plain UTF-8" EDIT);
	is_refused("\xff\xfe"
		   "i",
		"1:1: a byte order mark: the file must be plain UTF-8" EDIT);
	is_refused("\xfe\xff",
		"1:1: a byte order mark: the file must be plain UTF-8" EDIT);
	is_refused(
		KEYS "\xff: 1\n", "4:1: invalid leading UTF-8 octet" RESTORE);
	is_refused("", "1:1: the file is empty" RESTORE);
	is_refused("\n", "2:1: the file holds nothing" RESTORE);
	is_refused("# only this\n", "2:1: the file holds nothing" RESTORE);
	is_refused(ID "generation: 1\npartitions: 3",
		"3:14: the file ends within a line" RESTORE);
}

/* `count` times `unit` behind `head`, and a last newline. */
static void
many(const char *head, const char *unit, size_t count, const char *what)
{
	struct klog_buf text = { 0 };

	klog_buf_put(&text, head, strlen(head));
	for (; count > 0; count--)
		klog_buf_put(&text, unit, strlen(unit));
	klog_buf_put(&text, "\n", 1);
	ok(parse(text.data, text.size) == -1 && err.code == KLOG_ECORRUPT &&
			strstr(err.text, EDIT) != NULL,
		"%s: %.100s", what, err.text);
	klog_buf_free(&text);
}

/* What is hostile by its size is refused within milliseconds. */
static void
floods(void)
{
	static const char nuls[4096];
	static const char utf16[] = "i\0d\0:\0 \0A\0\n";

	many(KEYS "x: ", "[", 65000, "deep lists");
	many(SETTINGS "  flush.ms: ", "{a: ", 16000, "deep mappings");
	many("", "{", 65000, "deep at the start");
	many("", "? ", 32000, "deep keys");
	many("", "- ", 32000, "deep dashes");
	many(SETTINGS "  flush.ms: ", "1", 65000, "a huge value");
	many("", "k", 65000, "a huge key");
	many(KEYS "x: \"", "1", 65000, "a quote without end");
	many(KEYS, "x: y\n", 100000, "a huge file");
	many(KEYS "x: [", "*a,", 20000, "a bomb of aliases");
	ok(parse(nuls, sizeof(nuls)) == -1, "NULs: %s", err.text);
	is_str(err.text, "orders/topic.yaml:1:1: a NUL byte" RESTORE,
		"are damage");
	ok(parse(utf16, sizeof(utf16) - 1) == -1, "UTF-16: %s", err.text);
}

static void
places(void)
{
	static const char text[] = "x: 1\n";
	struct klog_slice in = klog_slice_of(text, 5);

	klog_config_parse("/srv/klog/a.b/topic.yaml", in, &config, &err);
	ok(strstr(err.text, "--edit a.b") != NULL, "%s", err.text);
	klog_config_parse("topic.yaml", in, &config, &err);
	ok(strstr(err.text, "--edit TOPIC") != NULL, "%s", err.text);
	klog_config_parse("/topic.yaml", in, &config, &err);
	ok(strstr(err.text, "--edit TOPIC") != NULL, "%s", err.text);
}

/* A value that is legal and not the default. */
static const char *
other_value(const struct klog_setting_info *info)
{
	static const char *const odd[][2] = {
		{ "cleanup.policy", "delete,compact" },
		{ "compression.type", "uncompressed" },
		{ "message.timestamp.type", "LogAppendTime" },
		{ "min.cleanable.dirty.ratio", "0.123456" },
		{ "compression.zstd.level", "-131072" },
		{ "retention.ms", "-1" },
		{ "segment.bytes", "2147483647" },
		{ "max.message.bytes", "2147483647" },
		{ "max.compaction.lag.ms", "9223372036854775806" },
		{ "min.compaction.lag.ms", "9223372036854775806" },
	};
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (strcmp(odd[i][0], info->name) == 0)
			return odd[i][1];
	return strcmp(info->type, "bool") == 0 ? "true" : "7";
}

/* Every setting alone and all together, written and read. */
static void
round_trips(void)
{
	struct klog_topic_config all = { .generation = INT64_MAX,
		.partitions = 10000 };
	struct klog_setting_info info;
	struct klog_buf text = { 0 };
	size_t i, whole, set = 0, cut = 0;

	klog_settings_init(&all.settings);
	is_int(klog_topic_id_make(all.id, &err), 0, "an id");
	for (i = 0; klog_setting_info(i, &info); i++) {
		struct klog_topic_config one = all;

		if ((info.scope & KLOG_OF_TOPIC) == 0)
			continue;
		set++;
		klog_settings_init(&one.settings);
		klog_settings_set(&one.settings, KLOG_OF_TOPIC, info.name,
			other_value(&info), &err);
		klog_settings_set(&all.settings, KLOG_OF_TOPIC, info.name,
			other_value(&info), &err);
		if (strcmp(info.name, "max.message.bytes") == 0)
			one.settings.segment_bytes = 2147483647;
		text.size = 0;
		klog_config_format("orders", &one, &text);
		ok(parse(text.data, text.size) == 0 &&
				memcmp(&config, &one, sizeof(one)) == 0 &&
				memmem(text.data, text.size, info.name,
					strlen(info.name)) != NULL,
			"%s=%s %s", info.name, other_value(&info), err.text);
	}
	is_int((int64_t)set, 27, "settings of a topic");
	text.size = 0;
	klog_config_format("orders", &all, &text);
	ok(parse(text.data, text.size) == 0 &&
			memcmp(&config, &all, sizeof(all)) == 0,
		"all of them together %s", err.text);

	for (i = 0, whole = text.size; i < whole; i++)
		cut += parse(text.data, i) == -1 && err.code == KLOG_ECORRUPT;
	is_int((int64_t)cut, (int64_t)whole, "a cut anywhere is noticed");
	for (i = 0; i < whole * 8; i++) {
		/* Only that nothing breaks: many a flip is another number. */
		text.data[i / 8] ^= (uint8_t)(1 << i % 8);
		parse(text.data, whole);
		text.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	ok(true, "every bit was flipped");
	klog_buf_free(&text);
}

static void
written(void)
{
	struct klog_buf text = { 0 };

	parse(SETTINGS "  retention.ms: 1h\n  segment.ms: 604800000\n",
		strlen(SETTINGS) + 43);
	klog_config_format("orders", &config, &text);
	klog_buf_put(&text, "", 1);
	is_str((const char *)text.data,
		"# Change this with: klog-alter --edit orders\n"
		"settings:\n"
		"  retention.ms: 3600000\n"
		"id: ASNFZ4mrze_-3LqYdlQyEA\n"
		"generation: 1\n"
		"partitions: 3\n",
		"the text");
	klog_buf_free(&text);
}

static void
ids(void)
{
	static const struct {
		uint8_t fill;
		const char *text;
	} v[] = { { 0x00, "AAAAAAAAAAAAAAAAAAAAAA" },
		{ 0xff, "_____________________w" } };
	uint8_t id[KLOG_TOPIC_ID], back[KLOG_TOPIC_ID], before[KLOG_TOPIC_ID];
	char text[23];
	size_t i;
	int good = 0;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		memset(id, v[i].fill, sizeof(id));
		klog_topic_id_text(id, text);
		is_str(text, v[i].text, "sixteen times %d", v[i].fill);
	}
	memset(before, 0, sizeof(before));
	for (i = 0; i < 2000; i++) {
		klog_topic_id_make(id, &err);
		klog_topic_id_text(id, text);
		good += (id[6] & 0xf0) == 0x40 && (id[8] & 0xc0) == 0x80 &&
			text[0] != '-' && strlen(text) == 22 &&
			klog_topic_id_parse(text, 22, back) &&
			memcmp(id, back, sizeof(id)) == 0 &&
			memcmp(id, before, sizeof(id)) != 0;
		memcpy(before, id, sizeof(id));
	}
	is_int(good, 2000, "random ids are version 4, and read back");
	ok(!klog_topic_id_parse(text, 21, back), "21 characters");
	ok(!klog_topic_id_parse("AAAAAAAAAAAAAAAAAAAAA=", 22, back), "padding");
	ok(!klog_topic_id_parse("AAAAAAAAAAAAAAAAAAAAA+", 22, back), "a plus");
	ok(!klog_topic_id_parse("AAAAAAAAAAAAAAAAAAAAAB", 22, back),
		"bits that are left over");
}

int
main(void)
{
	reads();
	refuses();
	yaml_tricks();
	floods();
	places();
	round_trips();
	written();
	ids();
	return done();
}
