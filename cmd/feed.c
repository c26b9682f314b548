#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed.h"
#include "libklog/time.h"
#include "stop.h"

#define LAST_WORDS_MS 2000 /* to read on after the first signal */
#define FULL_PAUSE_MS 1000
#define PIPE_SIZE (1024 * 1024)

int
feed_init(struct feed *feed, struct klog_err *err)
{
	size_t i;

	for (i = 0; i < FEED_RECORDS; i++)
		feed->records[i] = feed->like;
	feed->parted = feed->json || feed->key_delim.size > 0;
	/* a line of JSON is good until the next one */
	feed->at_once = feed->json ? 1 : FEED_RECORDS;
	feed->dies_of_pipe = feed->tee && signal(SIGPIPE, SIG_IGN) != SIG_IGN;
	if (feed->tee && output_init(&feed->out, STDOUT_FILENO, err) == -1)
		return -1;
	if (lines_init(&feed->lines, &feed->delim, err) == -1)
		return -1;
	if (feed->longest != 0 && feed->longest < LINES_LONGEST)
		feed->lines.longest = feed->longest;
	return 0;
}

/* ---- failing ---- */

static void
set_status(struct feed *feed, enum klog_code code)
{
	int status = klog_exit_status(code);

	if (status > feed->status)
		feed->status = status;
}

/* The run ends; why is said together with what is stored. */
static bool
fail(struct feed *feed, const struct klog_err *err)
{
	set_status(feed, err->code);
	if (feed->why.code == KLOG_OK)
		feed->why = *err;
	return false;
}

/* A line that is not taken: whether the run goes on. */
static bool
refuse(struct feed *feed, int64_t number, struct klog_err *err)
{
	klog_err_in(err, "%s:%" PRId64, feed->name, number);
	feed->lost++;
	if (!feed->skip)
		return fail(feed, err);
	cli_warn(feed->cli, "%s", err->text);
	set_status(feed, err->code);
	return true;
}

static void
note_signal(struct feed *feed)
{
	if (feed->signal != 0 || stop_signal() == 0)
		return;
	feed->signal = stop_signal();
	feed->stop_tick = klog_tick_ms() + LAST_WORDS_MS;
}

/* The second signal: what is in hand stays there, what is being written is
 * ended by the library. */
static void
end_at_once(struct feed *feed)
{
	int number = stop_at_once();

	if (number == 0)
		return;
	klog_producer_abandon(feed->producer);
	stop_die(number);
}

/* Whether a call that failed is worth another try: it was a signal, or the
 * disk is full and will be emptied. */
static bool
again(struct feed *feed, const struct klog_err *err)
{
	if (err->code != KLOG_ESYSTEM)
		return false;
	if (err->sys_errno == EINTR) {
		note_signal(feed);
		return true;
	}
	if (!feed->wait ||
		(err->sys_errno != ENOSPC && err->sys_errno != EDQUOT))
		return false;
	if (!feed->full_said)
		cli_note(feed->cli, "%s; waiting for room", err->text);
	feed->full_said = true;
	(void)stop_wait(-1, FULL_PAUSE_MS, feed->signal);
	note_signal(feed);
	return feed->signal == 0 || klog_tick_ms() < feed->stop_tick;
}

/* ---- the library ---- */

/* The topic matters more than the copy of its input.  A reader who went away
 * ends the run, but no batch in the middle. */
static void
copy_failed(struct feed *feed, const struct klog_err *err)
{
	feed->tee = false;
	if (feed->dies_of_pipe && err->sys_errno == EPIPE) {
		if (feed->signal == 0)
			feed->signal = SIGPIPE;
		return;
	}
	set_status(feed, err->code);
	cli_fail(feed->cli, err);
}

/* Copies the lines of records [from, to) with their delimiters. */
static void
copy_lines(struct feed *feed, size_t from, size_t to)
{
	const uint8_t *begin = from > 0 ? feed->ends[from - 1] : feed->begin;
	struct klog_err err;

	if (!feed->tee || from == to)
		return;
	if (output_put(&feed->out, begin, (size_t)(feed->ends[to - 1] - begin),
		    &err) == 0 &&
		output_step(&feed->out, &err) == 0)
		return;
	copy_failed(feed, &err);
}

static void
copy_flush(struct feed *feed)
{
	struct klog_err err;

	if (feed->tee && output_flush(&feed->out, &err) == -1)
		copy_failed(feed, &err);
}

/* Whether an error is about one record, and the next may be taken. */
static bool
is_refusal(const struct klog_err *err)
{
	return err->code == KLOG_ETOOLARGE || err->code == KLOG_EINVALID;
}

/* Hands over the records in hand; their lines follow one another. */
static bool
put(struct feed *feed)
{
	size_t done = 0, taken, count = feed->count;
	struct klog_err err;
	int r;

	feed->count = 0;
	while (done < count) {
		r = klog_producer_put(feed->producer, &feed->records[done],
			count - done, &taken, &err);
		end_at_once(feed);
		copy_lines(feed, done, done + taken);
		done += taken;
		if (taken > 0)
			feed->last = feed->first + (int64_t)done - 1;
		if (r == 0 || again(feed, &err))
			continue;
		if (!is_refusal(&err)) {
			feed->lost += (int64_t)(count - done);
			feed->broken = true;
			return fail(feed, &err);
		}
		if (!refuse(feed, feed->first + (int64_t)done, &err))
			return false;
		done++;
	}
	return true;
}

static bool
call(struct feed *feed,
	int (*what)(struct klog_producer *producer, struct klog_err *err))
{
	struct klog_err err;

	while (what(feed->producer, &err) == -1) {
		end_at_once(feed);
		if (again(feed, &err))
			continue;
		feed->broken = true;
		return fail(feed, &err);
	}
	end_at_once(feed);
	return true;
}

/* ---- lines ---- */

static bool
refuse_line(struct feed *feed, struct klog_err *err)
{
	/* first what came before it */
	return put(feed) && refuse(feed, feed->lines.number, err);
}

static bool
split_key(struct feed *feed, struct klog_record *rec, struct klog_slice *line)
{
	const uint8_t *at = memmem(line->data, line->size, feed->key_delim.data,
		feed->key_delim.size);
	size_t size;

	if (at == NULL) {
		klog_fail(&feed->refused, KLOG_EINVALID,
			"no key delimiter in the line");
		return false;
	}
	size = (size_t)(at - line->data);
	rec->key = klog_slice_of(line->data, size);
	size += feed->key_delim.size;
	line->data += size;
	line->size -= size;
	return true;
}

/* A line that is more than its value: the value stays in *line. */
static bool
take_apart(struct feed *feed, struct klog_record *rec, struct klog_slice *line)
{
	if (feed->json)
		*rec = feed->like;
	if (feed->key_delim.size > 0 && !split_key(feed, rec, line))
		return false;
	if (!feed->json)
		return true;
	if (json_take(&feed->json_in, *line, rec, &feed->refused) == -1)
		return false;
	*line = rec->value;
	return true;
}

static inline bool
add(struct feed *feed, struct klog_slice line)
{
	struct klog_record *rec = &feed->records[feed->count];

	if (feed->count == 0) {
		feed->first = feed->lines.number;
		feed->begin = line.data;
	}
	feed->ends[feed->count] = line.data + line.size +
		(feed->lines.unterminated ? 0 : feed->delim.size);
	if (feed->parted && !take_apart(feed, rec, &line))
		return refuse_line(feed, &feed->refused);
	rec->value = line;
	if (line.size == 0 && feed->null_empty)
		rec->value.data = NULL;
	return ++feed->count < feed->at_once || put(feed);
}

/* All whole lines that were read. */
static bool
add_lines(struct feed *feed)
{
	struct klog_slice line;
	struct klog_err err;
	int r;

	while ((r = lines_next(&feed->lines, &line, &err)) != 0) {
		if (r == 1 ? !add(feed, line) : !refuse_line(feed, &err))
			return false;
	}
	return feed->count == 0 || put(feed);
}

/* ---- waiting ---- */

/* Whether a signal says to read no further. */
static bool
stopped(struct feed *feed)
{
	end_at_once(feed);
	note_signal(feed);
	return feed->signal != 0 &&
		(feed->operand || klog_tick_ms() >= feed->stop_tick);
}

/* The input pauses: what is at hand goes out when it is due. */
static bool
pause_until_input(struct feed *feed)
{
	int64_t due, left;

	copy_flush(feed);
	for (;;) {
		due = klog_producer_due_ms(feed->producer);
		if (due == 0) {
			if (!call(feed, klog_producer_tick))
				return false;
			due = klog_producer_due_ms(feed->producer);
		}
		if (stopped(feed))
			return false;
		if (feed->signal != 0) {
			left = feed->stop_tick - klog_tick_ms();
			due = due < 0 || due > left ? left : due;
			due = due < 0 ? 0 : due;
		}
		if (stop_wait(feed->lines.fd, due, feed->signal) == 1)
			return true;
	}
}

static bool
wait_input(struct feed *feed)
{
	if (stopped(feed))
		return false;
	return feed->regular ||
		stop_wait(feed->lines.fd, 0, feed->signal) == 1 ||
		pause_until_input(feed);
}

/* ---- inputs ---- */

static bool
read_lines(struct feed *feed)
{
	struct klog_err err;

	while (!feed->lines.ended) {
		if (!wait_input(feed))
			return false;
		if (lines_fill(&feed->lines, &err) == -1) {
			if (err.sys_errno == EINTR || err.sys_errno == EAGAIN)
				continue;
			klog_err_in(&err, "%s", feed->name);
			return fail(feed, &err);
		}
		if (!add_lines(feed))
			return false;
	}
	return true;
}

bool
feed_input(struct feed *feed, const char *path)
{
	bool operand = strcmp(path, "-") != 0, good;
	struct klog_err err;
	struct stat st;
	int fd = STDIN_FILENO;

	feed->name = operand ? path : "stdin";
	feed->operand = operand;
	feed->last = 0;
	if (operand && !stopped(feed))
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (stopped(feed))
		return false;
	if (fd == -1) {
		klog_fail_errno(&err, "%s", path);
		return fail(feed, &err);
	}
	feed->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	/* what is no pipe, or beyond the user's limit, stays as it is */
	if (!feed->regular)
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	lines_begin(&feed->lines, fd);
	good = read_lines(feed);
	if (operand)
		close(fd);
	return good;
}

/* ---- the end ---- */

/* Syncs what can be synced; false when not everything is. */
static bool
sync_all(struct feed *feed)
{
	struct klog_err ignored;

	if (feed->broken) {
		/* why was said; what was appended before may yet be saved */
		(void)klog_producer_sync(feed->producer, &ignored);
		return false;
	}
	return call(
		feed, feed->no_sync ? klog_producer_flush : klog_producer_sync);
}

static void
say_where(const struct feed *feed)
{
	size_t pending = lines_pending(&feed->lines);

	if (feed->operand && feed->last > 0)
		cli_note(feed->cli, "%s:%" PRId64 " is the last line stored",
			feed->name, feed->last);
	else if (pending > 0 && !feed->lines.ended)
		cli_note(feed->cli,
			"%s: the last %zu bytes, a line without its end, are "
			"not stored",
			feed->name, pending);
}

/* `open` records are in the log, where readers see them, but not synced. */
static void
say_counts(const struct feed *feed, int64_t stored, int64_t open, int64_t lost)
{
	char text[128];

	if (open > 0)
		snprintf(text, sizeof(text),
			"%" PRId64 " records stored, %" PRId64
			" appended but not known to be durable, %" PRId64
			" not",
			stored, open, lost);
	else
		snprintf(text, sizeof(text),
			"%" PRId64 " records stored, %" PRId64 " not", stored,
			lost);
	if (feed->why.code != KLOG_OK)
		cli_warn(feed->cli, "%s; %s", feed->why.text, text);
	else if (feed->signal != 0 && feed->signal != SIGPIPE)
		cli_note(feed->cli, "SIG%s: %s", sigabbrev_np(feed->signal),
			text);
	else if (lost > 0 || open > 0)
		cli_warn(feed->cli, "%s", text);
	else if (feed->cli->verbose)
		cli_note(feed->cli, "%" PRId64 " records stored", stored);
}

int
feed_finish(struct feed *feed)
{
	struct klog_produced count;
	struct klog_err err;
	int64_t stored, open;
	bool good;

	copy_flush(feed);
	good = sync_all(feed);
	count = klog_producer_count(feed->producer);
	if (!good)
		klog_producer_abandon(feed->producer);
	else if (klog_producer_close(feed->producer, &err) == -1)
		good = fail(feed, &err);
	feed->producer = NULL;
	note_signal(feed);
	stored = feed->no_sync ? count.appended : count.synced;
	open = count.appended - stored;
	say_counts(feed, stored, open, count.put - count.appended + feed->lost);
	if (feed->signal != 0 && feed->signal != SIGPIPE && good)
		say_where(feed);
	lines_free(&feed->lines);
	json_in_free(&feed->json_in);
	output_free(&feed->out);
	if (feed->signal != 0)
		stop_die(feed->signal);
	return feed->status;
}
