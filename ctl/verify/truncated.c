/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/truncated.h"

static bool is_named(const mp_value *names, const mp_value *member)
{
    struct str wanted;
    struct str name;
    for (size_t i = 0; i < mp_count(names); i++) {
        if (mp_as_str(mp_at(names, i), &name) && mp_as_str(member, &wanted) &&
            str_equal(name, wanted)) {
            return true;
        }
    }
    return false;
}

static void put_rest(struct buf *out, const mp_value *data, const mp_value *names)
{
    struct mp_open_map map = mp_open_map(out);
    for (size_t i = 0; i < mp_count(data); i++) {
        if (!is_named(names, &data->via.map.ptr[i].key)) {
            mp_put_value(out, &data->via.map.ptr[i].key);
            mp_put_value(out, &data->via.map.ptr[i].val);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

void truncated_expect(struct buf *out, const mp_value *expected, const mp_value *names)
{
    mp_put_map(out, mp_count(expected) + 1);
    for (size_t i = 0; i < mp_count(expected); i++) {
        const mp_value *value = &expected->via.map.ptr[i].val;
        mp_put_value(out, &expected->via.map.ptr[i].key);
        if (value == mp_get(expected, "data") && mp_is_map(value)) {
            put_rest(out, value, names);
        } else {
            mp_put_value(out, value);
        }
    }
    mp_put_text(out, "truncated");
    mp_put_value(out, names);
}
