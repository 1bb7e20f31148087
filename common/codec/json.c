/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json.h"

#include <jansson.h>
#include <math.h>

#include "common/base/error.h"
#include "common/base/utf8.h"

/* A struct json_value is really a json_t; the name keeps jansson out of everybody else's sight. */
static const json_t *jansson_of(const struct json_value *value)
{
    return (const json_t *)value;
}

/* Makes a string, with U+FFFD for bytes that are not UTF-8, which jansson refuses. */
static json_t *string_of(struct str text)
{
    json_t *string = json_stringn(text.p != NULL ? text.p : "", text.len);
    if (string == NULL) {
        struct buf clean = {0};
        utf8_append_clean(&clean, text);
        string = json_stringn(buf_str(&clean).p, clean.len);
        buf_free(&clean);
    }
    return string;
}

static int append(const char *data, size_t len, void *arg)
{
    buf_append(arg, data, len);
    return 0;
}

/* Appends the value's text, and gives the caller's reference to it back. */
static void dump(struct buf *out, json_t *value)
{
    json_dump_callback(value, append, out,
                       JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_decref(value);
}

void json_write_string(struct buf *out, struct str text)
{
    dump(out, string_of(text));
}

static json_t *tree_of(const mp_value *value);

static json_t *object_of(const mp_value *map)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        struct str name;
        if (mp_as_str(&map->via.map.ptr[i].key, &name)) {
            json_object_setn_new(object, name.p, name.len, tree_of(&map->via.map.ptr[i].val));
        }
    }
    return object;
}

static json_t *array_of(const mp_value *value)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < value->via.array.size; i++) {
        json_array_append_new(array, tree_of(&value->via.array.ptr[i]));
    }
    return array;
}

static json_t *tree_of(const mp_value *value)
{
    struct str text;
    int64_t integer;
    double number;
    bool boolean;
    if (mp_as_str(value, &text)) {
        return string_of(text);
    }
    if (mp_as_int(value, &integer)) {
        return json_integer(integer);
    }
    if (mp_as_number(value, &number)) {
        /* JSON has neither infinities nor NaN, which a peer may send. */
        return isfinite(number) ? json_real(number) : json_null();
    }
    if (mp_as_bool(value, &boolean)) {
        return json_boolean(boolean);
    }
    if (mp_is_map(value)) {
        return object_of(value);
    }
    return mp_is_array(value) ? array_of(value) : json_null();
}

void json_write_value(struct buf *out, const mp_value *value)
{
    dump(out, tree_of(value));
}

int json_parse(struct str text, size_t max_bytes, struct json_value **out)
{
    *out = NULL;
    if (text.len > max_bytes) {
        return STATUS_FULL;
    }
    if (text.p == NULL) {
        return STATUS_INVALID;
    }
    /* jansson refuses integers that int64 cannot hold, unless it reads all numbers as reals. */
    json_error_t error;
    json_t *root = json_loadb(text.p, text.len, JSON_DECODE_ANY, &error);
    if (root == NULL && json_error_code(&error) == json_error_numeric_overflow) {
        root = json_loadb(text.p, text.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    }
    *out = (struct json_value *)root;
    return root != NULL ? STATUS_OK : STATUS_INVALID;
}

void json_free(struct json_value *root)
{
    json_decref((json_t *)root);
}

const struct json_value *json_at(const struct json_value *root, struct str path)
{
    const json_t *value = jansson_of(root);
    while (value != NULL && path.len != 0) {
        const char *dot = memchr(path.p, '.', path.len);
        const size_t len = dot != NULL ? (size_t)(dot - path.p) : path.len;
        value = json_object_getn(value, path.p, len);
        const size_t step = dot != NULL ? len + 1 : len;
        path = (struct str){path.p + step, path.len - step};
    }
    return (const struct json_value *)value;
}

bool json_as_str(const struct json_value *value, struct str *out)
{
    const json_t *json = jansson_of(value);
    if (!json_is_string(json)) {
        return false;
    }
    *out = (struct str){json_string_value(json), json_string_length(json)};
    return true;
}

bool json_as_number(const struct json_value *value, double *out)
{
    const json_t *json = jansson_of(value);
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

static void put_map(struct buf *out, const struct json_value *value, int depth)
{
    json_t *object = iterable(value);
    struct mp_open_map map = mp_open_map(out);
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
        const struct json_value *member = (const struct json_value *)json_object_iter_value(it);
        if (!json_absent(member)) {
            mp_put_str(out, (struct str){json_object_iter_key(it), json_object_iter_key_len(it)});
            put(out, member, depth + 1);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static void put(struct buf *out, const struct json_value *value, int depth)
{
    struct str text;
    int64_t integer;
    double number;
    bool boolean;
    if (depth > MP_MAX_DEPTH / 2) {
        mp_put_nil(out);
        return;
    }
    if (json_as_str(value, &text)) {
        mp_put_str(out, text);
    } else if (json_as_int(value, &integer)) {
        mp_put_int(out, integer);
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
