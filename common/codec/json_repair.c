/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json_repair.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/utf8.h"
#include "common/codec/json_escape.h"

static const char unusable[] = "\"\\u0000\"";
static const char bad_name[] = "\".\"";

static bool is_digit(struct str text, size_t at)
{
    return at < text.len && text.p[at] >= '0' && text.p[at] <= '9';
}

/* ---- Strings ---- */

/* The end of the string that begins there, after its closing quote; behind the text's when it has
 * none. */
static size_t after_string(struct str text, size_t begin, bool *bad)
{
    bool wrong = false; /* which jansson tells */
    size_t at = begin + 1;
    while (at < text.len && text.p[at] != '"') {
        at = text.p[at] == '\\' ? json_escape_end(text, at, bad, &wrong) : at + 1;
    }
    return at + 1;
}

static bool is_name(struct str text, size_t at)
{
    while (at < text.len && (text.p[at] == ' ' || (text.p[at] >= '\t' && text.p[at] <= '\r'))) {
        at++;
    }
    return at < text.len && text.p[at] == ':';
}

static size_t put_string(struct str text, size_t begin, struct buf *out)
{
    bool bad = false;
    const size_t end = after_string(text, begin, &bad);
    if (end > text.len) { /* jansson refuses it */
        buf_append(out, text.p + begin, text.len - begin);
        return text.len;
    }
    const struct str string = {text.p + begin, end - begin};
    if (!bad && utf8_valid(string)) {
        buf_append_str(out, string);
    } else {
        buf_append_text(out, is_name(text, end) ? bad_name : unusable);
    }
    return end;
}

/* ---- Numbers ---- */

/* The end of the number that begins there, as the grammar has it; 0 when it is none. */
static size_t after_number(struct str text, size_t at, bool *whole)
{
    *whole = true;
    at += text.p[at] == '-';
    if (!is_digit(text, at)) {
        return 0;
    }
    if (text.p[at] == '0') {
        at++;
    } else {
        for (; is_digit(text, at); at++) {
        }
    }
    if (at < text.len && text.p[at] == '.' && is_digit(text, at + 1)) {
        *whole = false;
        for (at++; is_digit(text, at); at++) {
        }
    }
    if (at < text.len && (text.p[at] == 'e' || text.p[at] == 'E')) {
        size_t exponent = at + 1;
        exponent += exponent < text.len && (text.p[exponent] == '+' || text.p[exponent] == '-');
        if (is_digit(text, exponent)) {
            *whole = false;
            for (at = exponent; is_digit(text, at); at++) {
            }
        }
    }
    return at;
}

/* True when jansson can hold the number. `copy` is scratch memory. */
static bool holds(struct str number, bool whole, struct buf *copy)
{
    if (whole && number.len < 19) {
        return true;
    }
    buf_clear(copy);
    buf_append_str(copy, number);
    const char *digits = buf_cstr(copy);
    if (!whole) {
        return isfinite(strtod(digits, NULL));
    }
    errno = 0;
    (void)strtoll(digits, NULL, 10);
    return errno != ERANGE;
}

static size_t put_number(struct str text, size_t begin, struct buf *copy, struct buf *out)
{
    bool whole;
    const size_t end = after_number(text, begin, &whole);
    if (end == 0) {
        buf_append_char(out, text.p[begin]);
        return begin + 1;
    }
    const struct str number = {text.p + begin, end - begin};
    if (holds(number, whole, copy)) {
        buf_append_str(out, number);
    } else if (whole) {
        buf_append_text(out, "\"\\u0000");
        buf_append_str(out, number);
        buf_append_char(out, '"');
    } else {
        buf_append_text(out, unusable);
    }
    return end;
}

/* ---- Containers ---- */

size_t json_repair_container_end(struct str text, size_t at)
{
    size_t depth = 0;
    while (at < text.len) {
        const char c = text.p[at];
        bool bad = false;
        at = c == '"' ? after_string(text, at, &bad) : at + 1;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        if (depth == 0) {
            break;
        }
    }
    return at < text.len ? at : text.len;
}

void json_repair(struct str text, struct buf *out)
{
    struct buf copy = {0};
    size_t depth = 0;
    for (size_t at = 0; at < text.len;) {
        const char c = text.p[at];
        const bool opens = c == '{' || c == '[';
        if (c == '"') {
            at = put_string(text, at, out);
        } else if (c == '-' || is_digit(text, at)) {
            at = put_number(text, at, &copy, out);
        } else if (opens && depth + 1 >= JSON_REPAIR_DEPTH) {
            buf_append_text(out, unusable);
            at = json_repair_container_end(text, at);
        } else {
            depth += opens;
            depth -= depth != 0 && (c == '}' || c == ']');
            buf_append_char(out, c);
            at++;
        }
    }
    buf_free(&copy);
}
