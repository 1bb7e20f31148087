/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/version.h"

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

/* Takes the digits that the text begins with. False when there is none, or they are beyond 64 bits.
 */
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

bool version_take(struct str *text, const struct version *before, struct version *out)
{
    struct version version;
    if (before != NULL && text->len != 0 && text->p[0] == '-') {
        version.epoch = before->epoch;
    } else if (!take_base36(text, &version.epoch)) {
        return false;
    }
    if (!take_char(text, '-') || !take_base36(text, &version.seq)) {
        return false;
    }
    *out = version;
    return true;
}

bool version_parse(struct str text, struct version *out)
{
    struct version version;
    if (!version_take(&text, NULL, &version) || text.len != 0) {
        return false;
    }
    *out = version;
    return true;
}
