/*
 * Keys go where Kafka's Java client puts them.  The hashes were computed by
 * Kafka's own org.apache.kafka.common.utils.Utils.murmur2.
 */
#include "libklog/partitioner.h"
#include "tap.h"

static void
keys(void)
{
	static const struct {
		const char *key;
		uint32_t hash;
		int32_t of3, of6, of10;
	} v[] = {
		{ "21", 0xc5f2f8ec, 0, 0, 0 },
		{ "foobar", 0xd0e47bbe, 0, 0, 6 },
		{ "a-little-bit-long-string", 0xc53b1da0, 2, 2, 2 },
		{ "a-little-bit-longer-string", 0xa768c9c3, 2, 5, 9 },
		{ "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
			0xfc7d49cd, 2, 5, 7 },
		{ "abc", 0x1c94221b, 0, 3, 7 },
		{ "", 0x106e08d9, 0, 3, 1 },
		{ "a", 0xa2d0b27c, 1, 4, 4 },
		{ "ab", 0x12d8262a, 2, 2, 4 },
		{ "kafka", 0xd067cf64, 1, 4, 0 },
		{ "giberish123456789", 0x8f552b0c, 2, 2, 0 },
		{ "1234", 0x9fc97b14, 0, 0, 0 },
		{ "user-1", 0x53b136cc, 2, 2, 8 },
		{ "key-0", 0x01bdb5b9, 1, 1, 1 },
		{ "key-1", 0x0b8601b8, 0, 0, 0 },
		{ "key-2", 0x32cc9a86, 2, 2, 2 },
		{ "\xc3\xa9", 0x0b24f487, 0, 3, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct klog_slice key = klog_slice_of(
			v[i].key, strlen(v[i].key));

		is_int(klog_murmur2(key), v[i].hash, "murmur2 of '%s'",
			v[i].key);
		ok(klog_partition_of_key(key, 3) == v[i].of3 &&
				klog_partition_of_key(key, 6) == v[i].of6 &&
				klog_partition_of_key(key, 10) == v[i].of10 &&
				klog_partition_of_key(key, 1) == 0,
			"and its partition of 1, 3, 6 and 10");
	}
}

static void
sticks(void)
{
	struct klog_sticky s;
	int32_t first;
	int i, stayed = 0, moved = 0;

	klog_sticky_init(&s, 1, 5);
	first = s.partition;
	for (i = 0; i < 10; i++)
		stayed += klog_sticky_next(&s, 5, 1000, 100) == first;
	is_int(stayed, 10, "ten records of 100 bytes in a batch of 1000");
	ok(klog_sticky_next(&s, 5, 1000, 100) != first, "then another one");
	is_int(s.sent, 100, "and the count begins again");

	for (i = 0; i < 1000; i++) {
		int32_t before = s.partition;

		moved += klog_sticky_next(&s, 5, 0, 1) != before;
	}
	is_int(moved, 1000, "a batch.size of 0 moves each time");

	klog_sticky_init(&s, 1, 5);
	first = s.partition;
	ok(klog_sticky_next(&s, 5, 1000, SIZE_MAX) == first &&
			klog_sticky_next(&s, 5, 1000, SIZE_MAX) != first &&
			klog_sticky_next(&s, 5, INT64_MAX, 1) != first,
		"no size overflows");
}

static void
spreads(void)
{
	struct klog_sticky a, b;
	int count[7] = { 0 };
	int i, p, differ = 0, low = 70000, high = 0;

	klog_sticky_init(&a, 42, 7);
	klog_sticky_init(&b, 42, 7);
	for (i = 0; i < 70000; i++) {
		int32_t x = klog_sticky_next(&a, 7, 1, 1);

		differ += x != klog_sticky_next(&b, 7, 1, 1);
		if (x < 0 || x >= 7) {
			ok(false, "a partition of 7: %d", (int)x);
			return;
		}
		count[x]++;
	}
	is_int(differ, 0, "one seed, one sequence");
	for (p = 0; p < 7; p++) {
		low = count[p] < low ? count[p] : low;
		high = count[p] > high ? count[p] : high;
	}
	ok(low > 9600 && high < 10400, "uniform: %d..%d of 10000", low, high);

	memset(count, 0, sizeof(count));
	for (i = 0; i < 7000; i++) {
		klog_sticky_init(&a, (uint64_t)i, 7);
		count[a.partition]++;
	}
	for (p = 0, low = 7000; p < 7; p++)
		low = count[p] < low ? count[p] : low;
	ok(low > 850, "producers begin anywhere: %d of 1000", low);
}

static void
other_counts(void)
{
	struct klog_sticky s;
	int i, seen = 0, outside = 0;

	klog_sticky_init(&s, 9, 1);
	for (i = 0; i < 10; i++)
		outside += klog_sticky_next(&s, 1, 1, 1) != 0;
	is_int(outside, 0, "one partition is enough");
	for (i = 0; i < 200; i++)
		seen |= 1 << klog_sticky_next(&s, 4, 1, 1);
	is_int(seen, 15, "partitions that were added are used");
	s.partition = 3;
	s.sent = 0;
	ok(klog_sticky_next(&s, 2, 1000, 1) < 2, "none past the last");
}

int
main(void)
{
	keys();
	sticks();
	spreads();
	other_counts();
	return done();
}
