/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/diff.h"

#include "common/codec/mp_patch.h"

struct diff {
    double tolerance;
    diff_fn *each;
    void *arg;
    struct buf path;
};

static void compare(struct diff *diff, const mp_value *expected, const mp_value *got);

/* Compares a member, whose name is on the path meanwhile. */
static void compare_member(struct diff *diff, struct str name, const mp_value *expected,
                           const mp_value *got)
{
    const size_t len = diff->path.len;
    if (len != 0) {
        buf_append_char(&diff->path, '.');
    }
    buf_append_str(&diff->path, name);
    compare(diff, expected, got);
    diff->path.len = len;
}

/* Returns the member of that name, or NULL; unlike mp_get, for a name that is not
 * NUL-terminated. */
static const mp_value *member(const mp_value *map, struct str name)
{
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        struct str key;
        if (mp_as_str(&map->via.map.ptr[i].key, &key) && str_equal(key, name)) {
            return &map->via.map.ptr[i].val;
        }
    }
    return NULL;
}

static void compare_maps(struct diff *diff, const mp_value *expected, const mp_value *got)
{
    struct str name;
    const bool outermost = diff->path.len == 0;
    for (uint32_t i = 0; i < expected->via.map.size; i++) {
        if (mp_as_str(&expected->via.map.ptr[i].key, &name)) {
            compare_member(diff, name, &expected->via.map.ptr[i].val, member(got, name));
        }
    }
    for (uint32_t i = 0; i < got->via.map.size && !outermost; i++) {
        if (mp_as_str(&got->via.map.ptr[i].key, &name) && member(expected, name) == NULL) {
            compare_member(diff, name, NULL, &got->via.map.ptr[i].val);
        }
    }
}

static void compare(struct diff *diff, const mp_value *expected, const mp_value *got)
{
    if (mp_is_map(expected) && mp_is_map(got)) {
        compare_maps(diff, expected, got);
    } else if (expected == NULL || got == NULL || !mp_equal(expected, got, diff->tolerance)) {
        diff->each(diff->arg, buf_cstr(&diff->path), expected, got);
    }
}

void diff_values(const mp_value *expected, const mp_value *got, double tolerance, diff_fn *each,
                 void *arg)
{
    struct diff diff = {tolerance, each, arg, {0}};
    compare(&diff, expected, got);
    buf_free(&diff.path);
}
