/*
 * `.klog`: klog's state of one replica of a partition, in two checksummed
 * slots, the older overwritten in place (T1).  It makes opening O(1) and
 * closes the races between processes.  Written, and read by whoever acts on
 * it, only under the append byte; readers look without a lock (L3).
 *
 * A slot is one sector of 512 bytes, big-endian:
 *
 *	  0  "klogst1\n"               8  sequence
 *	 16  boot id, 16 bytes        32  file system instance
 *	 40  device of .klog          48  inode of .klog
 *	 56  topic id, 16 bytes
 *	 72  leader epoch, 4          76  its first offset
 *	 84  leader, 4                88  marks, 4
 *	 92  log start offset        100  base of the active segment
 *	108  length of its .log      116  next offset
 *	124  newest timestamp        132  offset of that
 *	140  bytes since the last index entry
 *	148  index entries, 4        152  time index entries, 4
 *	156  newest timestamp in the time index
 *	164  timestamp of the active segment's first batch
 *	172  recovery point: offset  180  its segment  188  position there
 *	196  first dirty offset      204  generation of the settings
 *	212  in-sync replicas: count, 1, and 16 ids of 2
 *	245  ids of the last 16 changes, 8 each, the newest first
 *	373  replicas that left: count, 1, and 13 of id, 2, and change, 8
 *	508  CRC-32C of bytes 0 to 507
 */
#ifndef KLOG_STATE_H
#define KLOG_STATE_H

#include "bytes.h"
#include "err.h"

#define KLOG_STATE_NAME ".klog"
#define KLOG_LOCK_NAME ".klog.lock"

#define KLOG_ISR_MAX 16
#define KLOG_CHANGES 16
#define KLOG_LEFT_MAX 13

enum klog_mark {
	KLOG_MARK_SYNCING = 1, /* a sync is under way, or failed, or died */
	KLOG_MARK_DELETED = 2  /* the topic is deleted; never cleared */
};

/* Says that the page cache which held the unsynced bytes still lives (T2).
 * A zero part could not be read, and is not compared. */
struct klog_stamp {
	uint8_t boot[16];
	uint64_t file_system; /* this mount's instance */
	uint64_t device;      /* of .klog itself */
	uint64_t inode;
};

struct klog_state {
	uint64_t sequence;
	struct klog_stamp stamp;
	uint8_t topic_id[16];
	int32_t leader_epoch;
	int64_t epoch_start; /* its first offset */
	int32_t leader;      /* broker id */
	uint32_t marks;
	int64_t log_start;

	int64_t active_base; /* active segment */
	int64_t length;      /* of its .log */
	int64_t next_offset;
	int64_t newest_ms; /* in the active segment; -1 none */
	int64_t newest_offset;
	int64_t unindexed; /* bytes since the last index entry */
	uint32_t index_entries;
	uint32_t time_entries;
	int64_t time_indexed_ms; /* newest in the time index; -1 none */
	int64_t first_ms;        /* of the active segment's first batch */

	int64_t recovery_offset; /* everything before it is on the device */
	int64_t recovery_base;
	int64_t recovery_position;

	int64_t first_dirty;
	int64_t generation; /* of the settings */
	uint8_t isr_count;
	uint16_t isr[KLOG_ISR_MAX];
	uint64_t change[KLOG_CHANGES]; /* random ids, newest first */
	uint8_t left_count;
	struct {
		uint16_t broker;
		uint64_t change;
	} left[KLOG_LEFT_MAX];
};

/* The state of a partition without records, log start and first segment at
 * `base`; without a stamp. */
void klog_state_init(
	struct klog_state *state, int64_t base, const uint8_t topic_id[16]);

/*
 * Reads the newest whole slot: 1, 0 when neither is whole (T4), -1.  Without
 * the lock a slot may be torn by a writer: it looks again a few times.
 */
int klog_state_read(int fd, struct klog_state *state, struct klog_err *err);

/*
 * Whether each of the two slots is whole, the bytes between them zero and the
 * file as long as it must be; looked at a few times, since a slot may be
 * written just now.
 */
#define KLOG_STATE_SECOND 4096 /* where the second slot begins */
#define KLOG_STATE_SLOT 512
#define KLOG_STATE_SIZE (KLOG_STATE_SECOND + KLOG_STATE_SLOT)
struct klog_slots {
	bool whole[2];
	bool padded;
	int64_t size;
};
int klog_state_look(int fd, struct klog_slots *slots, struct klog_err *err);

/* Reads the state of a partition by its number, in its topic's directory; a directory
 * or file that is not there is -1. */
int klog_state_read_of(int topic_dir, int32_t partition,
	struct klog_state *state, struct klog_err *err);

/* Writes it over the older slot, sequence + 1.  Not synced. */
int klog_state_write(int fd, struct klog_state *state, struct klog_err *err);

/* Writes it to both slots, a sync after each: a change of what cannot be
 * derived is durable before it is acted on (T3). */
int klog_state_commit(int fd, struct klog_state *state, struct klog_err *err);

/* Puts a new random id before those of the earlier changes. */
int klog_state_new_change(struct klog_state *state, struct klog_err *err);

/* Today's stamp for an open .klog.  KLOG_EREFUSED without a boot id. */
int klog_stamp_now(int fd, struct klog_stamp *stamp, struct klog_err *err);

/* Whether what was cached then is still cached, as far as can be read. */
bool klog_stamp_same(const struct klog_stamp *a, const struct klog_stamp *b);

/* Takes over what could be read of `now`. */
void klog_stamp_update(struct klog_stamp *stamp, const struct klog_stamp *now);

/* A network or shared file system, where locks and stamps differ per machine
 * (L1): its name, else NULL. */
const char *klog_remote_file_system(int fd);

/* KLOG_EREFUSED there, unless KLOG_REMOTE_FS=1 says that this machine alone
 * writes. */
int klog_refuse_remote(int fd, struct klog_err *err);

/* The position in the active segment below which nothing is ever cut. */
int64_t klog_recovery_floor(const struct klog_state *state);

#endif
