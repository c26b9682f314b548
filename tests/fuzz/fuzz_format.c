/*
 * FORMAT of -F, after a byte of options and eight of a timestamp: what it
 * makes of a record is no more than its tokens can hold.
 */
#include <time.h>

#include "cmd/format.h"
#include "fuzz.h"

#define TEXT "payload"
#define TOPIC "access"
#define PART_MAX 256 /* strftime's */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return 0;
}

/* Headers from the options: none, some, or bytes that are none. */
static struct klog_slice
headers(uint64_t options, struct klog_buf *buf)
{
	struct klog_header header = { klog_slice_of("name", 4),
		klog_slice_of("value", 5) };

	must(klog_buf_reserve(buf, 64) == 0);
	if (options & 1)
		buf->size = (size_t)(klog_header_put(buf->data, &header) -
			buf->data);
	header.value.data = NULL;
	header.value.size = 0;
	if (options & 2)
		buf->size = (size_t)(klog_header_put(
					     buf->data + buf->size, &header) -
			buf->data);
	return klog_slice_of(buf->data, buf->size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	uint64_t options = fuzz_number(&in, 1);
	const struct format_place place = { TOPIC, 3, 7, 42 };
	struct klog_buf out = { NULL, 0, 0 }, bytes = { NULL, 0, 0 };
	struct format format = { .parts = NULL };
	struct klog_record rec = { .offset = 1234567890123 };
	struct klog_err err;
	char *text;

	rec.timestamp_ms = (int64_t)fuzz_number(&in, 8);
	rec.headers = headers(options, &bytes);
	if (options & 4)
		rec.key = klog_slice_of(TEXT, strlen(TEXT));
	if (options & 8)
		rec.value = klog_slice_of(TEXT, strlen(TEXT));
	format.show_null = (options & 16) != 0;
	text = fuzz_text(in);
	if (format_parse(&format, text, &err) == 0) {
		must(format.count <= strlen(text));
		must(format_put(&format, &out, &place, &rec, &err) == 0);
		must(out.size <= format.text.size + format.count * PART_MAX);
	} else {
		must(err.code == KLOG_EUSAGE);
	}
	format_free(&format);
	klog_buf_free(&out);
	klog_buf_free(&bytes);
	free(text);
	return 0;
}
