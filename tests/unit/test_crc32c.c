/* Known checksums, and every alignment against a bit-by-bit reference. */
#include <stdlib.h>

#include "hex.h"
#include "libklog/crc32c.h"
#include "tap.h"

static uint32_t
slowly(const uint8_t *p, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void
known(void)
{
	uint8_t zeros[32] = { 0 }, ones[32], up[32];

	for (size_t i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = (uint8_t)i;
	}
	is_int(klog_crc32c("", 0), 0, "nothing");
	is_int(klog_crc32c(NULL, 0), 0, "nothing, nowhere");
	is_int(klog_crc32c("a", 1), 0xc1d04330, "a");
	is_int(klog_crc32c("123456789", 9), 0xe3069283, "123456789");
	is_int(klog_crc32c(zeros, 32), 0x8a9136aa, "32 zeros, RFC 3720");
	is_int(klog_crc32c(ones, 32), 0x62a8ab43, "32 ones, RFC 3720");
	is_int(klog_crc32c(up, 32), 0x46dd794e, "0 to 31, RFC 3720");
}

static void
against_reference(void)
{
	uint8_t bytes[700];
	int wrong = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 131 + i / 7);
	for (size_t from = 0; from < 17; from++)
		for (size_t size = 0; size + from <= sizeof(bytes); size++)
			wrong += klog_crc32c(bytes + from, size) !=
				slowly(bytes + from, size);
	is_int(wrong, 0, "every size up to 700 at 17 alignments");
}

static void
of_a_line(void)
{
	char line[32] = "123456789", sum[KLOG_CRC32C_TEXT];

	klog_crc32c_text(sum, line, 9);
	is_str(sum, " e3069283", "as the last word of a line");
	memcpy(line + 9, sum, sizeof(sum));
	ok(klog_crc32c_cut(line), "it is found good");
	is_str(line, "123456789", "and the line is cut there");
	ok(!klog_crc32c_cut(line), "a line of one word has none");
	memcpy(line + 9, " e3069284", sizeof(sum));
	ok(!klog_crc32c_cut(line), "another one is not good");
	memcpy(line + 9, " E3069283", sizeof(sum));
	ok(!klog_crc32c_cut(line), "nor one in capitals");
	is_str(line, "123456789 E3069283", "and nothing is cut");
}

int
main(void)
{
	known();
	against_reference();
	of_a_line();
	return done();
}
