/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/checkpoint/checkpoint_frame.h"

#include <endian.h>

#include "common/base/fnv.h"

#define MAGIC "TILEWIRE"
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

void checkpoint_wrap(struct buf *out, struct str bytes)
{
    buf_append_text(out, MAGIC);
    put_u64(out, CHECKPOINT_FORMAT);
    put_u64(out, bytes.len);
    put_u64(out, fnv1a(FNV_BEGIN, bytes));
    buf_append_str(out, bytes);
}

size_t checkpoint_frame_len(struct str bytes)
{
    if (bytes.len < CHECKPOINT_HEADER_BYTES || memcmp(bytes.p, MAGIC, 8) != 0) {
        return 0;
    }
    const uint64_t len = get_u64(bytes.p + 16);
    return len <= bytes.len - CHECKPOINT_HEADER_BYTES ? CHECKPOINT_HEADER_BYTES + (size_t)len : 0;
}

bool checkpoint_is_cut(struct str bytes)
{
    const size_t magic = bytes.len < 8 ? bytes.len : 8;
    return memcmp(bytes.p, MAGIC, magic) == 0 &&
           (bytes.len < CHECKPOINT_HEADER_BYTES ||
            get_u64(bytes.p + 16) > bytes.len - CHECKPOINT_HEADER_BYTES);
}

int checkpoint_check_format(struct str bytes, struct error *err)
{
    if (bytes.len < CHECKPOINT_HEADER_BYTES || memcmp(bytes.p, MAGIC, 8) != 0) {
        return error_set(err, STATUS_INVALID, "it is no checkpoint of Tilewire, or cut short");
    }
    const uint64_t format = get_u64(bytes.p + 8);
    if (format != CHECKPOINT_FORMAT) {
        const bool newer = format > CHECKPOINT_FORMAT && format <= FORMAT_MAX;
        return error_set(err, newer ? STATUS_NEWER : STATUS_INVALID,
                         "it is of format %llu, and this version reads format %d",
                         (unsigned long long)format, CHECKPOINT_FORMAT);
    }
    return STATUS_OK;
}

int checkpoint_unwrap(struct str framed, struct str *bytes, struct error *err)
{
    const int status = checkpoint_check_format(framed, err);
    if (status != STATUS_OK) {
        return status;
    }
    *bytes = (struct str){framed.p + CHECKPOINT_HEADER_BYTES, framed.len - CHECKPOINT_HEADER_BYTES};
    if (get_u64(framed.p + 16) != bytes->len) {
        return error_set(err, STATUS_INVALID, "it is cut short or has bytes too many");
    }
    if (get_u64(framed.p + 24) != fnv1a(FNV_BEGIN, *bytes)) {
        return error_set(err, STATUS_INVALID, "its bytes were changed");
    }
    return STATUS_OK;
}
