/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json_slice.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/codec/json.h"

/* Reads on in a valid text; `at` never passes its end, whatever the text is. */
struct scan {
    struct str text;
    size_t at;
};

static char here(const struct scan *s)
{
    if (s->at < s->text.len) {
        return s->text.p[s->at];
    }
    return '\0';
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->text.len && strchr(" \t\r\n", s->text.p[s->at]) != NULL) {
        s->at++;
    }
}

/* Steps over a string, whose first quote is here. */
static void skip_string(struct scan *s)
{
    for (s->at++; s->at < s->text.len && s->text.p[s->at] != '"'; s->at++) {
        s->at += s->text.p[s->at] == '\\';
    }
    s->at = s->at < s->text.len ? s->at + 1 : s->text.len;
}

static bool ends_word(char c)
{
    return strchr(" \t\r\n,]}", c) != NULL; /* NUL, too, which no valid text has */
}

/* Steps over a value of any kind, and returns it. */
static struct str take_value(struct scan *s)
{
    skip_blanks(s);
    const size_t start = s->at;
    size_t depth = 0;
    do {
        const char c = here(s);
        if (c == '"') {
            skip_string(s);
        } else if (c == '{' || c == '[') {
            depth++;
            s->at++;
        } else if (depth != 0) {
            depth -= c == '}' || c == ']';
            s->at++;
        } else {
            while (s->at < s->text.len && !ends_word(here(s))) {
                s->at++;
            }
        }
    } while (depth != 0 && s->at < s->text.len);
    return (struct str){s->text.p + start, s->at - start};
}

/* True when a string, with its quotes, says that name. */
static bool names(struct str quoted, struct str name)
{
    if (quoted.len < 2) {
        return false;
    }
    const struct str raw = {quoted.p + 1, quoted.len - 2};
    if (memchr(raw.p, '\\', raw.len) == NULL) {
        return str_equal(raw, name);
    }
    struct json_value *value;
    struct str plain;
    const bool same = json_parse(quoted, quoted.len, &value) == STATUS_OK &&
                      json_as_str(value, &plain) && str_equal(plain, name);
    json_free(value);
    return same;
}

/* Goes through the members of a map, or the items of a list, and returns the one that is wanted. */
static bool find(struct str container, struct str name, struct str *out)
{
    struct scan s = {container, 0};
    const bool map = here(&s) == '{';
    size_t index = 0;
    bool found = false;
    char number[24];
    s.at++;
    for (skip_blanks(&s); s.at < s.text.len && here(&s) != '}' && here(&s) != ']';
         skip_blanks(&s)) {
        bool wanted;
        if (map) {
            wanted = names(take_value(&s), name);
            skip_blanks(&s);
            s.at += here(&s) == ':';
        } else {
            const int len = snprintf(number, sizeof number, "%zu", index++);
            wanted = str_equal((struct str){number, (size_t)len}, name);
        }
        const struct str value = take_value(&s);
        if (wanted) {
            *out = value;
            found = true;
        }
        skip_blanks(&s);
        s.at += here(&s) == ',';
    }
    return found;
}

bool json_slice(struct str text, struct str path, struct str *out)
{
    struct scan s = {text, 0};
    struct str value = take_value(&s);
    while (path.len != 0) {
        const char *dot = memchr(path.p, '.', path.len);
        const struct str name = {path.p, dot != NULL ? (size_t)(dot - path.p) : path.len};
        if (value.len == 0 || (value.p[0] != '{' && value.p[0] != '[') ||
            !find(value, name, &value)) {
            return false;
        }
        const size_t step = dot != NULL ? name.len + 1 : name.len;
        path = (struct str){path.p + step, path.len - step};
    }
    *out = value;
    return true;
}
