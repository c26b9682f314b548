/* The map of keys: what it holds, when it is full, and that a full one still
 * knows its keys. */
#include "hex.h"
#include "libklog/keymap.h"
#include "tap.h"

static struct klog_err err;

static struct klog_slice
key_of(size_t i)
{
	static char text[32];

	snprintf(text, sizeof(text), "key-%zu", i);
	return slice(text);
}

static void
a_few(void)
{
	struct klog_keymap map;

	is_int(klog_keymap_init(&map, 4096, &err), 0, "4096 bytes");
	is_int(klog_keymap_get(&map, slice("a")), -1, "nothing is in it");
	ok(klog_keymap_put(&map, slice("a"), 0), "offset 0");
	is_int(klog_keymap_get(&map, slice("a")), 0, "is no empty place");
	ok(klog_keymap_put(&map, slice(""), 7), "an empty key");
	is_int(klog_keymap_get(&map, slice("")), 7, "is a key");
	is_int(klog_keymap_get(&map, slice("b")), -1, "another is not there");
	ok(klog_keymap_put(&map, slice("a"), INT64_MAX - 1), "once more");
	is_int(klog_keymap_get(&map, slice("a")), INT64_MAX - 1,
		"the last one counts");
	is_int((int64_t)map.count, 2, "two keys");
	klog_keymap_free(&map);
}

/* Of places for `places` keys, nine of ten are used. */
static void
full(size_t places)
{
	struct klog_keymap map;
	size_t n = 0, i;
	int wrong = 0;

	klog_keymap_init(&map, places * sizeof(map.slots[0]), &err);
	while (n <= places && klog_keymap_put(&map, key_of(n), (int64_t)n))
		n++;
	if (places >= 2)
		is_int((int64_t)n, (int64_t)(places - (places + 9) / 10),
			"%zu places hold so many keys", places);
	else
		ok(n >= 1, "%zu places hold a key", places);
	for (i = 0; i < n; i++)
		wrong += klog_keymap_get(&map, key_of(i)) != (int64_t)i;
	is_int(wrong, 0, "%zu places: all are found", places);
	is_int(klog_keymap_get(&map, key_of(n)), -1,
		"%zu places: the refused one is not", places);
	ok(klog_keymap_put(&map, key_of(0), 999),
		"%zu places: full, and a key it has is set", places);
	is_int(klog_keymap_get(&map, key_of(0)), 999, "%zu places: to that",
		places);
	klog_keymap_free(&map);
}

static void
many(void)
{
	enum { KEYS = 200000 };
	struct klog_keymap map;
	size_t i;
	int wrong = 0;

	klog_keymap_init(&map, (size_t)KEYS * 27, &err);
	for (i = 0; i < 2 * (size_t)KEYS; i++)
		wrong += !klog_keymap_put(&map, key_of(i % KEYS), (int64_t)i);
	is_int(wrong, 0, "%d keys, each twice, in 27 bytes a key", (int)KEYS);
	for (i = 0; i < KEYS; i++)
		wrong += klog_keymap_get(&map, key_of(i)) != (int64_t)i + KEYS;
	is_int(wrong, 0, "the second time counts, for each");
	for (i = KEYS; i < 2 * (size_t)KEYS; i++)
		wrong += klog_keymap_get(&map, key_of(i)) != -1;
	is_int(wrong, 0, "no other key is in it");
	klog_keymap_free(&map);
}

/* klog_keymap_bytes is what so many keys need, and hardly more. */
static void
room(size_t keys)
{
	struct klog_keymap map;
	size_t bytes = klog_keymap_bytes(keys), n = 0;

	klog_keymap_init(&map, bytes, &err);
	while (n <= bytes && klog_keymap_put(&map, key_of(n), (int64_t)n))
		n++;
	ok(n >= keys && n <= keys + 1, "room for %zu keys has %zu", keys, n);
	klog_keymap_free(&map);
}

int
main(void)
{
	static const size_t keys[] = { 0, 1, 2, 7, 8, 9, 10, 11, 17, 18, 19,
		1000, 99999 };
	static const size_t places[] = { 0, 1, 2, 3, 9, 10, 11, 100, 1001 };
	size_t i;

	a_few();
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		full(places[i]);
	many();
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		room(keys[i]);
	ok(klog_keymap_bytes(INT64_MAX) == SIZE_MAX,
		"more keys than there is room for");
	return done();
}
