/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/mp.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/utf8.h"

static int write_to_buf(void *data, const char *bytes, size_t len)
{
    buf_append(data, bytes, len);
    return 0;
}

static msgpack_packer packer(struct buf *out)
{
    return (msgpack_packer){.data = out, .callback = write_to_buf};
}

void mp_put_nil(struct buf *out)
{
    msgpack_packer pk = packer(out);
    msgpack_pack_nil(&pk);
}

void mp_put_bool(struct buf *out, bool value)
{
    msgpack_packer pk = packer(out);
    if (value) {
        msgpack_pack_true(&pk);
    } else {
        msgpack_pack_false(&pk);
    }
}

void mp_put_int(struct buf *out, int64_t value)
{
    msgpack_packer pk = packer(out);
    msgpack_pack_int64(&pk, value);
}

void mp_put_uint(struct buf *out, uint64_t value)
{
    msgpack_packer pk = packer(out);
    msgpack_pack_uint64(&pk, value);
}

void mp_put_number(struct buf *out, double value)
{
    if (!isfinite(value)) {
        mp_put_nil(out);
    } else if (fabs(value) < 9007199254740992.0 && value == trunc(value)) {
        mp_put_int(out, (int64_t)value);
    } else {
        msgpack_packer pk = packer(out);
        msgpack_pack_double(&pk, value);
    }
}

void mp_put_utf8(struct buf *out, struct str text)
{
    msgpack_packer pk = packer(out);
    msgpack_pack_str(&pk, text.len);
    buf_append(out, text.p, text.len);
}

void mp_put_str(struct buf *out, struct str text)
{
    if (text.p == NULL) {
        mp_put_nil(out);
    } else if (utf8_valid(text)) {
        mp_put_utf8(out, text);
    } else {
        struct buf clean = {0};
        utf8_append_clean(&clean, text);
        mp_put_utf8(out, buf_str(&clean));
        buf_free(&clean);
    }
}

void mp_put_array(struct buf *out, size_t count)
{
    msgpack_packer pk = packer(out);
    msgpack_pack_array(&pk, count);
}

void mp_put_map(struct buf *out, size_t count)
{
    msgpack_packer pk = packer(out);
    msgpack_pack_map(&pk, count);
}

void mp_put_bin_header(struct buf *out, size_t len)
{
    msgpack_packer pk = packer(out);
    msgpack_pack_bin(&pk, len);
}

void mp_put_bin(struct buf *out, struct str data)
{
    mp_put_bin_header(out, data.len);
    buf_append(out, data.p, data.len);
}

#define MAP_32_BYTES 5 /* of a map's longest head */

struct mp_open_map mp_open_map(struct buf *out)
{
    const struct mp_open_map map = {out->len, 0};
    (void)buf_reserve(out, MAP_32_BYTES);
    out->len += MAP_32_BYTES;
    return map;
}

void mp_close_map(struct buf *out, struct mp_open_map map)
{
    const size_t body = map.at + MAP_32_BYTES;
    const size_t len = out->len - body;
    assert(map.count <= UINT32_MAX);
    out->len = map.at;
    mp_put_map(out, map.count);
    memmove(out->data + out->len, out->data + body, len);
    out->len += len;
}

/* ---- Reading ---- */

#define ZONE_CHUNK_BYTES 4096

void mp_doc_init(struct mp_doc *doc)
{
    const bool ok = msgpack_zone_init(&doc->zone, ZONE_CHUNK_BYTES);
    assert(ok);
    (void)ok;
    doc->root = (mp_value){.type = MSGPACK_OBJECT_NIL};
}

void mp_doc_free(struct mp_doc *doc)
{
    msgpack_zone_destroy(&doc->zone);
}

int mp_parse(struct mp_doc *doc, const void *data, size_t len)
{
    msgpack_zone_clear(&doc->zone);
    doc->root = (mp_value){.type = MSGPACK_OBJECT_NIL};
    if (!mp_valid(data, len)) {
        return STATUS_INVALID;
    }
    size_t offset = 0;
    const msgpack_unpack_return result = msgpack_unpack(data, len, &offset, &doc->zone, &doc->root);
    return result == MSGPACK_UNPACK_SUCCESS ? STATUS_OK : STATUS_INVALID;
}

static bool key_is(const mp_value *key, struct str name)
{
    struct str text;
    return mp_as_str(key, &text) && str_equal(text, name);
}

const mp_value *mp_get(const mp_value *map, const char *key)
{
    if (!mp_is_map(map)) {
        return NULL;
    }
    const struct str name = str_of(key);
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        if (key_is(&map->via.map.ptr[i].key, name)) {
            return &map->via.map.ptr[i].val;
        }
    }
    return NULL;
}

const mp_value *mp_at(const mp_value *array, size_t index)
{
    return mp_is_array(array) && index < array->via.array.size ? &array->via.array.ptr[index]
                                                               : NULL;
}

bool mp_is_nil(const mp_value *value)
{
    return value == NULL || value->type == MSGPACK_OBJECT_NIL;
}

bool mp_is_map(const mp_value *value)
{
    return value != NULL && value->type == MSGPACK_OBJECT_MAP;
}

bool mp_is_array(const mp_value *value)
{
    return value != NULL && value->type == MSGPACK_OBJECT_ARRAY;
}

size_t mp_count(const mp_value *value)
{
    return mp_is_map(value) ? value->via.map.size : mp_is_array(value) ? value->via.array.size : 0;
}

/* msgpack-c gives an empty text any address, even NULL, which would make it an absent one. */
static struct str text_at(const char *ptr, uint32_t size)
{
    return size != 0 ? (struct str){ptr, size} : STR("");
}

bool mp_as_str(const mp_value *value, struct str *out)
{
    if (value == NULL || value->type != MSGPACK_OBJECT_STR) {
        return false;
    }
    *out = text_at(value->via.str.ptr, value->via.str.size);
    return true;
}

bool mp_as_bin(const mp_value *value, struct str *out)
{
    if (value == NULL || value->type != MSGPACK_OBJECT_BIN) {
        return false;
    }
    *out = text_at(value->via.bin.ptr, value->via.bin.size);
    return true;
}

bool mp_as_int(const mp_value *value, int64_t *out)
{
    if (value != NULL && value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        *out = value->via.i64;
        return true;
    }
    uint64_t number;
    if (!mp_as_uint(value, &number) || number > INT64_MAX) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

bool mp_as_uint(const mp_value *value, uint64_t *out)
{
    if (value == NULL || value->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
        return false;
    }
    *out = value->via.u64;
    return true;
}

bool mp_as_number(const mp_value *value, double *out)
{
    if (value == NULL) {
        return false;
    }
    switch (value->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        *out = (double)value->via.u64;
        return true;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        *out = (double)value->via.i64;
        return true;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        *out = value->via.f64;
        return true;
    case MSGPACK_OBJECT_NIL:
    case MSGPACK_OBJECT_BOOLEAN:
    case MSGPACK_OBJECT_STR:
    case MSGPACK_OBJECT_ARRAY:
    case MSGPACK_OBJECT_MAP:
    case MSGPACK_OBJECT_BIN:
    case MSGPACK_OBJECT_EXT:
        break;
    }
    return false;
}

bool mp_as_bool(const mp_value *value, bool *out)
{
    if (value == NULL || value->type != MSGPACK_OBJECT_BOOLEAN) {
        return false;
    }
    *out = value->via.boolean;
    return true;
}

void mp_put_value(struct buf *out, const mp_value *value)
{
    msgpack_packer pk = packer(out);
    msgpack_pack_object(&pk, *value);
}
