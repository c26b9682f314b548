/*
 * What was done to a group by hand: the file groups/GROUP/journal below the
 * topic, a line for each partition of each operation, only ever appended to.
 * Byte 0 is locked while an operation is under way.
 *
 *	klog-journal OPERATION WHAT TIME PARTITION FROM EPOCH TO EPOCH
 *	UID PID UNDOES CRC
 *
 * in one line, a blank between two words.  OPERATION is 16 hexadecimal digits,
 * the same in every topic that it touched; UNDOES is that of another or 0.
 * The CRC-32C is that of what comes before it.
 *
 * What stands behind the last line's end is torn, whatever it is: an append
 * that nobody waits for any more.  Readers pass it over, and the next append
 * takes its place.  Anything else that is no such line is damage.
 */
#ifndef KLOG_JOURNAL_H
#define KLOG_JOURNAL_H

#include "bytes.h"
#include "err.h"

#define KLOG_JOURNAL_NAME "journal"

enum klog_journal_what {
	KLOG_DID_RESET,
	KLOG_DID_SHIFT,
	KLOG_DID_DELETE,
	KLOG_DID_UNDO
};

struct klog_journal_line {
	uint64_t operation; /* never 0 */
	uint64_t undoes;
	enum klog_journal_what what;
	int64_t time_ms;
	int32_t partition;
	int64_t from, to; /* -1: no commit */
	int32_t from_epoch, to_epoch;
	uint32_t uid;
	int32_t pid;
};

#define KLOG_JOURNAL_LINE 512
struct klog_journal {
	int fd;
	int64_t end;      /* of the last line that has one */
	int64_t position; /* behind what is in text */
	int64_t number;   /* of the line that came last, from 1 */
	size_t used, size;
	char text[8 * KLOG_JOURNAL_LINE];
};

/* Begins to read what is in the file by now. */
int klog_journal_open(struct klog_journal *journal, int fd, const char *name,
	struct klog_err *err);

/*
 * 1 with the next line, 0 at the end, -1.  KLOG_ECORRUPT names a line that
 * klog did not write; the next call goes on behind it.
 */
int klog_journal_next(struct klog_journal *journal,
	struct klog_journal_line *line, const char *name, struct klog_err *err);

/* Where the next line begins; and reading goes on there. */
struct klog_journal_mark {
	int64_t position;
	int64_t number;
};
struct klog_journal_mark klog_journal_tell(const struct klog_journal *journal);
void klog_journal_seek(
	struct klog_journal *journal, struct klog_journal_mark mark);

/* Appends the text of a line; 0 or -1, out of memory. */
int klog_journal_put(struct klog_buf *text, const struct klog_journal_line *l);

/*
 * Appends lines to the file, in place of what was torn; durable on return.
 * *before is where they begin, also when that fails: cut there, and
 * synced, nothing happened.  -1: there is nothing to cut.
 */
int klog_journal_append(int fd, struct klog_slice text, int64_t *before,
	const char *name, struct klog_err *err);

#endif
