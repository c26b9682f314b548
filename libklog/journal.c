#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crc32c.h"
#include "io.h"
#include "journal.h"
#include "names.h"

static const char *const whats[] = { "reset", "shift", "delete", "undo" };

#define WHATS (sizeof(whats) / sizeof(whats[0]))

/* ---- a line ---- */

static bool
take(char **rest, int64_t least, int64_t most, int64_t *n)
{
	const char *word = strsep(rest, " ");

	if (word == NULL)
		return false;
	*n = klog_number(word, most);
	return *n != -1 || (least == -1 && strcmp(word, "-1") == 0);
}

static bool
take_id(char **rest, uint64_t *id)
{
	const char *word = strsep(rest, " ");

	if (word == NULL || strlen(word) != 16 ||
		strspn(word, "0123456789abcdef") != 16)
		return false;
	*id = strtoull(word, NULL, 16);
	return true;
}

static bool
take_what(char **rest, enum klog_journal_what *what)
{
	const char *word = strsep(rest, " ");
	size_t i;

	for (i = 0; word != NULL && i < WHATS; i++)
		if (strcmp(word, whats[i]) == 0) {
			*what = (enum klog_journal_what)i;
			return true;
		}
	return false;
}

static bool
parse(char *line, struct klog_journal_line *l)
{
	int64_t partition, from_epoch, to_epoch, uid, pid;
	char *rest = line;

	if (!klog_crc32c_cut(line) ||
		strcmp(strsep(&rest, " "), "klog-journal") != 0 ||
		!take_id(&rest, &l->operation) || l->operation == 0 ||
		!take_what(&rest, &l->what) ||
		!take(&rest, 0, INT64_MAX, &l->time_ms) ||
		!take(&rest, 0, INT32_MAX, &partition) ||
		!take(&rest, -1, INT64_MAX, &l->from) ||
		!take(&rest, -1, INT32_MAX, &from_epoch) ||
		!take(&rest, -1, INT64_MAX, &l->to) ||
		!take(&rest, -1, INT32_MAX, &to_epoch) ||
		!take(&rest, 0, UINT32_MAX, &uid) ||
		!take(&rest, 0, INT32_MAX, &pid) ||
		!take_id(&rest, &l->undoes) || rest != NULL)
		return false;
	l->partition = (int32_t)partition;
	l->from_epoch = (int32_t)from_epoch;
	l->to_epoch = (int32_t)to_epoch;
	l->uid = (uint32_t)uid;
	l->pid = (int32_t)pid;
	return (l->undoes != 0) == (l->what == KLOG_DID_UNDO);
}

int
klog_journal_put(struct klog_buf *text, const struct klog_journal_line *l)
{
	char line[KLOG_JOURNAL_LINE], sum[KLOG_CRC32C_TEXT];
	int n;

	n = snprintf(line, sizeof(line),
		"klog-journal %016" PRIx64 " %s %" PRId64 " %" PRId32
		" %" PRId64 " %" PRId32 " %" PRId64 " %" PRId32 " %" PRIu32
		" %" PRId32 " %016" PRIx64,
		l->operation, whats[l->what], l->time_ms, l->partition, l->from,
		l->from_epoch, l->to, l->to_epoch, l->uid, l->pid, l->undoes);
	klog_crc32c_text(sum, line, (size_t)n);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "%s\n", sum);
	return klog_buf_put(text, line, (size_t)n);
}

/* ---- the file ---- */

/* Where the last line that has an end ends, or -1. */
static int64_t
whole_end(int fd, const char *name, struct klog_err *err)
{
	int64_t at, end = klog_file_size(fd, name, err);
	char text[KLOG_JOURNAL_LINE], *newline;
	size_t got;

	for (; end > 0; end = at) {
		at = end > KLOG_JOURNAL_LINE ? end - KLOG_JOURNAL_LINE : 0;
		if (klog_read_at(fd, text, (size_t)(end - at), at, &got, name,
			    err) == -1)
			return -1;
		newline = memrchr(text, '\n', got);
		if (newline != NULL)
			return at + (newline + 1 - text);
	}
	return end;
}

int
klog_journal_open(
	struct klog_journal *j, int fd, const char *name, struct klog_err *err)
{
	j->fd = fd;
	j->position = j->number = 0;
	j->used = j->size = 0;
	j->end = whole_end(fd, name, err);
	return j->end == -1 ? -1 : 0;
}

struct klog_journal_mark
klog_journal_tell(const struct klog_journal *j)
{
	return (struct klog_journal_mark){
		.position = j->position - (int64_t)(j->size - j->used),
		.number = j->number,
	};
}

void
klog_journal_seek(struct klog_journal *j, struct klog_journal_mark mark)
{
	j->position = mark.position;
	j->number = mark.number;
	j->used = j->size = 0;
}

/* More text behind what is not used yet: 1, 0 there is none, -1. */
static int
fill(struct klog_journal *j, const char *name, struct klog_err *err)
{
	int64_t left = j->end - j->position;
	size_t got, room;

	j->size -= j->used;
	memmove(j->text, j->text + j->used, j->size);
	j->used = 0;
	room = sizeof(j->text) - j->size;
	if (left < (int64_t)room)
		room = left > 0 ? (size_t)left : 0;
	if (klog_read_at(j->fd, j->text + j->size, room, j->position, &got,
		    name, err) == -1)
		return -1;
	j->position += (int64_t)got;
	j->size += got;
	return got > 0;
}

/* The next line without its newline, in the journal's text, NULL when it is
 * too long: 1, 0 at the end, -1. */
static int
next_line(struct klog_journal *j, char **line, const char *name,
	struct klog_err *err)
{
	bool cut = false;
	char *end;
	int r;

	for (;;) {
		*line = j->text + j->used;
		end = memchr(*line, '\n', j->size - j->used);
		if (end != NULL)
			break;
		if (j->size - j->used >= KLOG_JOURNAL_LINE) {
			cut = true;
			j->used = j->size;
		}
		r = fill(j, name, err);
		if (r != 1)
			return r;
	}
	*end = '\0';
	j->used = (size_t)(end + 1 - j->text);
	j->number++;
	if (cut || end - *line >= KLOG_JOURNAL_LINE)
		*line = NULL;
	return 1;
}

int
klog_journal_next(struct klog_journal *j, struct klog_journal_line *l,
	const char *name, struct klog_err *err)
{
	char *line;
	int r = next_line(j, &line, name, err);

	if (r != 1)
		return r;
	/* no zero byte ends the text before the line's end */
	if (line != NULL && line + strlen(line) + 1 == j->text + j->used &&
		parse(line, l))
		return 1;
	return klog_fail(err, KLOG_ECORRUPT,
		"%s: line %" PRId64 ": damaged: %s", name, j->number,
		line == NULL ? "too long" : "not an operation that klog wrote");
}

int
klog_journal_append(int fd, struct klog_slice text, int64_t *before,
	const char *name, struct klog_err *err)
{
	int64_t size = klog_file_size(fd, name, err);

	*before = size == -1 ? -1 : whole_end(fd, name, err);
	if (*before == -1 ||
		(size > *before &&
			klog_truncate_file(fd, *before, name, err) == -1))
		return -1;
	return klog_write_at(
		       fd, text.data, text.size, *before, NULL, name, err) == -1
		? -1
		: klog_sync_file(fd, name, err);
}
