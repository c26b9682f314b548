#include <dlfcn.h>
#include <isa-l/igzip_lib.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "compression.h"

/* Output grows by at least this, and by at most what is there already. */
#define STEP ((size_t)64 << 10)
#define STEP_MAX ((size_t)1 << 30) /* igzip counts in uint32_t */

static const char *const names[] = { "none", "gzip", "snappy", "lz4", "zstd" };

const char *
klog_codec_name(int codec)
{
	return codec >= KLOG_CODEC_NONE && codec <= KLOG_CODEC_ZSTD
		? names[codec]
		: NULL;
}

int
klog_codec_find(const char *name)
{
	for (int i = KLOG_CODEC_NONE; i <= KLOG_CODEC_ZSTD; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static int
malformed(struct klog_err *err, const char *codec)
{
	return klog_fail(err, KLOG_ECORRUPT, "malformed %s data", codec);
}

static int
cut_short(struct klog_err *err, const char *codec)
{
	return klog_fail(err, KLOG_ECORRUPT, "%s data is cut short", codec);
}

static int
over_limit(struct klog_err *err, size_t limit)
{
	return klog_fail(err, KLOG_ECORRUPT,
		"compressed data unpacks to more than %zu bytes", limit);
}

static int
refused(struct klog_err *err, const char *codec, const char *why)
{
	return klog_fail(err, KLOG_ESYSTEM, "%s: %s", codec, why);
}

/*
 * Makes room for more output behind out->size and answers how much, 0 when
 * that failed.  One byte more than the limit is offered: who writes it has
 * passed the limit, and who ends exactly at the limit still has room to see
 * the end of its input.
 */
static size_t
make_room(
	struct klog_buf *out, size_t start, size_t limit, struct klog_err *err)
{
	size_t used = out->size - start, left, room;

	if (used > limit) {
		over_limit(err, limit);
		return 0;
	}
	left = limit - used < STEP_MAX ? limit - used + 1 : STEP_MAX;
	if (out->capacity - out->size < left &&
		out->capacity - out->size < STEP) {
		size_t step = used > STEP ? used : STEP;

		if (klog_buf_reserve(out, step < left ? step : left) == -1) {
			klog_fail_memory(err);
			return 0;
		}
	}
	room = out->capacity - out->size;
	return room < left ? room : left;
}

/* ---- gzip ---- */

struct gzip {
	struct isal_zstream stream;
	uint8_t work[ISAL_DEF_LVL3_DEFAULT];
};

static uint32_t
gzip_level(int32_t level)
{
	if (level >= 7)
		return 3;
	return level >= 1 && level <= 3 ? 1 : 2;
}

static int
gzip_compress(struct klog_compressor *c, int32_t level, struct klog_slice in,
	struct klog_buf *out, struct klog_err *err)
{
	struct gzip *gzip = c->gzip;
	struct isal_zstream *stream;
	size_t start = out->size, room;

	if (gzip == NULL)
		gzip = c->gzip = malloc(sizeof(*gzip));
	if (gzip == NULL)
		return klog_fail_memory(err);
	stream = &gzip->stream;
	isal_deflate_init(stream);
	stream->level = gzip_level(level);
	stream->level_buf = gzip->work;
	stream->level_buf_size = sizeof(gzip->work);
	stream->gzip_flag = IGZIP_GZIP;
	stream->end_of_stream = 1;
	/* ISA-L reads only, but forgot the const. */
	memcpy(&stream->next_in, &in.data, sizeof(stream->next_in));
	stream->avail_in = (uint32_t)in.size;
	while (stream->internal_state.state != ZSTATE_END) {
		room = make_room(out, start, SIZE_MAX - 1, err);
		if (room == 0)
			return -1;
		stream->next_out = out->data + out->size;
		stream->avail_out = (uint32_t)room;
		if (isal_deflate(stream) != COMP_OK)
			return refused(err, "gzip", "cannot compress");
		out->size += room - stream->avail_out;
	}
	return 0;
}

/* One member off the front of *in. */
static int
gunzip_member(struct inflate_state *state, struct klog_slice *in, size_t start,
	size_t limit, struct klog_buf *out, struct klog_err *err)
{
	size_t room;

	isal_inflate_init(state);
	state->crc_flag = ISAL_GZIP;
	memcpy(&state->next_in, &in->data, sizeof(state->next_in));
	state->avail_in = (uint32_t)in->size;
	do {
		room = make_room(out, start, limit, err);
		if (room == 0)
			return -1;
		state->next_out = out->data + out->size;
		state->avail_out = (uint32_t)room;
		if (isal_inflate(state) != ISAL_DECOMP_OK)
			return malformed(err, "gzip");
		out->size += room - state->avail_out;
		if (state->block_state == ISAL_BLOCK_FINISH) {
			in->data += in->size - state->avail_in;
			in->size = state->avail_in;
			return 0;
		}
	} while (state->avail_out == 0 || state->avail_in > 0);
	return cut_short(err, "gzip");
}

/* As gunzip(1) and Java do: one member after the other. */
static int
gzip_decompress(struct klog_compressor *c, struct klog_slice in, size_t limit,
	struct klog_buf *out, struct klog_err *err)
{
	size_t start = out->size;

	if (c->gunzip == NULL)
		c->gunzip = malloc(sizeof(struct inflate_state));
	if (c->gunzip == NULL)
		return klog_fail_memory(err);
	while (in.size > 0)
		if (gunzip_member(c->gunzip, &in, start, limit, out, err) == -1)
			return -1;
	return out->size - start > limit ? over_limit(err, limit) : 0;
}

/* ---- snappy ---- */

#define XERIAL_HEADER 16
#define XERIAL_CHUNK ((size_t)32 << 10)

static const uint8_t xerial[XERIAL_HEADER] = { 0x82, 'S', 'N', 'A', 'P', 'P',
	'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1 };

/* The C interface of libsnappy: 0 is good. */
struct snappy {
	void *library;
	int (*compress)(const char *, size_t, char *, size_t *);
	int (*uncompress)(const char *, size_t, char *, size_t *);
	size_t (*max_compressed_length)(size_t);
	int (*uncompressed_length)(const char *, size_t, size_t *);
};

static bool
find_symbol(void *library, const char *name, void *function, size_t size)
{
	void *symbol = dlsym(library, name);

	/* ISO C has no cast from void * to a function, POSIX has the bytes. */
	memcpy(function, &symbol, size);
	return symbol != NULL;
}

#define FIND(s, name)                                                          \
	find_symbol(                                                           \
		(s)->library, "snappy_" #name, &(s)->name, sizeof((s)->name))

static struct snappy *
snappy_open(struct klog_compressor *c, struct klog_err *err)
{
	struct snappy *s = c->snappy;

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		klog_fail_memory(err);
		return NULL;
	}
	s->library = dlopen("libsnappy.so.1", RTLD_NOW | RTLD_LOCAL);
	if (s->library == NULL) {
		free(s);
		refused(err, "snappy",
			"libsnappy.so.1 is not installed, and this data needs "
			"it");
		return NULL;
	}
	if (!FIND(s, compress) || !FIND(s, uncompress) ||
		!FIND(s, max_compressed_length) ||
		!FIND(s, uncompressed_length)) {
		dlclose(s->library);
		free(s);
		refused(err, "snappy", "libsnappy.so.1 lacks its C functions");
		return NULL;
	}
	return c->snappy = s;
}

static int
snappy_compress_chunk(const struct snappy *s, struct klog_slice in,
	struct klog_buf *out, struct klog_err *err)
{
	size_t size = s->max_compressed_length(in.size);
	uint8_t *length;

	if (klog_buf_reserve(out, 4 + size) == -1)
		return klog_fail_memory(err);
	length = out->data + out->size;
	if (s->compress((const char *)in.data, in.size, (char *)length + 4,
		    &size) != 0)
		return refused(err, "snappy", "cannot compress");
	klog_set_be32(length, (uint32_t)size);
	out->size += 4 + size;
	return 0;
}

static int
snappy_compress_all(struct klog_compressor *c, struct klog_slice in,
	struct klog_buf *out, struct klog_err *err)
{
	struct snappy *s = snappy_open(c, err);
	struct klog_slice chunk;

	if (s == NULL)
		return -1;
	if (klog_buf_put(out, xerial, sizeof(xerial)) == -1)
		return klog_fail_memory(err);
	while (klog_take(&in, in.size < XERIAL_CHUNK ? in.size : XERIAL_CHUNK,
		       &chunk) &&
		chunk.size > 0)
		if (snappy_compress_chunk(s, chunk, out, err) == -1)
			return -1;
	return 0;
}

static int
snappy_decompress_block(const struct snappy *s, struct klog_slice in,
	size_t start, size_t limit, struct klog_buf *out, struct klog_err *err)
{
	size_t size;

	if (s->uncompressed_length((const char *)in.data, in.size, &size) != 0)
		return malformed(err, "snappy");
	/* Three bytes make at most 64: a block that claims more is none. */
	if (size / 22 > in.size)
		return malformed(err, "snappy");
	if (size > limit - (out->size - start))
		return over_limit(err, limit);
	if (klog_buf_reserve(out, size + 1) == -1)
		return klog_fail_memory(err);
	if (s->uncompress((const char *)in.data, in.size,
		    (char *)out->data + out->size, &size) != 0)
		return malformed(err, "snappy");
	out->size += size;
	return 0;
}

/* xerial's frame of chunks; librdkafka's plain block has no frame. */
static int
snappy_decompress(struct klog_compressor *c, struct klog_slice in, size_t limit,
	struct klog_buf *out, struct klog_err *err)
{
	struct snappy *s = snappy_open(c, err);
	size_t start = out->size;
	struct klog_slice chunk;
	uint32_t size;

	if (s == NULL)
		return -1;
	if (in.size < XERIAL_HEADER || memcmp(in.data, xerial, 8) != 0)
		return snappy_decompress_block(s, in, start, limit, out, err);
	klog_take(&in, XERIAL_HEADER, &chunk);
	while (in.size > 0) {
		if (!klog_take_be32(&in, &size) ||
			!klog_take(&in, size, &chunk))
			return cut_short(err, "snappy");
		if (snappy_decompress_block(s, chunk, start, limit, out, err) ==
			-1)
			return -1;
	}
	return 0;
}

/* ---- lz4 ---- */

/*
 * Kafka's default, 9, is the fast compressor: only another level makes it use
 * the thorough one, which liblz4 begins with at 3.
 */
#define LZ4_DEFAULT 9

static int
lz4_compress(struct klog_compressor *c, int32_t level, struct klog_slice in,
	struct klog_buf *out, struct klog_err *err)
{
	LZ4F_preferences_t wanted;
	size_t bound, n;
	LZ4F_cctx *lz4;
	uint8_t *p;

	memset(&wanted, 0, sizeof(wanted));
	wanted.frameInfo.blockSizeID = LZ4F_max64KB;
	wanted.frameInfo.blockMode = LZ4F_blockIndependent;
	wanted.autoFlush = 1;
	if (level != INT32_MIN && level != LZ4_DEFAULT)
		wanted.compressionLevel = level;
	if (c->lz4 == NULL) {
		if (LZ4F_isError(
			    LZ4F_createCompressionContext(&lz4, LZ4F_VERSION)))
			return klog_fail_memory(err);
		c->lz4 = lz4;
	}
	lz4 = c->lz4;
	bound = LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(in.size, &wanted);
	if (klog_buf_reserve(out, bound) == -1)
		return klog_fail_memory(err);
	p = out->data + out->size;
	n = LZ4F_compressBegin(lz4, p, bound, &wanted);
	if (LZ4F_isError(n))
		return refused(err, "lz4", LZ4F_getErrorName(n));
	p += n;
	bound -= n;
	n = LZ4F_compressUpdate(lz4, p, bound, in.data, in.size, NULL);
	if (LZ4F_isError(n))
		return refused(err, "lz4", LZ4F_getErrorName(n));
	p += n;
	bound -= n;
	n = LZ4F_compressEnd(lz4, p, bound, NULL);
	if (LZ4F_isError(n))
		return refused(err, "lz4", LZ4F_getErrorName(n));
	out->size = (size_t)(p + n - out->data);
	return 0;
}

static bool
lz4_begins(struct klog_slice in)
{
	static const uint8_t magic[] = { 0x04, 0x22, 0x4d, 0x18 };

	/* liblz4 would take a skippable frame for an empty one. */
	return in.size > sizeof(magic) &&
		memcmp(in.data, magic, sizeof(magic)) == 0;
}

/* A context at the beginning of a frame, NULL out of memory. */
static LZ4F_dctx *
lz4_open(struct klog_compressor *c, struct klog_err *err)
{
	LZ4F_dctx *lz4;

	if (c->unlz4 == NULL) {
		if (LZ4F_isError(LZ4F_createDecompressionContext(
			    &lz4, LZ4F_VERSION))) {
			klog_fail_memory(err);
			return NULL;
		}
		c->unlz4 = lz4;
	}
	LZ4F_resetDecompressionContext(c->unlz4);
	return c->unlz4;
}

/* To the end of the frame, no bytes after it; liblz4 also reads linked
 * blocks. */
static int
lz4_finish(LZ4F_dctx *lz4, struct klog_slice in, size_t limit,
	struct klog_buf *out, struct klog_err *err)
{
	size_t start = out->size, hint, room, made, taken;

	do {
		room = make_room(out, start, limit, err);
		if (room == 0)
			return -1;
		made = room;
		taken = in.size;
		hint = LZ4F_decompress(lz4, out->data + out->size, &made,
			in.data, &taken, NULL);
		if (LZ4F_isError(hint))
			return malformed(err, "lz4");
		out->size += made;
		in.data += taken;
		in.size -= taken;
		if (hint != 0 && made < room && in.size == 0)
			return cut_short(err, "lz4");
	} while (hint != 0);
	if (in.size > 0)
		return klog_fail(err, KLOG_ECORRUPT,
			"%zu bytes after the end of lz4 data", in.size);
	return out->size - start > limit ? over_limit(err, limit) : 0;
}

static int
lz4_decompress(struct klog_compressor *c, struct klog_slice in, size_t limit,
	struct klog_buf *out, struct klog_err *err)
{
	LZ4F_dctx *lz4;

	if (!lz4_begins(in))
		return malformed(err, "lz4");
	lz4 = lz4_open(c, err);
	return lz4 != NULL ? lz4_finish(lz4, in, limit, out, err) : -1;
}

/* ---- lz4 with a wrong checksum of the frame's header ---- */

#define LZ4_DESCRIPTOR 4          /* where it begins, behind the magic */
#define LZ4_DESCRIPTOR_MAX 14     /* flags, block size, size, dictionary */
#define LZ4_HAS_CONTENT_SIZE 0x08 /* of the flags: eight bytes more */
#define LZ4_HAS_DICTIONARY 0x01   /* four more */

static uint32_t
rotate(uint32_t v, int by)
{
	return v << by | v >> (32 - by);
}

/* xxHash32 with seed 0 of less than 16 bytes; liblz4 does not lend its own. */
static uint32_t
xxhash_short(struct klog_slice in)
{
	const uint32_t prime[] = { 2654435761U, 2246822519U, 3266489917U,
		668265263U, 374761393U };
	uint32_t h = prime[4] + (uint32_t)in.size;
	struct klog_slice word;

	while (klog_take(&in, 4, &word)) {
		uint32_t v = (uint32_t)word.data[0] |
			(uint32_t)word.data[1] << 8 |
			(uint32_t)word.data[2] << 16 |
			(uint32_t)word.data[3] << 24;

		h = rotate(h + v * prime[2], 17) * prime[3];
	}
	while (klog_take(&in, 1, &word))
		h = rotate(h + word.data[0] * prime[4], 11) * prime[0];
	h = (h ^ h >> 15) * prime[1];
	h = (h ^ h >> 13) * prime[2];
	return h ^ h >> 16;
}

/* Hands liblz4 a mended copy of the header, then the rest as it is. */
static int
lz4_decompress_v0(struct klog_compressor *c, struct klog_slice in, size_t limit,
	struct klog_buf *out, struct klog_err *err)
{
	uint8_t header[LZ4_DESCRIPTOR + LZ4_DESCRIPTOR_MAX + 1];
	size_t size = LZ4_DESCRIPTOR + 2, made = 0, taken;
	struct klog_slice front;
	LZ4F_dctx *lz4;

	if (!lz4_begins(in))
		return malformed(err, "lz4");
	if (in.data[LZ4_DESCRIPTOR] & LZ4_HAS_CONTENT_SIZE)
		size += 8;
	if (in.data[LZ4_DESCRIPTOR] & LZ4_HAS_DICTIONARY)
		size += 4;
	if (!klog_take(&in, size + 1, &front))
		return cut_short(err, "lz4");
	memcpy(header, front.data, size);
	header[size] = (uint8_t)(xxhash_short(
					 klog_slice_of(header + LZ4_DESCRIPTOR,
						 size - LZ4_DESCRIPTOR)) >>
		8);
	lz4 = lz4_open(c, err);
	if (lz4 == NULL)
		return -1;
	taken = size + 1;
	if (LZ4F_isError(
		    LZ4F_decompress(lz4, header, &made, header, &taken, NULL)))
		return malformed(err, "lz4");
	return lz4_finish(lz4, in, limit, out, err);
}

/* ---- zstd ---- */

#define ZSTD_WINDOW_MAX ((uint64_t)1 << 27)

static int
zstd_compress(struct klog_compressor *c, int32_t level, struct klog_slice in,
	struct klog_buf *out, struct klog_err *err)
{
	size_t bound = ZSTD_compressBound(in.size), n;
	ZSTD_CCtx *zstd = c->zstd;

	if (level == INT32_MIN)
		level = ZSTD_CLEVEL_DEFAULT;
	if (level < ZSTD_minCLevel())
		level = ZSTD_minCLevel();
	if (level > ZSTD_maxCLevel())
		level = ZSTD_maxCLevel();
	if (zstd == NULL)
		zstd = c->zstd = ZSTD_createCCtx();
	if (zstd == NULL || klog_buf_reserve(out, bound) == -1)
		return klog_fail_memory(err);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 0);
	n = ZSTD_compress2(
		zstd, out->data + out->size, bound, in.data, in.size);
	if (ZSTD_isError(n))
		return refused(err, "zstd", ZSTD_getErrorName(n));
	out->size += n;
	return 0;
}

/* The window that a frame asks for, RFC 8878, 3.1.1.1; 0: not a frame. */
static uint64_t
zstd_window(struct klog_slice frame)
{
	static const uint8_t magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	uint64_t base;
	uint8_t window;

	if (frame.size < 6 || memcmp(frame.data, magic, sizeof(magic)) != 0)
		return 0;
	if (frame.data[4] & 0x20)
		return 1; /* a single segment: its window is its content */
	window = frame.data[5];
	base = (uint64_t)1 << (10 + (window >> 3));
	return base + base / 8 * (window & 7);
}

/* Walks the frames: each is whole, zstd's own and of a modest window. */
static int
check_frames(struct klog_slice in, struct klog_err *err)
{
	struct klog_slice frame;

	if (in.size == 0)
		return cut_short(err, "zstd");
	while (in.size > 0) {
		uint64_t window = zstd_window(in);
		size_t size = ZSTD_findFrameCompressedSize(in.data, in.size);

		if (window == 0 || ZSTD_isError(size))
			return malformed(err, "zstd");
		if (window > ZSTD_WINDOW_MAX)
			return klog_fail(err, KLOG_ECORRUPT,
				"zstd data with a window of %ju bytes",
				(uintmax_t)window);
		if (!klog_take(&in, size, &frame))
			return malformed(err, "zstd");
	}
	return 0;
}

/*
 * In one go into the output, so that no window is set aside, whatever the
 * frame asks for; when the room was too small, again with twice of it.
 */
static int
zstd_decompress(struct klog_compressor *c, struct klog_slice in, size_t limit,
	struct klog_buf *out, struct klog_err *err)
{
	ZSTD_DCtx *zstd = c->unzstd;
	size_t room = out->capacity - out->size, n;

	if (check_frames(in, err) == -1)
		return -1;
	if (zstd == NULL)
		zstd = c->unzstd = ZSTD_createDCtx();
	if (zstd == NULL)
		return klog_fail_memory(err);
	if (room < STEP)
		room = STEP;
	for (;;) {
		if (room > limit)
			room = limit;
		if (klog_buf_reserve(out, room + 1) == -1)
			return klog_fail_memory(err);
		n = ZSTD_decompressDCtx(
			zstd, out->data + out->size, room, in.data, in.size);
		if (!ZSTD_isError(n))
			break;
		if (ZSTD_getErrorCode(n) != ZSTD_error_dstSize_tooSmall)
			return malformed(err, "zstd");
		if (room == limit)
			return over_limit(err, limit);
		room = room <= SIZE_MAX / 4 ? room * 2 : limit;
	}
	out->size += n;
	return 0;
}

/* ---- all ---- */

void
klog_compressor_free(struct klog_compressor *c)
{
	struct snappy *snappy = c->snappy;

	free(c->gzip);
	free(c->gunzip);
	if (snappy != NULL)
		dlclose(snappy->library);
	free(snappy);
	LZ4F_freeCompressionContext(c->lz4);
	LZ4F_freeDecompressionContext(c->unlz4);
	ZSTD_freeCCtx(c->zstd);
	ZSTD_freeDCtx(c->unzstd);
	memset(c, 0, sizeof(*c));
}

int
klog_compress(struct klog_compressor *c, enum klog_codec codec, int32_t level,
	struct klog_slice in, struct klog_buf *out, struct klog_err *err)
{
	if (in.size > INT32_MAX)
		return klog_fail(err, KLOG_ETOOLARGE,
			"%zu bytes to compress, more than a batch holds",
			in.size);
	switch (codec) {
	case KLOG_CODEC_NONE:
		return klog_buf_put(out, in.data, in.size) == -1
			? klog_fail_memory(err)
			: 0;
	case KLOG_CODEC_GZIP:
		return gzip_compress(c, level, in, out, err);
	case KLOG_CODEC_SNAPPY:
		return snappy_compress_all(c, in, out, err);
	case KLOG_CODEC_LZ4:
		return lz4_compress(c, level, in, out, err);
	case KLOG_CODEC_ZSTD:
		return zstd_compress(c, level, in, out, err);
	}
	return klog_fail(err, KLOG_EUSAGE, "unknown codec %d", (int)codec);
}

static int
decompress(struct klog_compressor *c, enum klog_codec codec,
	struct klog_slice in, size_t limit, struct klog_buf *out,
	struct klog_err *err)
{
	if (in.size > INT32_MAX)
		return klog_fail(err, KLOG_ECORRUPT,
			"%zu bytes to decompress, more than a batch holds",
			in.size);
	if (in.size == 0 && codec != KLOG_CODEC_NONE)
		return klog_fail(err, KLOG_ECORRUPT, "no compressed data");
	switch (codec) {
	case KLOG_CODEC_NONE:
		if (in.size > limit)
			return over_limit(err, limit);
		return klog_buf_put(out, in.data, in.size) == -1
			? klog_fail_memory(err)
			: 0;
	case KLOG_CODEC_GZIP:
		return gzip_decompress(c, in, limit, out, err);
	case KLOG_CODEC_SNAPPY:
		return snappy_decompress(c, in, limit, out, err);
	case KLOG_CODEC_LZ4:
		return lz4_decompress(c, in, limit, out, err);
	case KLOG_CODEC_ZSTD:
		return zstd_decompress(c, in, limit, out, err);
	}
	return klog_fail(err, KLOG_ECORRUPT, "unknown codec %d", (int)codec);
}

int
klog_decompress_lz4_v0(struct klog_compressor *c, struct klog_slice in,
	size_t limit, struct klog_buf *out, struct klog_err *err)
{
	size_t start = out->size;

	if (lz4_decompress_v0(c, in, limit, out, err) == -1) {
		out->size = start;
		return -1;
	}
	return 0;
}

int
klog_decompress(struct klog_compressor *c, enum klog_codec codec,
	struct klog_slice in, size_t limit, struct klog_buf *out,
	struct klog_err *err)
{
	size_t start = out->size;

	if (decompress(c, codec, in, limit, out, err) == -1) {
		out->size = start;
		return -1;
	}
	return 0;
}
