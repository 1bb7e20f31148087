/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/publish/published_tile.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

/* The members of `data`, with their sizes. */
struct parts {
    const mp_value *data;
    size_t *bytes; /* of each, its name included; 0 when it is left out */
    size_t count;
    size_t left_out;
};

static size_t size_of(const mp_value *a, const mp_value *b)
{
    struct buf scratch = {0};
    mp_put_value(&scratch, a);
    mp_put_value(&scratch, b);
    const size_t size = scratch.len;
    buf_free(&scratch);
    return size;
}

static struct parts measure(const mp_value *data)
{
    struct parts parts = {.data = data, .count = mp_is_map(data) ? mp_count(data) : 0};
    parts.bytes = x_calloc(parts.count + 1, sizeof *parts.bytes);
    for (size_t i = 0; i < parts.count; i++) {
        parts.bytes[i] = size_of(&data->via.map.ptr[i].key, &data->via.map.ptr[i].val);
    }
    return parts;
}

/* Leaves the largest out. Returns how many bytes that is; 0 when none is left. */
static size_t leave_out(struct parts *parts)
{
    size_t largest = 0;
    for (size_t i = 1; i < parts->count; i++) {
        largest = parts->bytes[i] > parts->bytes[largest] ? i : largest;
    }
    const size_t bytes = parts->count != 0 ? parts->bytes[largest] : 0;
    parts->left_out += bytes != 0;
    parts->bytes[largest] = 0;
    return bytes;
}

static void put_data(struct buf *out, const struct parts *parts)
{
    mp_put_map(out, parts->count - parts->left_out);
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->bytes[i] != 0) {
            mp_put_value(out, &parts->data->via.map.ptr[i].key);
            mp_put_value(out, &parts->data->via.map.ptr[i].val);
        }
    }
}

static void put_names(struct buf *out, const struct parts *parts)
{
    mp_put_text(out, "truncated");
    mp_put_array(out, parts->left_out);
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->bytes[i] == 0) {
            mp_put_value(out, &parts->data->via.map.ptr[i].key);
        }
    }
}

void published_tile_put(struct buf *out, const mp_value *value, size_t max)
{
    static const mp_value nothing = {.type = MSGPACK_OBJECT_NIL};
    struct parts parts = measure(mp_get(value, "data"));
    size_t size = size_of(value, &nothing);
    size_t gone = 1;
    while (size > max && gone != 0) {
        gone = leave_out(&parts);
        size -= gone;
    }
    mp_put_map(out, mp_count(value) + (parts.left_out != 0));
    for (size_t i = 0; i < mp_count(value); i++) {
        const mp_value *member = &value->via.map.ptr[i].val;
        mp_put_value(out, &value->via.map.ptr[i].key);
        if (member == parts.data && parts.count != 0) {
            put_data(out, &parts);
        } else {
            mp_put_value(out, member);
        }
    }
    if (parts.left_out != 0) {
        put_names(out, &parts);
    }
    free(parts.bytes);
}
