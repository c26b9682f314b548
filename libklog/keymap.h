/*
 * The last offset of each key, in a fixed amount of memory: 24 bytes a key,
 * and a tenth is left free.  Keys are known by a keyed hash of 128
 * bits, which nobody can make collide (Kafka's map uses MD5).
 */
#ifndef KLOG_KEYMAP_H
#define KLOG_KEYMAP_H

#include "bytes.h"
#include "err.h"

struct klog_keymap_slot {
	uint64_t hash[2];
	int64_t offset; /* + 1; 0: empty */
};

struct klog_keymap {
	uint64_t key[2];
	struct klog_keymap_slot *slots;
	size_t capacity, count;
};

/* How many bytes have room for so many keys; SIZE_MAX: more than there are. */
size_t klog_keymap_bytes(uint64_t keys);

/* Takes `bytes` of memory, as they are used; room for one key at least. */
int klog_keymap_init(
	struct klog_keymap *map, size_t bytes, struct klog_err *err);
void klog_keymap_free(struct klog_keymap *map);

/* Sets a key's offset; false when it is a new key and there is no room. */
bool klog_keymap_put(
	struct klog_keymap *map, struct klog_slice key, int64_t offset);

/* A key's offset, or -1. */
int64_t klog_keymap_get(const struct klog_keymap *map, struct klog_slice key);

/*
 * The same in two steps, for who has many: the place of a hashed key is on its
 * way from memory, while others are hashed.  Waiting for it would be most of
 * what the map costs.
 */
struct klog_keymap_hash {
	uint64_t hash[2];
};

void klog_keymap_hash(const struct klog_keymap *map, struct klog_slice key,
	struct klog_keymap_hash *hash);
bool klog_keymap_put_hash(struct klog_keymap *map,
	const struct klog_keymap_hash *hash, int64_t offset);
int64_t klog_keymap_get_hash(
	const struct klog_keymap *map, const struct klog_keymap_hash *hash);

#endif
