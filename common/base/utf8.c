/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/utf8.h"

#include <stdint.h>

/* Length of the valid sequence that the bytes begin with, or 0. left > 0. */
static size_t sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) {
        return 1;
    }
    const size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    const bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    const bool too_large = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || too_large ? 0 : len;
}

/* Returns the index of the first byte from i on that is not ASCII. Nearly all text is ASCII, so
 * this passes over eight bytes at a time. */
static size_t skip_ascii(const unsigned char *p, size_t i, size_t len)
{
    uint64_t eight;
    while (len - i >= sizeof eight) {
        memcpy(&eight, p + i, sizeof eight);
        if ((eight & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        i += sizeof eight;
    }
    while (i < len && p[i] < 0x80) {
        i++;
    }
    return i;
}

bool utf8_valid(struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t i = 0;
    while ((i = skip_ascii(p, i, text.len)) < text.len) {
        const size_t len = sequence(p + i, text.len - i);
        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}

size_t utf8_length(struct str text)
{
    return sequence((const unsigned char *)text.p, text.len);
}

struct str utf8_cut(struct str text, size_t max)
{
    if (text.len <= max) {
        return text;
    }
    const unsigned char *p = (const unsigned char *)text.p;
    size_t start = max; /* of the character that the cut would be in */
    while (start > 0 && max - start < 3 && (p[start] & 0xc0) == 0x80) {
        start--;
    }
    const bool within = start < max && start + sequence(p + start, text.len - start) > max;
    return (struct str){text.p, within ? start : max};
}

void utf8_append_clean(struct buf *out, struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    for (size_t i = 0; i < text.len;) {
        const size_t len = sequence(p + i, text.len - i);
        if (len == 0) {
            buf_append_text(out, "\xef\xbf\xbd");
            i++;
        } else {
            buf_append(out, p + i, len);
            i += len;
        }
    }
}
