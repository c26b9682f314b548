#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "args.h"
#include "format.h"

/* kcat: %s to %h; rpk: %v %V %d %e %i.  %% is text. */
static const char tokens[] = "sSkKRtpoThvVdei";

static int
add_part(struct format *format, char token, struct klog_err *err)
{
	struct format_part *grown;

	grown = realloc(format->parts, (format->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return klog_fail_memory(err);
	format->parts = grown;
	grown += format->count++;
	grown->token = token;
	grown->text = format->text.size;
	grown->size = 0;
	return 0;
}

static int
add_byte(struct format *format, uint8_t byte, struct klog_err *err)
{
	if (format->count == 0 || format->parts[format->count - 1].token != 0) {
		if (add_part(format, 0, err) == -1)
			return -1;
	}
	if (klog_buf_put(&format->text, &byte, 1) == -1)
		return klog_fail_memory(err);
	format->parts[format->count - 1].size++;
	return 0;
}

/* The "{...}" of %d, if there is one; *s is behind the 'd'. */
static int
take_braces(struct format *format, const char **s, struct klog_err *err)
{
	const char *end;
	size_t size;

	if (**s != '{')
		return 0;
	end = strchr(*s, '}');
	if (end == NULL)
		return klog_fail(
			err, KLOG_EUSAGE, "%%d%.20s: no closing brace", *s);
	size = (size_t)(end - *s) - 1;
	if (size == 0)
		return klog_fail(err, KLOG_EUSAGE,
			"%%d{}: no form for strftime in the braces");
	if (klog_buf_put(&format->text, *s + 1, size) == -1 ||
		klog_buf_put(&format->text, "", 1) == -1)
		return klog_fail_memory(err);
	format->parts[format->count - 1].size = size;
	*s = end + 1;
	return 0;
}

static int
take_token(struct format *format, const char **s, struct klog_err *err)
{
	char token = (*s)[1];

	if (token == '\0')
		return klog_fail(
			err, KLOG_EUSAGE, "a %% at the end; %%%% prints one");
	*s += 2;
	if (token == '%')
		return add_byte(format, '%', err);
	if (strchr(tokens, token) == NULL)
		return klog_fail(
			err, KLOG_EUSAGE, "%%%c is not a token", token);
	if (add_part(format, token, err) == -1)
		return -1;
	return token == 'd' ? take_braces(format, s, err) : 0;
}

int
format_parse(struct format *format, const char *text, struct klog_err *err)
{
	uint8_t byte;

	while (*text != '\0') {
		if (*text == '%') {
			if (take_token(format, &text, err) == -1)
				return -1;
		} else if (args_char(&text, &byte, err) == -1 ||
			add_byte(format, byte, err) == -1) {
			return -1;
		}
	}
	return 0;
}

void
format_free(struct format *format)
{
	free(format->parts);
	klog_buf_free(&format->text);
	memset(format, 0, sizeof(*format));
}

/* ---- putting ---- */

static int
put_number(struct klog_buf *out, int64_t n)
{
	char text[24];
	int size = snprintf(text, sizeof(text), "%" PRId64, n);

	return klog_buf_put(out, text, (size_t)size);
}

static int
put_bytes(struct klog_buf *out, struct klog_slice bytes, bool show_null)
{
	if (bytes.data == NULL)
		return show_null ? klog_buf_put(out, "NULL", 4) : 0;
	return klog_buf_put(out, bytes.data, bytes.size);
}

static int64_t
length(struct klog_slice bytes)
{
	return bytes.data == NULL ? -1 : (int64_t)bytes.size;
}

static int
put_length_be32(struct klog_buf *out, struct klog_slice bytes)
{
	uint8_t be[4];

	klog_set_be32(be, (uint32_t)length(bytes));
	return klog_buf_put(out, be, sizeof(be));
}

/* "name=value,name=value"; a null is NULL, as kcat has it. */
static int
put_headers(struct klog_buf *out, struct klog_slice headers)
{
	struct klog_header header;
	bool first = true;
	int r;

	while ((r = klog_header_next(&headers, &header)) == 1) {
		if ((!first && klog_buf_put(out, ",", 1) == -1) ||
			put_bytes(out, header.name, false) == -1 ||
			klog_buf_put(out, "=", 1) == -1 ||
			put_bytes(out, header.value, true) == -1)
			return -1;
		first = false;
	}
	return r;
}

static int
put_time(struct klog_buf *out, const char *form, int64_t timestamp_ms)
{
	time_t seconds = (time_t)(timestamp_ms / 1000);
	char text[256];
	struct tm tm;
	size_t size;

	if (timestamp_ms < 0 || localtime_r(&seconds, &tm) == NULL)
		return klog_buf_put(out, "-", 1);
	size = strftime(text, sizeof(text), form, &tm);
	return klog_buf_put(out, text, size);
}

static int
put_part(const struct format *format, const struct format_part *part,
	struct klog_buf *out, const struct format_place *place,
	const struct klog_record *rec)
{
	const char *text = (const char *)format->text.data;

	switch (part->token) {
	case 's':
	case 'v':
		return put_bytes(out, rec->value, format->show_null);
	case 'S':
	case 'V':
		return put_number(out, length(rec->value));
	case 'R':
		return put_length_be32(out, rec->value);
	case 'k':
		return put_bytes(out, rec->key, format->show_null);
	case 'K':
		return put_number(out, length(rec->key));
	case 't':
		return klog_buf_put(out, place->topic, strlen(place->topic));
	case 'p':
		return put_number(out, place->partition);
	case 'o':
		return put_number(out, rec->offset);
	case 'T':
		return put_number(out, rec->timestamp_ms);
	case 'h':
		return put_headers(out, rec->headers);
	case 'd':
		if (part->size == 0)
			return put_number(out, rec->timestamp_ms);
		return put_time(out, text + part->text, rec->timestamp_ms);
	case 'e':
		return put_number(out, place->leader_epoch);
	case 'i':
		return put_number(out, place->ordinal);
	default:
		return klog_buf_put(out, text + part->text, part->size);
	}
}

int
format_put(const struct format *format, struct klog_buf *out,
	const struct format_place *place, const struct klog_record *rec,
	struct klog_err *err)
{
	size_t i;

	for (i = 0; i < format->count; i++) {
		if (put_part(format, &format->parts[i], out, place, rec) == -1)
			return klog_fail_memory(err);
	}
	return 0;
}
