/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/printable.h"

#include <stdint.h>

#include "common/base/utf8.h"

static bool is_command(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Reads the character at i, and moves i behind it; a byte that is not UTF-8 is U+FFFD, and *valid
 * is false. */
static uint32_t next(struct str text, size_t *i, bool *valid)
{
    const unsigned char *p = (const unsigned char *)text.p + *i;
    const size_t len = utf8_length((struct str){text.p + *i, text.len - *i});
    *valid = len != 0;
    *i += len != 0 ? len : 1;
    switch (len) {
    case 0:
        return 0xfffd;
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1fU) << 6 | (p[1] & 0x3fU);
    case 3:
        return (p[0] & 0xfU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
    default:
        return 0x10000; /* No command is up there. */
    }
}

void printable_append(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len;) {
        const size_t start = i;
        bool valid;
        const uint32_t c = next(text, &i, &valid);
        if (!valid || is_command(c)) {
            buf_append_char(out, ' ');
        } else {
            buf_append(out, text.p + start, i - start);
        }
    }
}

void printable_append_json(struct buf *out, struct str json)
{
    for (size_t i = 0; i < json.len;) {
        const size_t start = i;
        bool valid;
        const uint32_t c = next(json, &i, &valid);
        if (!valid || (is_command(c) && c != '\n' && c != '\t')) {
            buf_printf(out, "\\u%04x", (unsigned)c);
        } else {
            buf_append(out, json.p + start, i - start);
        }
    }
}
