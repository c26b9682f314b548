/* A line of JSON, as klog-produce -J takes it: what is taken is put again by
 * klog-consume -J, and taken the same. */
#include "cmd/json.h"
#include "fuzz.h"

static void
take_again(const struct klog_record *rec)
{
	struct klog_run run = { .topic = "t", .records = rec, .count = 1 };
	struct klog_record same = { .partition = -1, .timestamp_ms = -1 };
	struct klog_buf line = { NULL, 0, 0 };
	struct json_in in = { .doc = NULL };
	struct klog_err err;

	run.partition = rec->partition == -1 ? 0 : rec->partition;
	must(json_put(&line, &run, rec, &err) == 0);
	must_do(json_take(
			&in, klog_slice_of(line.data, line.size), &same, &err),
		&err);
	must(rec->partition == -1 || same.partition == rec->partition);
	/* none is printed as -1, which is none again */
	must(same.timestamp_ms == rec->timestamp_ms ||
		(rec->timestamp_ms == -1 &&
			same.timestamp_ms == KLOG_NO_TIMESTAMP));
	must((same.key.data == NULL) == (rec->key.data == NULL));
	must((same.value.data == NULL) == (rec->value.data == NULL));
	must(fuzz_same(same.key, rec->key));
	must(fuzz_same(same.value, rec->value));
	must(same.header_count == rec->header_count);
	must(fuzz_same(same.headers, rec->headers));
	json_in_free(&in);
	klog_buf_free(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(klog_slice_of(data, size));
	struct klog_record rec = { .partition = -1, .timestamp_ms = -1 };
	struct json_in in = { .doc = NULL };
	struct klog_err err;

	err.text[0] = '\0';
	if (json_take(&in, klog_slice_of(copy, size), &rec, &err) == 0) {
		if (rec.timestamp_ms == KLOG_NO_TIMESTAMP)
			rec.timestamp_ms = -1;
		take_again(&rec);
	} else {
		must(err.text[0] != '\0');
	}
	json_in_free(&in);
	free(copy);
	return 0;
}
