/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/mp_patch.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bool same_key(const mp_value *a, const mp_value *b)
{
    return a->type == MSGPACK_OBJECT_STR && b->type == MSGPACK_OBJECT_STR &&
           a->via.str.size == b->via.str.size &&
           (a->via.str.size == 0 || /* The address of an empty text may be NULL. */
            memcmp(a->via.str.ptr, b->via.str.ptr, a->via.str.size) == 0);
}

/*
 * Finds the member of map with that key; NULL when there is none. The search begins at *hint, goes
 * round, and leaves the hint behind what it found. Two maps with their common members in one order
 * are so walked in step, and each search succeeds at its first try:
 *
 *     keys asked for     a   b       d   e
 *     members of map     a   b   c   d   e
 *                        ▲   ▲   └──►▲   ▲      one member was skipped over
 */
static const mp_value *find_member(const mp_value *map, const mp_value *key, uint32_t *hint)
{
    assert(map != NULL);
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

/* Members of `to` that are new or different come first, then a nil for each that is gone. */
static bool diff_maps(struct buf *out, const mp_value *from, const mp_value *to)
{
    const size_t start = out->len;
    struct mp_open_map patch = mp_open_map(out);
    uint32_t hint = 0;
    for (uint32_t i = 0; i < to->via.map.size; i++) {
        const msgpack_object_kv *member = &to->via.map.ptr[i];
        const mp_value *old = find_member(from, &member->key, &hint);
        const size_t before = out->len;
        mp_put_value(out, &member->key);
        if (mp_diff(out, old, &member->val)) {
            patch.count++;
        } else {
            out->len = before; /* The member did not change: take its key back. */
        }
    }
    hint = 0;
    for (uint32_t i = 0; i < from->via.map.size; i++) {
        if (find_member(to, &from->via.map.ptr[i].key, &hint) == NULL) {
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
    if (target != NULL && mp_is_map(target)) {
        for (uint32_t i = 0; i < target->via.map.size; i++) {
            const msgpack_object_kv *member = &target->via.map.ptr[i];
            const mp_value *change = find_member(patch, &member->key, &hint);
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
            (mp_is_map(target) && find_member(target, &member->key, &hint) != NULL)) {
            continue;
        }
        mp_put_value(out, &member->key);
        mp_merge(out, NULL, &member->val); /* This leaves out nil members further down. */
        result.count++;
    }
    mp_close_map(out, result);
}

static bool is_integer(const mp_value *value)
{
    return value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
           value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER;
}

/* From 2^53 on an integer may be another number than the double next to it. */
static bool differ_as_integers(const mp_value *value, const mp_value *real)
{
    int64_t integer;
    double number;
    return mp_as_int(value, &integer) && !is_integer(real) && mp_as_number(real, &number) &&
           fabs(number) >= 0x1p53 && (fabs(number) >= 0x1p63 || (int64_t)number != integer);
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
        const mp_value *other = find_member(b, &a->via.map.ptr[i].key, &hint);
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
        if (is_integer(a) && is_integer(b)) {
            return msgpack_object_equal(*a, *b);
        }
        return numbers_equal(x, y, tolerance) && !differ_as_integers(a, b) &&
               !differ_as_integers(b, a);
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
