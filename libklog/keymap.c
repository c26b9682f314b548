#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "keymap.h"
#include "siphash.h"

#define HUGE_PAGE ((size_t)2 * 1024 * 1024)

/* Keys lead to places all over the map: with small pages each is a miss of the
 * TLB, too, which is most of the time that compaction takes.  A wish only. */
static void
ask_for_huge_pages(const struct klog_keymap *map)
{
	uintptr_t from = (uintptr_t)map->slots;
	uintptr_t to = from + map->capacity * sizeof(map->slots[0]);

	from = (from + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	to &= ~(uintptr_t)(HUGE_PAGE - 1);
	if (from < to)
		madvise((void *)from, to - from, MADV_HUGEPAGE);
}

size_t
klog_keymap_bytes(uint64_t keys)
{
	if (keys > SIZE_MAX / 2 / sizeof(struct klog_keymap_slot))
		return SIZE_MAX;
	return (size_t)(keys + keys / 9 + 1) * sizeof(struct klog_keymap_slot);
}

int
klog_keymap_init(struct klog_keymap *map, size_t bytes, struct klog_err *err)
{
	map->capacity = bytes / sizeof(map->slots[0]);
	if (map->capacity < 2)
		map->capacity = 2;
	map->count = 0;
	/* pages are taken as they are written to */
	map->slots = calloc(map->capacity, sizeof(map->slots[0]));
	if (map->slots == NULL)
		return klog_fail_memory(err);
	ask_for_huge_pages(map);
	/* all of it, or errno */
	if (getentropy(map->key, sizeof(map->key)) == -1) {
		klog_fail_errno(err, "random bytes");
		klog_keymap_free(map);
		return -1;
	}
	return 0;
}

void
klog_keymap_free(struct klog_keymap *map)
{
	free(map->slots);
	map->slots = NULL;
}

static size_t
place_of(const struct klog_keymap *map, const struct klog_keymap_hash *hash)
{
	return (size_t)(hash->hash[0] % map->capacity);
}

void
klog_keymap_hash(const struct klog_keymap *map, struct klog_slice key,
	struct klog_keymap_hash *hash)
{
	klog_siphash(map->key, key.data, key.size, hash->hash);
	__builtin_prefetch(&map->slots[place_of(map, hash)]);
}

/* The key's place, or the empty one where it would be. */
static struct klog_keymap_slot *
find(const struct klog_keymap *map, const struct klog_keymap_hash *hash)
{
	struct klog_keymap_slot *slot;
	size_t i;

	for (i = place_of(map, hash);; i = i + 1 < map->capacity ? i + 1 : 0) {
		slot = &map->slots[i];
		if (slot->offset == 0 ||
			(slot->hash[0] == hash->hash[0] &&
				slot->hash[1] == hash->hash[1]))
			return slot;
	}
}

bool
klog_keymap_put_hash(struct klog_keymap *map,
	const struct klog_keymap_hash *hash, int64_t offset)
{
	struct klog_keymap_slot *slot = find(map, hash);

	if (slot->offset == 0) {
		if ((map->count + 1) > map->capacity - (map->capacity + 9) / 10)
			return false;
		map->count++;
		slot->hash[0] = hash->hash[0];
		slot->hash[1] = hash->hash[1];
	}
	slot->offset = offset + 1;
	return true;
}

int64_t
klog_keymap_get_hash(
	const struct klog_keymap *map, const struct klog_keymap_hash *hash)
{
	return find(map, hash)->offset - 1;
}

bool
klog_keymap_put(struct klog_keymap *map, struct klog_slice key, int64_t offset)
{
	struct klog_keymap_hash hash;

	klog_keymap_hash(map, key, &hash);
	return klog_keymap_put_hash(map, &hash, offset);
}

int64_t
klog_keymap_get(const struct klog_keymap *map, struct klog_slice key)
{
	struct klog_keymap_hash hash;

	klog_keymap_hash(map, key, &hash);
	return klog_keymap_get_hash(map, &hash);
}
