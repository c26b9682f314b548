#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "committed.h"
#include "crc32c.h"
#include "io.h"

#define SLOT KLOG_COMMITS_SLOT
#define SECOND 4096               /* another sector, whatever its size */
#define COUNT_MAX (INT64_MAX / 2) /* what is counted up from a file */

/* ---- a slot as text ---- */

/* A number as klog prints it, nothing else: no sign but for -1 where `least`
 * is that, no leading zero. */
static bool
take_number(char **rest, int64_t least, int64_t *n)
{
	char *word = strsep(rest, " "), *end = NULL;
	char again[24];

	if (word == NULL || strlen(word) >= sizeof(again))
		return false;
	*n = strtoll(word, &end, 10);
	snprintf(again, sizeof(again), "%" PRId64, *n);
	return strcmp(word, again) == 0 && *n >= least;
}

static bool
take_word(char **rest, char *to, size_t size)
{
	char *word = strsep(rest, " ");
	size_t i;

	if (word == NULL || *word == '\0' || strlen(word) >= size)
		return false;
	for (i = 0; word[i] != '\0'; i++)
		if (!isalnum((unsigned char)word[i]) &&
			strchr("._-", word[i]) == NULL)
			return false;
	memcpy(to, word, i + 1);
	return true;
}

static bool
parse_slot(const char slot[SLOT], struct klog_committed *c)
{
	char line[SLOT + 1], *rest = line;
	int64_t sequence, epoch, pid;
	size_t size = SLOT;

	memcpy(line, slot, SLOT);
	if (line[SLOT - 1] != '\n')
		return false;
	for (size--; size > 0 && line[size - 1] == ' '; size--)
		;
	line[size] = '\0';
	if (strlen(line) != size || !klog_crc32c_cut(line) ||
		strcmp(strsep(&rest, " "), "klog-offset") != 0 ||
		!take_number(&rest, 1, &sequence) || sequence > COUNT_MAX ||
		!take_number(&rest, 0, &c->generation) ||
		c->generation > COUNT_MAX ||
		!take_number(&rest, -1, &c->offset) ||
		!take_number(&rest, -1, &epoch) || epoch > INT32_MAX ||
		!take_number(&rest, 0, &c->time_ms) ||
		!take_number(&rest, 0, &c->since_ms) ||
		!take_number(&rest, 0, &pid) || pid > INT32_MAX ||
		!take_word(&rest, c->member, sizeof(c->member)) ||
		!take_word(&rest, c->host, sizeof(c->host)))
		return false;
	c->sequence = (uint64_t)sequence;
	c->epoch = (int32_t)epoch;
	c->pid = (int32_t)pid;
	return rest == NULL;
}

void
klog_commits_slot(char slot[SLOT], const char *line)
{
	size_t size = strlen(line);
	char sum[KLOG_CRC32C_TEXT];

	klog_crc32c_text(sum, line, size);
	memset(slot, ' ', SLOT);
	memcpy(slot, line, size);
	memcpy(slot + size, sum, strlen(sum));
	slot[SLOT - 1] = '\n';
}

static void
format_slot(char slot[SLOT], const struct klog_committed *c)
{
	char line[SLOT - 16]; /* its numbers and names have bounds: it fits */

	snprintf(line, sizeof(line),
		"klog-offset %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId32
		" %" PRId64 " %" PRId64 " %" PRId32 " %s %s",
		c->sequence, c->generation, c->offset, c->epoch, c->time_ms,
		c->since_ms, c->pid, c->member[0] != '\0' ? c->member : "-",
		c->host[0] != '\0' ? c->host : "-");
	klog_commits_slot(slot, line);
}

/* ---- the file ---- */

static bool
is_newer(const struct klog_committed *a, const struct klog_committed *b)
{
	if (a->generation != b->generation)
		return a->generation > b->generation;
	return a->sequence > b->sequence;
}

int
klog_commits_read(int fd, struct klog_commits *commits, const char *name,
	struct klog_err *err)
{
	static const int64_t places[] = { 0, SECOND };
	struct klog_committed slots[2];
	bool whole[2] = { false, false }, bytes[2] = { false, false };
	char text[SLOT];
	size_t i, k, got;

	memset(commits, 0, sizeof(*commits));
	commits->now.offset = commits->before.offset = -1;
	commits->now.epoch = commits->before.epoch = -1;
	for (i = 0; i < 2; i++) {
		memset(text, 0, sizeof(text));
		if (klog_read_at(fd, text, SLOT, places[i], &got, name, err) ==
			-1)
			return -1;
		/* a hole is no slot that was torn: it was never written */
		for (k = 0; k < got && !bytes[i]; k++)
			bytes[i] = text[k] != '\0';
		whole[i] = got == SLOT && parse_slot(text, &slots[i]);
		commits->torn |= bytes[i] && !whole[i];
	}
	if (!whole[0] && !whole[1]) {
		int64_t size = klog_file_size(fd, name, err);

		if (size <= 0)
			return size == 0 ? 0 : -1;
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: damaged: no committed offset in it is whole",
			name);
	}
	i = whole[1] && (!whole[0] || is_newer(&slots[1], &slots[0]));
	/* the next one could not be told from damage */
	if (slots[i].sequence == COUNT_MAX || slots[i].generation == COUNT_MAX)
		return klog_fail(err, KLOG_ECORRUPT,
			"%s: damaged: no committed offset can follow this one",
			name);
	commits->now = slots[i];
	commits->has_before = whole[1 - i];
	if (commits->has_before)
		commits->before = slots[1 - i];
	return 1;
}

/* Begun anew, after damage: what stands there must not come back. */
static int
clear_second(int fd, const char *name, struct klog_err *err)
{
	static const char nothing[SLOT];
	int64_t size = klog_file_size(fd, name, err);

	if (size <= SECOND)
		return size == -1 ? -1 : 0;
	return klog_write_at(fd, nothing, SLOT, SECOND, NULL, name, err);
}

int
klog_commits_write(int fd, struct klog_commits *commits, bool sync,
	const char *name, struct klog_err *err)
{
	struct klog_committed old;
	char text[SLOT];
	size_t got;
	int64_t at = 0;

	/* the newest whole slot stays: it is the one whose sequence is known */
	memset(text, 0, sizeof(text));
	if (klog_read_at(fd, text, SLOT, 0, &got, name, err) == -1)
		return -1;
	if (got == SLOT && parse_slot(text, &old) &&
		old.sequence == commits->now.sequence)
		at = SECOND;
	commits->now.sequence++;
	format_slot(text, &commits->now);
	if (klog_write_at(fd, text, SLOT, at, NULL, name, err) == -1 ||
		(commits->now.sequence == 1 &&
			clear_second(fd, name, err) == -1))
		return -1;
	return sync ? klog_sync_file(fd, name, err) : 0;
}

void
klog_host_name(char host[KLOG_HOST_NAME])
{
	size_t i;

	if (gethostname(host, KLOG_HOST_NAME) == -1)
		host[0] = '\0';
	host[KLOG_HOST_NAME - 1] = '\0';
	for (i = 0; host[i] != '\0'; i++)
		if (!isalnum((unsigned char)host[i]) &&
			strchr("._-", host[i]) == NULL)
			host[i] = '_';
}
