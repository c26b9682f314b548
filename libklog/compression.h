/*
 * The four codecs as Kafka frames them inside a batch: gzip (RFC 1952, by
 * ISA-L), snappy (xerial chunks; read raw too), lz4 (frames of independent
 * 64 KiB blocks), zstd (frames).  Bytes in, bytes out; no files.
 */
#ifndef KLOG_COMPRESSION_H
#define KLOG_COMPRESSION_H

#include "bytes.h"
#include "err.h"

enum klog_codec {
	KLOG_CODEC_NONE = 0,
	KLOG_CODEC_GZIP = 1,
	KLOG_CODEC_SNAPPY = 2,
	KLOG_CODEC_LZ4 = 3,
	KLOG_CODEC_ZSTD = 4
};

/* "none", "gzip" ... for 0 to 4, else NULL; and back, -1 if unknown. */
const char *klog_codec_name(int codec);
int klog_codec_find(const char *name);

/* Contexts that are kept from batch to batch; zero it to begin. */
struct klog_compressor {
	void *gzip;
	void *gunzip;
	void *snappy;
	void *lz4;
	void *unlz4;
	void *zstd;
	void *unzstd;
};
void klog_compressor_free(struct klog_compressor *c);

/*
 * Appends the compressed form of `in` to *out.  level is Kafka's
 * compression.CODEC.level; INT32_MIN is the codec's default, and levels that
 * the codec lacks are its nearest.  ISA-L has three for gzip: Kafka's 1 to 3
 * are its 1, -1 and 4 to 6 its 2, 7 to 9 its 3.  libsnappy is opened at run
 * time: KLOG_ESYSTEM with words where it is missing.
 */
int klog_compress(struct klog_compressor *c, enum klog_codec codec,
	int32_t level, struct klog_slice in, struct klog_buf *out,
	struct klog_err *err);

/*
 * Appends the decompressed form to *out, at most `limit` bytes of it, growing
 * *out as the bytes come and never from a size that the input claims.
 * KLOG_ECORRUPT for anything malformed, for trailing bytes after the end, for
 * more than limit.  zstd windows beyond 2^27 are refused.  After -1 *out has
 * its old size.
 */
int klog_decompress(struct klog_compressor *c, enum klog_codec codec,
	struct klog_slice in, size_t limit, struct klog_buf *out,
	struct klog_err *err);

/*
 * The same for lz4 in Kafka's message format 0, where clients wrote a wrong
 * checksum of the frame's header: as in Kafka, it may be anything.
 */
int klog_decompress_lz4_v0(struct klog_compressor *c, struct klog_slice in,
	size_t limit, struct klog_buf *out, struct klog_err *err);

#endif
