/*
 * What a killed writer, a power cut or a failed sync left behind: found, cut
 * or adopted, and told in one line.  Each can be killed anywhere and is then
 * done again.
 */
#ifndef KLOG_RECOVER_H
#define KLOG_RECOVER_H

#include "check.h"
#include "log.h"

struct klog_recover {
	const struct klog_settings *settings;
	const struct klog_say *say;
};

/*
 * Under the append byte (A3, A4, S2): opens the active segment and makes it
 * agree with the state.  Whole batches that a killed writer left are
 * adopted, its torn one is cut, an interrupted cut is finished.  Nothing
 * below the recovery point is cut: KLOG_ECORRUPT.  The state is not saved.
 */
int klog_recover_tail(struct klog_log *log, const struct klog_recover *how,
	struct klog_err *err);

/*
 * Under the sync and the append byte, when the state's stamp is not today's
 * (V): checks everything past the recovery point; begins a new leader epoch,
 * since records may be lost without a trace; cuts the torn tail of the last
 * segment; saves.  Damage anywhere else is KLOG_ECORRUPT, and nothing is
 * changed.
 */
int klog_recover_log(struct klog_log *log, const struct klog_recover *how,
	struct klog_err *err);

/*
 * Under the sync and the append byte, when no slot of the state is whole
 * (T4): makes one from the segments.  Committed under no stamp, so that
 * klog_recover_log comes next.
 */
int klog_recover_state(struct klog_log *log, const uint8_t topic_id[16],
	const struct klog_recover *how, struct klog_err *err);

/*
 * Under the sync and the append byte, once klog_recover_tail came back with 0:
 * both indexes of a segment whose .log is whole are made anew from it.  Killed
 * in between they are short, which costs a scan.  Of the active segment the
 * state is saved, too.
 */
int klog_recover_indexes(struct klog_log *log, int64_t base,
	const struct klog_settings *settings, struct klog_err *err);

/*
 * Cuts at found->end and makes state and indexes agree: epoch first, then the
 * cut, then its sync, then the state (V1, F3).  `copied`: the files are a copy
 * whose bytes were perhaps never synced; they are first.  `doubtful`: a sync
 * failed since the machine came up, so the mark and the recovery point stay
 * for F.
 */
int klog_recover_cut(struct klog_log *log, const struct klog_check *found,
	bool copied, bool doubtful, const struct klog_settings *settings,
	struct klog_err *err);

#endif
