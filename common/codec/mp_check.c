/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/mp_check.h"

#include <stdint.h>

/* What has not been checked yet. */
struct check {
    const unsigned char *p;
    const unsigned char *end;
};

/* Passes over so many bytes; false when there are fewer. */
static bool check_skip(struct check *c, uint64_t len)
{
    if ((uint64_t)(c->end - c->p) < len) {
        return false;
    }
    c->p += len;
    return true;
}

/* Reads a big-endian length of so many bytes. */
static bool check_length(struct check *c, int bytes, uint64_t *out)
{
    const unsigned char *p = c->p;
    if (!check_skip(c, (uint64_t)bytes)) {
        return false;
    }
    *out = 0;
    for (int i = 0; i < bytes; i++) {
        *out = *out << 8 | p[i];
    }
    return true;
}

static bool check_value(struct check *c, int depth);

static bool check_values(struct check *c, uint64_t count, int depth)
{
    /* Each value takes at least one byte, so that a count beyond the bytes left is a lie, and is
     * found before any work is done. */
    if (count > (uint64_t)(c->end - c->p)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!check_value(c, depth)) {
            return false;
        }
    }
    return true;
}

/* Checks a type whose length stands in the 1, 2 or 4 bytes after its first byte. */
static bool check_sized(struct check *c, int length_bytes, bool container, uint64_t per_item,
                        int depth)
{
    uint64_t len;
    if (!check_length(c, length_bytes, &len)) {
        return false;
    }
    return container ? check_values(c, len * per_item, depth + 1) : check_skip(c, len);
}

static bool check_value(struct check *c, int depth)
{
    if (c->p == c->end || depth > MP_MAX_DEPTH) {
        return false;
    }
    const unsigned char first = *c->p++;
    if (first <= 0x7f || first >= 0xe0) {
        return true; /* small integer */
    }
    if (first <= 0x8f) {
        return check_values(c, (uint64_t)(first & 0x0f) * 2, depth + 1);
    }
    if (first <= 0x9f) {
        return check_values(c, first & 0x0f, depth + 1);
    }
    if (first <= 0xbf) {
        return check_skip(c, first & 0x1f);
    }
    switch (first) {
    case 0xc0: /* nil */
    case 0xc2: /* false */
    case 0xc3: /* true */
        return true;
    case 0xc4: /* bin 8, 16, 32 */
    case 0xc5:
    case 0xc6:
        return check_sized(c, 1 << (first - 0xc4), false, 1, depth);
    case 0xca: /* float 32, 64 */
    case 0xcb:
        return check_skip(c, first == 0xca ? 4 : 8);
    case 0xcc: /* uint 8 to 64 */
    case 0xcd:
    case 0xce:
    case 0xcf:
        return check_skip(c, UINT64_C(1) << (first - 0xcc));
    case 0xd0: /* int 8 to 64 */
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return check_skip(c, UINT64_C(1) << (first - 0xd0));
    case 0xd9: /* str 8, 16, 32 */
    case 0xda:
    case 0xdb:
        return check_sized(c, 1 << (first - 0xd9), false, 1, depth);
    case 0xdc: /* array 16, 32 */
    case 0xdd:
        return check_sized(c, 2 << (first - 0xdc), true, 1, depth);
    case 0xde: /* map 16, 32 */
    case 0xdf:
        return check_sized(c, 2 << (first - 0xde), true, 2, depth);
    default: /* ext types, and 0xc1, which is never used */
        return false;
    }
}

size_t mp_length(const void *data, size_t len)
{
    struct check c = {data, (const unsigned char *)data + len};
    return len != 0 && check_value(&c, 0) ? (size_t)(c.p - (const unsigned char *)data) : 0;
}

bool mp_valid(const void *data, size_t len)
{
    return len != 0 && mp_length(data, len) == len;
}
