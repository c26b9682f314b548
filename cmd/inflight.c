#include <stdlib.h>
#include <string.h>

#include "inflight.h"
#include "libklog/bytes.h"

static int
make_room(struct inflight *f, size_t source)
{
	size_t i;

	while (f->sources <= source) {
		int64_t *grown = klog_grow(
			f->newest, f->sources, sizeof(grown[0]));

		if (grown == NULL)
			return -1;
		f->newest = grown;
		f->newest[f->sources++] = 0;
	}
	/* what is behind `first` moves up when it is the smaller half */
	if (f->first == 0 || f->first < f->count / 2)
		return 0;
	for (i = f->first; i < f->count; i++)
		f->list[i - f->first] = f->list[i];
	f->dropped += (int64_t)f->first;
	f->count -= f->first;
	f->first = 0;
	return 0;
}

/* The source's entry that ends in the same slice, or NULL. */
static struct inflight_entry *
same_slice(struct inflight *f, int64_t bytes, size_t source)
{
	int64_t at = f->newest[source] - 1 - f->dropped;

	if (at < (int64_t)f->first || f->list[at].bytes != bytes)
		return NULL;
	return &f->list[at];
}

int
inflight_add(struct inflight *f, int64_t bytes, const struct klog_position *to)
{
	size_t source = (size_t)to->source;
	struct inflight_entry *entry, *grown;

	if (bytes > INFLIGHT_FINE) {
		bytes += INFLIGHT_SLICE - 1;
		bytes -= bytes % INFLIGHT_SLICE;
	}
	if (make_room(f, source) == -1)
		return -1;
	entry = same_slice(f, bytes, source);
	if (entry == NULL) {
		grown = klog_grow(f->list, f->count, sizeof(grown[0]));
		if (grown == NULL)
			return -1;
		f->list = grown;
		entry = &f->list[f->count++];
		f->newest[source] = f->dropped + (int64_t)f->count;
	}
	entry->bytes = bytes;
	entry->to = *to;
	return 0;
}

bool
inflight_next(struct inflight *f, int64_t taken, struct klog_position *to)
{
	if (f->first == f->count || f->list[f->first].bytes > taken)
		return false;
	*to = f->list[f->first++].to;
	return true;
}

bool
inflight_any(const struct inflight *f)
{
	return f->first < f->count;
}

void
inflight_free(struct inflight *f)
{
	free(f->list);
	free(f->newest);
	memset(f, 0, sizeof(*f));
}
