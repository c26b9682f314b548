#include "codec.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_codec(KLOG_CODEC_SNAPPY, data, size);
}
