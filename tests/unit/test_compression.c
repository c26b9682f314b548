/*
 * The codecs: there and back, appended to what is there, limits to the byte,
 * damage, and data that claims or unpacks to too much.
 */
#include <lz4frame.h>

#include "golden.h"
#include "hex.h"
#include "libklog/compression.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct klog_err err;
static struct klog_compressor c;

static struct klog_slice
view(const struct klog_buf *buf)
{
	return klog_slice_of(buf->data, buf->size);
}

/* Text that compresses, or noise that does not. */
static struct klog_slice
sample(size_t size, bool noise)
{
	uint8_t *data = malloc(size + 1);
	uint32_t x = 2463534242u;

	if (data == NULL)
		abort();
	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		data[i] = (uint8_t)(noise ? x >> 8 : 'a' + i / 5 % 20 + x % 2);
	}
	return klog_slice_of(data, size);
}

static bool
there_and_back(enum klog_codec codec, int32_t level, struct klog_slice in)
{
	struct klog_buf packed = { 0 }, out = { 0 };
	bool good;

	klog_buf_put(&packed, "before", 6);
	klog_buf_put(&out, "head", 4);
	good = klog_compress(&c, codec, level, in, &packed, &err) == 0 &&
		memcmp(packed.data, "before", 6) == 0 &&
		klog_decompress(&c, codec,
			klog_slice_of(packed.data + 6, packed.size - 6),
			in.size, &out, &err) == 0 &&
		memcmp(out.data, "head", 4) == 0 &&
		same_bytes(klog_slice_of(out.data + 4, out.size - 4), in);
	if (!good)
		printf("# %s\n", err.text);
	klog_buf_free(&packed);
	klog_buf_free(&out);
	return good;
}

static void
round_trips(int codec)
{
	static const size_t sizes[] = { 1, 2, 100, 32768, 32769, 65535, 65536,
		65537, 131072, 1000000 };
	static const int32_t levels[] = { INT32_MIN, -5, -1, 0, 1, 2, 3, 4, 6,
		7, 9, 12, 17, 22, 1000 };
	const char *name = klog_codec_name(codec);
	int wrong = 0;
	struct klog_slice in;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		for (int noise = 0; noise < 2; noise++) {
			in = sample(sizes[i], noise);
			wrong += !there_and_back(
				(enum klog_codec)codec, INT32_MIN, in);
			drop(in);
		}
	}
	is_int(wrong, 0, "%s: all sizes there and back", name);
	in = sample(20000, false);
	wrong = 0;
	for (size_t i = 0; i < COUNT(levels); i++)
		wrong += !there_and_back((enum klog_codec)codec, levels[i], in);
	is_int(wrong, 0, "%s: all levels there and back", name);
	drop(in);
}

static bool
unpacks(int codec, struct klog_slice packed, size_t limit, struct klog_buf *out)
{
	out->size = 0;
	err.code = KLOG_OK;
	return klog_decompress(&c, (enum klog_codec)codec, packed, limit, out,
		       &err) == 0;
}

static void
limits(int codec)
{
	static const size_t sizes[] = { 1, 100, 65535, 65536, 65537, 300000 };
	const char *name = klog_codec_name(codec);
	int wrong = 0, loose = 0;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct klog_buf packed = { 0 }, out = { 0 };
		struct klog_slice in = sample(sizes[i], false);

		klog_compress(&c, (enum klog_codec)codec, INT32_MIN, in,
			&packed, &err);
		wrong += !unpacks(codec, view(&packed), in.size, &out);
		wrong += out.size != in.size;
		loose += unpacks(codec, view(&packed), in.size - 1, &out) ||
			err.code != KLOG_ECORRUPT || out.size != 0;
		klog_buf_free(&packed);
		klog_buf_free(&out);
		drop(in);
	}
	is_int(wrong, 0, "%s: exactly the limit is unpacked", name);
	is_int(loose, 0, "%s: a byte more is refused, and nothing left", name);
}

/* Cuts, bytes after the end, flipped bits; in blocks of their exact size. */
static void
damage(int codec)
{
	const char *name = klog_codec_name(codec);
	struct klog_slice in = sample(700, false);
	struct klog_buf packed = { 0 }, out = { 0 };
	int taken = 0;

	klog_compress(&c, (enum klog_codec)codec, INT32_MIN, in, &packed, &err);
	for (size_t size = 0; size < packed.size; size++) {
		uint8_t *copy = copy_of(packed.data, size);

		/* xerial's frame has no end: none of its chunks is a cut */
		taken += unpacks(codec, klog_slice_of(copy, size), 1 << 20,
				 &out) &&
			!(codec == KLOG_CODEC_SNAPPY && out.size == 0);
		free(copy);
	}
	is_int(taken, 0, "%s: no cut is taken", name);
	taken = 0;
	for (size_t more = 1; more < 20; more++) {
		for (int byte = 0; byte < 256; byte += 85) {
			size_t size = packed.size + more;
			uint8_t *copy = malloc(size);

			if (copy == NULL)
				abort();
			memcpy(copy, packed.data, packed.size);
			memset(copy + packed.size, byte, more);
			taken += unpacks(codec, klog_slice_of(copy, size),
				1 << 20, &out);
			free(copy);
		}
	}
	is_int(taken, 0, "%s: no bytes after the end are taken", name);
	for (size_t bit = 0; bit < packed.size * 8; bit++) {
		uint8_t *copy = copy_of(packed.data, packed.size);

		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		unpacks(codec, klog_slice_of(copy, packed.size), 1 << 20, &out);
		free(copy);
	}
	ok(out.capacity <= 4 << 20, "%s: flipped bits do no harm", name);
	klog_buf_free(&packed);
	klog_buf_free(&out);
	drop(in);
}

static void
bomb(int codec)
{
	size_t size = (size_t)64 << 20;
	struct klog_buf packed = { 0 }, out = { 0 };
	uint8_t *zeros = calloc(1, size);

	if (zeros == NULL)
		abort();
	klog_compress(&c, (enum klog_codec)codec, INT32_MIN,
		klog_slice_of(zeros, size), &packed, &err);
	free(zeros);
	ok(!unpacks(codec, view(&packed), 1 << 20, &out) &&
			err.code == KLOG_ECORRUPT,
		"%s: a bomb of %zu bytes: %s", klog_codec_name(codec),
		packed.size, err.text);
	ok(out.capacity <= 4 << 20, "... and little memory");
	klog_buf_free(&packed);
	klog_buf_free(&out);
}

/* Refused, whatever it claims, without memory for it. */
static void
claims(int codec, const char *hex, const char *what)
{
	struct klog_slice packed = unhex(hex);
	struct klog_buf out = { 0 };

	ok(!unpacks(codec, packed, (size_t)1 << 40, &out) &&
			err.code == KLOG_ECORRUPT && out.capacity <= 1 << 20,
		"%s: %s", what, err.text);
	klog_buf_free(&out);
	drop(packed);
}

static void
all_claims(void)
{
	claims(KLOG_CODEC_SNAPPY, "ffffffff0f00", "raw block of 4 GiB");
	claims(KLOG_CODEC_SNAPPY,
		"82534e41505059000000000100000001"
		"00000006ffffffff0f00",
		"chunk of 4 GiB");
	claims(KLOG_CODEC_SNAPPY,
		"82534e41505059000000000100000001"
		"7fffffff0000",
		"chunk that runs past its end");
	claims(KLOG_CODEC_SNAPPY,
		"82534e41505059000000000100000001"
		"00000000",
		"chunk of nothing");
	claims(KLOG_CODEC_ZSTD, "28b52ffd0090010000", "window of 2^28");
	claims(KLOG_CODEC_ZSTD, "28b52ffd00f8010000", "window of 2^41");
	claims(KLOG_CODEC_ZSTD, "28b52ffde00000000000010000010000",
		"content of 2^40");
	claims(KLOG_CODEC_ZSTD, "502a4d1804000000ffffffff",
		"nothing but a skippable frame");
	claims(KLOG_CODEC_LZ4, "502a4d1804000000ffffffff",
		"nothing but a skippable frame");
	claims(KLOG_CODEC_LZ4,
		"04224d184070df"
		"ffffff7f",
		"block of 2 GiB");
}

/* ---- what others write ---- */

static struct klog_slice
golden_region(size_t i)
{
	struct klog_slice bytes = unhex(golden_compressed[i].hex);
	struct klog_slice region = klog_slice_of(
		copy_of(bytes.data + 61, bytes.size - 61), bytes.size - 61);

	drop(bytes);
	return region;
}

static const char records[] =
	"4e000000026b40"
	"6161616161616161616161616161616161616161616161616161616161616161"
	"004e000202026b40"
	"6161616161616161616161616161616161616161616161616161616161616161"
	"00";

static void
golden(void)
{
	static const enum klog_codec codecs[] = { KLOG_CODEC_GZIP,
		KLOG_CODEC_GZIP, KLOG_CODEC_SNAPPY, KLOG_CODEC_SNAPPY,
		KLOG_CODEC_LZ4, KLOG_CODEC_LZ4, KLOG_CODEC_ZSTD,
		KLOG_CODEC_ZSTD };
	struct klog_slice want = unhex(records), packed;
	struct klog_buf out = { 0 };

	for (size_t i = 0; i < COUNT(golden_compressed); i++) {
		packed = golden_region(i);
		ok(unpacks((int)codecs[i], packed, want.size, &out) &&
				same_bytes(view(&out), want),
			"read: %s", golden_compressed[i].name);
		drop(packed);
	}
	packed = golden_region(4);
	out.size = 0;
	klog_compress(&c, KLOG_CODEC_LZ4, INT32_MIN, want, &out, &err);
	ok(same_bytes(view(&out), packed), "lz4 as Kafka writes it");
	out.size = 0;
	klog_compress(&c, KLOG_CODEC_LZ4, 9, want, &out, &err);
	ok(same_bytes(view(&out), packed), "lz4 level 9 is Kafka's default");
	drop(packed);
	drop(want);
	klog_buf_free(&out);
}

/* Twice the same after each other: members of gzip, frames of zstd. */
static void
doubled(size_t i, int codec, bool want)
{
	struct klog_slice one = golden_region(i), records_once = unhex(records);
	struct klog_buf two = { 0 }, out = { 0 };
	bool good;

	klog_buf_put(&two, one.data, one.size);
	klog_buf_put(&two, one.data, one.size);
	good = unpacks(codec, view(&two), 1000, &out) &&
		out.size == 2 * records_once.size;
	is_int(good, want, "two after each other, %s", klog_codec_name(codec));
	klog_buf_free(&two);
	klog_buf_free(&out);
	drop(one);
	drop(records_once);
}

/* Kafka's reader refuses linked blocks; liblz4 reads them. */
static void
linked_lz4(void)
{
	struct klog_slice in = sample(300000, false);
	LZ4F_preferences_t preferences;
	struct klog_buf packed = { 0 }, out = { 0 };
	size_t bound;

	memset(&preferences, 0, sizeof(preferences));
	preferences.frameInfo.blockMode = LZ4F_blockLinked;
	preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
	bound = LZ4F_compressFrameBound(in.size, &preferences);
	if (klog_buf_reserve(&packed, bound) == -1)
		abort();
	packed.size = LZ4F_compressFrame(
		packed.data, bound, in.data, in.size, &preferences);
	ok(unpacks(KLOG_CODEC_LZ4, view(&packed), in.size, &out) &&
			same_bytes(view(&out), in),
		"lz4 with linked blocks");
	packed.data[packed.size - 1] ^= 1;
	ok(!unpacks(KLOG_CODEC_LZ4, view(&packed), in.size, &out),
		"its checksum of the content is verified");
	klog_buf_free(&packed);
	klog_buf_free(&out);
	drop(in);
}

/* Clients of Kafka's message format 0 wrote a wrong checksum of the header:
 * there, and only there, any will do; nothing else may be wrong. */
static void
broken_lz4(size_t golden_at, size_t checksum_at)
{
	struct klog_slice want = unhex(records);
	struct klog_slice frame = golden_region(golden_at);
	struct klog_slice whole = frame;
	uint8_t *checksum = (uint8_t *)(uintptr_t)frame.data + checksum_at;
	struct klog_buf out = { 0 };
	int read = 0, refused = 0;

	for (int add = 0; add < 256; add++, ++*checksum) {
		out.size = 0;
		read += klog_decompress_lz4_v0(
				&c, frame, want.size, &out, &err) == 0 &&
			same_bytes(view(&out), want);
		refused += !unpacks(KLOG_CODEC_LZ4, frame, want.size, &out);
	}
	is_int(read, 256, "read with any: %s",
		golden_compressed[golden_at].name);
	is_int(refused, 255, "read with one only, but in format 0");
	out.size = 3;
	for (frame.size = 0; frame.size < whole.size; frame.size++)
		read += klog_decompress_lz4_v0(
				&c, frame, want.size, &out, &err) == 0 ||
			err.code != KLOG_ECORRUPT || out.size != 3;
	is_int(read, 256, "and no cut");
	ok(klog_decompress_lz4_v0(&c, whole, want.size - 1, &out, &err) == -1 &&
			strstr(err.text, "more than") != NULL,
		"nor more than the limit");
	klog_buf_free(&out);
	drop(whole);
	drop(want);
}

/* What Kafka's reader wants of the frames: no content size, no checksum,
 * independent blocks of 64 KiB, xerial's chunks of 32 KiB. */
static void
framing(void)
{
	struct klog_slice in = sample(100000, true);
	struct klog_buf out = { 0 };

	klog_compress(&c, KLOG_CODEC_ZSTD, INT32_MIN, in, &out, &err);
	is_int(out.data[4] & 0xc4, 0, "zstd: no content size, no checksum");
	out.size = 0;
	klog_compress(&c, KLOG_CODEC_LZ4, INT32_MIN, in, &out, &err);
	ok(out.data[4] == 0x60 && out.data[5] == 0x40 && out.data[6] == 0x82,
		"lz4: independent blocks of 64 KiB");
	out.size = 0;
	klog_compress(&c, KLOG_CODEC_GZIP, INT32_MIN, in, &out, &err);
	ok(klog_get_be32(out.data) == 0x1f8b0800 &&
			klog_get_be32(out.data + 4) == 0,
		"gzip: no name, no time");
	out.size = 0;
	klog_compress(&c, KLOG_CODEC_SNAPPY, INT32_MIN, in, &out, &err);
	ok(klog_get_be32(out.data) == 0x82534e41 && out.data[20] == 0x80 &&
			out.data[21] == 0x80 && out.data[22] == 2,
		"snappy: chunks of 32 KiB");
	klog_buf_free(&out);
	drop(in);
}

static void
names(void)
{
	for (int i = 0; i <= KLOG_CODEC_ZSTD; i++)
		is_int(klog_codec_find(klog_codec_name(i)), i, "%s",
			klog_codec_name(i));
	ok(klog_codec_name(5) == NULL && klog_codec_name(-1) == NULL,
		"no other codec");
	is_int(klog_codec_find("brotli"), -1, "no brotli");
}

int
main(void)
{
	names();
	for (int codec = KLOG_CODEC_GZIP; codec <= KLOG_CODEC_ZSTD; codec++) {
		round_trips(codec);
		limits(codec);
		damage(codec);
		bomb(codec);
	}
	all_claims();
	golden();
	doubled(0, KLOG_CODEC_GZIP, true);
	doubled(6, KLOG_CODEC_ZSTD, true);
	doubled(4, KLOG_CODEC_LZ4, false);
	linked_lz4();
	broken_lz4(4, 6);
	broken_lz4(5, 14);
	framing();
	klog_compressor_free(&c);
	ok(there_and_back(KLOG_CODEC_SNAPPY, INT32_MIN, slice("again")),
		"a freed compressor begins anew");
	klog_compressor_free(&c);
	return done();
}
