#include <stdlib.h>

#include "bytes.h"

int
klog_buf_reserve(struct klog_buf *buf, size_t more)
{
	size_t capacity = buf->capacity != 0 ? buf->capacity : 256;
	uint8_t *data;

	if (more <= buf->capacity - buf->size)
		return 0;
	if (more > SIZE_MAX / 4 - buf->size)
		return -1;
	while (capacity < buf->size + more)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (data == NULL)
		return -1;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

int
klog_buf_put(struct klog_buf *buf, const void *data, size_t size)
{
	if (klog_buf_reserve(buf, size) == -1)
		return -1;
	if (size > 0)
		memcpy(buf->data + buf->size, data, size);
	buf->size += size;
	return 0;
}

void
klog_buf_free(struct klog_buf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}

void *
klog_grow(void *list, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return list;
	return reallocarray(list, count == 0 ? 1 : 2 * count, size);
}
