/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/version.h"

#include <string.h>

#include "common/base/fnv.h"

static size_t put_base36(uint64_t value, char *out)
{
    char digits[16];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
        value /= 36;
    } while (value != 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = digits[count - 1 - i];
    }
    return count;
}

static bool take_base36(struct str *text, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text->len; i++) {
        const char c = text->p[i];
        uint64_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'z') {
            digit = (uint64_t)(c - 'a') + 10;
        } else {
            break;
        }
        if (__builtin_mul_overflow(value, 36, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *text = (struct str){text->p + i, text->len - i};
    *out = value;
    return i != 0;
}

static bool take_char(struct str *text, char c)
{
    if (text->len == 0 || text->p[0] != c) {
        return false;
    }
    *text = (struct str){text->p + 1, text->len - 1};
    return true;
}

char *version_format(struct version version, char out[VERSION_TEXT_SIZE])
{
    size_t len = put_base36(version.epoch, out);
    out[len++] = '-';
    len += put_base36(version.seq, out + len);
    out[len] = '\0';
    return out;
}

bool version_parse(struct str text, struct version *out)
{
    struct version version;
    if (!take_base36(&text, &version.epoch) || !take_char(&text, '-') ||
        !take_base36(&text, &version.seq) || text.len != 0) {
        return false;
    }
    *out = version;
    return true;
}

void cursor_append(struct buf *out, const struct cursor *cursor)
{
    for (unsigned i = 0; i < cursor->lanes; i++) {
        char text[VERSION_TEXT_SIZE];
        version_format(cursor->at[i], text);
        if (i != 0) {
            buf_append_char(out, '_');
        }
        const bool repeated = i != 0 && cursor->at[i].epoch == cursor->at[i - 1].epoch;
        buf_append_text(out, repeated ? strchr(text, '-') : text);
    }
}

bool cursor_parse(struct str text, struct cursor *out)
{
    struct cursor cursor = {0};
    do {
        if (cursor.lanes == LANES_MAX) {
            return false;
        }
        struct version *at = &cursor.at[cursor.lanes];
        if (cursor.lanes != 0 && text.len != 0 && text.p[0] == '-') {
            at->epoch = cursor.at[cursor.lanes - 1].epoch;
        } else if (!take_base36(&text, &at->epoch)) {
            return false;
        }
        if (!take_char(&text, '-') || !take_base36(&text, &at->seq)) {
            return false;
        }
        cursor.lanes++;
    } while (take_char(&text, '_'));
    if (text.len != 0) {
        return false;
    }
    *out = cursor;
    return true;
}

unsigned lane_of_key(struct str key, unsigned lanes)
{
    const char *slash = key.len != 0 ? memchr(key.p, '/', key.len) : NULL;
    const struct str family = {key.p, slash != NULL ? (size_t)(slash - key.p) : key.len};
    return (unsigned)(fnv1a(FNV_BEGIN, family) % lanes);
}
