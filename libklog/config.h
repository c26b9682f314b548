/*
 * topic.yaml: what people decide about a topic.  The only user of libyaml,
 * through its event API, strictly: an unknown key, a wrong type, a duplicate
 * key, an alias, an anchor, a tag or a second document is KLOG_ECORRUPT with
 * file, line and column, and what to do.  At most 64 KiB and depth 8.
 *
 *	# Change this with: klog-alter --edit access
 *	id: ASNFZ4mrze_-3LqYdlQyEA
 *	generation: 1
 *	partitions: 3
 *	settings:
 *	  retention.ms: 604800000
 */
#ifndef KLOG_CONFIG_H
#define KLOG_CONFIG_H

#include "bytes.h"
#include "settings.h"

#define KLOG_TOPIC_ID 16 /* bytes of a topic id, a random UUID version 4 */

struct klog_topic_config {
	uint8_t id[KLOG_TOPIC_ID];
	int64_t generation; /* grows with each change of the settings */
	int32_t partitions;
	struct klog_settings settings; /* topic scope, defaults filled in */
};

/* Parses the text of a topic.yaml; `where` names it in messages. */
int klog_config_parse(const char *where, struct klog_slice text,
	struct klog_topic_config *config, struct klog_err *err);

/*
 * Appends the text; only settings that differ from the default are named.
 * They come before the keys that must be there, so that a file cut short
 * anywhere is refused, not read with other settings.  -1: out of memory.
 */
int klog_config_format(const char *topic,
	const struct klog_topic_config *config, struct klog_buf *text);

/* A new random id: version 4, and its text does not begin with '-', so that
 * it can stand on a command line (Kafka's Uuid.randomUuid). */
int klog_topic_id_make(uint8_t id[KLOG_TOPIC_ID], struct klog_err *err);

/* URL-safe base64 without padding, 22 characters and a NUL; and back. */
void klog_topic_id_text(const uint8_t id[KLOG_TOPIC_ID], char text[23]);
bool klog_topic_id_parse(
	const char *text, size_t size, uint8_t id[KLOG_TOPIC_ID]);

#endif
