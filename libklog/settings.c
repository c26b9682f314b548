#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "names.h"
#include "settings.h"
#include "time.h"

enum kind { INT, MS, BYTES, BOOL, RATIO, WORD, POLICY, NAMES };

/* The first word of a value is the one that is printed. */
struct word {
	const char *name;
	int64_t value;
};

struct entry {
	struct klog_setting_info info;
	enum kind kind;
	size_t field; /* of struct klog_settings */
	int64_t min;
	int64_t max;
	int64_t also; /* one value outside of min and max, or min again */
	int64_t fallback;
	const struct word *words;
};

static const struct word codecs[] = { { "uncompressed", KLOG_CODEC_NONE },
	{ "none", KLOG_CODEC_NONE }, { "gzip", KLOG_CODEC_GZIP },
	{ "snappy", KLOG_CODEC_SNAPPY }, { "lz4", KLOG_CODEC_LZ4 },
	{ "zstd", KLOG_CODEC_ZSTD }, { "producer", KLOG_CODEC_PRODUCER },
	{ NULL, 0 } };
static const struct word stamps[] = { { "CreateTime", 0 },
	{ "LogAppendTime", 1 }, { NULL, 0 } };
static const struct word answers[] = { { "all", -1 }, { "-1", -1 }, { "1", 1 },
	{ NULL, 0 } };
static const struct word resets[] = { { "earliest", KLOG_RESET_EARLIEST },
	{ "latest", KLOG_RESET_LATEST }, { "none", KLOG_RESET_NONE },
	{ NULL, 0 } };
static const struct word isolations[] = { { "read_committed", 0 },
	{ "read_uncommitted", 1 }, { NULL, 0 } };
static const struct word strategies[] = { { "range", KLOG_RANGE },
	{ "roundrobin", KLOG_ROUNDROBIN }, { NULL, 0 } };

/* clang-format off */
#define INT32 2147483647
#define INT64 9223372036854775807
#define TEXT(x) #x
#define BOUNDS(lo, hi) TEXT(lo) ".." TEXT(hi)
#define FIELD(f) offsetof(struct klog_settings, f)

/* A number of a kind, from lo to hi; Kafka's default, or klog's own. */
#define NUMBER(scope, own, name, kind, type, f, lo, hi, def, text) \
	{ { name, type, TEXT(def), BOUNDS(lo, hi), text, scope, own }, \
		kind, FIELD(f), lo, hi, lo, def, NULL }
#define COUNT(scope, own, name, f, lo, hi, def, text) \
	NUMBER(scope, own, name, INT, "int", f, lo, hi, def, text)
#define MILLIS(scope, own, name, f, lo, def, text) \
	NUMBER(scope, own, name, MS, "ms", f, lo, INT64, def, text)
#define SIZE(scope, own, name, f, lo, hi, def, text) \
	NUMBER(scope, own, name, BYTES, "bytes", f, lo, hi, def, text)
#define FLAG(scope, own, name, f, text) \
	{ { name, "bool", "false", "", text, scope, own }, \
		BOOL, FIELD(f), 0, 1, 0, 0, NULL }
#define CHOICE(scope, own, name, type, f, words, def, value, text) \
	{ { name, type, def, "", text, scope, own }, \
		WORD, FIELD(f), INT64_MIN, INT64_MAX, 0, value, words }

#define TOPIC KLOG_OF_TOPIC
#define PRODUCER KLOG_OF_PRODUCER
#define CONSUMER KLOG_OF_CONSUMER
#define BOTH (KLOG_OF_TOPIC | KLOG_OF_PRODUCER)

static const struct entry table[] = {
	{ { "cleanup.policy", "delete|compact|delete,compact", "delete", "",
		"What klog-clean does with old records: delete whole segments, "
		"keep only the last value of each key, or both.",
		TOPIC, false }, POLICY, FIELD(cleanup_policy),
		0, 3, 0, KLOG_CLEANUP_DELETE, NULL },
	CHOICE(BOTH, false, "compression.type",
		"uncompressed|gzip|snappy|lz4|zstd|producer",
		compression_type, codecs, "producer", KLOG_CODEC_PRODUCER,
		"The codec of batches as they are stored; producer leaves it "
		"to whoever produces.  A producer takes none for uncompressed, "
		"and cannot say producer."),
	{ { "compression.gzip.level", "int", "-1", "-1 or 1..9",
		"The gzip level, fast to small; -1 is the codec's own choice.",
		BOTH, false }, INT, FIELD(compression_gzip_level),
		1, 9, -1, -1, NULL },
	COUNT(BOTH, false, "compression.lz4.level", compression_lz4_level,
		1, 17, 9, "The lz4 level, fast to small."),
	COUNT(BOTH, false, "compression.zstd.level", compression_zstd_level,
		-131072, 22, 3, "The zstd level, fast to small."),
	MILLIS(TOPIC, false, "delete.retention.ms", delete_retention_ms,
		0, 86400000,
		"How long compaction keeps a tombstone, so that a slow reader "
		"still learns that the key is gone."),
	MILLIS(TOPIC, false, "file.delete.delay.ms", file_delete_delay_ms,
		0, 60000,
		"How long the file of a deleted segment stays for those who "
		"still read it."),
	COUNT(BOTH, false, "flush.messages", flush_messages,
		1, INT64, 9223372036854775807,
		"Sync to disk after so many records."),
	MILLIS(BOTH, true, "flush.ms", flush_ms, 0, 1000,
		"Sync to disk at the latest so long after an append.  Kafka "
		"never does by itself and trusts its other brokers; on one "
		"machine there is no other copy to fall back on."),
	SIZE(TOPIC, false, "index.interval.bytes", index_interval_bytes,
		0, INT32, 4096,
		"The log grows by so much between two index entries."),
	MILLIS(TOPIC, false, "max.compaction.lag.ms", max_compaction_lag_ms,
		1, 9223372036854775807,
		"A record is open to compaction at the latest so long after "
		"it was written."),
	SIZE(TOPIC, false, "max.message.bytes", max_message_bytes,
		0, INT32, 1048588,
		"The largest batch, as it is stored; at most segment.bytes."),
	MILLIS(TOPIC, false, "message.timestamp.after.max.ms",
		message_timestamp_after_max_ms, 0, 9223372036854775807,
		"A record stamped further in the future is refused."),
	MILLIS(TOPIC, false, "message.timestamp.before.max.ms",
		message_timestamp_before_max_ms, 0, 9223372036854775807,
		"A record stamped further in the past is refused."),
	CHOICE(TOPIC, false, "message.timestamp.type",
		"CreateTime|LogAppendTime", message_timestamp_log_append,
		stamps, "CreateTime", 0,
		"Whether a record keeps the time its producer gave it, or "
		"gets that of the append."),
	{ { "min.cleanable.dirty.ratio", "ratio", "0.5", "0..1",
		"Compact once this part of the log was written since the last "
		"time.", TOPIC, false },
		RATIO, FIELD(min_cleanable_dirty_ratio_ppm),
		0, 1000000, 0, 500000, NULL },
	MILLIS(TOPIC, false, "min.compaction.lag.ms", min_compaction_lag_ms,
		0, 0, "A younger record is left alone by compaction."),
	COUNT(TOPIC, false, "min.insync.replicas", min_insync_replicas,
		1, INT32, 1,
		"With acks=all, refuse to append while fewer replicas are in "
		"sync."),
	FLAG(TOPIC, false, "preallocate", preallocate,
		"Reserve the disk space of a segment when it begins."),
	SIZE(TOPIC, false, "retention.bytes", retention_bytes, -1, INT64, -1,
		"Delete the oldest segments of a partition beyond so much; "
		"-1 keeps all."),
	{ { "retention.groups", "names", "none", "",
		"What these groups have not read yet is kept, however old; "
		"retention.bytes still counts.  klog's own.", TOPIC, false },
		NAMES, FIELD(retention_groups), 0, 0, 0, 0, NULL },
	MILLIS(TOPIC, false, "retention.ms", retention_ms, -1, 604800000,
		"Delete segments whose newest record is older; -1 keeps all."),
	SIZE(TOPIC, false, "segment.bytes", segment_bytes,
		1048576, INT32, 1073741824,
		"A new segment begins when this one would grow beyond; the "
		"least is 1 MiB, as since Kafka 4."),
	SIZE(TOPIC, false, "segment.index.bytes", segment_index_bytes,
		4, INT32, 10485760,
		"The largest index of a segment; a new segment begins when it "
		"is full."),
	MILLIS(TOPIC, false, "segment.jitter.ms", segment_jitter_ms, 0, 0,
		"At most so much is taken off segment.ms at random, so that "
		"partitions do not all roll at once."),
	MILLIS(TOPIC, false, "segment.ms", segment_ms, 1, 604800000,
		"A new segment begins at the latest when this one is so old."),
	FLAG(TOPIC, false, "unclean.leader.election.enable",
		unclean_leader_election_enable,
		"Let a replica lead that was not in sync, and lose records."),
	CHOICE(PRODUCER, false, "acks", "all|-1|1", acks, answers, "all", -1,
		"Whose disk a record must be on: all replicas in sync, or the "
		"leader alone."),
	SIZE(PRODUCER, true, "batch.size", batch_size, 0, INT32, 262144,
		"Append a partition's records once there are so many bytes.  "
		"Kafka's 16384 suits a network; here a batch costs system "
		"calls, and a larger one has fewer per record."),
	SIZE(PRODUCER, true, "buffer.memory", buffer_memory,
		0, INT64, 8388608,
		"Records in hand take at most so much.  Kafka's 33554432 is "
		"for brokers that answer late; a disk here needs less."),
	MILLIS(PRODUCER, true, "linger.ms", linger_ms, 0, 0,
		"Wait so long for a batch to fill.  Kafka 4 waits 5; here what "
		"is at hand is appended at once, so a slow pipe has no lag."),
	FLAG(PRODUCER, false, "partitioner.ignore.keys",
		partitioner_ignore_keys,
		"Spread records with a key as if they had none."),
	CHOICE(CONSUMER, true, "auto.offset.reset", "earliest|latest|none",
		auto_offset_reset, resets, "earliest", KLOG_RESET_EARLIEST,
		"Where to begin when there is no offset to begin at.  Kafka "
		"says latest; a tool that prints a file begins at its start."),
	CHOICE(CONSUMER, true, "isolation.level",
		"read_committed|read_uncommitted", isolation_read_uncommitted,
		isolations, "read_committed", 0,
		"Whether records of aborted transactions are left out.  Kafka "
		"shows them unless told; nobody wants what was taken back."),
	CHOICE(CONSUMER, false, "partition.assignment.strategy",
		"range|roundrobin", partition_assignment_strategy, strategies,
		"range", KLOG_RANGE,
		"How the members of a group share the partitions: of each "
		"topic a row of neighbours, or those of all topics dealt out "
		"in turn.  All members of a group say the same."),
};
/* clang-format on */

#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

static int64_t *
field_of(struct klog_settings *s, const struct entry *e)
{
	return (int64_t *)(void *)((char *)s + e->field);
}

static int64_t
field_in(const struct klog_settings *s, const struct entry *e)
{
	return *(const int64_t *)(const void *)((const char *)s + e->field);
}

void
klog_settings_init(struct klog_settings *s)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < TABLE_SIZE; i++)
		if (table[i].kind != NAMES)
			*field_of(s, &table[i]) = table[i].fallback;
}

/* ---- values from text ---- */

/* A decimal, perhaps negative, in its one plain form. */
static bool
take_integer(const char *text, int64_t *value)
{
	bool minus = text[0] == '-';
	int64_t v = klog_number(minus ? text + 1 : text, INT64_MAX);

	if (v == -1 || (minus && v == 0))
		return false;
	*value = minus ? -v : v;
	return true;
}

/* "0.5", at most six digits behind the point, in millionths. */
static bool
take_ratio(const char *text, int64_t *value)
{
	int64_t scale = 1000000;
	int64_t v;

	if (text[0] < '0' || text[0] > '9')
		return false;
	v = (text[0] - '0') * scale;
	text++;
	if (*text == '\0') {
		*value = v;
		return true;
	}
	if (*text != '.' || text[1] == '\0')
		return false;
	for (text++; *text >= '0' && *text <= '9' && scale > 1; text++) {
		scale /= 10;
		v += (*text - '0') * scale;
	}
	*value = v;
	return *text == '\0';
}

static bool
take_word(const struct word *words, const char *text, int64_t *value)
{
	for (; words->name != NULL; words++)
		if (strcmp(words->name, text) == 0) {
			*value = words->value;
			return true;
		}
	return false;
}

/* Kafka's list: commas, perhaps with spaces around, in any order. */
static bool
take_policy(const char *text, int64_t *value)
{
	int64_t bits = 0;

	for (;;) {
		size_t size = strcspn(text, ", ");
		int64_t bit = 0;

		if (size == 6 && strncmp(text, "delete", size) == 0)
			bit = KLOG_CLEANUP_DELETE;
		if (size == 7 && strncmp(text, "compact", size) == 0)
			bit = KLOG_CLEANUP_COMPACT;
		if (bit == 0 || (bits & bit) != 0)
			return false;
		bits |= bit;
		text += size;
		if (*text == '\0')
			break;
		text += strspn(text, " ");
		if (*text++ != ',')
			return false;
		text += strspn(text, " ");
	}
	*value = bits;
	return true;
}

static bool
take_bool(const char *text, int64_t *value)
{
	*value = strcasecmp(text, "true") == 0;
	return *value == 1 || strcasecmp(text, "false") == 0;
}

static bool
take_value(const struct entry *e, const char *text, int64_t *value)
{
	struct klog_err ignored;

	switch (e->kind) {
	case INT:
		return take_integer(text, value);
	case MS:
		return take_integer(text, value) ||
			klog_duration_parse(text, value, &ignored) == 0;
	case BYTES:
		return take_integer(text, value) ||
			klog_size_parse(text, value, &ignored) == 0;
	case BOOL:
		return take_bool(text, value);
	case RATIO:
		return take_ratio(text, value);
	case WORD:
		return take_word(e->words, text, value);
	case POLICY:
		return take_policy(text, value);
	case NAMES: /* take_names */
		break;
	}
	return false;
}

/* Names of groups, with commas between them; "none" is none. */
static bool
take_names(struct klog_settings *s, const struct entry *e, const char *text)
{
	char names[KLOG_SETTING_TEXT], *rest = names, *name;
	struct klog_err ignored;

	if (strcmp(text, e->info.fallback) == 0)
		text = "";
	if (strlen(text) >= sizeof(names))
		return false;
	strcpy(names, text);
	while (*text != '\0' && (name = strsep(&rest, ",")) != NULL)
		/* topic.yaml has it as it is, and there this were a list */
		if (name[0] == '-' ||
			klog_group_name_check(name, &ignored) == -1)
			return false;
	memset((char *)s + e->field, 0, KLOG_SETTING_TEXT);
	strcpy((char *)s + e->field, text);
	return true;
}

/* ---- refusing ---- */

static const char *
form_of(enum kind kind)
{
	switch (kind) {
	case MS:
		return "a number of ms or a duration such as 7d";
	case BYTES:
		return "a number of bytes or a size such as 64KiB";
	case RATIO:
		return "a fraction such as 0.5";
	default:
		return "a whole number";
	}
}

static int
refuse(const struct entry *e, int scope, const char *value,
	struct klog_err *err)
{
	const char *name = e->info.name;
	char shown[80];

	klog_printable(shown, sizeof(shown), value);
	if (e->words == answers && strcmp(value, "0") == 0)
		return klog_fail(err, KLOG_EUSAGE,
			"acks=0: must be all or 1; a record that nobody "
			"answers for is --no-sync here");
	if (e->words == codecs && (scope & KLOG_OF_TOPIC) == 0)
		return klog_fail(err, KLOG_EUSAGE,
			"%s=%s: must be none|gzip|snappy|lz4|zstd", name,
			shown);
	if (e->kind == NAMES)
		return klog_fail(err, KLOG_EUSAGE,
			"%s=%s: must be names of groups with commas between "
			"them, at most %d bytes",
			name, shown, KLOG_SETTING_TEXT - 1);
	if (e->kind == BOOL)
		return klog_fail(err, KLOG_EUSAGE,
			"%s=%s: must be true or false", name, shown);
	if (e->kind == WORD || e->kind == POLICY)
		return klog_fail(err, KLOG_EUSAGE, "%s=%s: must be %s", name,
			shown, e->info.type);
	return klog_fail(err, KLOG_EUSAGE, "%s=%s: must be %s, %s", name, shown,
		e->info.bounds, form_of(e->kind));
}

/* A known setting, but not of what the caller sets. */
static int
refuse_scope(const struct entry *e, struct klog_err *err)
{
	const char *whose = "a consumer: set it with klog-consume -X";

	if (e->info.scope & KLOG_OF_PRODUCER)
		whose = "a producer: set it with klog-produce -X";
	if (e->info.scope & KLOG_OF_TOPIC)
		whose = "a topic: set it with klog-alter -X";
	return klog_fail(err, KLOG_EUSAGE, "'%s' is a setting of %s",
		e->info.name, whose);
}

#define KEY_MAX 48 /* longer than every name in the table */

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters added, dropped, changed or swapped with their neighbour. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][KEY_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	size_t asize = strlen(a), bsize = strlen(b);
	size_t i, j;

	for (j = 0; j <= bsize; j++)
		row[j] = j;
	for (i = 1; i <= asize; i++) {
		size_t *oldest = before;

		before = last;
		last = row;
		row = oldest;
		row[0] = i;
		for (j = 1; j <= bsize; j++) {
			size_t d = last[j - 1] + (a[i - 1] != b[j - 1]);

			d = least(d, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1])
				d = least(d, before[j - 2] + 1);
			row[j] = d;
		}
	}
	return row[bsize];
}

const char *
klog_setting_nearest(int scope, const char *key)
{
	const char *nearest = NULL;
	size_t best = strlen(key) / 2 + 1;
	size_t i;

	if (strlen(key) > KEY_MAX)
		return NULL;
	for (i = 0; i < TABLE_SIZE; i++) {
		size_t d;

		if ((table[i].info.scope & scope) == 0)
			continue;
		d = distance(key, table[i].info.name);
		if (d < best) {
			best = d;
			nearest = table[i].info.name;
		}
	}
	return nearest;
}

static int
refuse_key(int scope, const char *key, struct klog_err *err)
{
	const char *nearest = klog_setting_nearest(scope, key);
	char shown[80];

	klog_printable(shown, sizeof(shown), key);
	if (nearest == NULL)
		return klog_fail(err, KLOG_EUSAGE,
			"unknown setting '%s': klog-config(5) has them all",
			shown);
	return klog_fail(err, KLOG_EUSAGE,
		"unknown setting '%s': did you mean %s?", shown, nearest);
}

bool
klog_setting_find(const char *key, size_t *i)
{
	for (*i = 0; *i < TABLE_SIZE; (*i)++)
		if (strcmp(table[*i].info.name, key) == 0)
			return true;
	return false;
}

/* The entry of a key that is in scope, or NULL. */
static const struct entry *
find_entry(int scope, const char *key, struct klog_err *err)
{
	size_t i;

	if (!klog_setting_find(key, &i)) {
		refuse_key(scope, key, err);
		return NULL;
	}
	if ((table[i].info.scope & scope) == 0) {
		refuse_scope(&table[i], err);
		return NULL;
	}
	return &table[i];
}

int
klog_settings_set(struct klog_settings *s, int scope, const char *key,
	const char *value, struct klog_err *err)
{
	const struct entry *e = find_entry(scope, key, err);
	int64_t v;

	if (e == NULL)
		return -1;
	if (e->kind == NAMES)
		return take_names(s, e, value) ? 0
					       : refuse(e, scope, value, err);
	if (!take_value(e, value, &v) ||
		((v < e->min || v > e->max) && v != e->also))
		return refuse(e, scope, value, err);
	/* Only a topic can leave the choice to its producers. */
	if (e->words == codecs && v == KLOG_CODEC_PRODUCER &&
		(scope & KLOG_OF_TOPIC) == 0)
		return refuse(e, scope, value, err);
	*field_of(s, e) = v;
	return 0;
}

int
klog_settings_reset(struct klog_settings *s, int scope, const char *key,
	struct klog_err *err)
{
	const struct entry *e = find_entry(scope, key, err);

	if (e == NULL)
		return -1;
	if (e->kind == NAMES)
		memset((char *)s + e->field, 0, KLOG_SETTING_TEXT);
	else
		*field_of(s, e) = e->fallback;
	return 0;
}

int
klog_settings_check(const struct klog_settings *s, struct klog_err *err)
{
	if (s->min_compaction_lag_ms > s->max_compaction_lag_ms)
		return klog_fail(err, KLOG_EUSAGE,
			"min.compaction.lag.ms=%jd is more than "
			"max.compaction.lag.ms=%jd",
			(intmax_t)s->min_compaction_lag_ms,
			(intmax_t)s->max_compaction_lag_ms);
	if (s->batch_size > s->buffer_memory)
		return klog_fail(err, KLOG_EUSAGE,
			"batch.size=%jd is more than buffer.memory=%jd: "
			"a batch must fit into memory",
			(intmax_t)s->batch_size, (intmax_t)s->buffer_memory);
	return 0;
}

/* ---- the table, for others ---- */

bool
klog_setting_info(size_t i, struct klog_setting_info *info)
{
	if (i >= TABLE_SIZE)
		return false;
	*info = table[i].info;
	return true;
}

static void
print_ratio(int64_t ppm, char *text, size_t size)
{
	char digits[16];
	size_t end;

	snprintf(digits, sizeof(digits), "%06" PRId64, ppm % 1000000);
	for (end = strlen(digits); end > 1 && digits[end - 1] == '0'; end--)
		continue;
	digits[end] = '\0';
	snprintf(text, size, "%" PRId64 ".%s", ppm / 1000000, digits);
}

static const char *
word_of(const struct word *words, int64_t value)
{
	while (words->name != NULL && words->value != value)
		words++;
	return words->name != NULL ? words->name : "";
}

static const char *
policy_of(int64_t bits)
{
	if (bits == (KLOG_CLEANUP_DELETE | KLOG_CLEANUP_COMPACT))
		return "delete,compact";
	return bits == KLOG_CLEANUP_COMPACT ? "compact" : "delete";
}

bool
klog_setting_value(
	const struct klog_settings *s, size_t i, char *text, size_t size)
{
	const struct entry *e;
	int64_t v;

	if (size > 0)
		text[0] = '\0';
	if (i >= TABLE_SIZE)
		return false;
	e = &table[i];
	if (e->kind == NAMES) {
		const char *names = (const char *)s + e->field;

		snprintf(text, size, "%s",
			*names != '\0' ? names : e->info.fallback);
		return *names != '\0';
	}
	v = field_in(s, e);
	switch (e->kind) {
	case BOOL:
		snprintf(text, size, "%s", v != 0 ? "true" : "false");
		break;
	case RATIO:
		print_ratio(v, text, size);
		break;
	case WORD:
		snprintf(text, size, "%s", word_of(e->words, v));
		break;
	case POLICY:
		snprintf(text, size, "%s", policy_of(v));
		break;
	default:
		snprintf(text, size, "%" PRId64, v);
	}
	return v != e->fallback;
}
