/*
 * Lines into a topic: what klog-produce does between opening and closing.
 * Lines become records in order; a line that is refused ends the run or is
 * passed over; a full disk ends it or is waited for.
 */
#ifndef FEED_H
#define FEED_H

#include "cli.h"
#include "json.h"
#include "lines.h"
#include "output.h"

#define FEED_RECORDS 256 /* handed to the library at a time */

struct feed {
	/* set by the tool */
	const struct cli *cli;
	struct klog_producer *producer;
	struct klog_record like; /* what every record begins as */
	struct klog_buf delim;
	struct klog_buf key_delim; /* -K; empty: none */
	bool null_empty;           /* -Z */
	bool json;                 /* -J */
	size_t longest;            /* a longer line is refused; 0: lines.h's */
	bool skip;                 /* --on-error skip */
	bool wait;                 /* --on-full wait */
	bool no_sync;
	bool tee;

	/* the rest is feed's own */
	struct lines lines;
	struct output out;
	const char *name; /* of the input, in messages */
	bool operand;     /* it is a FILE, not stdin */
	bool regular;
	bool parted; /* a line is more than its value */
	struct json_in json_in;
	struct klog_err refused; /* why a line was not taken */
	struct klog_record records[FEED_RECORDS];
	const uint8_t *ends[FEED_RECORDS]; /* of the records' lines */
	const uint8_t *begin;              /* of the first one's line */
	size_t count;
	size_t at_once;    /* so many are handed over */
	int64_t first;     /* line number of records[0] */
	int64_t last;      /* line number of the last record taken */
	int64_t lost;      /* lines refused, or in hand when it failed */
	int signal;        /* the one acted on */
	int64_t stop_tick; /* when to stop reading then */
	bool dies_of_pipe; /* -T, and SIGPIPE was not ignored */
	bool full_said;
	bool broken;         /* the producer failed for good */
	struct klog_err why; /* what ended the run */
	int status;
};

/* After the fields above are set; 0 or -1 with *err. */
int feed_init(struct feed *feed, struct klog_err *err);

/* Feeds one input, "-" is stdin; false when the run is over, with the reason
 * said and in feed->status or feed->signal. */
bool feed_input(struct feed *feed, const char *path);

/* Appends and syncs the rest, closes the producer, says what is stored; the
 * exit status, or death by the signal that ended it. */
int feed_finish(struct feed *feed);

#endif
