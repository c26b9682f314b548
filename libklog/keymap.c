#include <stdlib.h>
#include <sys/random.h>

#include "keymap.h"
#include "siphash.h"

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
	if (getrandom(map->key, sizeof(map->key), 0) !=
		(ssize_t)sizeof(map->key)) {
		klog_keymap_free(map);
		return klog_fail_errno(err, "random bytes");
	}
	return 0;
}

void
klog_keymap_free(struct klog_keymap *map)
{
	free(map->slots);
	map->slots = NULL;
}

/* The key's place, or the empty one where it would be. */
static struct klog_keymap_slot *
find(const struct klog_keymap *map, struct klog_slice key, uint64_t hash[2])
{
	struct klog_keymap_slot *slot;
	size_t i;

	klog_siphash(map->key, key.data, key.size, hash);
	for (i = (size_t)(hash[0] % map->capacity);;
		i = i + 1 < map->capacity ? i + 1 : 0) {
		slot = &map->slots[i];
		if (slot->offset == 0 ||
			(slot->hash[0] == hash[0] && slot->hash[1] == hash[1]))
			return slot;
	}
}

bool
klog_keymap_put(struct klog_keymap *map, struct klog_slice key, int64_t offset)
{
	uint64_t hash[2];
	struct klog_keymap_slot *slot = find(map, key, hash);

	if (slot->offset == 0) {
		if ((map->count + 1) > map->capacity - (map->capacity + 9) / 10)
			return false;
		map->count++;
		slot->hash[0] = hash[0];
		slot->hash[1] = hash[1];
	}
	slot->offset = offset + 1;
	return true;
}

int64_t
klog_keymap_get(const struct klog_keymap *map, struct klog_slice key)
{
	uint64_t hash[2];

	return find(map, key, hash)->offset - 1;
}
