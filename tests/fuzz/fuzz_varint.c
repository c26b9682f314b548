/* Varints: what is taken is put again as the same number in no more bytes,
 * and the short way knows what the long one knows. */
#include "fuzz.h"
#include "libklog/varint.h"

static void
take_long(struct klog_slice in)
{
	struct klog_slice rest = in, again;
	uint8_t bytes[KLOG_VARLONG_MAX];
	int64_t v, w;

	if (!klog_take_varlong(&rest, &v)) {
		must(fuzz_same(rest, in) && rest.data == in.data);
		return;
	}
	must(in.size - rest.size <= KLOG_VARLONG_MAX);
	again = klog_slice_of(
		bytes, (size_t)(klog_varlong_put(bytes, v) - bytes));
	must(again.size == klog_varlong_size(v));
	must(again.size <= in.size - rest.size);
	must(klog_take_varlong(&again, &w) && w == v && again.size == 0);
}

static void
take_int(struct klog_slice in)
{
	struct klog_slice rest = in, same = in;
	int64_t w;
	int32_t v;

	if (!klog_take_varint(&rest, &v)) {
		must(fuzz_same(rest, in) && rest.data == in.data);
		return;
	}
	must(in.size - rest.size <= KLOG_VARINT_MAX);
	must(klog_take_varlong(&same, &w) && w == v && same.size == rest.size);
	must(klog_varint_size(v) <= in.size - rest.size);
}

static void
take_short(struct klog_slice in)
{
	struct klog_slice rest = in;
	const uint8_t *end;
	uint32_t zigzag;
	int64_t v;

	if (in.size < 3)
		return;
	end = klog_get_short(in.data, &zigzag);
	if (end == NULL)
		return;
	must(klog_take_varlong(&rest, &v));
	must(rest.data == end && v == klog_unzigzag(zigzag));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i <= size && i < 32; i++) {
		struct klog_slice in = klog_slice_of(data + i, size - i);

		take_long(in);
		take_int(in);
		take_short(in);
	}
	return 0;
}
