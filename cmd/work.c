#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libklog/bytes.h"
#include "stop.h"
#include "work.h"

#define BACKOFF_MOST_MS 10000

struct work_item {
	struct klog_record rec; /* sizes; its bytes are in raw */
	size_t raw;             /* where they begin */
	size_t end;             /* in out.buf */
	int64_t next;           /* what is committed once it is done */
	int32_t epoch;
};

int
work_init(struct work *w, struct klog *klog, struct klog_err *err)
{
	if (output_init(&w->out, -1, err) == -1 ||
		command_init(&w->command, err) == -1)
		return -1;
	if (w->dead_letter == NULL)
		return 0;
	/* so that an empty value of the first record has an address */
	if (klog_buf_reserve(&w->raw, 1) == -1)
		return klog_fail_memory(err);
	w->dead = klog_producer_open(klog, w->dead_letter, NULL, err);
	return w->dead == NULL ? -1 : 0;
}

void
work_free(struct work *w)
{
	klog_producer_abandon(w->dead); /* all in it is synced */
	command_free(&w->command);
	output_free(&w->out);
	klog_buf_free(&w->raw);
	free(w->items);
}

/* ---- a run of COMMAND ---- */

static int
set_number(const char *name, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	return setenv(name, text, 1);
}

/* Items from..to-1, printed one behind the other. */
static int
run(struct work *w, size_t from, size_t to, int *status, struct klog_err *err)
{
	size_t begin = from > 0 ? w->items[from - 1].end : 0;

	if (setenv("KLOG_TOPIC", w->topic, 1) == -1 ||
		set_number("KLOG_PARTITION", w->partition) == -1 ||
		set_number("KLOG_FIRST_OFFSET", w->items[from].rec.offset) ==
			-1 ||
		set_number("KLOG_LAST_OFFSET", w->items[to - 1].rec.offset) ==
			-1)
		return klog_fail_memory(err);
	return command_run(&w->command,
		klog_slice_of(
			w->out.buf.data + begin, w->items[to - 1].end - begin),
		status, err);
}

/* Everything up to this item is done. */
static int
done(struct work *w, size_t last, struct klog_err *err)
{
	struct klog_position to = { .source = w->source,
		.leader_epoch = w->items[last].epoch,
		.offset = w->items[last].next };

	if (!w->group)
		return 0;
	klog_consumer_took(w->in, &to);
	klog_consumer_mark(w->in);
	return klog_consumer_commit(w->in, err);
}

/* Before the n-th try of the same, from 1: longer each time.  False when a
 * signal came: it is not tried again. */
static bool
pause_before(const struct work *w, int64_t n)
{
	int64_t ms = w->backoff_ms;

	for (; n > 1 && ms < BACKOFF_MOST_MS; n--)
		ms *= 2;
	if (ms > BACKOFF_MOST_MS && w->backoff_ms <= BACKOFF_MOST_MS)
		ms = BACKOFF_MOST_MS;
	if (stop_signal() == 0)
		(void)stop_wait(-1, ms, 0);
	return stop_signal() == 0;
}

/* `tries` 0: a signal ended them. */
static int
fail(const struct work *w, size_t from, size_t to, int status, int64_t tries,
	struct klog_err *err)
{
	char how[64], what[80], tried[64] = "";
	int64_t first = w->items[from].rec.offset;

	if (status == COMMAND_TIMED_OUT && w->command.timeout_ms >= 0)
		snprintf(how, sizeof(how), "took too long");
	else if (status > 128)
		snprintf(how, sizeof(how), "was ended by signal %d",
			status - 128);
	else
		snprintf(how, sizeof(how), "exited with %d", status);
	if (to - from == 1)
		snprintf(what, sizeof(what), "offset %" PRId64, first);
	else
		snprintf(what, sizeof(what), "offsets %" PRId64 " to %" PRId64,
			first, w->items[to - 1].rec.offset);
	if (tries > 1)
		snprintf(tried, sizeof(tried), ", tried %" PRId64 " times",
			tries);
	return klog_fail(err, KLOG_ESYSTEM, "%s %s on %s/%" PRId32 ", %s%s%s",
		w->command.argv[0], how, w->topic, w->partition, what, tried,
		w->group ? "; it is not committed" : "");
}

/* ---- the dead letter ---- */

static int
put_header(struct klog_buf *to, const char *name, const char *value)
{
	struct klog_header header = {
		.name = klog_slice_of(name, strlen(name)),
		.value = klog_slice_of(value, strlen(value)),
	};

	if (klog_buf_reserve(to,
		    KLOG_HEADER_EXTRA + header.name.size + header.value.size) ==
		-1)
		return -1;
	to->size = (size_t)(klog_header_put(to->data + to->size, &header) -
		to->data);
	return 0;
}

/* The record's own headers, and those that say why it is here; answers how
 * many more, or -1. */
static int32_t
put_headers(const struct work *w, const struct work_item *item, int status,
	int64_t attempts, struct klog_buf *headers)
{
	const struct klog_record *rec = &item->rec;
	const struct {
		const char *name;
		int64_t value;
	} numbers[] = {
		{ "klog.partition", w->partition },
		{ "klog.offset", rec->offset },
		{ "klog.status", status },
		{ "klog.attempts", attempts },
	};
	char text[24];
	size_t i;

	if (klog_buf_put(headers,
		    w->raw.data + item->raw + rec->key.size + rec->value.size,
		    rec->headers.size) == -1 ||
		put_header(headers, "klog.topic", w->topic) == -1)
		return -1;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "%" PRId64, numbers[i].value);
		if (put_header(headers, numbers[i].name, text) == -1)
			return -1;
	}
	return 1 + (int32_t)i;
}

/* Appends a record to the dead letter: synced on return. */
static int
bury(struct work *w, const struct work_item *item, int status, int64_t attempts,
	struct klog_err *err)
{
	struct klog_buf headers = { NULL, 0, 0 };
	struct klog_record rec = item->rec;
	const uint8_t *bytes = w->raw.data + item->raw;
	size_t taken;
	int32_t more;
	int r;

	rec.partition = -1;
	if (rec.timestamp_ms == -1)
		rec.timestamp_ms = KLOG_NO_TIMESTAMP;
	if (rec.key.data != NULL)
		rec.key.data = bytes;
	if (rec.value.data != NULL)
		rec.value.data = bytes + rec.key.size;
	more = put_headers(w, item, status, attempts, &headers);
	if (more == -1) {
		klog_buf_free(&headers);
		return klog_fail_memory(err);
	}
	rec.header_count += more;
	rec.headers = klog_slice_of(headers.data, headers.size);
	r = klog_producer_put(w->dead, &rec, 1, &taken, err);
	klog_buf_free(&headers);
	if (r == 0)
		r = klog_producer_sync(w->dead, err);
	return r == 0
		? 0
		: klog_err_in(err,
			  "dead letter %s: %s/%" PRId32 " offset %" PRId64,
			  w->dead_letter, w->topic, w->partition, rec.offset);
}

/* ---- tries ---- */

/*
 * Tries items from..to-1 up to `tries` times more, after `before` that failed:
 * *status is of the last.  1 done, 0 not, -1; 0 with a signal, too.
 */
static int
try_again(struct work *w, size_t from, size_t to, int64_t before, int64_t tries,
	int *status, struct klog_err *err)
{
	int64_t n;

	for (n = 0; n < tries && *status != 0; n++)
		if (!pause_before(w, before + n) ||
			run(w, from, to, status, err) == -1)
			return stop_signal() != 0 ? 0 : -1;
	return *status == 0;
}

/* One that failed for good, or with a signal. */
static int
give_up(struct work *w, size_t i, int status, int64_t attempts,
	struct klog_err *err)
{
	if (stop_signal() != 0)
		return fail(w, i, i + 1, status, 0, err);
	if (bury(w, &w->items[i], status, attempts, err) == -1)
		return -1;
	return done(w, i, err);
}

/* Record by record, after they failed together. */
static int
one_by_one(struct work *w, int together, struct klog_err *err)
{
	int64_t more = w->retries > 1 ? w->retries - 1 : 0;
	int status;
	size_t i;

	if (!pause_before(w, 1))
		return fail(w, 0, w->count, together, 0, err);
	for (i = 0; i < w->count; i++) {
		int r = 1;

		if (stop_signal() != 0)
			return fail(w, i, w->count, together, 0, err);
		if (run(w, i, i + 1, &status, err) == -1)
			return -1;
		if (status != 0)
			r = try_again(w, i, i + 1, 2, more, &status, err);
		if (r == 1)
			r = done(w, i, err);
		else if (r == 0)
			r = give_up(w, i, status, 2 + more, err);
		if (r == -1)
			return -1;
	}
	return 0;
}

int
work_flush(struct work *w, struct klog_err *err)
{
	int status, r;

	if (w->count == 0)
		return 0;
	r = run(w, 0, w->count, &status, err);
	if (r == 0 && status != 0 && w->dead != NULL && w->count > 1)
		r = one_by_one(w, status, err);
	else if (r == 0) {
		r = try_again(w, 0, w->count, 1, w->retries, &status, err);
		if (r == 1)
			r = done(w, w->count - 1, err);
		else if (r == 0 && w->dead != NULL)
			r = give_up(w, 0, status, 1 + w->retries, err);
		else if (r == 0)
			r = fail(w, 0, w->count, status,
				stop_signal() != 0 ? 0 : 1 + w->retries, err);
	}
	w->count = 0;
	w->out.buf.size = w->raw.size = 0;
	return r;
}

/* ---- gathering ---- */

static int
make_room(struct work *w, struct klog_err *err)
{
	size_t room = w->room > 0 ? 2 * w->room : 64;
	struct work_item *items;

	if (w->count < w->room)
		return 0;
	items = realloc(w->items, room * sizeof(items[0]));
	if (items == NULL)
		return klog_fail_memory(err);
	w->items = items;
	w->room = room;
	return 0;
}

/* The record at `i` of a run: printed, and for the dead letter as it is. */
static int
add(struct work *w, const struct klog_run *from, size_t i, struct klog_err *err)
{
	struct klog_run one = *from;
	const struct klog_record *rec = &from->records[i];
	struct work_item *item;

	if (make_room(w, err) == -1)
		return -1;
	one.records = rec;
	one.count = 1;
	if (print_run(w->print, &w->out, &one, 1, err) == -1)
		return -1;
	item = &w->items[w->count];
	item->rec = *rec;
	item->raw = w->raw.size;
	item->end = w->out.buf.size;
	item->epoch = from->leader_epoch;
	item->next = i + 1 == from->count ? from->next_offset : rec->offset + 1;
	if (w->dead != NULL &&
		(klog_buf_put(&w->raw, rec->key.data, rec->key.size) == -1 ||
			klog_buf_put(&w->raw, rec->value.data,
				rec->value.size) == -1 ||
			klog_buf_put(&w->raw, rec->headers.data,
				rec->headers.size) == -1))
		return klog_fail_memory(err);
	w->count++;
	return 0;
}

int
work_put(struct work *w, const struct klog_run *from, size_t count,
	struct klog_err *err)
{
	size_t i;

	if (w->count > 0 && w->source != from->source &&
		work_flush(w, err) == -1)
		return -1;
	for (i = 0; i < count && stop_signal() == 0; i++) {
		if (w->count == 0) {
			snprintf(w->topic, sizeof(w->topic), "%s", from->topic);
			w->partition = from->partition;
			w->source = from->source;
		}
		if (add(w, from, i, err) == -1)
			return -1;
		if ((w->count >= w->batch || w->out.buf.size >= WORK_BYTES) &&
			work_flush(w, err) == -1)
			return -1;
	}
	return 0;
}
