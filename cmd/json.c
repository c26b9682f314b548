#include <inttypes.h>
#include <jansson.h>

#include "base64.h"
#include "json.h"

#define DEPTH_MAX 16
/* Each costs the library 100 bytes and more. */
#define VALUES_MAX ((size_t)128 * 1024)

/* ---- out ---- */

/* Null, the bytes as they are, or in base64 if they are not UTF-8. */
static json_t *
string_of(struct klog_slice bytes, bool *encoded)
{
	struct klog_buf text = { 0 };
	json_t *string;

	*encoded = false;
	if (bytes.data == NULL)
		return json_null();
	string = json_stringn((const char *)bytes.data, bytes.size);
	if (string != NULL)
		return string;
	*encoded = true;
	if (base64_encode(bytes, &text) == 0)
		string = json_stringn_nocheck(
			(const char *)text.data, text.size);
	klog_buf_free(&text);
	return string;
}

/* Like the library's own, these take the value over, which may be NULL when
 * memory was short, and answer -1 then. */
static int
set(json_t *doc, const char *key, json_t *value)
{
	return json_object_set_new_nocheck(doc, key, value);
}

static int
set_bytes(json_t *doc, const char *key, const char *encoding,
	struct klog_slice bytes)
{
	bool encoded;

	if (set(doc, key, string_of(bytes, &encoded)) == -1)
		return -1;
	return encoded ? set(doc, encoding, json_string_nocheck("base64")) : 0;
}

static json_t *
header_of(const struct klog_header *header)
{
	json_t *list = json_array();
	bool name, value;
	int bad;

	bad = json_array_append_new(list, string_of(header->name, &name));
	bad |= json_array_append_new(list, string_of(header->value, &value));
	if (value)
		bad |= json_array_append_new(
			list, json_string_nocheck("base64"));
	else if (name)
		bad |= json_array_append_new(list, json_null());
	if (name)
		bad |= json_array_append_new(
			list, json_string_nocheck("base64"));
	if (bad == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *
headers_of(struct klog_slice headers)
{
	json_t *list = json_array();
	struct klog_header header;

	while (klog_header_next(&headers, &header) == 1) {
		if (json_array_append_new(list, header_of(&header)) == 0)
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

static int
append(const char *text, size_t size, void *out)
{
	return klog_buf_put(out, text, size);
}

static const char *
time_type(const struct klog_run *run)
{
	if (run->no_timestamps)
		return "unknown";
	return run->log_append_time ? "logappend" : "create";
}

int
json_put(struct klog_buf *out, const struct klog_run *run,
	const struct klog_record *rec, struct klog_err *err)
{
	struct klog_slice topic = klog_slice_of(run->topic, strlen(run->topic));
	json_t *doc = json_object();
	bool encoded; /* only a directory that is no topic's has such a name */
	int bad = 0;

	bad |= set(doc, "topic", string_of(topic, &encoded));
	bad |= set(doc, "partition", json_integer(run->partition));
	bad |= set(doc, "offset", json_integer(rec->offset));
	bad |= set(doc, "tstype", json_string_nocheck(time_type(run)));
	bad |= set(doc, "ts", json_integer(rec->timestamp_ms));
	bad |= set_bytes(doc, "key", "key_encoding", rec->key);
	bad |= set_bytes(doc, "payload", "payload_encoding", rec->value);
	bad |= set(doc, "headers", headers_of(rec->headers));
	if (bad == 0)
		bad = json_dump_callback(doc, append, out, JSON_COMPACT);
	json_decref(doc);
	return bad == 0 ? 0 : klog_fail_memory(err);
}

/* ---- in ---- */

/* A byte takes six at the most, as \u0000; a header of three bytes, with a
 * name that is no text, 28. */
size_t
json_longest(size_t record)
{
	return 10 * record + 1024;
}

/* Bounds what the library will make of the line, before it does. */
static int
check_bounds(struct klog_slice line, struct klog_err *err)
{
	size_t i, depth = 0, values = 1;
	bool string = false;

	for (i = 0; i < line.size; i++) {
		uint8_t c = line.data[i];

		if (string) {
			i += c == '\\';
			string = c != '"';
			continue;
		}
		string = c == '"';
		values += c == ',' || c == ':' || c == '[' || c == '{';
		depth += c == '[' || c == '{';
		depth -= depth > 0 && (c == ']' || c == '}');
		if (depth > DEPTH_MAX)
			return klog_fail(err, KLOG_EINVALID,
				"nested deeper than %d", DEPTH_MAX);
		if (values > VALUES_MAX)
			return klog_fail(err, KLOG_EINVALID,
				"more than %zu values", VALUES_MAX);
	}
	return 0;
}

static int
check_keys(json_t *doc, struct klog_err *err)
{
	static const char *const known[] = { "topic", "partition", "offset",
		"tstype", "ts", "key", "key_encoding", "payload",
		"payload_encoding", "headers" };
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(doc, key, value)
	{
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strcmp(key, known[i]) == 0)
				break;
		if (i == sizeof(known) / sizeof(known[0]))
			return klog_fail(err, KLOG_EINVALID,
				"unknown key '%.100s'", key);
	}
	return 0;
}

/* One that is missing is as good as a null. */
static bool
is_there(const json_t *value)
{
	return value != NULL && !json_is_null(value);
}

/* The number, or `missing`; below `least` or above `most` it is wrong. */
static int
take_number(const json_t *doc, const char *key, int64_t least, int64_t most,
	int64_t missing, int64_t *number, struct klog_err *err)
{
	const json_t *value = json_object_get(doc, key);

	*number = missing;
	if (!is_there(value))
		return 0;
	if (json_is_integer(value))
		*number = json_integer_value(value);
	if (!json_is_integer(value) || *number < least || *number > most)
		return klog_fail(err, KLOG_EINVALID,
			"%s is not a whole number from %" PRId64 " to %" PRId64,
			key, least, most);
	return 0;
}

/* The bytes of a string or null; `what` is its name in messages. */
static int
take_string(const json_t *value, const json_t *encoding, const char *what,
	struct klog_buf *decoded, struct klog_slice *bytes,
	struct klog_err *err)
{
	int r;

	*bytes = klog_slice_of(NULL, 0);
	if (is_there(encoding) &&
		(!json_is_string(encoding) ||
			strcmp(json_string_value(encoding), "base64") != 0))
		return klog_fail(err, KLOG_EINVALID,
			"the encoding of %s is not \"base64\"", what);
	if (!is_there(value))
		return 0;
	if (!json_is_string(value))
		return klog_fail(err, KLOG_EINVALID,
			"%s is neither a string nor null", what);
	*bytes = klog_slice_of(
		json_string_value(value), json_string_length(value));
	if (!is_there(encoding))
		return 0;
	decoded->size = 0;
	r = base64_decode(*bytes, decoded);
	if (r == -1)
		return klog_fail_memory(err);
	if (r == 0)
		return klog_fail(err, KLOG_EINVALID, "%s is not base64", what);
	*bytes = klog_slice_of(decoded->data, decoded->size);
	return 0;
}

static int
take_header(struct json_in *in, const json_t *list, struct klog_err *err)
{
	struct klog_buf *out = &in->headers;
	struct klog_header header;
	uint8_t *end;

	if (json_array_size(list) < 2 || json_array_size(list) > 4)
		return klog_fail(err, KLOG_EINVALID,
			"a header is not a list of name and value");
	if (take_string(json_array_get(list, 0), json_array_get(list, 3),
		    "a header's name", &in->header_name, &header.name,
		    err) == -1 ||
		take_string(json_array_get(list, 1), json_array_get(list, 2),
			"a header's value", &in->header_value, &header.value,
			err) == -1)
		return -1;
	if (header.name.data == NULL)
		return klog_fail(err, KLOG_EINVALID, "a header's name is null");
	if (klog_buf_reserve(out,
		    KLOG_HEADER_EXTRA + header.name.size + header.value.size) ==
		-1)
		return klog_fail_memory(err);
	end = klog_header_put(out->data + out->size, &header);
	out->size = (size_t)(end - out->data);
	return 0;
}

static int
take_headers(struct json_in *in, const json_t *list, struct klog_record *rec,
	struct klog_err *err)
{
	size_t i;

	if (!is_there(list))
		return 0;
	if (!json_is_array(list))
		return klog_fail(err, KLOG_EINVALID, "headers are not a list");
	in->headers.size = 0;
	if (klog_buf_put(&in->headers, rec->headers.data, rec->headers.size) ==
		-1)
		return klog_fail_memory(err);
	for (i = 0; i < json_array_size(list); i++)
		if (take_header(in, json_array_get(list, i), err) == -1)
			return -1;
	rec->headers = klog_slice_of(in->headers.data, in->headers.size);
	rec->header_count += (int32_t)json_array_size(list);
	return 0;
}

static int
take_record(struct json_in *in, struct klog_record *rec, struct klog_err *err)
{
	const json_t *doc = in->doc;
	int64_t partition, stamp;
	struct klog_slice key;

	if (take_number(doc, "partition", 0, INT32_MAX, -1, &partition, err) ==
			-1 ||
		take_number(doc, "ts", -1, INT64_MAX, KLOG_NO_TIMESTAMP, &stamp,
			err) == -1 ||
		take_string(json_object_get(doc, "key"),
			json_object_get(doc, "key_encoding"), "key", &in->key,
			&key, err) == -1 ||
		take_string(json_object_get(doc, "payload"),
			json_object_get(doc, "payload_encoding"), "payload",
			&in->value, &rec->value, err) == -1)
		return -1;
	if (stamp != KLOG_NO_TIMESTAMP)
		rec->timestamp_ms = stamp == -1 ? KLOG_NO_TIMESTAMP : stamp;
	if (rec->key.data == NULL) {
		rec->key = key;
		if (rec->partition == -1)
			rec->partition = (int32_t)partition;
	}
	return take_headers(in, json_object_get(doc, "headers"), rec, err);
}

int
json_take(struct json_in *in, struct klog_slice line, struct klog_record *rec,
	struct klog_err *err)
{
	json_error_t why;

	if (check_bounds(line, err) == -1)
		return -1;
	json_decref(in->doc);
	in->doc = json_loadb((const char *)line.data, line.size,
		JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &why);
	if (in->doc == NULL)
		return klog_fail(err, KLOG_EINVALID, "not JSON: %s, at byte %d",
			why.text, why.position);
	if (!json_is_object(in->doc))
		return klog_fail(err, KLOG_EINVALID, "not a JSON object");
	if (check_keys(in->doc, err) == -1)
		return -1;
	return take_record(in, rec, err);
}

void
json_in_free(struct json_in *in)
{
	json_decref(in->doc);
	klog_buf_free(&in->key);
	klog_buf_free(&in->value);
	klog_buf_free(&in->header_name);
	klog_buf_free(&in->header_value);
	klog_buf_free(&in->headers);
	in->doc = NULL;
}
