/* The shared argument grammar: what it takes, and what it refuses. */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/args.h"
#include "cmd/given.h"
#include "cmd/lines.h"
#include "libklog/settings.h"
#include "tap.h"

#define NOW INT64_C(1795386351000)

static void
test_topic(void)
{
	static const char *const bad[] = { "", "a b", "a:", "a:x", "a:-1",
		"a:01", "a:2147483648", ":1", "..", "a:1:2" };
	struct args_topic t;
	struct klog_err err;
	size_t i;

	ok(args_topic("access", &t, &err) == 0, "a topic");
	is_str(t.name, "access", "its name");
	is_int(t.partition, -1, "no partition");
	free(t.name);
	ok(args_topic("access:7", &t, &err) == 0, "topic:partition");
	is_str(t.name, "access", "its name");
	is_int(t.partition, 7, "its partition");
	free(t.name);
	ok(args_topic("./a:7", &t, &err) == 0, "a path");
	is_str(t.name, "./a:7", "a path keeps its colon");
	is_int(t.partition, -1, "and has no partition");
	free(t.name);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(args_topic(bad[i], &t, &err) == -1 &&
				err.code == KLOG_EUSAGE,
			"topic '%s' is refused", bad[i]);
	}
}

static void
test_topics(void)
{
	struct args_topics t = { 0 };
	struct klog_err err;

	ok(args_topics_add(&t, "a:2", &err) == 0, "a:2");
	ok(args_topics_add(&t, "a:0", &err) == 0, "a:0 beside it");
	is_int((int64_t)t.count, 1, "are one topic");
	is_int((int64_t)t.partitions.count, 2, "and two partitions");
	is_int(t.partitions.numbers[0], 0, "in order");
	ok(args_topics_add(&t, "a:0", &err) == -1, "a:0 twice");
	ok(args_topics_add(&t, "a", &err) == -1, "a beside a:0");
	ok(args_topics_add(&t, "b", &err) == -1, "b beside a:0");
	ok(args_topics_add(&t, "b:0", &err) == -1, "b:0 beside a:0");
	args_topics_free(&t);
	ok(args_topics_add(&t, "a", &err) == 0, "a");
	ok(!t.paths_only, "a name needs a cluster");
	ok(args_topics_add(&t, "b", &err) == 0, "b beside it");
	ok(args_topics_add(&t, "a", &err) == -1, "a twice");
	ok(args_topics_add(&t, "a:1", &err) == -1, "a:1 beside a");
	args_topics_free(&t);
	ok(args_topics_add(&t, "/x/a", &err) == 0 && t.paths_only,
		"a path needs none");
	ok(args_topics_add(&t, "a", &err) == 0 && !t.paths_only,
		"a name beside it does");
	args_topics_free(&t);
}

static void
good_offset(
	const char *text, enum klog_where where, int64_t value, int32_t epoch)
{
	struct klog_err err;
	struct klog_at at;

	if (!ok(args_offset(text, NOW, &at, &err) == 0, "offset %s", text)) {
		printf("# %s\n", err.text);
		return;
	}
	is_int(at.where, where, "%s: where", text);
	is_int(at.value, value, "%s: value", text);
	is_int(at.epoch, epoch, "%s: epoch", text);
}

static void
test_offset(void)
{
	static const char *const bad[] = { "", "x", "-", "--1", "1/", "1/x",
		"/1", "+1", "1 ", "9223372036854775808", "stored", "@",
		"1/2147483648", "1/-2", "0x1", "-1/2", "begin" };
	struct klog_err err;
	struct klog_at at;
	size_t i;

	good_offset("0", KLOG_AT_OFFSET, 0, -1);
	good_offset("9223372036854775807", KLOG_AT_OFFSET, INT64_MAX, -1);
	good_offset("42/7", KLOG_AT_OFFSET, 42, 7);
	good_offset("42/-1", KLOG_AT_OFFSET, 42, -1);
	good_offset("-10", KLOG_AT_TAIL, 10, -1);
	good_offset("beginning", KLOG_AT_BEGINNING, 0, -1);
	good_offset("earliest", KLOG_AT_BEGINNING, 0, -1);
	good_offset("end", KLOG_AT_END, 0, -1);
	good_offset("latest", KLOG_AT_END, 0, -1);
	good_offset("max-timestamp", KLOG_AT_MAX_TIMESTAMP, 0, -1);
	good_offset("@1700000000", KLOG_AT_TIME, 1700000000000, -1);
	good_offset("@-10m", KLOG_AT_TIME, NOW - 600000, -1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(args_offset(bad[i], NOW, &at, &err) == -1 &&
				err.code == KLOG_EUSAGE,
			"offset '%s' is refused", bad[i]);
	}
}

static void
test_range(void)
{
	static const char *const bad[] = { "5..3", "@10..@5", "1...3", "..x",
		"1..2..3" };
	struct args_range r;
	struct klog_err err;
	size_t i;

	ok(args_range("5", NOW, &r, &err) == 0 && !r.range, "no range");
	is_int(r.to.where, KLOG_AT_UNSET, "has no end");
	ok(args_range("5..9", NOW, &r, &err) == 0 && r.range, "5..9");
	is_int(r.from.value, 5, "from");
	is_int(r.to.value, 9, "to");
	ok(args_range("..-3", NOW, &r, &err) == 0, "..-3");
	is_int(r.from.where, KLOG_AT_UNSET, "from nowhere");
	is_int(r.to.where, KLOG_AT_TAIL, "to the tail");
	ok(args_range("@2026-11-22..", NOW, &r, &err) == 0, "a time to ..");
	is_int(r.from.where, KLOG_AT_TIME, "from a time");
	is_int(r.to.where, KLOG_AT_UNSET, "to the end");
	ok(args_range("3..3", NOW, &r, &err) == 0, "3..3 is empty, not wrong");
	ok(args_range("..", NOW, &r, &err) == 0 && r.range, "..");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(args_range(bad[i], NOW, &r, &err) == -1,
			"range '%s' is refused", bad[i]);
}

static void
test_list(void)
{
	static const char *const bad[] = { "", ",", "1,", ",1", "1,,2", "x",
		"3-1", "1-", "-1", "1,1", "1-3,2", "2147483648", "0-2147483647",
		"1-2-3", "01", " 1" };
	static const int32_t want[] = { 0, 2, 5, 6, 7 };
	struct args_list list = { 0 };
	struct klog_err err;
	size_t i;

	ok(args_list("5-7,0,2", &list, &err) == 0, "a list");
	is_int((int64_t)list.count, 5, "of five");
	for (i = 0; i < list.count && i < 5; i++)
		is_int(list.numbers[i], want[i], "number %zu", i);
	free(list.numbers);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&list, 0, sizeof(list));
		ok(args_list(bad[i], &list, &err) == -1, "list '%s' is refused",
			bad[i]);
		free(list.numbers);
	}
}

static void
test_delim(void)
{
	static const char *const bad[] = { "", "\\", "\\q", "\\x", "\\x1",
		"\\xg0", "a\\" };
	struct klog_buf buf = { 0 };
	struct klog_err err;
	size_t i;

	ok(args_delim("a\\n\\t\\0\\x7f\\\\\\r", &buf, &err) == 0, "escapes");
	ok(buf.size == 7 && memcmp(buf.data, "a\n\t\0\x7f\\\r", 7) == 0,
		"stand for their bytes");
	buf.size = 0;
	ok(args_delim("\\x0a0", &buf, &err) == 0 && buf.size == 2,
		"\\xNN takes two digits, no more");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(args_delim(bad[i], &buf, &err) == -1,
			"delimiter '%s' is refused", bad[i]);
	klog_buf_free(&buf);
}

static void
test_given(void)
{
	struct given given = { 0 };
	struct klog_err err;

	ok(given_text(&given, "linger.ms=5", &err) == 0, "KEY=VALUE");
	ok(given_text(&given, "batch.size=", &err) == 0, "an empty value");
	is_str(given.list[1].value, "", "is empty");
	ok(given_put(&given, "linger.ms", "6", &err) == -1 &&
			err.code == KLOG_EUSAGE,
		"one thing said twice is refused");
	ok(given_text(&given, "acks", &err) == -1, "no value is refused");
	ok(given_text(&given, "=1", &err) == -1, "no key is refused");
	given_free(&given);
	given_text(&given, "linger.ms=5", &err);
	ok(given_check(&given, KLOG_OF_PRODUCER, &err) == 0,
		"a producer's setting");
	ok(given_check(&given, KLOG_OF_CONSUMER, &err) == -1,
		"is none of a consumer");
	given_free(&given);
}

/* ---- lines ---- */

/* Feeds text through a pipe, `step` bytes at a time; the lines joined by '|',
 * a refused one as '!', an unterminated one with '~'. */
static void
split(const char *text, size_t step, const char *delim, size_t longest,
	char *out)
{
	struct klog_buf d = { 0 };
	struct klog_slice line;
	struct lines lines;
	struct klog_err err;
	size_t size = strlen(text), done = 0;
	int fds[2], r;

	if (args_delim(delim, &d, &err) == -1 || pipe(fds) == -1 ||
		lines_init(&lines, &d, &err) == -1)
		exit(1);
	lines.longest = longest;
	lines_begin(&lines, fds[0]);
	while (!lines.ended) {
		step = step < size - done ? step : size - done;
		if (step == 0)
			close(fds[1]);
		else if (write(fds[1], text + done, step) != (ssize_t)step)
			exit(1);
		done += step;
		lines_fill(&lines, &err);
		while ((r = lines_next(&lines, &line, &err)) != 0) {
			if (r == 1) {
				memcpy(out, line.data, line.size);
				out += line.size;
				if (lines.unterminated)
					*out++ = '~';
			} else {
				*out++ = '!';
			}
			*out++ = '|';
		}
	}
	*out++ = (char)('0' + lines.number);
	*out = '\0';
	close(fds[0]);
	lines_free(&lines);
	klog_buf_free(&d);
}

static void
test_lines(void)
{
	static const struct {
		const char *text, *delim, *want;
	} cases[] = {
		{ "", "\\n", "0" },
		{ "\n", "\\n", "|1" },
		{ "a\nbc\n\nd", "\\n", "a|bc||d~|4" },
		{ "a--b-c--", "--", "a|b-c|2" },
		{ "a---b", "--", "a|-b~|2" },
		{ "a-", "--", "a-~|1" },
		{ "12345678\n123456789\nx\n", "\\n", "12345678|!|x|3" },
		{ "1234567890123456789--x--y", "--", "!|x|y~|3" },
		{ "1234567890123456789", "\\n", "!|1" },
		{ "1234567890123456789-", "--", "!|1" },
	};
	char out[256];
	size_t i, step;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (step = 1; step <= 32; step += step < 4 ? 1 : 28) {
			split(cases[i].text, step, cases[i].delim, 8, out);
			is_str(out, cases[i].want, "lines %zu by %zu", i, step);
		}
	}
}

int
main(void)
{
	test_topic();
	test_topics();
	test_offset();
	test_range();
	test_list();
	test_delim();
	test_given();
	test_lines();
	return done();
}
