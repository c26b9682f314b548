/* A batch as it comes, its checksum looked at only to say whether it is good:
 * nearly every input is refused there, so its records are walked anyway. */
#include "records.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(klog_slice_of(data, size));
	struct klog_slice in = klog_slice_of(copy, size);
	struct klog_compressor c = { 0 };
	struct klog_batch batch;
	struct klog_err err;

	if (klog_batch_parse(in, &batch, &err) == 0) {
		must(batch.size > KLOG_BATCH_PREFIX);
		must(batch.base_offset >= 0 && batch.record_count >= -1);
		must(klog_batch_last_offset(&batch) >= batch.base_offset);
		(void)klog_batch_check(&batch, in);
		(void)walk_records(&batch, in, &c, NULL);
	} else {
		must(err.code == KLOG_ECORRUPT || err.code == KLOG_EREFUSED);
	}
	klog_compressor_free(&c);
	free(copy);
	return 0;
}
