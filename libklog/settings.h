/*
 * Settings, as a plain struct: Kafka's names, defaults and meanings, and
 * klog's few own.  One table says name, type, default, bounds, whose it is
 * and a line of text; -X, topic.yaml, klog-config(5) and the completions all
 * come from it.
 */
#ifndef KLOG_SETTINGS_H
#define KLOG_SETTINGS_H

#include "compression.h"
#include "err.h"

#define KLOG_CODEC_PRODUCER (-1) /* compression.type=producer */

enum klog_cleanup { KLOG_CLEANUP_DELETE = 1, KLOG_CLEANUP_COMPACT = 2 };
enum klog_reset { KLOG_RESET_EARLIEST, KLOG_RESET_LATEST, KLOG_RESET_NONE };
enum klog_strategy { KLOG_RANGE, KLOG_ROUNDROBIN };

#define KLOG_SETTING_TEXT 256 /* the longest value as text, with its NUL */

/* Every field is int64_t, so that the table can address it by offset; but for
 * a list of names, which is its text. */
struct klog_settings {
	/* of a topic */
	int64_t cleanup_policy; /* bits of enum klog_cleanup */
	int64_t compression_type;
	int64_t compression_gzip_level;
	int64_t compression_lz4_level;
	int64_t compression_zstd_level;
	int64_t delete_retention_ms;
	int64_t file_delete_delay_ms;
	int64_t flush_messages;
	int64_t flush_ms;
	int64_t index_interval_bytes;
	int64_t max_compaction_lag_ms;
	int64_t max_message_bytes;
	int64_t message_timestamp_after_max_ms;
	int64_t message_timestamp_before_max_ms;
	int64_t message_timestamp_log_append;  /* message.timestamp.type */
	int64_t min_cleanable_dirty_ratio_ppm; /* 0.5 is 500000 */
	int64_t min_compaction_lag_ms;
	int64_t min_insync_replicas;
	int64_t preallocate;
	int64_t retention_bytes;
	char retention_groups[KLOG_SETTING_TEXT]; /* commas between them */
	int64_t retention_ms;
	int64_t segment_bytes;
	int64_t segment_index_bytes;
	int64_t segment_jitter_ms;
	int64_t segment_ms;
	int64_t unclean_leader_election_enable;
	/* of a producer */
	int64_t acks; /* -1 all, 1 leader */
	int64_t batch_size;
	int64_t buffer_memory;
	int64_t linger_ms;
	int64_t partitioner_ignore_keys;
	/* of a consumer */
	int64_t auto_offset_reset; /* enum klog_reset */
	int64_t isolation_read_uncommitted;
	int64_t partition_assignment_strategy; /* enum klog_strategy */
};

enum klog_scope {
	KLOG_OF_TOPIC = 1,
	KLOG_OF_PRODUCER = 2,
	KLOG_OF_CONSUMER = 4
};

/* Everything at its default. */
void klog_settings_init(struct klog_settings *s);

/*
 * Sets one from text.  `scope` is the mask of what the caller may set:
 * klog-produce, for one, may set a producer's and also flush.ms,
 * flush.messages and compression.type, which the table marks as both.
 * KLOG_EUSAGE: an unknown key names the nearest known one; a value that does
 * not parse or is out of range names the bounds and the right form.  A *.ms
 * setting takes a plain number or a duration ("7d"), a *.bytes setting a plain
 * number or a size ("64KiB").
 */
int klog_settings_set(struct klog_settings *s, int scope, const char *key,
	const char *value, struct klog_err *err);

/* Back to the default; refuses a key as klog_settings_set does. */
int klog_settings_reset(struct klog_settings *s, int scope, const char *key,
	struct klog_err *err);

/* What only several settings together can break (a lag
 * against another); called once all are set. */
int klog_settings_check(const struct klog_settings *s, struct klog_err *err);

/* ---- the table, one entry after the other ---- */

struct klog_setting_info {
	const char *name;
	const char *type;     /* "int", "ms", "bytes", "bool", "names",
				 "a|b|c" ... */
	const char *fallback; /* the default, as text */
	const char *bounds;   /* "1..2147483647", or "" */
	const char *text;     /* one line: what it does */
	int scope;
	bool own; /* klog's own, or a default that differs from Kafka's */
};

/* Entry `i`, from 0; false past the end. */
bool klog_setting_info(size_t i, struct klog_setting_info *info);

/* The entry of this name; false when there is none. */
bool klog_setting_find(const char *key, size_t *i);

/* The name in `scope` that `key` may be a slip of, or NULL. */
const char *klog_setting_nearest(int scope, const char *key);

/* The value of entry `i` in *s as text that klog_settings_set takes; answers
 * whether it differs from the default. */
bool klog_setting_value(
	const struct klog_settings *s, size_t i, char *text, size_t size);

#endif
