/* The table of settings, and values from text and back. */
#include <stddef.h>

#include "libklog/settings.h"
#include "tap.h"

#define ANY (KLOG_OF_TOPIC | KLOG_OF_PRODUCER | KLOG_OF_CONSUMER)

static struct klog_settings s;
static struct klog_err err;

static int
set(const char *key, const char *value)
{
	return klog_settings_set(&s, ANY, key, value, &err);
}

/* What the setting prints once it was set so; "" when it was refused. */
static const char *
shown(const char *key, const char *value)
{
	static char text[64];
	size_t i;

	text[0] = '\0';
	if (set(key, value) == 0 && klog_setting_find(key, &i))
		klog_setting_value(&s, i, text, sizeof(text));
	return text;
}

/* As in Kafka's documentation, but for those that the table marks as own. */
static void
defaults(void)
{
	static const char *const kafka[][2] = {
		{ "cleanup.policy", "delete" },
		{ "compression.type", "producer" },
		{ "compression.gzip.level", "-1" },
		{ "compression.lz4.level", "9" },
		{ "compression.zstd.level", "3" },
		{ "delete.retention.ms", "86400000" },
		{ "file.delete.delay.ms", "60000" },
		{ "flush.messages", "9223372036854775807" },
		{ "flush.ms", "1000" },
		{ "index.interval.bytes", "4096" },
		{ "max.compaction.lag.ms", "9223372036854775807" },
		{ "max.message.bytes", "1048588" },
		{ "message.timestamp.after.max.ms", "9223372036854775807" },
		{ "message.timestamp.before.max.ms", "9223372036854775807" },
		{ "message.timestamp.type", "CreateTime" },
		{ "min.cleanable.dirty.ratio", "0.5" },
		{ "min.compaction.lag.ms", "0" },
		{ "min.insync.replicas", "1" },
		{ "preallocate", "false" },
		{ "retention.bytes", "-1" },
		{ "retention.groups", "none" },
		{ "retention.ms", "604800000" },
		{ "segment.bytes", "1073741824" },
		{ "segment.index.bytes", "10485760" },
		{ "segment.jitter.ms", "0" },
		{ "segment.ms", "604800000" },
		{ "unclean.leader.election.enable", "false" },
		{ "acks", "all" },
		{ "batch.size", "262144" },
		{ "buffer.memory", "8388608" },
		{ "linger.ms", "0" },
		{ "partitioner.ignore.keys", "false" },
		{ "auto.offset.reset", "earliest" },
		{ "isolation.level", "read_committed" },
		{ "partition.assignment.strategy", "range" },
	};
	const size_t count = sizeof(kafka) / sizeof(kafka[0]);
	struct klog_setting_info info;
	char text[64];
	size_t i, j, own = 0;

	for (i = 0; i < count; i++) {
		if (!ok(klog_setting_find(kafka[i][0], &j), "%s", kafka[i][0]))
			continue;
		klog_setting_info(j, &info);
		own += info.own;
		is_str(info.fallback, kafka[i][1], "its default in the table");
		ok(!klog_setting_value(&s, j, text, sizeof(text)) &&
				strcmp(text, kafka[i][1]) == 0,
			"is what klog_settings_init sets");
	}
	ok(!klog_setting_info(count, &info), "there are no others");
	/* all are numbers but one, which is text */
	is_int((int64_t)((count - 1) * sizeof(int64_t) + KLOG_SETTING_TEXT),
		sizeof(s), "each field has its setting");
	is_int((int64_t)own, 6, "six defaults are klog's own");
	is_int(klog_settings_check(&s, &err), 0, "the defaults go together");
	ok(!klog_setting_value(&s, 999, text, sizeof(text)) && text[0] == '\0',
		"no value past the end");
}

/* Every field is a setting's alone, and every default text parses to it. */
static void
fields(void)
{
	struct klog_setting_info info;
	struct klog_settings other;
	size_t i;

	for (i = 0; klog_setting_info(i, &info); i++) {
		memset(&s, 0x55, sizeof(s));
		memcpy(&other, &s, sizeof(s));
		ok(set(info.name, info.fallback) == 0 &&
				memcmp(&s, &other, sizeof(s)) != 0,
			"%s=%s", info.name, info.fallback);
		klog_settings_init(&other);
		ok(info.text[0] != '\0' && info.type[0] != '\0' &&
				info.scope != 0 && (info.scope & ~ANY) == 0,
			"and is described");
	}
	klog_settings_init(&s);
	memset(&other, 0x55, sizeof(other));
	for (i = 0; klog_setting_info(i, &info); i++)
		klog_settings_set(&other, ANY, info.name, info.fallback, &err);
	ok(memcmp(&s, &other, sizeof(s)) == 0, "all of them make the defaults");
}

static void
values(void)
{
	static const char *const good[][3] = {
		{ "retention.ms", "7d", "604800000" },
		{ "retention.ms", "-1", "-1" },
		{ "retention.ms", "0", "0" },
		{ "retention.ms", "500ms", "500" },
		{ "retention.bytes", "1GiB", "1073741824" },
		{ "retention.bytes", "-1", "-1" },
		{ "segment.bytes", "1048576", "1048576" },
		{ "segment.bytes", "2147483647", "2147483647" },
		{ "max.message.bytes", "0", "0" },
		{ "max.message.bytes", "64KiB", "65536" },
		{ "batch.size", "1M", "1048576" },
		{ "flush.messages", "1", "1" },
		{ "compression.type", "none", "uncompressed" },
		{ "compression.type", "uncompressed", "uncompressed" },
		{ "compression.type", "gzip", "gzip" },
		{ "compression.type", "snappy", "snappy" },
		{ "compression.type", "lz4", "lz4" },
		{ "compression.type", "zstd", "zstd" },
		{ "compression.type", "producer", "producer" },
		{ "compression.gzip.level", "-1", "-1" },
		{ "compression.gzip.level", "9", "9" },
		{ "compression.lz4.level", "17", "17" },
		{ "compression.zstd.level", "-131072", "-131072" },
		{ "cleanup.policy", "compact", "compact" },
		{ "cleanup.policy", "delete,compact", "delete,compact" },
		{ "cleanup.policy", "compact, delete", "delete,compact" },
		{ "cleanup.policy", "delete", "delete" },
		{ "min.cleanable.dirty.ratio", "0", "0.0" },
		{ "min.cleanable.dirty.ratio", "1", "1.0" },
		{ "min.cleanable.dirty.ratio", "0.01", "0.01" },
		{ "min.cleanable.dirty.ratio", "0.000001", "0.000001" },
		{ "min.cleanable.dirty.ratio", "0.50", "0.5" },
		{ "preallocate", "true", "true" },
		{ "preallocate", "FALSE", "false" },
		{ "message.timestamp.type", "LogAppendTime", "LogAppendTime" },
		{ "acks", "all", "all" },
		{ "acks", "-1", "all" },
		{ "acks", "1", "1" },
		{ "auto.offset.reset", "none", "none" },
		{ "isolation.level", "read_uncommitted", "read_uncommitted" },
		{ "retention.groups", "a,b.c", "a,b.c" },
		{ "retention.groups", "none", "none" },
		{ "partition.assignment.strategy", "roundrobin", "roundrobin" },
	};
	static const char *const bad[][2] = {
		{ "retention.groups", "a,,b" },
		{ "retention.groups", "-a" },
		{ "retention.groups", "a b" },
		{ "retention.ms", "" },
		{ "retention.ms", "-2" },
		{ "retention.ms", "-0" },
		{ "retention.ms", "-7d" },
		{ "retention.ms", "7x" },
		{ "retention.ms", "07" },
		{ "retention.ms", "1e3" },
		{ "retention.ms", " 7" },
		{ "retention.ms", "64KiB" },
		{ "retention.ms", "9223372036854775808" },
		{ "retention.ms", "106751991168d" },
		{ "segment.bytes", "1048575" },
		{ "segment.bytes", "2147483648" },
		{ "segment.bytes", "7d" },
		{ "segment.bytes", "8388608T" },
		{ "segment.ms", "0" },
		{ "max.compaction.lag.ms", "0" },
		{ "flush.messages", "0" },
		{ "flush.messages", "1K" },
		{ "min.insync.replicas", "0" },
		{ "compression.type", "brotli" },
		{ "compression.type", "GZIP" },
		{ "compression.gzip.level", "0" },
		{ "compression.gzip.level", "10" },
		{ "compression.lz4.level", "0" },
		{ "compression.zstd.level", "23" },
		{ "cleanup.policy", "" },
		{ "cleanup.policy", "delete," },
		{ "cleanup.policy", ",delete" },
		{ "cleanup.policy", "delete,delete" },
		{ "cleanup.policy", "delete compact" },
		{ "cleanup.policy", "deleted" },
		{ "min.cleanable.dirty.ratio", "1.000001" },
		{ "min.cleanable.dirty.ratio", "0.0000001" },
		{ "min.cleanable.dirty.ratio", "0." },
		{ "min.cleanable.dirty.ratio", ".5" },
		{ "min.cleanable.dirty.ratio", "-0.5" },
		{ "min.cleanable.dirty.ratio", "0.5x" },
		{ "min.cleanable.dirty.ratio", "nan" },
		{ "preallocate", "yes" },
		{ "preallocate", "1" },
		{ "message.timestamp.type", "createtime" },
		{ "acks", "0" },
		{ "acks", "2" },
		{ "auto.offset.reset", "beginning" },
		{ "isolation.level", "serializable" },
	};
	size_t i;

	klog_settings_init(&s);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		is_str(shown(good[i][0], good[i][1]), good[i][2], "%s=%s",
			good[i][0], good[i][1]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct klog_settings before = s;

		ok(set(bad[i][0], bad[i][1]) == -1 && err.code == KLOG_EUSAGE &&
				memcmp(&before, &s, sizeof(s)) == 0 &&
				strstr(err.text, bad[i][0]) != NULL,
			"refused: %s=%s", bad[i][0], bad[i][1]);
	}
}

static void
is_refused(const char *key, const char *value, const char *text)
{
	err.text[0] = '\0';
	set(key, value);
	is_str(err.text, text, "%s=%s", key, value);
}

static void
words(void)
{
	char key[300];

	is_refused("retention.sm", "1",
		"unknown setting 'retention.sm': did you mean retention.ms?");
	is_refused("retention", "1",
		"unknown setting 'retention': did you mean retention.ms?");
	is_refused("segmentbytes", "1",
		"unknown setting 'segmentbytes': did you mean segment.bytes?");
	is_refused("ack", "1", "unknown setting 'ack': did you mean acks?");
	is_refused("zookeeper", "1",
		"unknown setting 'zookeeper': klog-config(5) has them all");
	is_refused("", "1", "unknown setting '': klog-config(5) has them all");
	is_refused("segment.bytes", "14",
		"segment.bytes=14: must be 1048576..2147483647, a number of "
		"bytes or a size such as 64KiB");
	is_refused("acks", "0",
		"acks=0: must be all or 1; a record that nobody answers for is "
		"--no-sync here");
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	ok(set(key, "1") == -1, "a long key: %s", err.text);
	ok(set("\x1b[2J", "\x1b[2J") == -1 && strchr(err.text, '\x1b') == NULL,
		"no escapes in a message");
}

static void
scopes(void)
{
	klog_settings_init(&s);
	is_int(klog_settings_set(&s, KLOG_OF_PRODUCER, "flush.ms", "0", &err),
		0, "flush.ms is a producer's too");
	is_int(klog_settings_set(
		       &s, KLOG_OF_PRODUCER, "compression.type", "none", &err),
		0, "so is compression.type");
	is_int(klog_settings_set(&s, KLOG_OF_PRODUCER, "compression.type",
		       "producer", &err),
		-1, "which cannot be producer there");
	is_str(err.text,
		"compression.type=producer: must be none|gzip|snappy|lz4|zstd",
		"and says what it can be");
	is_int(s.compression_type, KLOG_CODEC_NONE, "and stays");
	is_int(klog_settings_set(
		       &s, KLOG_OF_PRODUCER, "retention.ms", "1", &err),
		-1, "retention.ms is not");
	is_str(err.text,
		"'retention.ms' is a setting of a topic: set it with "
		"klog-alter -X",
		"but whose it is");
	is_int(klog_settings_set(&s, KLOG_OF_TOPIC, "acks", "all", &err), -1,
		"acks is not a topic's");
	is_int(klog_settings_set(&s, KLOG_OF_CONSUMER, "batch.size", "1", &err),
		-1, "batch.size is not a consumer's");
	ok(strcmp(klog_setting_nearest(KLOG_OF_CONSUMER, "isolationlevel"),
		   "isolation.level") == 0 &&
			klog_setting_nearest(
				KLOG_OF_CONSUMER, "retention.sm") == NULL,
		"only what the caller may set is named");
}

static void
together(void)
{
	klog_settings_init(&s);
	set("min.compaction.lag.ms", "2");
	set("max.compaction.lag.ms", "1");
	is_int(klog_settings_check(&s, &err), -1, "compaction lags crossed");
	klog_settings_init(&s);
	set("buffer.memory", "1000");
	is_int(klog_settings_check(&s, &err), -1, "a batch past the memory");
}

int
main(void)
{
	klog_settings_init(&s);
	defaults();
	fields();
	values();
	words();
	scopes();
	together();
	return done();
}
