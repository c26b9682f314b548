/* FORMAT: kcat's tokens and rpk's, on records with and without everything. */
#include <stdlib.h>
#include <time.h>

#include "cmd/cli.h"
#include "cmd/format.h"
#include "libklog/record.h"
#include "tap.h"

static struct klog_record full, empty;
static struct klog_buf headers;

static void
put_header(struct klog_buf *buf, const struct klog_header *header)
{
	klog_buf_reserve(buf,
		KLOG_HEADER_EXTRA + header->name.size + header->value.size);
	buf->size = (size_t)(klog_header_put(buf->data + buf->size, header) -
		buf->data);
}

static struct klog_slice
text_slice(const char *text)
{
	return klog_slice_of(text, strlen(text));
}

static void
add_header(const char *name, const char *value)
{
	struct klog_header header = { .name = text_slice(name) };

	if (value != NULL)
		header.value = text_slice(value);
	put_header(&headers, &header);
}

static void
make_records(void)
{
	add_header("a", "1");
	add_header("b", NULL);
	add_header("a", "");
	full.offset = 42;
	full.timestamp_ms = 1700000000123;
	full.key = text_slice("key");
	full.value = klog_slice_of("val\0ue", 6);
	full.headers = klog_slice_of(headers.data, headers.size);
	full.header_count = 3;
	empty.timestamp_ms = -1;
}

static void
check(const char *text, bool show_null, const struct klog_record *rec,
	const void *want, size_t size)
{
	struct format_place place = { "access", 3, 7, 1000 };
	struct format format = { .show_null = show_null };
	struct klog_buf out = { 0 };
	struct klog_err err;

	if (!ok(format_parse(&format, text, &err) == 0, "format %s", text))
		printf("# %s\n", err.text);
	ok(format_put(&format, &out, &place, rec, &err) == 0, "put");
	if (!ok(out.size == size &&
			    (size == 0 || memcmp(out.data, want, size) == 0),
		    "%s prints what it should", text))
		printf("# got '%.*s'\n", (int)out.size, (char *)out.data);
	klog_buf_free(&out);
	format_free(&format);
}

static void
check_text(const char *text, const struct klog_record *rec, const char *want)
{
	check(text, false, rec, want, strlen(want));
}

static void
test_tokens(void)
{
	check("%s", false, &full, "val\0ue", 6);
	check("%v|", false, &full, "val\0ue|", 7);
	check_text("%S %V", &full, "6 6");
	check_text("%k %K", &full, "key 3");
	check_text("%t/%p@%o", &full, "access/3@42");
	check_text("%T %d", &full, "1700000000123 1700000000123");
	check_text("%e %i", &full, "7 1000");
	check_text("%h", &full, "a=1,b=NULL,a=");
	check_text("%%s", &full, "%s");
	check_text("", &full, "");
	check_text("\\n\\t\\x41\\\\", &full, "\n\tA\\");
	check("\\0", false, &full, "", 1);
	check("%R", false, &full, "\0\0\0\6", 4);
	check_text("%d{%Y-%m-%dT%H:%M:%S} x", &full, "2023-11-14T22:13:20 x");
	check_text("%d{%s}%d{%j}", &full, "1700000000318");
}

static void
test_nulls(void)
{
	check_text("[%s%k%h]%S %K %V", &empty, "[]-1 -1 -1");
	check("%R", false, &empty, "\377\377\377\377", 4);
	check("%s,%k", true, &empty, "NULL,NULL", 9);
	check_text("%T %d{%Y}", &empty, "-1 -");
}

static void
test_refused(void)
{
	static const char *const bad[] = { "%", "x%", "%q", "%d{%Y", "%d{}",
		"\\q", "\\x1", "\\", "%J" };
	struct format format = { 0 };
	struct klog_err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(format_parse(&format, bad[i], &err) == -1 &&
				err.code == KLOG_EUSAGE,
			"format '%s' is refused", bad[i]);
		format_free(&format);
	}
}

/* What reaches a terminal: text in UTF-8 as it is, nothing that acts. */
static void
test_escape(void)
{
	char out[64];

	is_str(cli_escape(out, sizeof(out), "j\303\266rg \342\202\254"),
		"j\303\266rg \342\202\254", "UTF-8 stays");
	is_str(cli_escape(out, sizeof(out), "a\033[1m\r\n\177"),
		"a\\x1b[1m\\x0d\\x0a\\x7f", "controls are escaped");
	is_str(cli_escape(out, sizeof(out), "\302\233m"), "\\xc2\\x9bm",
		"those of C1 too");
	is_str(cli_escape(out, sizeof(out), "\377\300\200\355\240\200"),
		"\\xff\\xc0\\x80\\xed\\xa0\\x80", "what is no UTF-8 as well");
	is_str(cli_escape(out, sizeof(out), "\342\202"), "\\xe2\\x82",
		"and a character cut short");
	is_str(cli_escape(out, 8, "abc\033\033"), "abc\\x1b",
		"an escape is never cut in two");
}

int
main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	make_records();
	test_tokens();
	test_nulls();
	test_refused();
	test_escape();
	klog_buf_free(&headers);
	return done();
}
