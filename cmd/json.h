/*
 * A record as a line of JSON, and back, with kcat's keys.  Nothing is lost:
 * bytes that are not UTF-8 are base64, and said to be.
 *
 *	{"topic":"t","partition":0,"offset":7,"tstype":"create","ts":1700000000000,
 *	 "key":null,"payload":"/w==","payload_encoding":"base64",
 *	 "headers":[["name","value"],["name",null],["n","/w==","base64"],
 *	            ["/w==","value",null,"base64"]]}
 *
 * A header's third word is the encoding of its value, the fourth that of its
 * name.
 */
#ifndef JSON_H
#define JSON_H

#include "libklog/bytes.h"
#include "libklog/err.h"

/* What a line is made of, kept until the next one. */
struct json_in {
	struct json_t *doc;
	struct klog_buf key, value; /* decoded */
	struct klog_buf header_name, header_value;
	struct klog_buf headers; /* in Kafka's encoding */
};

/* How long a line may be so that any record of such a size fits. */
size_t json_longest(size_t record);

/*
 * Reads a line into *rec, whose bytes are good until the next call.  What
 * *rec says already stays: a key or a partition, against both of the line,
 * and headers, in front of the line's.  -1 KLOG_EINVALID with words.
 */
int json_take(struct json_in *in, struct klog_slice line,
	struct klog_record *rec, struct klog_err *err);

void json_in_free(struct json_in *in);

/* Appends a record of a run, without a newline; 0 or -1. */
int json_put(struct klog_buf *out, const struct klog_run *run,
	const struct klog_record *rec, struct klog_err *err);

#endif
