#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "describe.h"
#include "lookup.h"
#include "topic.h"

#define CHUNK ((size_t)64 * 1024)

static int
bytes_of_segments(struct klog_reader *r, int64_t *bytes, struct klog_err *err)
{
	struct klog_bases bases;
	char name[KLOG_FILE_NAME];
	struct stat st;
	size_t i;

	*bytes = 0;
	if (klog_segment_list_all(r->dir, &bases, err) == -1)
		return klog_err_in(err, "%s", r->path);
	for (i = 0; i < bases.count; i++) {
		if (r->only_base != -1 && bases.base[i] != r->only_base)
			continue;
		klog_file_name(name, bases.base[i], ".log");
		if (fstatat(r->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
			klog_file_name(name, bases.base[i], ".log" KLOG_SWAP);
			if (fstatat(r->dir, name, &st, AT_SYMLINK_NOFOLLOW) ==
				-1)
				continue;
		}
		*bytes += st.st_size;
	}
	klog_bases_free(&bases);
	return 0;
}

static void
replica_list(const struct klog_reader *r, struct klog_partition_info *info)
{
	size_t i, used = 0;

	info->leader = r->has_state ? r->state.leader : -1;
	snprintf(info->isr, sizeof(info->isr), "-");
	for (i = 0; r->has_state && i < r->state.isr_count &&
		used + 8 < sizeof(info->isr);
		i++)
		used += (size_t)snprintf(info->isr + used,
			sizeof(info->isr) - used, "%s%d", i > 0 ? "," : "",
			r->state.isr[i]);
	/* with one broker the in-sync set is all there is */
	memcpy(info->replicas, info->isr, sizeof(info->replicas));
}

int
klog_describe_extent(
	struct klog_reader *r, struct klog_extent *extent, struct klog_err *err)
{
	extent->start = klog_reader_start(r, err);
	extent->end = extent->start == -1 ? -1 : klog_reader_end(r, err);
	return extent->end == -1 ? -1
				 : bytes_of_segments(r, &extent->bytes, err);
}

static int
oldest_and_newest(struct klog_reader *r, struct klog_partition_info *info,
	struct klog_err *err)
{
	struct klog_at at = { KLOG_AT_MAX_TIMESTAMP, 0, -1 };
	struct klog_decoder d;
	int64_t offset;
	int got;

	klog_decoder_init(&d);
	got = klog_lookup_time(
		r, &d, info->start, info->end, &info->oldest_ms, err);
	if (got != -1)
		got = klog_lookup(
			r, &d, at, info->end, &offset, &info->newest_ms, err);
	klog_decoder_free(&d);
	return got;
}

static int
describe(struct klog_topic *t, int32_t partition, const struct klog_say *say,
	struct klog_partition_info *info, struct klog_err *err)
{
	struct klog_extent extent;
	struct klog_reader r;
	int got;

	memset(info, 0, sizeof(*info));
	info->partition = partition;
	info->oldest_ms = info->newest_ms = -1;
	if (klog_topic_reader(t, partition, say, CHUNK, &r, err) == -1)
		return -1;
	got = klog_describe_extent(&r, &extent, err);
	if (got == 0) {
		info->start = extent.start;
		info->end = extent.end;
		info->bytes = extent.bytes;
		replica_list(&r, info);
		got = oldest_and_newest(&r, info, err);
	}
	klog_reader_close(&r);
	return got;
}

int
klog_describe_topic(struct klog_cluster *cluster, const char *topic,
	struct klog_partition_info **list, size_t *count, struct klog_err *err)
{
	struct klog_topic t;
	int32_t i, n;
	int r = 0;

	if (klog_topic_open(&t, cluster, topic, false, err) == -1)
		return -1;
	n = klog_topic_partitions(&t);
	*list = calloc((size_t)n, sizeof(**list));
	if (*list == NULL)
		r = klog_fail_memory(err);
	for (i = 0; r == 0 && i < n; i++)
		r = describe(&t, klog_topic_number(&t, i), &cluster->say,
			&(*list)[i], err);
	*count = (size_t)n;
	if (r == -1)
		free(*list);
	klog_topic_close(&t);
	return r;
}

static int
sum(struct klog_cluster *cluster, const char *name,
	struct klog_topic_info *info, struct klog_err *err)
{
	struct klog_topic t;
	int32_t i;
	int r = 0;

	memset(info, 0, sizeof(*info));
	snprintf(info->name, sizeof(info->name), "%s", name);
	if (klog_topic_open(&t, cluster, name, false, err) == -1)
		return -1;
	info->partitions = klog_topic_partitions(&t);
	for (i = 0; r == 0 && i < info->partitions; i++) {
		struct klog_extent extent;
		struct klog_reader reader;

		r = klog_topic_reader(&t, klog_topic_number(&t, i),
			&cluster->say, CHUNK, &reader, err);
		if (r == -1)
			break;
		r = klog_describe_extent(&reader, &extent, err);
		klog_reader_close(&reader);
		if (r == -1)
			break;
		info->records += extent.end - extent.start;
		info->bytes += extent.bytes;
	}
	klog_topic_close(&t);
	return r;
}

int
klog_describe_topics(struct klog_cluster *cluster,
	struct klog_topic_info **list, size_t *count, struct klog_err *err)
{
	char **names;
	size_t i;
	int r = 0;

	if (klog_cluster_topics(cluster, &names, count, err) == -1)
		return -1;
	*list = calloc(*count + 1, sizeof(**list));
	if (*list == NULL)
		r = klog_fail_memory(err);
	for (i = 0; r == 0 && i < *count; i++)
		if (sum(cluster, names[i], &(*list)[i], err) == -1)
			(*list)[i].partitions = -1;
	free(names);
	if (r == -1)
		free(*list);
	return r;
}

int
klog_describe_settings(struct klog_cluster *cluster, const char *topic,
	struct klog_setting **list, size_t *count, struct klog_err *err)
{
	struct klog_setting_info info;
	struct klog_topic t;
	char text[KLOG_SETTING_TEXT];
	char *to;
	size_t i, n = 0;

	*count = 0;
	if (klog_topic_open(&t, cluster, topic, false, err) == -1)
		return -1;
	if (t.kind != KLOG_TOPIC)
		klog_settings_init(&t.config.settings);
	klog_topic_close(&t);
	while (klog_setting_info(n, &info))
		n++;
	/* the names are constants; the values stand behind the list */
	*list = calloc(n, sizeof(**list) + sizeof(text));
	if (*list == NULL)
		return klog_fail_memory(err);
	to = (char *)(*list + n);
	for (i = 0; klog_setting_info(i, &info); i++) {
		if (!(info.scope & KLOG_OF_TOPIC) ||
			!klog_setting_value(
				&t.config.settings, i, text, sizeof(text)))
			continue;
		memcpy(to, text, sizeof(text));
		(*list)[*count].key = info.name;
		(*list)[*count].value = to;
		(*count)++;
		to += sizeof(text);
	}
	return 0;
}
