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

static void put_raw_str(struct buf *out, struct str text)
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
        put_raw_str(out, text);
    } else {
        struct buf clean = {0};
        utf8_append_clean(&clean, text);
        put_raw_str(out, buf_str(&clean));
        buf_free(&clean);
    }
}

void mp_put_text(struct buf *out, const char *text)
{
    put_raw_str(out, str_of(text));
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

struct mp_open_map mp_open_map(struct buf *out)
{
    const struct mp_open_map map = {out->len, 0};
    buf_append(out, "\xdf\0\0\0\0", 5); /* map 32, its count still to come */
    return map;
}

void mp_close_map(struct buf *out, struct mp_open_map map)
{
    assert(map.count <= UINT32_MAX);
    for (int i = 0; i < 4; i++) {
        out->data[map.at + 1 + (size_t)i] = (char)(unsigned char)(map.count >> (24 - 8 * i));
    }
}

/* ---- Well-formedness ---- */

struct check {
    const unsigned char *p;
    const unsigned char *end;
};

static bool check_skip(struct check *c, uint64_t len)
{
    if ((uint64_t)(c->end - c->p) < len) {
        return false;
    }
    c->p += len;
    return true;
}

static bool check_length(struct check *c, int bytes, uint64_t *out)
{
    const unsigned char *p = c->p;
    if (!check_skip(c, (uint64_t)bytes)) {
        return false;
    }
    *out = 0;
    for (int i = 0; i < bytes; i++) {
        *out = *out << 8 | p[i];
    }
    return true;
}

static bool check_value(struct check *c, int depth);

static bool check_values(struct check *c, uint64_t count, int depth)
{
    /* Each value takes a byte at least: a count beyond that is a lie, and is found before any work.
     */
    if (count > (uint64_t)(c->end - c->p)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!check_value(c, depth)) {
            return false;
        }
    }
    return true;
}

/* The types whose length stands in the 1, 2 or 4 bytes after the first. */
static bool check_sized(struct check *c, int length_bytes, bool container, uint64_t per_item,
                        int depth)
{
    uint64_t len;
    if (!check_length(c, length_bytes, &len)) {
        return false;
    }
    return container ? check_values(c, len * per_item, depth + 1) : check_skip(c, len);
}

static bool check_value(struct check *c, int depth)
{
    if (c->p == c->end || depth > MP_MAX_DEPTH) {
        return false;
    }
    const unsigned char first = *c->p++;
    if (first <= 0x7f || first >= 0xe0) {
        return true; /* small integer */
    }
    if (first <= 0x8f) {
        return check_values(c, (uint64_t)(first & 0x0f) * 2, depth + 1);
    }
    if (first <= 0x9f) {
        return check_values(c, first & 0x0f, depth + 1);
    }
    if (first <= 0xbf) {
        return check_skip(c, first & 0x1f);
    }
    switch (first) {
    case 0xc0: /* nil */
    case 0xc2: /* false */
    case 0xc3: /* true */
        return true;
    case 0xc4: /* bin 8, 16, 32 */
    case 0xc5:
    case 0xc6:
        return check_sized(c, 1 << (first - 0xc4), false, 1, depth);
    case 0xca: /* float 32, 64 */
    case 0xcb:
        return check_skip(c, first == 0xca ? 4 : 8);
    case 0xcc: /* uint 8 to 64 */
    case 0xcd:
    case 0xce:
    case 0xcf:
        return check_skip(c, UINT64_C(1) << (first - 0xcc));
    case 0xd0: /* int 8 to 64 */
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return check_skip(c, UINT64_C(1) << (first - 0xd0));
    case 0xd9: /* str 8, 16, 32 */
    case 0xda:
    case 0xdb:
        return check_sized(c, 1 << (first - 0xd9), false, 1, depth);
    case 0xdc: /* array 16, 32 */
    case 0xdd:
        return check_sized(c, 2 << (first - 0xdc), true, 1, depth);
    case 0xde: /* map 16, 32 */
    case 0xdf:
        return check_sized(c, 2 << (first - 0xde), true, 2, depth);
    default: /* ext types, and 0xc1, which is never used */
        return false;
    }
}

size_t mp_length(const void *data, size_t len)
{
    struct check c = {data, (const unsigned char *)data + len};
    return len != 0 && check_value(&c, 0) ? (size_t)(c.p - (const unsigned char *)data) : 0;
}

bool mp_valid(const void *data, size_t len)
{
    return len != 0 && mp_length(data, len) == len;
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
    return key->type == MSGPACK_OBJECT_STR && key->via.str.size == name.len &&
           memcmp(key->via.str.ptr, name.p, name.len) == 0;
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

bool mp_as_str(const mp_value *value, struct str *out)
{
    if (value == NULL || value->type != MSGPACK_OBJECT_STR) {
        return false;
    }
    *out = (struct str){value->via.str.ptr, value->via.str.size};
    return true;
}

bool mp_as_bin(const mp_value *value, struct str *out)
{
    if (value == NULL || value->type != MSGPACK_OBJECT_BIN) {
        return false;
    }
    *out = (struct str){value->via.bin.ptr, value->via.bin.size};
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

/* ---- The algebra ---- */

static bool same_key(const mp_value *a, const mp_value *b)
{
    struct str name;
    return mp_as_str(b, &name) && key_is(a, name);
}

/* The member of map with that key. Looks first at *hint, where it stands when both maps list their
 * members in one order, and moves the hint behind what it found. */
static const mp_value *find(const mp_value *map, const mp_value *key, uint32_t *hint)
{
    const uint32_t size = map->via.map.size;
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t at = *hint + i < size ? *hint + i : *hint + i - size;
        if (same_key(&map->via.map.ptr[at].key, key)) {
            *hint = at + 1 < size ? at + 1 : 0;
            return &map->via.map.ptr[at].val;
        }
    }
    return NULL;
}

static bool diff_maps(struct buf *out, const mp_value *from, const mp_value *to)
{
    const size_t start = out->len;
    struct mp_open_map patch = mp_open_map(out);
    uint32_t hint = 0;
    for (uint32_t i = 0; i < to->via.map.size; i++) {
        const msgpack_object_kv *member = &to->via.map.ptr[i];
        const mp_value *old = find(from, &member->key, &hint);
        const size_t before = out->len;
        mp_put_value(out, &member->key);
        if (mp_diff(out, old, &member->val)) {
            patch.count++;
        } else {
            out->len = before;
        }
    }
    hint = 0;
    for (uint32_t i = 0; i < from->via.map.size; i++) {
        if (find(to, &from->via.map.ptr[i].key, &hint) == NULL) {
            mp_put_value(out, &from->via.map.ptr[i].key);
            mp_put_nil(out);
            patch.count++;
        }
    }
    if (patch.count == 0) {
        out->len = start;
        return false;
    }
    mp_close_map(out, patch);
    return true;
}

bool mp_diff(struct buf *out, const mp_value *from, const mp_value *to)
{
    if (from != NULL && mp_is_map(from) && mp_is_map(to)) {
        return diff_maps(out, from, to);
    }
    if (from != NULL && mp_equal(from, to, 0)) {
        return false;
    }
    mp_put_value(out, to);
    return true;
}

void mp_merge(struct buf *out, const mp_value *target, const mp_value *patch)
{
    if (!mp_is_map(patch)) {
        mp_put_value(out, patch);
        return;
    }
    struct mp_open_map result = mp_open_map(out);
    uint32_t hint = 0;
    if (mp_is_map(target)) {
        for (uint32_t i = 0; i < target->via.map.size; i++) {
            const msgpack_object_kv *member = &target->via.map.ptr[i];
            const mp_value *change = find(patch, &member->key, &hint);
            if (change != NULL && mp_is_nil(change)) {
                continue;
            }
            mp_put_value(out, &member->key);
            if (change != NULL) {
                mp_merge(out, &member->val, change);
            } else {
                mp_put_value(out, &member->val);
            }
            result.count++;
        }
    }
    hint = 0;
    for (uint32_t i = 0; i < patch->via.map.size; i++) {
        const msgpack_object_kv *member = &patch->via.map.ptr[i];
        if (mp_is_nil(&member->val) ||
            (mp_is_map(target) && find(target, &member->key, &hint) != NULL)) {
            continue;
        }
        mp_put_value(out, &member->key);
        mp_merge(out, NULL, &member->val);
        result.count++;
    }
    mp_close_map(out, result);
}

static bool numbers_equal(double a, double b, double tolerance)
{
    if (a == b) {
        return true;
    }
    return fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

static bool maps_equal(const mp_value *a, const mp_value *b, double tolerance)
{
    if (a->via.map.size != b->via.map.size) {
        return false;
    }
    uint32_t hint = 0;
    for (uint32_t i = 0; i < a->via.map.size; i++) {
        const mp_value *other = find(b, &a->via.map.ptr[i].key, &hint);
        if (other == NULL || !mp_equal(&a->via.map.ptr[i].val, other, tolerance)) {
            return false;
        }
    }
    return true;
}

bool mp_equal(const mp_value *a, const mp_value *b, double tolerance)
{
    double x;
    double y;
    if (mp_as_number(a, &x) && mp_as_number(b, &y)) {
        return a->type == b->type && tolerance <= 0 ? msgpack_object_equal(*a, *b)
                                                    : numbers_equal(x, y, tolerance);
    }
    if (mp_is_map(a) && mp_is_map(b)) {
        return maps_equal(a, b, tolerance);
    }
    if (mp_is_array(a) && mp_is_array(b)) {
        if (a->via.array.size != b->via.array.size) {
            return false;
        }
        for (uint32_t i = 0; i < a->via.array.size; i++) {
            if (!mp_equal(&a->via.array.ptr[i], &b->via.array.ptr[i], tolerance)) {
                return false;
            }
        }
        return true;
    }
    return a->type == b->type && msgpack_object_equal(*a, *b);
}
