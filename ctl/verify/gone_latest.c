/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/gone_latest.h"

#include <string.h>

#include "common/base/str.h"
#include "common/codec/mp_patch.h"

static size_t rows_of(const mp_value *table)
{
    return mp_is_map(table) ? table->via.map.size : 0;
}

/* The row of that id; NULL when it is not there. */
static const mp_value *row_of(const mp_value *table, const mp_value *id)
{
    for (size_t i = 0; i < rows_of(table); i++) {
        if (mp_equal(&table->via.map.ptr[i].key, id, 0)) {
            return &table->via.map.ptr[i].val;
        }
    }
    return NULL;
}

/* How many rows of a table are in the other. -1 when one of these is not the same there. */
static long common_rows(const mp_value *table, const mp_value *other)
{
    long count = 0;
    for (size_t i = 0; i < rows_of(table); i++) {
        const mp_value *row = row_of(other, &table->via.map.ptr[i].key);
        if (row != NULL && !mp_equal(row, &table->via.map.ptr[i].val, 0)) {
            return -1;
        }
        count += row != NULL;
    }
    return count;
}

/* The time of a row, whose texts are in the order of the moments. */
static struct str time_of(const mp_value *row)
{
    struct str at = STR("");
    (void)mp_as_str(mp_get(row, "at"), &at);
    return at;
}

static bool is_later(struct str a, struct str b)
{
    const int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return order != 0 ? order > 0 : a.len > b.len;
}

/* False when a row of `from` is not shown, though it is later than one that is, or there is room
 * for it. */
static bool newest_are_shown(const mp_value *from, const mp_value *shown, size_t limit)
{
    for (size_t i = 0; i < rows_of(from); i++) {
        if (row_of(shown, &from->via.map.ptr[i].key) != NULL) {
            continue;
        }
        const struct str at = time_of(&from->via.map.ptr[i].val);
        if (rows_of(shown) < limit) {
            return false;
        }
        for (size_t k = 0; k < rows_of(shown); k++) {
            if (is_later(at, time_of(&shown->via.map.ptr[k].val))) {
                return false;
            }
        }
    }
    return true;
}

bool gone_latest_explains(const mp_value *left, const mp_value *got, size_t limit, long double gone)
{
    const long both = common_rows(got, left);
    return mp_is_map(got) && rows_of(got) <= limit && both >= 0 &&
           (long double)rows_of(got) - (long double)both <= gone &&
           newest_are_shown(left, got, limit);
}

bool gone_latest_follows(const mp_value *before, const mp_value *came, const mp_value *after,
                         size_t limit)
{
    const long old = common_rows(after, before);
    const long new = common_rows(after, came);
    return mp_is_map(after) && rows_of(after) <= limit && old >= 0 && new >= 0 &&
           (size_t)old + (size_t) new == rows_of(after) && newest_are_shown(before, after, limit) &&
           newest_are_shown(came, after, limit);
}
