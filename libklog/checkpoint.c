#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint.h"
#include "io.h"
#include "names.h"

#define FILE_MAX ((size_t)4 * 1024 * 1024)

/* Takes one line off the text, NUL-terminated; NULL at the end. */
static char *
next_line(char **text)
{
	char *line = *text;
	char *end;

	if (*line == '\0')
		return NULL;
	end = strchr(line, '\n');
	*text = end != NULL ? end + 1 : line + strlen(line);
	if (end != NULL)
		*end = '\0';
	return line;
}

/* Splits a line at its blanks, as Kafka does; whether it has `count` words. */
static bool
split(char *line, char *words[], size_t count)
{
	static const char blanks[] = " \t\v\f\r";
	char *rest;
	size_t i;

	for (i = 0; i < count; i++, line = NULL) {
		words[i] = strtok_r(line, blanks, &rest);
		if (words[i] == NULL)
			return false;
	}
	return strtok_r(NULL, blanks, &rest) == NULL;
}

/* A NUL-terminated copy of the file in *buf: 1, 0 missing, -1. */
static int
read_text(int dir, const char *name, struct klog_buf *buf, struct klog_err *err)
{
	if (klog_read_file(dir, name, FILE_MAX, buf, err) == -1)
		return err->code == KLOG_ENOTFOUND ? 0 : -1;
	if (memchr(buf->data, '\0', buf->size) != NULL)
		return klog_fail(err, KLOG_ECORRUPT, "%s: a NUL byte", name);
	return klog_buf_put(buf, "", 1) == -1 ? klog_fail_memory(err) : 1;
}

/* Version 0 and the count of entries: 1, 0 nothing at all, -1. */
static int
read_head(char **text, int64_t *count)
{
	char *line = next_line(text);

	if (line == NULL)
		return 0;
	if (strcmp(line, "0") != 0 || (line = next_line(text)) == NULL)
		return -1;
	*count = klog_number(line, INT32_MAX);
	return *count >= 0 ? 1 : -1;
}

static int
parse_epochs(char *text, struct klog_epochs *epochs)
{
	struct klog_epoch last = { -1, -1 };
	int64_t count, i;
	int r = read_head(&text, &count);

	if (r <= 0)
		return r;
	if ((size_t)count > strlen(text))
		return -1;
	epochs->list = calloc((size_t)count + 1, sizeof(epochs->list[0]));
	if (epochs->list == NULL)
		return -1;
	for (i = 0; i < count; i++) {
		char *line = next_line(&text), *words[2];
		struct klog_epoch e;

		if (line == NULL || !split(line, words, 2))
			return -1;
		e.epoch = (int32_t)klog_number(words[0], INT32_MAX);
		e.start = klog_number(words[1], INT64_MAX);
		if (e.epoch <= last.epoch || e.start < last.start ||
			e.start < 0)
			return -1;
		epochs->list[epochs->count++] = e;
		last = e;
	}
	return next_line(&text) == NULL ? 0 : -1;
}

static int
format(const struct klog_epochs *epochs, struct klog_buf *text,
	struct klog_err *err)
{
	char line[64];
	size_t i;
	int n = snprintf(line, sizeof(line), "0\n%zu\n", epochs->count);
	int r = klog_buf_put(text, line, (size_t)n);

	for (i = 0; r == 0 && i < epochs->count; i++) {
		n = snprintf(line, sizeof(line), "%" PRId32 " %" PRId64 "\n",
			epochs->list[i].epoch, epochs->list[i].start);
		r = klog_buf_put(text, line, (size_t)n);
	}
	return r == -1 ? klog_fail_memory(err) : 0;
}

static int
matches(const struct klog_epochs *epochs, struct klog_slice text, bool *exact,
	struct klog_err *err)
{
	struct klog_buf want = { NULL, 0, 0 };
	int r = format(epochs, &want, err);

	*exact = r == 0 && want.size == text.size &&
		memcmp(want.data, text.data, text.size) == 0;
	klog_buf_free(&want);
	return r;
}

int
klog_epochs_check(
	int dir, struct klog_epochs *epochs, bool *exact, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	char *words;
	int r;

	epochs->list = NULL;
	epochs->count = 0;
	*exact = true;
	r = read_text(dir, KLOG_EPOCH_NAME, &text, err);
	if (r == 1) {
		words = strdup((char *)text.data);
		r = words == NULL ? klog_fail_memory(err) : 1;
	}
	if (r == 1) {
		r = parse_epochs(words, epochs);
		free(words);
		if (r == -1)
			klog_fail(err, KLOG_ECORRUPT,
				"%s: not \"0\", a count, and a line of epoch "
				"and offset for each",
				KLOG_EPOCH_NAME);
		else if (text.size > 1) /* there is a NUL behind it */
			r = matches(epochs,
				klog_slice_of(text.data, text.size - 1), exact,
				err);
	}
	if (r == -1)
		klog_epochs_free(epochs);
	klog_buf_free(&text);
	return r;
}

int
klog_epochs_read(int dir, struct klog_epochs *epochs, struct klog_err *err)
{
	bool ignored;

	return klog_epochs_check(dir, epochs, &ignored, err);
}

int
klog_epochs_write(
	int dir, const struct klog_epochs *epochs, struct klog_err *err)
{
	struct klog_buf text = { NULL, 0, 0 };
	int r = format(epochs, &text, err);

	if (r == 0)
		r = klog_replace_file(dir, KLOG_EPOCH_NAME,
			klog_slice_of(text.data, text.size), err);
	klog_buf_free(&text);
	return r;
}

void
klog_epochs_free(struct klog_epochs *epochs)
{
	free(epochs->list);
	epochs->list = NULL;
	epochs->count = 0;
}

int
klog_epochs_assign(struct klog_epochs *epochs, int32_t epoch, int64_t start,
	struct klog_err *err)
{
	struct klog_epoch *list;

	while (epochs->count > 0 &&
		(epochs->list[epochs->count - 1].epoch >= epoch ||
			epochs->list[epochs->count - 1].start >= start))
		epochs->count--;
	list = realloc(epochs->list, (epochs->count + 1) * sizeof(list[0]));
	if (list == NULL)
		return klog_fail_memory(err);
	epochs->list = list;
	list[epochs->count].epoch = epoch;
	list[epochs->count].start = start;
	epochs->count++;
	return 0;
}

int64_t
klog_epochs_end(const struct klog_epochs *epochs, int32_t epoch, int64_t end)
{
	size_t i;

	for (i = 0; i < epochs->count; i++)
		if (epochs->list[i].epoch > epoch)
			return epochs->list[i].start;
	return end;
}

int
klog_epoch_end(int dir, const struct klog_state *state, int32_t epoch,
	int64_t end, int64_t *offset, struct klog_err *err)
{
	struct klog_epochs epochs;

	if (klog_epochs_read(dir, &epochs, err) == -1 &&
		(state == NULL || err->code != KLOG_ECORRUPT))
		return -1;
	*offset = klog_epochs_end(&epochs, epoch, end);
	klog_epochs_free(&epochs);
	if (state != NULL && state->leader_epoch > epoch &&
		state->epoch_start < *offset)
		*offset = state->epoch_start;
	return 0;
}

int
klog_checkpoint_find(int dir, const char *file, const char *topic,
	int32_t partition, int64_t *offset)
{
	struct klog_buf buf = { NULL, 0, 0 };
	struct klog_err ignored;
	int64_t count;
	int found = 0;

	if (read_text(dir, file, &buf, &ignored) == 1) {
		char *text = (char *)buf.data, *line, *words[3];

		if (read_head(&text, &count) != 1)
			text = text + strlen(text);
		while (!found && (line = next_line(&text)) != NULL) {
			int64_t value = -1;

			if (split(line, words, 3) &&
				strcmp(words[0], topic) == 0 &&
				klog_number(words[1], INT32_MAX) == partition)
				value = klog_number(words[2], INT64_MAX);
			found = value >= 0;
			if (found)
				*offset = value;
		}
	}
	klog_buf_free(&buf);
	return found;
}
