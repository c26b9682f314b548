#include <stdlib.h>
#include <sys/resource.h>

#include "delete.h"
#include "time.h"
#include "writer.h"

#define FDS_PER_PARTITION 6
#define FDS_ELSEWHERE 14 /* stdio, cluster, topic, an input, a look aside */
#define LOOK_MS 1000

static int32_t
most_open(void)
{
	struct rlimit limit;
	rlim_t n = 1024;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		n = limit.rlim_cur;
	if (n < FDS_ELSEWHERE + FDS_PER_PARTITION)
		return 1;
	n = (n - FDS_ELSEWHERE) / FDS_PER_PARTITION;
	return n > KLOG_PARTITIONS_MAX ? KLOG_PARTITIONS_MAX : (int32_t)n;
}

static int
apply_settings(struct klog_writer *w, struct klog_err *err)
{
	size_t i;

	w->settings = w->topic.config.settings;
	for (i = 0; i < w->override_count; i++)
		if (klog_settings_set(&w->settings, KLOG_OF_PRODUCER,
			    w->overrides[i].key, w->overrides[i].value,
			    err) == -1)
			return -1;
	return klog_settings_check(&w->settings, err);
}

/* The caller's strings may go after the call. */
static int
keep_overrides(struct klog_writer *w, const struct klog_produce *produce)
{
	size_t i;

	if (produce == NULL || produce->setting_count == 0)
		return 0;
	w->overrides = calloc(produce->setting_count, sizeof(w->overrides[0]));
	if (w->overrides == NULL)
		return -1;
	for (i = 0; i < produce->setting_count; i++) {
		w->overrides[i].key = strdup(produce->settings[i].key);
		w->overrides[i].value = strdup(produce->settings[i].value);
		w->override_count++;
		if (w->overrides[i].key == NULL ||
			w->overrides[i].value == NULL)
			return -1;
	}
	return 0;
}

/* Room for the partitions that the topic has by now; it never has fewer. */
static int
grow(struct klog_writer *w, struct klog_err *err)
{
	int32_t n = klog_topic_partitions(&w->topic);
	struct klog_writer_part *parts;

	if (n <= w->count)
		return 0;
	parts = realloc(w->parts, (size_t)n * sizeof(parts[0]));
	if (parts == NULL)
		return klog_fail_memory(err);
	memset(parts + w->count, 0, (size_t)(n - w->count) * sizeof(parts[0]));
	w->parts = parts;
	w->count = n;
	return 0;
}

int
klog_writer_reread(struct klog_writer *w, struct klog_err *err)
{
	if (klog_topic_reload(&w->topic, err) == -1 ||
		apply_settings(w, err) == -1)
		return -1;
	return grow(w, err);
}

int
klog_writer_open(struct klog_writer *w, struct klog_cluster *cluster,
	const char *topic, const struct klog_produce *produce,
	struct klog_err *err)
{
	memset(w, 0, sizeof(*w));
	w->cluster = cluster;
	w->no_sync = produce != NULL && produce->no_sync;
	w->open_max = most_open();
	w->look_tick = klog_tick_ms() + LOOK_MS;
	w->unsynced_tick = -1;
	if (klog_topic_open(&w->topic, cluster, topic, true, err) == -1)
		return -1;
	if (keep_overrides(w, produce) == -1) {
		klog_fail_memory(err);
		klog_writer_close(w);
		return -1;
	}
	if (apply_settings(w, err) == -1 || grow(w, err) == -1) {
		klog_writer_close(w);
		return -1;
	}
	return 0;
}

static void
close_part(struct klog_writer *w, struct klog_writer_part *part)
{
	if (part->log == NULL)
		return;
	klog_partition_close(part->log);
	free(part->log);
	part->log = NULL;
	w->open_count--;
}

void
klog_writer_close(struct klog_writer *w)
{
	size_t i;
	int32_t p;

	for (p = 0; p < w->count; p++)
		close_part(w, &w->parts[p]);
	free(w->parts);
	for (i = 0; i < w->override_count; i++) {
		free((char *)(uintptr_t)w->overrides[i].key);
		free((char *)(uintptr_t)w->overrides[i].value);
	}
	free(w->overrides);
	klog_topic_close(&w->topic);
}

/* A topic that was found to be deleted under a name that stands: who deleted
 * it may have been killed (M4).  No lock of ours is held. */
static int
fail(struct klog_writer *w, const struct klog_err *err)
{
	if (err->code == KLOG_EDELETED)
		klog_topic_finish(&w->topic, w->cluster);
	return -1;
}

static int
sync_part(struct klog_writer *w, struct klog_writer_part *part,
	struct klog_err *err)
{
	if (part->log == NULL || part->synced == part->appended)
		return 0;
	if (klog_partition_sync(part->log, err) == -1)
		return fail(w, err);
	w->unsynced -= part->appended - part->synced;
	part->synced = part->appended;
	return 0;
}

int
klog_writer_sync(struct klog_writer *w, struct klog_err *err)
{
	int32_t p;

	if (w->no_sync)
		return 0;
	for (p = 0; p < w->count; p++)
		if (sync_part(w, &w->parts[p], err) == -1)
			return -1;
	w->unsynced_tick = -1;
	return 0;
}

int64_t
klog_writer_due(const struct klog_writer *w)
{
	if (w->no_sync || w->unsynced_tick == -1 ||
		w->settings.flush_ms > INT64_MAX - w->unsynced_tick)
		return -1;
	return w->unsynced_tick + w->settings.flush_ms;
}

int
klog_writer_look(struct klog_writer *w, struct klog_err *err)
{
	int64_t now = klog_tick_ms();
	int32_t p;

	if (klog_topic_still_there(&w->topic, err) == -1)
		return -1;
	for (p = 0; p < w->count; p++)
		if (w->parts[p].log != NULL &&
			klog_partition_still_there(
				w->parts[p].log, w->topic.dir, err) == -1)
			return -1;
	w->look_tick = now + LOOK_MS; /* what failed fails again */
	return 0;
}

/* The one that was not appended to for the longest gives up its
 * descriptors; what it appended is synced first, since a file that nobody
 * has open may forget a failed write (S2). */
static int
make_room(struct klog_writer *w, struct klog_err *err)
{
	struct klog_writer_part *oldest = NULL;
	int32_t p;

	if (w->open_count < w->open_max)
		return 0;
	for (p = 0; p < w->count; p++)
		if (w->parts[p].log != NULL &&
			(oldest == NULL || w->parts[p].used < oldest->used))
			oldest = &w->parts[p];
	if (!w->no_sync && sync_part(w, oldest, err) == -1)
		return -1;
	close_part(w, oldest);
	return 0;
}

static int
open_part(struct klog_writer *w, int32_t number, struct klog_err *err)
{
	struct klog_writer_part *part = &w->parts[number];

	part->used = ++w->clock;
	if (part->log != NULL)
		return 0;
	if (make_room(w, err) == -1)
		return -1;
	part->log = malloc(sizeof(*part->log));
	if (part->log == NULL)
		return klog_fail_memory(err);
	if (klog_partition_open(part->log, w->topic.dir, w->topic.label, number,
		    &w->topic.config, &w->cluster->say,
		    w->cluster->lock_timeout_ms, err) == -1) {
		free(part->log);
		part->log = NULL;
		return err->code == KLOG_ENOTFOUND
			? klog_topic_lacks(&w->topic, number, err)
			: -1;
	}
	part->log->acks_all = w->settings.acks == -1;
	part->log->syncs = !w->no_sync;
	w->open_count++;
	return 0;
}

int
klog_writer_append(struct klog_writer *w, int32_t partition, uint8_t *batch,
	size_t size, int64_t records, struct klog_err *err)
{
	struct klog_writer_part *part = &w->parts[partition];
	int64_t base;
	int r;

	/* first: after a pause the topic may be gone */
	if (klog_tick_ms() >= w->look_tick && klog_writer_look(w, err) == -1)
		return -1;
	if (open_part(w, partition, err) == -1)
		return -1;
	/* the sync byte of one partition only (L2) */
	part->log->sync_next = w->then_sync && !w->no_sync && w->unsynced == 0;
	r = klog_partition_append(
		part->log, batch, size, w->reread, &base, err);
	w->reread = false;
	if (r == -1)
		return fail(w, err);
	if (r == 1) {
		if (klog_writer_reread(w, err) == -1)
			return -1;
		w->reread = true;
		return 1;
	}
	part->appended += records;
	w->unsynced += records;
	if (w->unsynced_tick == -1)
		w->unsynced_tick = klog_tick_ms();
	return 0;
}

int
klog_writer_after(struct klog_writer *w, struct klog_err *err)
{
	int64_t now = klog_tick_ms();

	if (w->unsynced >= w->settings.flush_messages ||
		(klog_writer_due(w) != -1 && now >= klog_writer_due(w)))
		return klog_writer_sync(w, err);
	return 0;
}

void
klog_writer_codec(
	const struct klog_writer *w, enum klog_codec *codec, int32_t *level)
{
	const struct klog_settings *s = &w->settings;
	int64_t of_topic = w->topic.config.settings.compression_type;
	int64_t type = of_topic != KLOG_CODEC_PRODUCER ? of_topic
						       : s->compression_type;

	*codec = type == KLOG_CODEC_PRODUCER ? KLOG_CODEC_NONE
					     : (enum klog_codec)type;
	*level = INT32_MIN;
	if (type == KLOG_CODEC_GZIP)
		*level = (int32_t)s->compression_gzip_level;
	else if (type == KLOG_CODEC_LZ4)
		*level = (int32_t)s->compression_lz4_level;
	else if (type == KLOG_CODEC_ZSTD)
		*level = (int32_t)s->compression_zstd_level;
}
