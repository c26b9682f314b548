/* Base64 (RFC 4648, with padding): how JSON carries bytes that are no text. */
#ifndef BASE64_H
#define BASE64_H

#include "libklog/bytes.h"

/* The bytes as text in *out, whose old content goes; -1 out of memory. */
int base64_encode(struct klog_slice bytes, struct klog_buf *out);

/* Appends the bytes of the text to *out: 1, 0 it is not base64 as encode
 * writes it, -1 out of memory. */
int base64_decode(struct klog_slice text, struct klog_buf *out);

#endif
