/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes.
 *
 *   data [ used ........ | spare .... ]
 *         0            len           cap
 *
 * Zero-initialise it ({0}); buf_free releases what it grew. `data` is NULL until the first byte.
 * Whoever appends outsiders' bytes bounds them first.
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stddef.h>

#include "common/base/str.h"

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_free(struct buf *buf);

/* Makes room for extra more bytes and returns where they go; len does not change. */
char *buf_reserve(struct buf *buf, size_t extra);

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_str(struct buf *buf, struct str text);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the content, keeps the memory. */
static inline void buf_clear(struct buf *buf)
{
    buf->len = 0;
}

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data != NULL ? buf->data : "", buf->len};
}

/* The content as a C string, valid until the next change. */
const char *buf_cstr(struct buf *buf);

/* Hands the memory over to the caller, who frees it; the buffer is empty afterwards. */
char *buf_take(struct buf *buf);

#endif
