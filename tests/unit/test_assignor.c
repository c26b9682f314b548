/*
 * Who gets what, as Kafka's assignors have it: the cases are those of
 * RangeAssignorTest and RoundRobinAssignorTest, worked out by hand.
 */
#include "libklog/assignor.h"
#include "tap.h"

/* The owners of each partition as digits. */
static const char *
owners(enum klog_strategy strategy, int32_t partitions, int64_t before,
	size_t members)
{
	static char text[64];
	int32_t p;
	size_t i, n;

	for (p = 0; p < partitions; p++) {
		n = 0;
		text[p] = '-';
		for (i = 0; i < members; i++)
			if (klog_assigned(strategy, p, partitions, before, i,
				    members)) {
				text[p] = (char)('0' + i);
				n++;
			}
		if (n != 1)
			text[p] = '!';
	}
	text[partitions] = '\0';
	return text;
}

int
main(void)
{
	int32_t p;
	size_t m;
	int64_t before;
	int wrong = 0;

	is_str(owners(KLOG_RANGE, 6, 0, 3), "001122", "range: even");
	is_str(owners(KLOG_RANGE, 3, 0, 2), "001", "range: one more");
	is_str(owners(KLOG_RANGE, 2, 0, 3), "01", "range: one too many");
	is_str(owners(KLOG_RANGE, 7, 5, 3), "0001122",
		"range: each topic alone");
	is_str(owners(KLOG_ROUNDROBIN, 6, 0, 3), "012012", "roundrobin: even");
	is_str(owners(KLOG_ROUNDROBIN, 3, 0, 2), "010", "roundrobin: a topic");
	is_str(owners(KLOG_ROUNDROBIN, 3, 3, 2), "101", "and the one after it");
	for (p = 1; p < 20; p++)
		for (m = 1; m < 10; m++)
			for (before = 0; before < 5; before++) {
				wrong += strchr(owners(KLOG_RANGE, p, before,
							m),
						 '!') != NULL;
				wrong += strchr(owners(KLOG_ROUNDROBIN, p,
							before, m),
						 '!') != NULL;
			}
	is_int(wrong, 0, "each partition has one owner");
	return done();
}
