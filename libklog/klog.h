/*
 * klog.h - Apache Kafka's log without the broker, for C programs.
 *
 * A cluster is a directory, a topic is a directory in it, and a partition's
 * files are Kafka's own segments.  This header is all that a program needs:
 *
 *	struct klog_err err;
 *	struct klog *klog = klog_open("/var/lib/klog", NULL, &err);
 *	struct klog_producer *out =
 *		klog_producer_open(klog, "access", NULL, &err);
 *	klog_producer_put(out, records, count, &taken, &err);
 *	klog_producer_close(out, &err);		(synced when it returns 0)
 *	klog_close(klog);
 *
 * Functions answer 0 or -1; questions and iterators answer 1 yes, 0 no or
 * end, -1 failed.  After -1 the struct klog_err says what failed, in a code
 * for programs and a line for people.  The library never prints and never
 * exits.  Times are milliseconds since 1970 UTC, sizes are bytes, offsets
 * count records.  A handle is used by one thread at a time.
 */
#ifndef KLOG_H
#define KLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KLOG_VERSION "0.1.0"

/* ---- errors ----------------------------------------------------------- */

enum klog_code {
	KLOG_OK = 0,
	KLOG_ESYSTEM,   /* a system call failed, and sys_errno says how; or, 0
			   there, a program that was run */
	KLOG_EUSAGE,    /* the caller asked for something that cannot be */
	KLOG_ECORRUPT,  /* data on disk is damaged */
	KLOG_ENOTFOUND, /* no such cluster, topic, partition or group */
	KLOG_EEXIST,    /* the topic exists already */
	KLOG_ETOOLARGE, /* a record larger than max.message.bytes */
	KLOG_EOFFSET,   /* an offset outside of what the log holds */
	KLOG_ELOCKED,   /* --lock-timeout passed */
	KLOG_EDELETED,  /* the topic was deleted, or is another one now */
	KLOG_ECUT,      /* a failed sync took back what was appended */
	KLOG_EREFUSED,  /* not here, or not now: a network file system, a
			   symbolic link; a member of the group lives, or
			   another one has the partition */
	KLOG_EMEMORY,
	KLOG_EINVALID /* a record that its topic does not take */
};

#define KLOG_ERR_TEXT 1024

struct klog_err {
	enum klog_code code;
	int sys_errno; /* with KLOG_ESYSTEM, else 0 */
	char text[KLOG_ERR_TEXT];
};

/*
 * The exit status that every klog tool gives for a code: 0 done, 1 failed,
 * 2 wrong usage, 3 the data on disk is damaged.
 */
int klog_exit_status(enum klog_code code);

/*
 * Lines for people that are not errors: what recovery cut, who holds a lock.
 * `line` gets one line without newline; `level` 0 is always said, 1 is for
 * -v.  A null `line` says nothing.
 */
struct klog_say {
	void (*line)(void *arg, int level, const char *text);
	void *arg;
};

/* ---- bytes and records ------------------------------------------------ */

/* Borrowed bytes.  data == NULL is Kafka's null; size 0 with data is empty. */
struct klog_slice {
	const uint8_t *data;
	size_t size;
};

/*
 * A record as it is put or read.  When putting, offset is ignored,
 * partition -1 lets the key (murmur2, as Kafka's Java client) or, without a
 * key, the sticky partitioner choose; timestamp_ms -1 means now, and
 * KLOG_NO_TIMESTAMP none, which is read as -1.
 * headers holds header_count headers in Kafka's encoding (klog_header_put).
 */
struct klog_record {
	int64_t offset;
	int64_t timestamp_ms;
	struct klog_slice key;
	struct klog_slice value;
	struct klog_slice headers;
	int32_t header_count;
	int32_t partition;
};

#define KLOG_NO_TIMESTAMP INT64_MIN

struct klog_header {
	struct klog_slice name;  /* never null */
	struct klog_slice value; /* may be null */
};

/*
 * Writes one header in Kafka's encoding at p, which has room for
 * KLOG_HEADER_EXTRA bytes more than name and value, each below 2^31; answers
 * the end of what was written.
 */
#define KLOG_HEADER_EXTRA 10
uint8_t *klog_header_put(uint8_t *p, const struct klog_header *header);

/* Takes the next header from `headers`: 1, 0 at the end, -1 malformed. */
int klog_header_next(struct klog_slice *headers, struct klog_header *header);

/* ---- where to read ---------------------------------------------------- */

enum klog_where {
	KLOG_AT_UNSET,     /* not given: the caller's default */
	KLOG_AT_OFFSET,    /* value */
	KLOG_AT_TAIL,      /* value records before the end, per partition */
	KLOG_AT_BEGINNING, /* the log start offset */
	KLOG_AT_END,
	KLOG_AT_MAX_TIMESTAMP, /* the record with the newest timestamp */
	KLOG_AT_TIME           /* first record at or after value (ms) */
};

struct klog_at {
	enum klog_where where;
	int64_t value;
	int32_t epoch; /* of OFFSET/EPOCH, else -1 */
};

/* ---- settings of a topic and of a client ------------------------------ */

/* One KEY=VALUE, as after -X; both borrowed. */
struct klog_setting {
	const char *key;
	const char *value;
};

/* ---- the cluster ------------------------------------------------------ */

struct klog;

struct klog_options {
	struct klog_say say;
	int64_t lock_timeout_ms; /* how long to wait for a lock; -1: for ever */
};

/*
 * Opens a cluster: a directory, or several separated by commas, tried in
 * turn.  options may be NULL (no lines, wait for ever).  Nothing is written.
 * NULL and *err when none of them is there.
 */
struct klog *klog_open(const char *cluster, const struct klog_options *options,
	struct klog_err *err);
void klog_close(struct klog *klog);

struct klog_create {
	int32_t partitions;
	const struct klog_setting *settings;
	size_t setting_count;
	int64_t mode;      /* of the topic's directories, or -1 */
	const char *group; /* name of their group, or NULL */
};

/*
 * Makes a topic: it appears whole, by one rename, and is durable on return.
 * The cluster's directory is made when it is missing.  KLOG_EEXIST when a
 * topic of the name, or one that Kafka would confuse with it, is there.
 */
int klog_topic_create(const char *cluster, const struct klog_options *options,
	const char *topic, const struct klog_create *create,
	struct klog_err *err);

/*
 * Deletes a topic (a name, or a path with a slash): its writers and followers
 * end with KLOG_EDELETED.  Durable on return.  Should the process be killed
 * in between, the next who meets the topic finishes.
 */
int klog_topic_delete(
	struct klog *klog, const char *topic, struct klog_err *err);

struct klog_alter {
	int32_t partitions; /* so many from now on, never fewer; 0: as it is */
	const struct klog_setting *settings; /* an empty value: the default */
	size_t setting_count;
};

/*
 * Changes a topic: durable on return, and in force for running writers from
 * their next batch on.
 */
int klog_topic_alter(struct klog *klog, const char *topic,
	const struct klog_alter *alter, struct klog_err *err);

/*
 * topic.yaml of a topic in a directory, for people to edit; *text is
 * malloc'ed, the caller frees it.  And the edited text in its place, checked
 * and put in force: KLOG_EUSAGE says where it is wrong, KLOG_EREFUSED when
 * topic.yaml is no longer `was`.
 */
int klog_topic_yaml(struct klog *klog, const char *topic, char **text,
	size_t *size, struct klog_err *err);
int klog_topic_yaml_set(struct klog *klog, const char *topic,
	struct klog_slice was, struct klog_slice text, struct klog_err *err);

/* Whether two operands lead to one topic: 1, 0, -1. */
int klog_topic_same(struct klog *klog, const char *topic, const char *other,
	struct klog_err *err);

struct klog_topic_info {
	char name[256];
	int32_t partitions; /* -1: it cannot be read; describing it says why */
	int64_t records;    /* offsets from start to end, over all partitions */
	int64_t bytes;      /* of the .log files */
};

/* The topics in order of name; *list is malloc'ed, the caller frees it. */
int klog_topics(struct klog *klog, struct klog_topic_info **list, size_t *count,
	struct klog_err *err);

struct klog_partition_info {
	int32_t partition;
	int32_t leader; /* broker id; -1 when the files do not say */
	char replicas[64];
	char isr[64];
	int64_t start;
	int64_t end;
	int64_t bytes;
	int64_t oldest_ms; /* of the first record; -1: none, or without one */
	int64_t newest_ms; /* the largest timestamp, or -1 */
};

/* The partitions of a topic (a name, or a path with a slash); *list is
 * malloc'ed, the caller frees it. */
int klog_topic_describe(struct klog *klog, const char *topic,
	struct klog_partition_info **list, size_t *count, struct klog_err *err);

/*
 * The settings of a topic that differ from the default, in the order of
 * klog-config(5); *list is one malloc'ed block, the caller frees it.
 */
int klog_topic_settings(struct klog *klog, const char *topic,
	struct klog_setting **list, size_t *count, struct klog_err *err);

/* ---- producing -------------------------------------------------------- */

struct klog_producer;

struct klog_produce {
	/* acks, batch.size, linger.ms, compression.type, flush.ms ... */
	const struct klog_setting *settings;
	size_t setting_count;
	bool no_sync;      /* promise nothing beyond this process */
	int32_t partition; /* one that records will name: is it there? */
};

/*
 * Opens a topic for appending; any number of processes may.  produce may be
 * NULL.  The first append to a partition recovers what a killed writer or a
 * power cut left.
 *
 * During a stream of full batches a second thread appends; lines for klog_say
 * may come from it, and SIGTSTP is blocked in the caller's thread until the
 * stream ends.  Calls hold back signals while they hold a lock, and SIGRTMIN+2
 * gets a handler once one of them has to wait.
 */
struct klog_producer *klog_producer_open(struct klog *klog, const char *topic,
	const struct klog_produce *produce, struct klog_err *err);

/*
 * Takes records in order; the bytes are copied.  *taken says how many were
 * taken, also on -1: the one after them is the one that *err refuses
 * (KLOG_ETOOLARGE, or KLOG_EINVALID where its partition is not there or its
 * timestamp out of bounds), or an append failed; after a full disk
 * (KLOG_ESYSTEM) the rest may be offered again.  Full batches are appended;
 * flush does the rest.
 */
int klog_producer_put(struct klog_producer *producer,
	const struct klog_record *records, size_t count, size_t *taken,
	struct klog_err *err);

/* Appends what was put: on return every reader sees it. */
int klog_producer_flush(struct klog_producer *producer, struct klog_err *err);

/* Appends what was put and syncs it: on return it outlives a power cut. */
int klog_producer_sync(struct klog_producer *producer, struct klog_err *err);

/*
 * How long a caller whose input pauses may wait, in ms, before it must call
 * klog_producer_tick, which appends what lingered long enough and syncs what
 * flush.ms says is due; -1: nothing is due.  It first waits for batches that
 * are on their way.
 */
int64_t klog_producer_due_ms(struct klog_producer *producer);
int klog_producer_tick(struct klog_producer *producer, struct klog_err *err);

struct klog_produced {
	int64_t put;      /* records taken */
	int64_t appended; /* of them in the log */
	int64_t synced;   /* of them durable */
};
struct klog_produced klog_producer_count(const struct klog_producer *producer);

/*
 * Appends and, unless no_sync, syncs; frees in any case.  0 only when every
 * record put is durable and was not cut since.
 */
int klog_producer_close(struct klog_producer *producer, struct klog_err *err);

/* Frees without appending what is still in hand. */
void klog_producer_abandon(struct klog_producer *producer);

/* ---- consuming -------------------------------------------------------- */

struct klog_consumer;

struct klog_consume {
	const char *const *topics; /* names, or paths with a slash */
	size_t topic_count;
	const int32_t *partitions; /* of each topic, or NULL for all */
	size_t partition_count;
	struct klog_at from; /* unset: the beginning */
	struct klog_at to;   /* exclusive; unset: the end as it is now, or
				with follow no end */
	int64_t tail;        /* start so many records before the end, the
				newest by timestamp over all; -1: no */
	bool follow;
	bool merge;  /* in the order of timestamps over all partitions, each
			in that of its offsets; not a batch of each in turn */
	bool synced; /* nothing past the recovery point */
	const char *group; /* as a member of it, or NULL; see below.  Then
			      `partitions` and `tail` are unset, and the
			      topics klog's own */
	size_t stay; /* in one partition for so many records, if it has them,
			before the next has its turn; 0: for a batch */
	const struct klog_setting *settings; /* auto.offset.reset ... */
	size_t setting_count;
};

struct klog_consumer *klog_consumer_open(struct klog *klog,
	const struct klog_consume *consume, struct klog_err *err);

/* Records of one partition in offset order; views into the consumer, good
 * until the next klog_consumer_next. */
struct klog_run {
	const char *topic;
	int32_t partition;
	int32_t source; /* its number in this consumer */
	int32_t leader_epoch;
	bool log_append_time;
	bool no_timestamps; /* Kafka's oldest format has none: -1 */
	const struct klog_record *records;
	size_t count;
	int64_t next_offset; /* where reading goes on behind them */
};

/* 1 with the next run, 0 when there is none (with follow: none yet). */
int klog_consumer_next(struct klog_consumer *consumer, struct klog_run *run,
	struct klog_err *err);

/* Once next answered 0: whether nothing can come any more, since every
 * partition has reached its end, or what `to` names. */
bool klog_consumer_done(const struct klog_consumer *consumer);

/*
 * How long, in ms, until a record comes that is there and held back, since
 * `merge` waits for a partition that has none, at most a second; -1: none is.
 */
int64_t klog_consumer_due_ms(const struct klog_consumer *consumer);

/*
 * Sleeps until there may be more to read, at most timeout_ms (-1: for ever):
 * 1 look again, 0 the time is over.  It returns 1 early when `hangup_fd`
 * (or -1) reports an error or hang-up, so that a follower whose reader has
 * gone ends, and -1 with sys_errno EINTR on a signal.
 */
int klog_consumer_wait(struct klog_consumer *consumer, int64_t timeout_ms,
	int hangup_fd, struct klog_err *err);

void klog_consumer_close(struct klog_consumer *consumer);

/*
 * As a member of a group a consumer reads only partitions that no other member
 * has, each from its committed offset on; `from` counts where there is none.
 * Members that come and go share them anew (partition.assignment.strategy).
 * Nothing is committed by itself:
 *
 *	klog_consumer_took	the caller has delivered a partition's records up
 *				to here
 *	klog_consumer_mark	what was taken by now is what the next commit is
 *				about: whatever may still be on its way then
 *	klog_consumer_commit	it arrived.  Durable on return, and the records
 *				before the offset are, too.  KLOG_EREFUSED when
 *				the partition was taken over or reset
 *
 * Once klog_consumer_leaving says yes, next answers 0 until the caller has
 * committed what arrived and called klog_consumer_leave, which gives up what
 * other members wait for.  With `merge`, records that were not taken by then
 * come again.
 *
 *	for (;;) {
 *		r = klog_consumer_next(in, &run, &err);
 *		if (r == 1) {
 *			deliver(&run);
 *			to.source = run.source;
 *			to.leader_epoch = run.leader_epoch;
 *			to.offset = run.next_offset;
 *			klog_consumer_took(in, &to);
 *			continue;
 *		}
 *		klog_consumer_mark(in);
 *		if (r == -1 || klog_consumer_commit(in, &err) == -1)
 *			break;
 *		klog_consumer_leave(in);
 *		if (klog_consumer_done(in) ||
 *			klog_consumer_wait(in, -1, -1, &err) == -1)
 *			break;
 *	}
 */
struct klog_position {
	int32_t source;       /* of the run */
	int32_t leader_epoch; /* of the record before the offset */
	int64_t offset;
};

void klog_consumer_took(
	struct klog_consumer *consumer, const struct klog_position *position);
void klog_consumer_mark(struct klog_consumer *consumer);
int klog_consumer_commit(struct klog_consumer *consumer, struct klog_err *err);
bool klog_consumer_leaving(const struct klog_consumer *consumer);
void klog_consumer_leave(struct klog_consumer *consumer);

/* ---- cleaning --------------------------------------------------------- */

struct klog_clean {
	bool dry_run;          /* decides, and changes nothing */
	int32_t partition;     /* this one, or -1 for all */
	struct klog_at before; /* what lies before it goes; unset: no */
	size_t buffer;         /* bytes for the map of keys; 0: 64 MiB */
};

/* A segment as it was before, and what was decided. */
struct klog_clean_segment {
	char *topic;
	int32_t partition;
	int64_t base;
	int64_t next; /* the first offset behind it */
	int64_t bytes;
	int64_t newest_ms;  /* of its newest record, or of its file */
	const char *action; /* "remove", "compact", "keep" */
	const char *rule;   /* the setting or the reason, in a word */
	char *group;        /* that holds it, or NULL */
	int64_t when_ms;    /* when time will let it go, or -1 */
};

struct klog_clean_report {
	struct klog_clean_segment *segments;
	size_t count;
	int64_t removed; /* segments, and their bytes */
	int64_t removed_bytes;
	int64_t compacted;                  /* partitions */
	int64_t records_read, records_kept; /* by compaction */
	int64_t per_day; /* bytes that come, by what came in the last day */
	int64_t to_come; /* bytes that it still grows by until as much goes
			     as comes; INT64_MAX: nothing limits it */
};

/*
 * Applies a topic's cleanup.policy, retention and compaction as Kafka decides
 * them; writers and readers go on, and one cleaner at a time has a partition.
 * Killed anywhere it leaves the log as before or after, and the next run
 * finishes.  What was decided is added to *report, which is zero or of other
 * topics, and the caller's to free.  KLOG_EOFFSET when `before` lies past an
 * end: nothing was changed then.
 */
int klog_clean_topic(struct klog *klog, const char *topic,
	const struct klog_clean *clean, struct klog_clean_report *report,
	struct klog_err *err);
void klog_clean_report_free(struct klog_clean_report *report);

/*
 * Removes closed segments, over all of the topics the oldest first, until
 * `least` bytes are free where the cluster lies: 1 there are, 0 nothing is left
 * that may go, -1 also when some segments could not be removed.  *freed is how
 * many bytes went.  With dry_run *report says what would go before, and the
 * rest is added to it.
 */
int klog_clean_free(struct klog *klog, int64_t least, bool dry_run,
	struct klog_clean_report *report, int64_t *freed, struct klog_err *err);

/* Bytes that are free for this user where the cluster lies, and all of them. */
int klog_disk(struct klog *klog, int64_t *free_bytes, int64_t *all_bytes,
	struct klog_err *err);

/* ---- offsets ---------------------------------------------------------- */

/*
 * The offset that `at` stands for in one partition, within [start, end] but
 * for KLOG_AT_OFFSET, which stays what it is unless its epoch ended before;
 * *timestamp_ms (may be NULL) is that of the first record from there on, -1
 * when there is none, or it has none.
 */
int klog_offset_at(struct klog *klog, const char *topic, int32_t partition,
	struct klog_at at, int64_t *offset, int64_t *timestamp_ms,
	struct klog_err *err);

/* ---- consumer groups -------------------------------------------------- */

/* The process that reads a partition for a group. */
struct klog_owner {
	char member[64];
	char host[65];
	int32_t pid;
	int64_t since_ms;
	bool stopped; /* as by SIGSTOP; only this host's are looked at */
};

struct klog_group_partition {
	int32_t partition;
	int64_t start;
	int64_t end;
	int64_t bytes;     /* of the .log files */
	int64_t committed; /* the next one to read; -1: no commit */
	int32_t leader_epoch;
	int64_t committed_ms;
	int64_t lag;    /* from there to the end, without a commit from the
			start; -1: not known */
	int64_t lag_ms; /* how long the first of these records has waited;
			-1: not known */
	bool torn;      /* the commit is the last but one, a newer was torn */
	bool damaged;   /* what is committed cannot be read */
	bool owned;
	struct klog_owner owner;
};

/* A group in one topic; borrowed, good until the next call. */
struct klog_group_info {
	const char *group;
	size_t members; /* that live */
	const struct klog_group_partition *partitions;
	size_t count;
};

struct klog_groups;

/*
 * The groups of a topic in order of name, or only `group`: those that have a
 * commit in it, or a member that lives.  With `times`, lag_ms is looked up,
 * which reads a record for each partition.  Nothing is written.
 */
struct klog_groups *klog_groups_open(struct klog *klog, const char *topic,
	const char *group, bool times, struct klog_err *err);

/* 1 with the next, 0 at the end; -1: this one could not be read, and the next
 * call goes on with the one behind it. */
int klog_groups_next(struct klog_groups *groups, struct klog_group_info *info,
	struct klog_err *err);
void klog_groups_close(struct klog_groups *groups);

enum klog_group_to {
	KLOG_TO_PLACE,  /* what `at` stands for */
	KLOG_TO_SHIFT,  /* at.value records on, or back */
	KLOG_TO_STORED, /* what is committed, once more */
	KLOG_TO_NONE    /* no commit: a group is deleted so */
};

/* One partition of a group is to go on elsewhere. */
struct klog_group_change {
	const char *topic; /* borrowed */
	int32_t partition;
	enum klog_group_to how;
	struct klog_at at;
	int64_t from; /* what was committed, and what is by now; -1: */
	int64_t to;   /* no commit */
};

/*
 * Changes what a group has committed; durable on return, and an operation in
 * its journal.  On -1 nothing is changed, unless *err says that it could not be
 * taken back, as on a disk that fails: klog_group_undo does that.  An offset
 * outside of the log becomes the start or the end, which is said.
 * KLOG_EREFUSED while a member of the group lives in one of the topics, and on
 * a network file system.  With dry_run from and to are filled in, and nothing
 * is written.  On -1 *wrong (may be NULL) is the change that is to blame, or
 * `count` where none is.
 */
int klog_group_reset(struct klog *klog, const char *group,
	struct klog_group_change *changes, size_t count, bool dry_run,
	size_t *wrong, struct klog_err *err);

/*
 * Puts back what stood before the newest operation of klog_group_reset that is
 * not undone, in the topics, or with a count of 0 in all of a cluster that is
 * a directory.  *changes is malloc'ed, one block, the caller frees it.  Where
 * an undoing cannot be taken back, nothing undoes it.
 * KLOG_ENOTFOUND: there is nothing to undo.
 */
int klog_group_undo(struct klog *klog, const char *group,
	const char *const *topics, size_t topic_count, bool dry_run,
	struct klog_group_change **changes, size_t *count,
	struct klog_err *err);

/* ---- looking inside --------------------------------------------------- */

enum klog_severity {
	KLOG_FOUND_LEFTOVER, /* of an interrupted operation; no damage */
	KLOG_FOUND_INDEX,    /* what can be rebuilt is wrong or missing */
	KLOG_FOUND_DAMAGE    /* records are lost, or cannot be trusted */
};

/* One damaged range, lost file or leftover; the texts are good until the next
 * klog_verify_next. */
struct klog_finding {
	enum klog_severity severity;
	const char *file;       /* "access/0/00000000000000000042.log" */
	int64_t position, size; /* the bytes; size 0: what is not there */
	int64_t offset;         /* the first that it is about; -1: none */
	const char *what;
};

/*
 * Looks at everything of a topic, a partition of it (else -1), or a path with
 * a slash: a topic's directory, a partition's (Kafka's, too), or one file of
 * such.  No lock is taken and nothing written; files may be in use.
 */
struct klog_verify *klog_verify_open(struct klog *klog, const char *topic,
	int32_t partition, struct klog_err *err);

/* 1 with the next finding, 0 when all was looked at, -1. */
int klog_verify_next(struct klog_verify *verify, struct klog_finding *finding,
	struct klog_err *err);
void klog_verify_close(struct klog_verify *verify);

/*
 * What is in the files of a topic, a partition (else -1) or a path, klog's and
 * Kafka's, in use or not: segment after segment, batch after batch, record
 * after record.  Everything that is there is shown, control records, aborted
 * ones, and those that are damaged.
 */
struct klog_dump *klog_dump_open(struct klog *klog, const char *topic,
	int32_t partition, struct klog_err *err);
void klog_dump_close(struct klog_dump *dump);

struct klog_segment_info {
	const char *file; /* of its .log; good until the next call */
	int64_t base_offset;
	int64_t last_offset; /* -1: nothing is in it */
	int64_t size;
	int64_t records;
};

struct klog_batch_info {
	const char *file;
	int64_t base_offset, last_offset;
	int64_t records;
	int64_t position, size;
	uint32_t crc;
	const char *codec; /* "none", "gzip" ... */
	int32_t magic;
	int32_t epoch; /* -1: none, as everything else that is not there */
	const char *timestamp_type; /* "create", "logappend", "none" */
	int64_t max_timestamp_ms;
	int64_t producer_id;
	int32_t producer_epoch;
	int32_t base_sequence, last_sequence;
	bool transactional, control;
	int64_t delete_horizon_ms;
	bool valid; /* its checksum is right */
};

/* Of a record in a control batch; the texts are NULL or zero for others. */
struct klog_marker {
	const char *type; /* "COMMIT", "ABORT" ... */
	int32_t coordinator_epoch;
};

/*
 * Each goes on where it was: 1, 0 at the end, -1.  After KLOG_ECORRUPT the next
 * call goes on behind what is damaged.  A batch that is still being written
 * is not shown.  One dump is for one of these.
 */
int klog_dump_segment(struct klog_dump *dump, struct klog_segment_info *info,
	struct klog_err *err);
int klog_dump_batch(struct klog_dump *dump, struct klog_batch_info *info,
	struct klog_err *err);
int klog_dump_records(struct klog_dump *dump, struct klog_run *run,
	struct klog_batch_info *info, struct klog_err *err);

/* What a record of a control batch says. */
struct klog_marker klog_marker_of(const struct klog_record *record);

/*
 * Where the path is a file of entries (.index, .timeindex, .txnindex,
 * .snapshot, leader-epoch-checkpoint): the names of their fields, so many,
 * else 0; and one entry after the other, INT64_MIN where it has no value.
 */
#define KLOG_FIELDS_MAX 12
size_t klog_dump_fields(
	const struct klog_dump *dump, const char *const **names);
int klog_dump_entry(struct klog_dump *dump, const char **file,
	int64_t values[KLOG_FIELDS_MAX], struct klog_err *err);

/*
 * The bytes of the batch that holds an offset, sound or not; and what they
 * mean, field by field: 1, 0 at the end, -1 where they cannot be read on.
 * The records of a compressed batch are those of `unpacked`.
 */
int klog_dump_find(struct klog_dump *dump, int64_t offset,
	struct klog_batch_info *info, struct klog_err *err);

struct klog_field {
	bool unpacked;    /* from..to count in the decompressed records */
	int64_t from, to; /* the bytes, `to` exclusive */
	struct klog_slice bytes;
	const char *name;
	char value[160];
	char meaning[160]; /* "" where the value says it all */
};
int klog_dump_field(
	struct klog_dump *dump, struct klog_field *field, struct klog_err *err);

/*
 * Mends what klog_verify finds in a topic, or a partition of it (else -1):
 * indexes, leader-epoch-checkpoint and `.klog` are made anew, and a damaged end
 * of the last segment is cut, under a new leader epoch; what is cut is kept in
 * the partition's `.klog.removed`.  Damage anywhere else is left as it is.
 * Writers wait meanwhile.  KLOG_EUSAGE for what klog did not write.  *list is
 * malloc'ed, the caller frees it, also on -1: what was done until then.
 */
struct klog_repaired {
	enum klog_severity severity; /* as in struct klog_finding */
	char file[600];
	int64_t position, size;
	int64_t offset;
	char what[200];
	char done
		[240]; /* "made anew", "cut from offset 7 on ...", "left ..." */
	bool left;     /* nothing is done about it, and why is said there */
	bool mended;
	bool doubtful; /* the .log may be wrong instead: it is left */
};
int klog_repair(struct klog *klog, const char *topic, int32_t partition,
	bool dry_run, struct klog_repaired **list, size_t *count,
	struct klog_err *err);

/*
 * Records and bytes over time, of a topic or a partition of it (else -1): by
 * the time indexes and the sizes of the files, so about right, and as quick
 * for a large log as for a small one.  At most `most` buckets, each of the same
 * length, in order; *list is malloc'ed, the caller frees it.  None for a log
 * without records or timestamps.
 */
struct klog_bucket {
	int64_t from_ms, to_ms; /* exclusive */
	int64_t records, bytes;
};
int klog_timeline(struct klog *klog, const char *topic, int32_t partition,
	size_t most, struct klog_bucket **list, size_t *count,
	struct klog_err *err);

#ifdef __cplusplus
}
#endif

#endif
