#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <yaml.h>

#include "config.h"
#include "names.h"

#define FILE_MAX 65536
#define SETTINGS_MAX 64 /* more than the table has */

/* One pass over a file. */
struct reader {
	const char *where;
	struct klog_slice text;
	struct klog_topic_config *config;
	struct klog_err *err;
	yaml_parser_t yaml;
	/* the line, from 1, on which a key was seen first; 0 is not yet */
	size_t id_line;
	size_t generation_line;
	size_t partitions_line;
	size_t settings_line;
	size_t setting_lines[SETTINGS_MAX];
	yaml_mark_t settings_at;
};

/* A key or a value.  None that is legal comes near to this length. */
struct text {
	char s[256];
	yaml_mark_t at;
	bool absent; /* nothing was written, not even quotes */
};

/* ---- refusing ---- */

/* The directory that the file is in, which has the name of the topic. */
static const char *
topic_of(const char *where, int *size)
{
	const char *end = strrchr(where, '/');
	const char *begin = end;

	*size = 5;
	if (end == NULL || end == where)
		return "TOPIC";
	while (begin > where && begin[-1] != '/')
		begin--;
	*size = (int)(end - begin);
	return begin;
}

/* Somebody wrote what cannot be: says who is to correct it. */
__attribute__((format(printf, 3, 4))) static int
refuse(struct reader *r, yaml_mark_t at, const char *fmt, ...)
{
	char why[480];
	const char *topic;
	va_list ap;
	int size;

	topic = topic_of(r->where, &size);
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return klog_fail(r->err, KLOG_ECORRUPT,
		"%s:%zu:%zu: %s; correct it with klog-alter --edit %.*s",
		r->where, at.line + 1, at.column + 1, why, size, topic);
}

/* Nobody wrote this: the file lost what it held. */
static int
damaged(struct reader *r, yaml_mark_t at, const char *why)
{
	return klog_fail(r->err, KLOG_ECORRUPT,
		"%s:%zu:%zu: %s; restore it from a backup", r->where,
		at.line + 1, at.column + 1, why);
}

/* ---- bytes that are refused before libyaml sees them ---- */

static yaml_mark_t
mark_of(struct klog_slice text, size_t offset)
{
	yaml_mark_t at = { 0, 0, 0 };
	size_t i;

	for (i = 0; i < offset && i < text.size; i++) {
		at.column++;
		if (text.data[i] == '\n') {
			at.line++;
			at.column = 0;
		}
	}
	return at;
}

static bool
begins(struct klog_slice text, const char *bytes, size_t size)
{
	return text.size >= size && memcmp(text.data, bytes, size) == 0;
}

static int
check_bytes(struct reader *r)
{
	const struct klog_slice text = r->text;
	const yaml_mark_t start = { 0, 0, 0 };
	const uint8_t *p;

	if (text.size == 0)
		return damaged(r, start, "the file is empty");
	if (text.size > FILE_MAX)
		return refuse(
			r, start, "the file is larger than %d bytes", FILE_MAX);
	if (begins(text, "\xef\xbb\xbf", 3) || begins(text, "\xff\xfe", 2) ||
		begins(text, "\xfe\xff", 2))
		return refuse(r, start,
			"a byte order mark: the file must be plain UTF-8");
	p = memchr(text.data, '\0', text.size);
	if (p != NULL)
		return damaged(r, mark_of(text, (size_t)(p - text.data)),
			"a NUL byte");
	p = memchr(text.data, '\t', text.size);
	if (p != NULL)
		return refuse(r, mark_of(text, (size_t)(p - text.data)),
			"a tab: use spaces");
	if (text.data[text.size - 1] != '\n')
		return damaged(r, mark_of(text, text.size),
			"the file ends within a line");
	return 0;
}

/* ---- events ---- */

static int
yaml_failed(struct reader *r)
{
	const yaml_parser_t *y = &r->yaml;
	const char *problem = y->problem != NULL ? y->problem : "not YAML";

	if (y->error == YAML_MEMORY_ERROR)
		return klog_fail_memory(r->err);
	if (y->error == YAML_READER_ERROR)
		return damaged(r, mark_of(r->text, y->problem_offset), problem);
	return refuse(r, y->problem_mark, "%s", problem);
}

/* An anchor or a tag, on whatever it stands; NULL when there is none. */
static const char *
decoration(const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL;
	const yaml_char_t *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return "an alias";
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (event->data.document_start.version_directive != NULL ||
			event->data.document_start.tag_directives.start !=
				event->data.document_start.tag_directives.end)
			return "a directive";
		break;
	default:
		break;
	}
	if (anchor != NULL)
		return "an anchor";
	return tag != NULL ? "a tag" : NULL;
}

/* The next event, which is the caller's to delete when this answers 0. */
static int
next(struct reader *r, yaml_event_t *event)
{
	const char *what;

	if (!yaml_parser_parse(&r->yaml, event))
		return yaml_failed(r);
	what = decoration(event);
	if (what == NULL)
		return 0;
	refuse(r, event->start_mark, "%s is not used here", what);
	yaml_event_delete(event);
	return -1;
}

/* Takes an event that carries nothing but its type: 1, 0 if it is another. */
static int
take_event(struct reader *r, yaml_event_type_t type, yaml_mark_t *at)
{
	yaml_event_t event;
	int same;

	if (next(r, &event) == -1)
		return -1;
	same = event.type == type;
	*at = event.start_mark;
	yaml_event_delete(&event);
	return same;
}

/* Copies a scalar; `what` is a key or the key whose value it is. */
static int
take_text(struct reader *r, const yaml_event_t *event, const char *what,
	struct text *out)
{
	yaml_scalar_style_t style;
	const char *s;
	size_t size;

	out->at = event->start_mark;
	if (event->type != YAML_SCALAR_EVENT)
		return refuse(r, out->at,
			"%s: one plain value is expected, not a list or a "
			"mapping",
			what);
	s = (const char *)event->data.scalar.value;
	size = event->data.scalar.length;
	style = event->data.scalar.style;
	if (style == YAML_LITERAL_SCALAR_STYLE ||
		style == YAML_FOLDED_SCALAR_STYLE)
		return refuse(
			r, out->at, "%s: a block of text is not used", what);
	if (size >= sizeof(out->s))
		return refuse(
			r, out->at, "%s: %zu bytes are too many", what, size);
	if (memchr(s, '\0', size) != NULL)
		return refuse(r, out->at, "%s: a NUL byte", what);
	memcpy(out->s, s, size);
	out->s[size] = '\0';
	out->absent = size == 0 && style == YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

/* The next key of a mapping: 1, 0 at the mapping's end (key->at is there). */
static int
take_key(struct reader *r, struct text *key)
{
	yaml_event_t event;
	int got = 1;

	if (next(r, &event) == -1)
		return -1;
	if (event.type == YAML_MAPPING_END_EVENT) {
		key->at = event.start_mark;
		got = 0;
	} else if (take_text(r, &event, "a key", key) == -1) {
		got = -1;
	}
	yaml_event_delete(&event);
	return got;
}

static int
take_value(struct reader *r, const char *key, struct text *value)
{
	yaml_event_t event;
	int got;

	if (next(r, &event) == -1)
		return -1;
	got = take_text(r, &event, key, value);
	yaml_event_delete(&event);
	if (got == 0 && value->absent)
		return refuse(r, value->at, "%s: its value is missing", key);
	return got;
}

/* Notes the line of a key; refuses it the second time. */
static int
note(struct reader *r, const struct text *key, size_t *line)
{
	if (*line != 0)
		return refuse(r, key->at,
			"duplicate key '%s', first on line %zu", key->s, *line);
	*line = key->at.line + 1;
	return 0;
}

/* ---- the file ---- */

static int
unknown_setting(struct reader *r, const struct text *key)
{
	const char *nearest = klog_setting_nearest(KLOG_OF_TOPIC, key->s);
	char shown[80];

	klog_printable(shown, sizeof(shown), key->s);
	if (nearest == NULL)
		return refuse(r, key->at, "unknown key '%s'", shown);
	return refuse(r, key->at, "unknown key '%s' (did you mean %s?)", shown,
		nearest);
}

static int
parse_setting(struct reader *r, const struct text *key)
{
	struct klog_setting_info info;
	struct klog_err why;
	struct text value;
	size_t i;

	if (!klog_setting_find(key->s, &i) || i >= SETTINGS_MAX)
		return unknown_setting(r, key);
	if (note(r, key, &r->setting_lines[i]) == -1 ||
		take_value(r, key->s, &value) == -1)
		return -1;
	if (klog_settings_set(&r->config->settings, KLOG_OF_TOPIC, key->s,
		    value.s, &why) == 0)
		return 0;
	klog_setting_info(i, &info);
	return refuse(r, info.scope & KLOG_OF_TOPIC ? value.at : key->at, "%s",
		why.text);
}

static int
parse_settings(struct reader *r)
{
	yaml_event_t event;
	struct text key;
	bool mapping;
	int got = 0;

	if (next(r, &event) == -1)
		return -1;
	mapping = event.type == YAML_MAPPING_START_EVENT;
	if (!mapping) {
		/* Who takes the last setting out may leave its heading. */
		key.absent = false;
		if (event.type == YAML_SCALAR_EVENT)
			got = take_text(r, &event, "settings", &key);
		if (got == 0 && !key.absent)
			got = refuse(r, event.start_mark,
				"settings: lines of KEY: VALUE are expected, "
				"each two spaces in");
	}
	yaml_event_delete(&event);
	if (!mapping)
		return got;
	while ((got = take_key(r, &key)) == 1)
		if (parse_setting(r, &key) == -1)
			return -1;
	return got;
}

static int
parse_number(struct reader *r, const char *key, int64_t min, int64_t max,
	int64_t *number)
{
	struct text value;
	char shown[80];

	if (take_value(r, key, &value) == -1)
		return -1;
	*number = klog_number(value.s, max);
	if (*number >= min)
		return 0;
	klog_printable(shown, sizeof(shown), value.s);
	return refuse(r, value.at, "%s: '%s' is not a number of %jd..%jd", key,
		shown, (intmax_t)min, (intmax_t)max);
}

static int
parse_id(struct reader *r)
{
	struct text value;
	char shown[80];

	if (take_value(r, "id", &value) == -1)
		return -1;
	if (klog_topic_id_parse(value.s, strlen(value.s), r->config->id))
		return 0;
	klog_printable(shown, sizeof(shown), value.s);
	return refuse(r, value.at,
		"id: '%s' is not 22 characters of URL-safe base64", shown);
}

static int
parse_entry(struct reader *r, const struct text *key)
{
	struct klog_topic_config *config = r->config;
	char shown[80];
	int64_t n = 0;
	size_t i;

	if (strcmp(key->s, "id") == 0) {
		if (note(r, key, &r->id_line) == -1)
			return -1;
		return parse_id(r);
	}
	if (strcmp(key->s, "generation") == 0) {
		if (note(r, key, &r->generation_line) == -1)
			return -1;
		return parse_number(
			r, "generation", 0, INT64_MAX, &config->generation);
	}
	if (strcmp(key->s, "partitions") == 0) {
		if (note(r, key, &r->partitions_line) == -1 ||
			parse_number(r, "partitions", 1, KLOG_PARTITIONS_MAX,
				&n) == -1)
			return -1;
		config->partitions = (int32_t)n;
		return 0;
	}
	if (strcmp(key->s, "settings") == 0) {
		if (note(r, key, &r->settings_line) == -1)
			return -1;
		r->settings_at = key->at;
		return parse_settings(r);
	}
	if (klog_setting_find(key->s, &i))
		return refuse(r, key->at,
			"'%s' is a setting: it belongs under 'settings:', two "
			"spaces in",
			key->s);
	return refuse(r, key->at,
		"unknown key '%s': here are id, generation, partitions and "
		"settings",
		klog_printable(shown, sizeof(shown), key->s));
}

/* From the end of the outer mapping, at `end`, to the end of the file. */
static int
check_whole(struct reader *r, yaml_mark_t end)
{
	struct klog_err why;
	yaml_mark_t at;
	int got;

	got = take_event(r, YAML_DOCUMENT_END_EVENT, &at);
	if (got == 1)
		got = take_event(r, YAML_STREAM_END_EVENT, &at);
	if (got == -1)
		return -1;
	if (got == 0)
		return refuse(r, at, "a second document");
	if (r->id_line == 0)
		return damaged(r, end, "the key 'id' is missing");
	if (r->generation_line == 0)
		return damaged(r, end, "the key 'generation' is missing");
	if (r->partitions_line == 0)
		return damaged(r, end, "the key 'partitions' is missing");
	if (klog_settings_check(&r->config->settings, &why) == -1)
		return refuse(r, r->settings_at, "%s", why.text);
	return 0;
}

static int
parse(struct reader *r)
{
	struct text key;
	yaml_mark_t at;
	int got;

	if (take_event(r, YAML_STREAM_START_EVENT, &at) == -1)
		return -1;
	got = take_event(r, YAML_DOCUMENT_START_EVENT, &at);
	if (got == -1)
		return -1;
	if (got == 0)
		return damaged(r, at, "the file holds nothing");
	got = take_event(r, YAML_MAPPING_START_EVENT, &at);
	if (got == -1)
		return -1;
	if (got == 0)
		return refuse(r, at, "lines of KEY: VALUE are expected");
	while ((got = take_key(r, &key)) == 1)
		if (parse_entry(r, &key) == -1)
			return -1;
	if (got == -1)
		return -1;
	return check_whole(r, key.at);
}

int
klog_config_parse(const char *where, struct klog_slice text,
	struct klog_topic_config *config, struct klog_err *err)
{
	struct klog_topic_config parsed;
	struct reader r;
	int got;

	memset(&parsed, 0, sizeof(parsed));
	memset(&r, 0, sizeof(r));
	klog_settings_init(&parsed.settings);
	r.where = where;
	r.text = text;
	r.config = &parsed;
	r.err = err;
	if (check_bytes(&r) == -1)
		return -1;
	if (!yaml_parser_initialize(&r.yaml))
		return klog_fail_memory(err);
	yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.yaml, text.data, text.size);
	got = parse(&r);
	yaml_parser_delete(&r.yaml);
	if (got == 0)
		*config = parsed;
	return got;
}

/* ---- writing ---- */

__attribute__((format(printf, 2, 3))) static int
put_line(struct klog_buf *text, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return klog_buf_put(text, line, strlen(line));
}

static int
put_settings(const struct klog_settings *settings, struct klog_buf *text)
{
	struct klog_setting_info info;
	char value[KLOG_SETTING_TEXT];
	bool any = false;
	size_t i;

	for (i = 0; klog_setting_info(i, &info); i++) {
		if ((info.scope & KLOG_OF_TOPIC) == 0 ||
			!klog_setting_value(settings, i, value, sizeof(value)))
			continue;
		if (!any && put_line(text, "settings:\n") == -1)
			return -1;
		any = true;
		if (put_line(text, "  %s: %s\n", info.name, value) == -1)
			return -1;
	}
	return 0;
}

/*
 * The settings come before the keys that must be there, so that no file that
 * was cut short reads as one with other settings: a retention.ms that is
 * lost would delete data.
 */
int
klog_config_format(const char *topic, const struct klog_topic_config *config,
	struct klog_buf *text)
{
	char id[23];
	char shown[256];

	klog_topic_id_text(config->id, id);
	klog_printable(shown, sizeof(shown), topic);
	if (put_line(text, "# Change this with: klog-alter --edit %s\n",
		    shown) == -1 ||
		put_settings(&config->settings, text) == -1)
		return -1;
	return put_line(text, "id: %s\ngeneration: %jd\npartitions: %d\n", id,
		(intmax_t)config->generation, (int)config->partitions);
}

/* ---- topic ids ---- */

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int
klog_topic_id_make(uint8_t id[KLOG_TOPIC_ID], struct klog_err *err)
{
	char text[23];

	for (;;) {
		ssize_t got = getrandom(id, KLOG_TOPIC_ID, 0);

		if (got == -1 && errno != EINTR)
			return klog_fail_errno(err, "a random topic id");
		if (got != KLOG_TOPIC_ID)
			continue;
		id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* version 4 */
		id[8] = (uint8_t)((id[8] & 0x3f) | 0x80); /* variant 1 */
		klog_topic_id_text(id, text);
		if (text[0] != '-')
			return 0;
	}
}

void
klog_topic_id_text(const uint8_t id[KLOG_TOPIC_ID], char text[23])
{
	uint32_t bits = 0;
	int held = 0;
	int i, out = 0;

	for (i = 0; i < KLOG_TOPIC_ID; i++) {
		bits = bits << 8 | id[i];
		for (held += 8; held >= 6; held -= 6)
			text[out++] = digits[bits >> (held - 6) & 63];
	}
	text[out++] = digits[bits << (6 - held) & 63];
	text[out] = '\0';
}

bool
klog_topic_id_parse(const char *text, size_t size, uint8_t id[KLOG_TOPIC_ID])
{
	uint8_t parsed[KLOG_TOPIC_ID];
	uint32_t bits = 0;
	int held = 0;
	int out = 0;
	size_t i;

	if (size != 22)
		return false;
	for (i = 0; i < size; i++) {
		const char *digit = memchr(digits, text[i], 64);

		if (digit == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		held += 6;
		if (held >= 8) {
			held -= 8;
			parsed[out++] = (uint8_t)(bits >> held);
		}
	}
	/* Four bits are left over; an id has one text only. */
	if ((bits & 15) != 0)
		return false;
	memcpy(id, parsed, sizeof(parsed));
	return true;
}
