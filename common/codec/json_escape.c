/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json_escape.h"

#include <string.h>

/* The code unit of the escape \uXXXX that begins there; -1 when there is none. */
static int code_unit(struct str text, size_t at)
{
    if (at + 6 > text.len || text.p[at] != '\\' || text.p[at + 1] != 'u') {
        return -1;
    }
    int unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        const char c = text.p[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_high(int unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* What the short escapes stand for, each behind its letter. */
static const char shorts[] = "\"\"\\\\//b\bf\fn\nr\rt\t";

/* The character that a short escape stands for; '\0' when it is none. */
static char short_escape(struct str text, size_t at)
{
    if (at + 1 < text.len) {
        for (const char *s = shorts; *s != '\0'; s += 2) {
            if (*s == text.p[at + 1]) {
                return s[1];
            }
        }
    }
    return '\0';
}

size_t json_escape_end(struct str text, size_t at, bool *lost, bool *wrong)
{
    const int unit = code_unit(text, at);
    if (unit < 0) {
        *wrong = *wrong || short_escape(text, at) == '\0';
        return at + 2;
    }
    if (is_high(unit)) {
        if (is_low(code_unit(text, at + 6))) {
            return at + 12;
        }
        *lost = true;
    }
    *lost = *lost || unit == 0 || is_low(unit);
    return at + 6;
}

/* ---- Decoding ---- */

/* Appends up to four bytes: the first has as many ones in front as there are bytes. */
static void put_utf8(struct buf *out, unsigned point)
{
    if (point < 0x80) {
        buf_append_char(out, (char)point);
        return;
    }
    const unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
    buf_append_char(out, (char)(first[more] | point >> (6 * more)));
    for (unsigned i = more; i-- != 0;) {
        buf_append_char(out, (char)(0x80 | (point >> (6 * i) & 0x3f)));
    }
}

static size_t put_escape(struct str text, size_t at, struct buf *out)
{
    const int unit = code_unit(text, at);
    if (unit < 0) {
        buf_append_char(out, short_escape(text, at));
        return at + 2;
    }
    if (!is_high(unit)) {
        put_utf8(out, (unsigned)unit);
        return at + 6;
    }
    const int second = code_unit(text, at + 6);
    put_utf8(out, 0x10000U + ((unsigned)(unit - 0xd800) << 10) + (unsigned)(second - 0xdc00));
    return at + 12;
}

void json_unescape(struct str inner, struct buf *out)
{
    for (size_t at = 0; at < inner.len;) {
        const char *backslash = memchr(inner.p + at, '\\', inner.len - at);
        const size_t end = backslash != NULL ? (size_t)(backslash - inner.p) : inner.len;
        buf_append(out, inner.p + at, end - at);
        at = end < inner.len ? put_escape(inner, end, out) : end;
    }
}
