/*
 * What is in the files, as it is: segments, batches, records, and the entries
 * of the other files (klog.h, klog_dump_*).  Nothing is hidden, judged or
 * written.
 */
#ifndef KLOG_DUMP_H
#define KLOG_DUMP_H

#include "anatomy.h"
#include "listing.h"
#include "lookup.h"
#include "topic.h"

#define KLOG_DUMP_RUN 256

struct klog_dump {
	struct klog_topic t;
	int32_t asked;
	char only[256]; /* the one file, or "" */

	/* where it is: partition, segment, batch */
	int32_t i;
	bool open;
	struct klog_reader r;
	struct klog_bases bases;
	size_t segment;
	int fd;
	int64_t base, end; /* of the open segment; and its file's end */
	int64_t expected;
	struct klog_scan scan;
	char file[KLOG_ERR_TEXT];

	/* the batch, while its records are taken */
	struct klog_decoder decoder;
	struct klog_batch_iter it;
	bool in_batch;
	struct klog_batch_info info;
	struct klog_record records[KLOG_DUMP_RUN];
	struct klog_anatomy anatomy;
	bool anatomy_begun;

	struct klog_listing listing; /* where it is a file of entries */

	bool damaged; /* what is told after the segment */
	struct klog_err why;
};

struct klog_dump *klog_dir_dump_open(struct klog_cluster *cluster,
	const char *operand, int32_t partition, struct klog_err *err);

#endif
