/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/base/error.h"
#include "common/base/utf8.h"
#include "common/codec/json_repair.h"

/* A struct json_value is really a json_t; the name keeps jansson out of everybody else's sight. */
static const json_t *jansson_of(const struct json_value *value)
{
    return (const json_t *)value;
}

/*
 * What json_repair made of values that jansson cannot hold are strings that begin with a NUL
 * character, which no other string has: the digits of an integer follow, or nothing.
 */
static bool is_mark(const json_t *json)
{
    return json_is_string(json) && json_string_length(json) != 0 &&
           json_string_value(json)[0] == '\0';
}

/* ---- Writing ---- */

/* The bytes of what JSON allows in a string and readers of lines take for the end of one: NEL, LINE
 * SEPARATOR and PARAGRAPH SEPARATOR, with its number in *code; 0: none begins there. Python's
 * splitlines() is such a reader, and an event stream is read by lines. */
static size_t line_end(struct str text, size_t at, unsigned *code)
{
    const unsigned char *p = (const unsigned char *)text.p + at;
    const size_t left = text.len - at;
    if (left >= 2 && p[0] == 0xc2 && p[1] == 0x85) {
        *code = 0x85;
        return 2;
    }
    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
        *code = p[2] == 0xa8 ? 0x2028 : 0x2029;
        return 3;
    }
    return 0;
}

static void write_escape(struct buf *out, unsigned code)
{
    static const char short_escapes[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    const char *escape = short_escapes;
    while (*escape != '\0' && (unsigned char)*escape != code) {
        escape += 2;
    }
    if (*escape != '\0') {
        buf_append(out, (const char[]){'\\', escape[1]}, 2);
    } else {
        buf_printf(out, "\\u%04X", code);
    }
}

/* text: valid UTF-8. */
static void write_text(struct buf *out, struct str text)
{
    size_t copied = 0;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        unsigned code = c;
        size_t len = 1;
        if (c >= 0x20 && c != '"' && c != '\\' &&
            ((c != 0xc2 && c != 0xe2) || (len = line_end(text, i, &code)) == 0)) {
            continue;
        }
        buf_append(out, text.p + copied, i - copied);
        write_escape(out, code);
        copied = i + len;
        i = copied - 1;
    }
    buf_append(out, text.p + copied, text.len - copied);
}

void json_write_string(struct buf *out, struct str text)
{
    buf_append_char(out, '"');
    if (text.p != NULL && utf8_valid(text)) {
        write_text(out, text);
    } else if (text.p != NULL) {
        struct buf clean = {0};
        utf8_append_clean(&clean, text);
        write_text(out, buf_str(&clean));
        buf_free(&clean);
    }
    buf_append_char(out, '"');
}

/* Appends a finite number. One without a fraction and an exponent gets a fraction, so that readers
 * who tell integers from other numbers see the difference; an exponent loses its + and zeros. */
static void write_number(struct buf *out, double number)
{
    char text[JSON_NUMBER_SIZE];
    const size_t len = json_number_text(number, text);
    const char *e = memchr(text, 'e', len);
    if (e == NULL) {
        buf_append(out, text, len);
        buf_append_text(out, memchr(text, '.', len) == NULL ? ".0" : "");
        return;
    }
    buf_append(out, text, (size_t)(e - text));
    buf_printf(out, "e%ld", strtol(e + 1, NULL, 10));
}

static void write_map(struct buf *out, const mp_value *map)
{
    const char *separator = "";
    buf_append_char(out, '{');
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        struct str name;
        if (mp_as_str(&map->via.map.ptr[i].key, &name)) {
            buf_append_text(out, separator);
            json_write_string(out, name);
            buf_append_char(out, ':');
            json_write_value(out, &map->via.map.ptr[i].val);
            separator = ",";
        }
    }
    buf_append_char(out, '}');
}

static void write_array(struct buf *out, const mp_value *array)
{
    buf_append_char(out, '[');
    for (uint32_t i = 0; i < array->via.array.size; i++) {
        buf_append_text(out, i != 0 ? "," : "");
        json_write_value(out, &array->via.array.ptr[i]);
    }
    buf_append_char(out, ']');
}

void json_write_value(struct buf *out, const mp_value *value)
{
    struct str text;
    int64_t integer;
    uint64_t large;
    double number;
    bool boolean;
    if (mp_as_str(value, &text)) {
        json_write_string(out, text);
    } else if (mp_as_int(value, &integer)) {
        buf_printf(out, "%lld", (long long)integer);
    } else if (mp_as_uint(value, &large)) {
        buf_printf(out, "%llu", (unsigned long long)large);
    } else if (mp_as_number(value, &number) && isfinite(number)) {
        write_number(out, number);
    } else if (mp_as_bool(value, &boolean)) {
        buf_append_text(out, boolean ? "true" : "false");
    } else if (mp_is_map(value)) {
        write_map(out, value);
    } else if (mp_is_array(value)) {
        write_array(out, value);
    } else {
        buf_append_text(out, "null");
    }
}

/* ---- Reading ---- */

/* JSON has no NUL byte anywhere; jansson passes over one that stands behind a number. */
static int check_text(struct str text, size_t max_bytes)
{
    return text.len > max_bytes                                       ? STATUS_FULL
           : text.p == NULL || memchr(text.p, '\0', text.len) != NULL ? STATUS_INVALID
                                                                      : STATUS_OK;
}

static int parse(struct str text, size_t max_bytes, size_t flags, struct json_value **out)
{
    const int status = check_text(text, max_bytes);
    *out = NULL;
    if (status != STATUS_OK) {
        return status;
    }
    /* jansson refuses integers that int64 cannot hold, unless it reads all numbers as reals. */
    json_error_t error;
    json_t *root = json_loadb(text.p, text.len, flags, &error);
    if (root == NULL && json_error_code(&error) == json_error_numeric_overflow) {
        root = json_loadb(text.p, text.len, flags | JSON_DECODE_INT_AS_REAL, &error);
    }
    *out = (struct json_value *)root;
    return root != NULL ? STATUS_OK : STATUS_INVALID;
}

int json_parse(struct str text, size_t max_bytes, struct json_value **out)
{
    return parse(text, max_bytes, JSON_DECODE_ANY, out);
}

int json_parse_strict(struct str text, size_t max_bytes, struct json_value **out)
{
    return parse(text, max_bytes, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, out);
}

/* True when the parser gave up at something that json_repair may mend. */
static bool worth_repairing(const json_error_t *error)
{
    const enum json_error_code code = json_error_code(error);
    return code == json_error_invalid_syntax || /* half a surrogate pair, among others */
           code == json_error_invalid_utf8 || code == json_error_null_character ||
           code == json_error_null_byte_in_key || code == json_error_numeric_overflow ||
           code == json_error_stack_overflow;
}

int json_parse_explained(struct str text, size_t max_bytes, struct json_value **out,
                         struct error *err)
{
    const int status = check_text(text, max_bytes);
    *out = NULL;
    if (status != STATUS_OK) {
        return error_set(err, status, status == STATUS_FULL ? "it is too large" : "it is missing");
    }
    json_error_t error;
    json_t *root = json_loadb(text.p, text.len, JSON_DECODE_ANY, &error);
    if (root == NULL && worth_repairing(&error)) {
        const json_error_t first = error; /* its place is one of the text as it came */
        struct buf repaired = {0};
        json_repair(text, &repaired);
        root = json_loadb(repaired.data, repaired.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        buf_free(&repaired);
        error = first;
    }
    *out = (struct json_value *)root;
    return root != NULL ? STATUS_OK
                        : error_set(err, STATUS_INVALID, "line %d, column %d: %s", error.line,
                                    error.column, error.text);
}

int json_parse_usable(struct str text, size_t max_bytes, struct json_value **out)
{
    return json_parse_explained(text, max_bytes, out, NULL);
}

void json_free(struct json_value *root)
{
    json_decref((json_t *)root);
}

/* The item of a list that a name such as `0` or `12` stands for; NULL when there is none. */
static const json_t *item_of(const json_t *list, const char *name, size_t len)
{
    if (len == 0 || len > 9 || (name[0] == '0' && len > 1)) {
        return NULL;
    }
    size_t index = 0;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return NULL;
        }
        index = index * 10 + (size_t)(name[i] - '0');
    }
    return json_array_get(list, index);
}

const struct json_value *json_at(const struct json_value *root, struct str path)
{
    const json_t *value = jansson_of(root);
    while (value != NULL && path.len != 0) {
        const char *dot = memchr(path.p, '.', path.len);
        const size_t len = dot != NULL ? (size_t)(dot - path.p) : path.len;
        value = json_is_array(value) ? item_of(value, path.p, len)
                                     : json_object_getn(value, path.p, len);
        const size_t step = dot != NULL ? len + 1 : len;
        path = (struct str){path.p + step, path.len - step};
    }
    return (const struct json_value *)value;
}

const struct json_value *json_member(const struct json_value *map, struct str name)
{
    return (const struct json_value *)json_object_getn(jansson_of(map), name.p, name.len);
}

bool json_as_str(const struct json_value *value, struct str *out)
{
    const json_t *json = jansson_of(value);
    if (!json_is_string(json) || is_mark(json)) {
        return false;
    }
    *out = (struct str){json_string_value(json), json_string_length(json)};
    return true;
}

bool json_as_digits(const struct json_value *value, struct str *out)
{
    const json_t *json = jansson_of(value);
    if (!is_mark(json) || json_string_length(json) == 1) {
        return false;
    }
    *out = (struct str){json_string_value(json) + 1, json_string_length(json) - 1};
    return true;
}

bool json_is_unusable(const struct json_value *value)
{
    const json_t *json = jansson_of(value);
    return is_mark(json) && json_string_length(json) == 1;
}

bool json_as_number(const struct json_value *value, double *out)
{
    const json_t *json = jansson_of(value);
    struct str digits;
    if (json_as_digits(value, &digits)) {
        const double number = strtod(digits.p, NULL); /* jansson's strings end with a NUL */
        if (!isfinite(number)) {
            return false;
        }
        *out = number;
        return true;
    }
    if (!json_is_number(json)) {
        return false;
    }
    *out = json_number_value(json);
    return true;
}

bool json_as_int(const struct json_value *value, int64_t *out)
{
    const json_t *json = jansson_of(value);
    if (!json_is_integer(json)) {
        return false;
    }
    *out = json_integer_value(json);
    return true;
}

bool json_as_bool(const struct json_value *value, bool *out)
{
    const json_t *json = jansson_of(value);
    if (!json_is_boolean(json)) {
        return false;
    }
    *out = json_is_true(json);
    return true;
}

bool json_absent(const struct json_value *value)
{
    return value == NULL || jansson_of(value)->type == JSON_NULL;
}

bool json_is_map(const struct json_value *value)
{
    return json_is_object(jansson_of(value));
}

bool json_is_list(const struct json_value *value)
{
    return json_is_array(jansson_of(value));
}

/* Casts const away, because jansson's iterators take a pointer to non-const, though they change
 * nothing. */
static json_t *iterable(const struct json_value *value)
{
    union {
        const struct json_value *in;
        json_t *out;
    } cast = {.in = value};
    return cast.out;
}

void json_each(const struct json_value *map,
               bool (*each)(void *arg, struct str name, const struct json_value *value), void *arg)
{
    json_t *object = iterable(map);
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
        const struct str name = {json_object_iter_key(it), json_object_iter_key_len(it)};
        if (!each(arg, name, (const struct json_value *)json_object_iter_value(it))) {
            return;
        }
    }
}

void json_each_item(const struct json_value *list,
                    bool (*each)(void *arg, const struct json_value *item), void *arg)
{
    const size_t count = json_array_size(jansson_of(list));
    for (size_t i = 0; i < count; i++) {
        if (!each(arg, (const struct json_value *)json_array_get(jansson_of(list), i))) {
            return;
        }
    }
}

static void put(struct buf *out, const struct json_value *value, int depth);

static bool is_too_deep(int depth)
{
    return depth > MP_MAX_DEPTH / 2;
}

static void put_map(struct buf *out, const struct json_value *value, int depth)
{
    json_t *object = iterable(value);
    struct mp_open_map map = mp_open_map(out);
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
        const struct json_value *member = (const struct json_value *)json_object_iter_value(it);
        double number;
        const bool lost = is_mark(jansson_of(member)) && !json_as_number(member, &number);
        if (!json_absent(member) && !lost && !is_too_deep(depth + 1)) {
            mp_put_str(out, (struct str){json_object_iter_key(it), json_object_iter_key_len(it)});
            put(out, member, depth + 1);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

/* An integer that uint64 can hold and int64 cannot. */
static bool is_large(const struct json_value *value, uint64_t *out)
{
    struct str digits;
    if (!json_as_digits(value, &digits) || digits.p[0] == '-') {
        return false;
    }
    errno = 0;
    *out = strtoull(digits.p, NULL, 10); /* jansson's strings end with a NUL */
    return errno == 0;
}

static void put(struct buf *out, const struct json_value *value, int depth)
{
    struct str text;
    int64_t integer;
    uint64_t large;
    double number;
    bool boolean;
    if (is_too_deep(depth)) {
        mp_put_nil(out);
        return;
    }
    if (json_as_str(value, &text)) {
        mp_put_str(out, text);
    } else if (json_as_int(value, &integer)) {
        mp_put_int(out, integer);
    } else if (is_large(value, &large)) {
        mp_put_uint(out, large);
    } else if (json_as_number(value, &number)) {
        mp_put_number(out, number);
    } else if (json_as_bool(value, &boolean)) {
        mp_put_bool(out, boolean);
    } else if (json_is_map(value)) {
        put_map(out, value, depth);
    } else if (json_is_array(jansson_of(value))) {
        const size_t count = json_array_size(jansson_of(value));
        mp_put_array(out, count);
        for (size_t i = 0; i < count; i++) {
            put(out, (const struct json_value *)json_array_get(jansson_of(value), i), depth + 1);
        }
    } else {
        mp_put_nil(out);
    }
}

void json_to_mp(struct buf *out, const struct json_value *value)
{
    put(out, value, 0);
}
