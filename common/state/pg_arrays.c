/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/pg_arrays.h"

#include <endian.h>

static void put_u32(struct buf *out, uint32_t value)
{
    const uint32_t big = htobe32(value);
    buf_append(out, &big, sizeof big);
}

void pg_array_begin(struct buf *out, uint32_t type, size_t count)
{
    put_u32(out, count != 0); /* an empty array has no dimension */
    put_u32(out, 0);
    put_u32(out, type);
    if (count != 0) {
        put_u32(out, (uint32_t)count);
        put_u32(out, 1);
    }
}

void pg_array_add_int8(struct buf *out, uint64_t value)
{
    const uint64_t big = htobe64(value);
    put_u32(out, sizeof big);
    buf_append(out, &big, sizeof big);
}

void pg_array_add_bytea(struct buf *out, struct str value)
{
    put_u32(out, (uint32_t)value.len);
    buf_append_str(out, value);
}
