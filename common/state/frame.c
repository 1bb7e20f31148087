/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/frame.h"

#include <endian.h>
#include <string.h>

#include "common/base/fnv.h"

#define MAGIC "TILEWIRE"
#define HEADER_BYTES 32
#define FORMAT_MAX 255 /* what is above it is no number of a format but damage */

static void put_u64(struct buf *out, uint64_t number)
{
    const uint64_t little = htole64(number);
    buf_append(out, &little, sizeof little);
}

static uint64_t get_u64(const char *bytes)
{
    uint64_t little;
    memcpy(&little, bytes, sizeof little);
    return le64toh(little);
}

void frame_wrap(struct buf *out, enum frame_format format, struct str bytes)
{
    buf_append_text(out, MAGIC);
    put_u64(out, format);
    put_u64(out, bytes.len);
    put_u64(out, fnv1a(FNV_BEGIN, bytes));
    buf_append_str(out, bytes);
}

int frame_unwrap(struct str framed, enum frame_format *format, struct str *bytes, struct error *err)
{
    if (framed.len < HEADER_BYTES || memcmp(framed.p, MAGIC, 8) != 0) {
        return error_set(err, STATUS_INVALID, "it is no checkpoint of Tilewire, or cut short");
    }
    const uint64_t number = get_u64(framed.p + 8);
    if (number < FRAME_CHECKPOINT || number > FRAME_POINTER) {
        return error_set(
            err, number > FRAME_POINTER && number <= FORMAT_MAX ? STATUS_NEWER : STATUS_INVALID,
            "it is of format %llu, and this version reads up to %d", (unsigned long long)number,
            FRAME_POINTER);
    }
    *format = (enum frame_format)number;
    *bytes = (struct str){framed.p + HEADER_BYTES, framed.len - HEADER_BYTES};
    if (get_u64(framed.p + 16) != bytes->len) {
        return error_set(err, STATUS_INVALID, "it is cut short or has bytes too many");
    }
    if (get_u64(framed.p + 24) != fnv1a(FNV_BEGIN, *bytes)) {
        return error_set(err, STATUS_INVALID, "its bytes were changed");
    }
    return STATUS_OK;
}
