/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes.
 *
 *   data [ used ........ | spare .... ]       0 <= len <= cap
 *         0            len           cap      data is NULL when cap is 0
 *
 * A zeroed struct ({0}) is an empty buffer. It owns its memory, which buf_free gives back. A
 * pointer into it is valid until the next function that appends or reserves. The capacity doubles,
 * so that appending takes constant time on average; the process ends when memory is out, so whoever
 * appends outsiders' bytes bounds them first. A buffer belongs to one thread at a time.
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stddef.h>
#include <string.h>

#include "common/base/str.h"

struct buf {
    char *data; /* The content; owned, and NULL before the first byte. */
    size_t len; /* The bytes in use. */
    size_t cap; /* The bytes that there is memory for. */
};

/* Gives the memory back; the buffer is empty afterwards and may be used again. */
void buf_free(struct buf *buf);

/* What buf_reserve does when there is not room enough. */
void buf_grow(struct buf *buf, size_t extra);

/* Makes room for `extra` more bytes and returns where they go. len does not change: the caller adds
 * to it what was written. Inline, as what follows: each text of each row comes by here. */
static inline char *buf_reserve(struct buf *buf, size_t extra)
{
    if (buf->cap - buf->len < extra) {
        buf_grow(buf, extra);
    }
    return buf->data + buf->len;
}

/* What is appended must not lie in the buffer itself, which may move. */
static inline void buf_append(struct buf *buf, const void *data, size_t len)
{
    if (len != 0) {
        memcpy(buf_reserve(buf, len), data, len);
        buf->len += len;
    }
}

static inline void buf_append_char(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->len++;
}

void buf_append_str(struct buf *buf, struct str text);
void buf_append_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the content, but keeps the memory. */
static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
}

/* The content, borrowed from the buffer; the empty string when there is none. */
static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data != NULL ? buf->data : "", buf->len};
}

/* The content as a C string. The terminating NUL is not counted in len, and the next byte that is
 * appended overwrites it. */
const char *buf_cstr(struct buf *buf);

/* Hands the memory over to the caller, who frees it with free(). It is NULL when nothing was ever
 * appended, and has no terminating NUL unless one was put there. The buffer is empty afterwards. */
char *buf_take(struct buf *buf);

#endif
