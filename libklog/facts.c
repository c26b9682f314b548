#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "facts.h"

#define TRIES 100

enum { AGAIN = 1 };

static int64_t
written_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 +
		st->st_mtim.tv_nsec / 1000000;
}

static int
find_fact(struct klog_reader *r, int64_t base, struct klog_segment_fact *fact,
	struct klog_err *err)
{
	char name[KLOG_FILE_NAME];
	struct stat st;

	memset(fact, 0, sizeof(*fact));
	fact->base = base;
	fact->when_ms = -1;
	klog_file_name(name, base, ".log");
	if (fstatat(r->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT
			? AGAIN
			: klog_fail_errno(err, "%s: %s", r->path, name);
	fact->bytes = st.st_size;
	if (klog_lookup_newest(r, base, &fact->newest_ms, err) == -1)
		return -1;
	if (fact->newest_ms < 0)
		fact->newest_ms = written_ms(&st);
	return 0;
}

/* 0, or -1; AGAIN a segment went after it had been listed. */
static int
find_facts(struct klog_reader *r, struct klog_segment_fact **facts,
	size_t *count, struct klog_err *err)
{
	/* what was rolled since the look is no part of it: the end that it saw
	 * is that of the segment which was active then */
	int64_t last = r->has_state && r->trusted ? r->state.active_base
						  : INT64_MAX;
	struct klog_bases bases;
	size_t i;
	int got = 0;

	free(*facts);
	*facts = NULL;
	*count = 0;
	if (klog_segment_list(r->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", r->path);
	*facts = calloc(bases.count + 1, sizeof(**facts));
	if (*facts == NULL)
		got = klog_fail_memory(err);
	for (i = 0; got == 0 && i < bases.count && bases.base[i] <= last; i++) {
		got = find_fact(r, bases.base[i], &(*facts)[i], err);
		(*count)++;
		if (i > 0)
			(*facts)[i - 1].next = bases.base[i];
	}
	klog_bases_free(&bases);
	if (got == 0 && *count > 0)
		(*facts)[*count - 1].next = r->state.next_offset;
	return got;
}

int
klog_facts_find(struct klog_reader *r, struct klog_segment_fact **facts,
	size_t *count, struct klog_err *err)
{
	int tries, got = AGAIN;

	for (tries = 0; got == AGAIN && tries < TRIES; tries++) {
		got = find_facts(r, facts, count, err);
		/* was the topic deleted? */
		if (got == AGAIN && klog_reader_look(r, err) == -1)
			return -1;
	}
	return got == AGAIN ? klog_fail(err, KLOG_ESYSTEM,
				      "%s: segments go faster than they can be "
				      "looked at",
				      r->path)
			    : got;
}
