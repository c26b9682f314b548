#include "json.h"
#include "print.h"

static int
put_bytes(struct output *out, struct klog_slice bytes, bool show_null,
	struct klog_err *err)
{
	if (bytes.data == NULL && show_null)
		return output_put(out, "NULL", 4, err);
	return output_put(out, bytes.data, bytes.size, err);
}

static int
put_delimited(const struct print *print, struct output *out,
	const struct klog_record *rec, struct klog_err *err)
{
	bool show_null = print->format.show_null;
	const struct klog_buf *delim = &print->key_delim;

	if (delim->size > 0 &&
		(put_bytes(out, rec->key, show_null, err) == -1 ||
			output_put(out, delim->data, delim->size, err) == -1))
		return -1;
	if (put_bytes(out, rec->value, show_null, err) == -1)
		return -1;
	return output_put(out, print->delim.data, print->delim.size, err);
}

static int
put_json(const struct print *print, struct output *out,
	const struct klog_run *run, const struct klog_record *rec,
	struct klog_err *err)
{
	if (json_put(&out->buf, run, rec, err) == -1)
		return -1;
	return output_put(out, print->delim.data, print->delim.size, err);
}

/* The plain path: one look at the room and one copy a record. */
static inline int
put_plain(const struct print *print, struct output *out,
	const struct klog_record *rec, struct klog_err *err)
{
	const struct klog_buf *delim = &print->delim;
	size_t size = rec->value.size;
	uint8_t *to;

	if (out->buf.capacity - out->buf.size < size + delim->size &&
		klog_buf_reserve(&out->buf, size + delim->size) == -1)
		return klog_fail_memory(err);
	to = out->buf.data + out->buf.size;
	if (size > 0)
		memcpy(to, rec->value.data, size);
	if (delim->size == 1)
		to[size] = delim->data[0];
	else
		memcpy(to + size, delim->data, delim->size);
	out->buf.size += size + delim->size;
	return 0;
}

int
print_run(struct print *print, struct output *out, const struct klog_run *run,
	size_t count, struct klog_err *err)
{
	bool formatted = print->format.count > 0;
	bool plain = !formatted && !print->json && print->key_delim.size == 0 &&
		!print->format.show_null;
	struct format_place place = { .topic = run->topic,
		.partition = run->partition,
		.leader_epoch = run->leader_epoch };
	size_t i;
	int r;

	for (i = 0; i < count; i++) {
		print->count++;
		place.ordinal = print->count;
		if (plain)
			r = put_plain(print, out, &run->records[i], err);
		else if (formatted)
			r = format_put(&print->format, &out->buf, &place,
				&run->records[i], err);
		else if (print->json)
			r = put_json(print, out, run, &run->records[i], err);
		else
			r = put_delimited(print, out, &run->records[i], err);
		if (r == -1 || output_step(out, err) == -1)
			return -1;
	}
	return 0;
}

void
print_free(struct print *print)
{
	format_free(&print->format);
	klog_buf_free(&print->delim);
	klog_buf_free(&print->key_delim);
}
