/*
 * `.klog`, its two slots 4096 bytes apart: the input is two slots, a byte that
 * says whether their checksums and magic are mended, and two for how many
 * bytes the file lacks.  A state that is read is written and read the same.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "libklog/crc32c.h"
#include "libklog/state.h"

enum { SLOT = 512, SECOND = 4096, CRC_AT = 508 };

static uint8_t file[SECOND + SLOT];

static void
mend(uint8_t *slot)
{
	memcpy(slot, "klogst1\n", 8);
	klog_set_be32(slot + CRC_AT, klog_crc32c(slot, CRC_AT));
}

/* An empty file in memory. */
static int
empty(int *fd)
{
	if (*fd == -1)
		*fd = memfd_create("klog", MFD_CLOEXEC);
	must(*fd != -1 && ftruncate(*fd, 0) == 0);
	return *fd;
}

static void
write_again(const struct klog_state *state)
{
	struct klog_state want = *state, got;
	static int fd = -1;
	struct klog_err err;

	must(klog_state_write(empty(&fd), &want, &err) == 0);
	must(klog_state_read(fd, &got, &err) == 1);
	must(memcmp(&want, &got, sizeof(got)) == 0);
	must(want.sequence == state->sequence + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct klog_slice in = klog_slice_of(data, size);
	struct klog_slice slot;
	struct klog_state state;
	static int fd = -1;
	struct klog_err err;
	int got;

	memset(file, 0, sizeof(file));
	if (klog_take(&in, SLOT, &slot))
		memcpy(file, slot.data, SLOT);
	if (klog_take(&in, SLOT, &slot))
		memcpy(file + SECOND, slot.data, SLOT);
	if (fuzz_number(&in, 1) & 1) {
		mend(file);
		mend(file + SECOND);
	}
	/* what is left cuts the file short */
	must(pwrite(empty(&fd), file,
		     sizeof(file) - (size_t)fuzz_number(&in, 2) % sizeof(file),
		     0) != -1);
	memset(&state, 0, sizeof(state));
	got = klog_state_read(fd, &state, &err);
	must(got == 0 || got == 1);
	if (got == 1) {
		must(state.length >= 0 && state.length <= INT32_MAX);
		must(klog_recovery_floor(&state) >= 0);
		must(state.isr_count <= KLOG_ISR_MAX &&
			state.left_count <= KLOG_LEFT_MAX);
		write_again(&state);
	}
	return 0;
}
