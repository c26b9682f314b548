/*
 * Everything in one segment is looked at: each batch and record, the order of
 * offsets and epochs, and the entries of its indexes against the batches, in
 * one pass.  Nothing is written, no lock is taken; what a writer does
 * meanwhile is told from damage as reader.c does (D2).
 */
#ifndef KLOG_SWEEP_H
#define KLOG_SWEEP_H

#include "aborts.h"
#include "entries.h"
#include "findings.h"
#include "lookup.h"
#include "odd.h"

struct klog_sweep {
	/* set by the caller */
	struct klog_reader *r;  /* the partition; its state is read anew */
	int64_t index_interval; /* -1: not known, or it changed */
	bool clean;             /* a Kafka that was shut down cleanly */
	bool only_log;          /* a lone .log: its indexes are not asked for */
	struct klog_findings *out;

	/* what is known when a segment begins */
	int64_t expected; /* offset of the next batch, -1: any */
	struct klog_odd odd;
	int64_t batches;

	struct klog_aborts aborts;
	unsigned pause_us; /* how long a file must be quiet to be left */

	struct klog_decoder decoder;
	struct klog_scan scan;
};

void klog_sweep_init(
	struct klog_sweep *s, struct klog_reader *r, struct klog_findings *out);
void klog_sweep_free(struct klog_sweep *s);

/*
 * Looks at the segment; `next` is the base of the one behind it, INT64_MAX
 * where there is none.  0, or -1 when it could not be read.
 */
int klog_sweep_segment(
	struct klog_sweep *s, int64_t base, int64_t next, struct klog_err *err);

#endif
