/* Varints: known bytes, what is refused, and the seams between the inline
 * part and the rest. */
#include "hex.h"
#include "libklog/varint.h"
#include "tap.h"

static const struct {
	int64_t value;
	const char *hex;
} known[] = {
	{ 0, "00" },
	{ -1, "01" },
	{ 1, "02" },
	{ -2, "03" },
	{ 63, "7e" },
	{ -64, "7f" },
	{ 64, "8001" },
	{ -65, "8101" },
	{ 300, "d804" },
	{ 8191, "fe7f" },
	{ -8192, "ff7f" },
	{ 8192, "808001" },
	{ -86369998, "9b9baf52" },
	{ INT32_MAX, "feffffff0f" },
	{ INT32_MIN, "ffffffff0f" },
	{ 1700000000000, "80a0abfef962" },
	{ INT64_MAX, "feffffffffffffffff01" },
	{ INT64_MIN, "ffffffffffffffffff01" },
};

static void
check_known(int64_t value, const char *hex)
{
	struct klog_slice want = unhex(hex), in = want;
	uint8_t out[KLOG_VARLONG_MAX];
	int64_t v64 = 0;
	int32_t v32 = 0;
	size_t size = (size_t)(klog_varlong_put(out, value) - out);
	bool good = same_bytes(klog_slice_of(out, size), want) &&
		klog_varlong_size(value) == size &&
		klog_take_varlong(&in, &v64) && v64 == value && in.size == 0;

	ok(good, "varlong %" PRId64 " is %s", value, hex);
	if (value >= INT32_MIN && value <= INT32_MAX) {
		in = want;
		size = (size_t)(klog_varint_put(out, (int32_t)value) - out);
		ok(same_bytes(klog_slice_of(out, size), want) &&
				klog_varint_size((int32_t)value) == size &&
				klog_take_varint(&in, &v32) && v32 == value &&
				in.size == 0,
			"varint %" PRId64 " is %s", value, hex);
	}
	in = klog_slice_of(want.data, want.size - 1);
	good = !klog_take_varlong(&in, &v64) && in.size == want.size - 1 &&
		!klog_take_varint(&in, &v32) && in.size == want.size - 1;
	ok(good, "%s cut by a byte is refused and left alone", hex);
	drop(want);
}

static void
check_refused(const char *hex, bool is_varint, bool is_varlong)
{
	struct klog_slice bytes = unhex(hex), in = bytes;
	int64_t v64;
	int32_t v32;

	is_int(klog_take_varint(&in, &v32), is_varint, "%s as a varint", hex);
	in = bytes;
	is_int(klog_take_varlong(&in, &v64), is_varlong, "%s as a varlong",
		hex);
	drop(bytes);
}

/* Around every power of two, where the number of groups may change. */
static void
check_seams(void)
{
	int wrong = 0;

	for (int bit = 0; bit < 63; bit++) {
		for (int64_t d = -2; d <= 2; d++) {
			int64_t value = ((int64_t)1 << bit) + d, back = 0;
			uint8_t out[16];
			struct klog_slice in;
			size_t size;

			for (int sign = 0; sign < 2; sign++) {
				value = -value;
				size = (size_t)(klog_varlong_put(out, value) -
					out);
				in = klog_slice_of(out, size);
				wrong += size != klog_varlong_size(value) ||
					!klog_take_varlong(&in, &back) ||
					back != value || in.size != 0;
			}
		}
	}
	is_int(wrong, 0, "both ways around every power of two");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		check_known(known[i].value, known[i].hex);
	check_refused("", false, false);
	check_refused("80", false, false);
	check_refused("8000", true, true); /* longer than needed */
	check_refused("8080808000", true, true);
	check_refused("ffffffff1f", false, true); /* 33 bits */
	check_refused("808080808000", false, true);
	check_refused("ffffffffffffffffff02", false, false); /* 65 bits */
	check_refused("8080808080808080808000", false, false);
	check_refused("ffffffffffffffffffffff", false, false);
	check_seams();
	return done();
}
