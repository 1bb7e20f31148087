/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top, as docs/tiles.md says: the largest groups, from all of their rows. A tile with more groups
 * than it counts exactly says other numbers, and its error: it is right when each number is as near
 * as that to what is right, when no group that is much larger than those shown is missing, and when
 * all of them together are exact.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/codec/mp_patch.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/items.h"
#include "ctl/oracle/types/sum.h"
#include "ctl/oracle/types/values.h"

#define GROUPS_EXACT 1024
#define NAME_BYTES 128
#define ROUNDING 1e-9L /* relative: what the doubles of a tile may be off by */

struct group {
    struct str name;
    long double value; /* rows, or the sum of their values */
    long double size;  /* the same without the signs of values */
    size_t begin;      /* of its rows, which one is the first */
    size_t end;        /* and which one follows the last */
};

struct groups {
    struct group *list;     /* the largest first; owned */
    size_t count;           /* of the list */
    struct oracle_sum rest; /* of all but the first `rows` of the tile */
    struct oracle_sum all;
    long double size; /* of all */
};

/* A row of a group. */
struct member {
    struct str name;
    long double value;
};

static bool concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return oracle_values_concern(rows, row, tile) && oracle_items_has_item(rows, row, tile);
}

/* The longest beginning that is not too long, and ends where a character does. */
static struct str beginning(struct str text)
{
    size_t len = text.len;
    for (len = len > NAME_BYTES ? NAME_BYTES : len;
         len > 0 && len < text.len && (text.p[len] & 0xc0) == 0x80; len--) {
    }
    return (struct str){text.p, len};
}

static int by_bytes(struct str a, struct str b)
{
    const size_t both = a.len < b.len ? a.len : b.len;
    const int order = both != 0 ? memcmp(a.p, b.p, both) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    return by_bytes(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static int largest_first(const void *a_p, const void *b_p)
{
    const struct group *a = a_p;
    const struct group *b = b_p;
    if (a->value > b->value || a->value < b->value) {
        return a->value > b->value ? -1 : 1;
    }
    return by_bytes(a->name, b->name);
}

/* What is beyond all doubles is the largest of them. */
static long double shown_sum(const struct oracle_sum *sum)
{
    long double value;
    return oracle_sum_value(sum, &value) ? value : copysignl(DBL_MAX, value);
}

/* The rows in the window, by the names of their groups. */
static struct member *members_of(const struct oracle_selection *s, wall_time at, size_t *count)
{
    const int64_t begin_us = oracle_values_window_begin(s->tile, at);
    struct member *members = x_calloc(s->count + 1, sizeof *members);
    *count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const uint32_t row = s->picked[i];
        if (oracle_row_us(s->rows, row) >= begin_us) {
            members[(*count)++] = (struct member){
                beginning(oracle_row_value(s->rows, row, &s->tile->item)->text),
                s->tile->aggregate == TILE_AGGREGATE_SUM ? oracle_row_number(s->rows, row, s->tile)
                                                         : 1};
        }
    }
    qsort(members, *count, sizeof *members, by_name);
    return members;
}

static struct groups groups_of(const struct oracle_selection *s, wall_time at)
{
    size_t count;
    struct member *members = members_of(s, at, &count);
    struct groups groups = {.list = x_calloc(count + 1, sizeof *groups.list)};
    for (size_t i = 0; i < count;) {
        struct oracle_sum sum = {0};
        struct group group = {.name = members[i].name, .begin = i};
        for (; i < count && by_bytes(members[i].name, group.name) == 0; i++) {
            oracle_sum_add(&sum, members[i].value);
            oracle_sum_add(&groups.all, members[i].value);
            group.size += fabsl(members[i].value);
        }
        group.end = i;
        group.value = shown_sum(&sum);
        groups.size += group.size;
        groups.list[groups.count++] = group;
    }
    qsort(groups.list, groups.count, sizeof *groups.list, largest_first);
    groups.rest = groups.all;
    for (size_t k = 0; k < groups.count && k < s->tile->rows; k++) {
        for (size_t i = groups.list[k].begin; i < groups.list[k].end; i++) {
            oracle_sum_add(&groups.rest, -members[i].value);
        }
    }
    free(members);
    return groups;
}

static void put_top(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    struct groups groups = groups_of(s, at);
    const size_t shown = groups.count < s->tile->rows ? groups.count : s->tile->rows;
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "aggregate");
    mp_put_text(out, s->tile->aggregate == TILE_AGGREGATE_SUM ? "sum" : "count");
    mp_put_text(out, "top");
    mp_put_map(out, shown);
    for (size_t i = 0; i < shown; i++) {
        mp_put_str(out, groups.list[i].name);
        oracle_values_put(out, groups.list[i].value);
    }
    mp_put_text(out, "other");
    oracle_values_put(out, shown_sum(&groups.rest));
    mp_put_text(out, "groups");
    mp_put_uint(out, groups.count);
    mp_put_text(out, "approximate");
    mp_put_bool(out, false);
    map.count += 5;
    if (shown != 0) {
        mp_put_text(out, "largest");
        oracle_values_put(out, groups.list[0].value);
        map.count++;
    }
    if (s->tile->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, s->tile->unit);
        map.count++;
    }
    map.count += oracle_values_put_window(s->tile, at, out);
    mp_close_map(out, map);
    free(groups.list);
}

/* ---- What is approximate ---- */

static bool number_of(const mp_value *value, long double *out)
{
    double real;
    int64_t integer;
    if (mp_as_int(value, &integer)) {
        *out = integer;
        return true;
    }
    if (mp_as_number(value, &real)) {
        *out = real;
        return true;
    }
    return false;
}

/* Each group is as near as that, and none that is not shown is larger than the least by more. */
static bool groups_near(const struct groups *groups, const mp_value *top, long double error)
{
    long double least = 0;
    size_t found = 0;
    for (size_t i = 0; i < mp_count(top); i++) {
        long double value = 0;
        if (!number_of(&top->via.map.ptr[i].val, &value)) {
            return false;
        }
        least = i == 0 || value < least ? value : least;
    }
    for (size_t i = 0; i < groups->count; i++) {
        const struct group *group = &groups->list[i];
        long double value = 0;
        bool shown = false;
        for (size_t k = 0; k < mp_count(top) && !shown; k++) {
            struct str name;
            shown = mp_as_str(&top->via.map.ptr[k].key, &name) &&
                    by_bytes(name, group->name) == 0 && number_of(&top->via.map.ptr[k].val, &value);
        }
        found += shown;
        if (shown ? fabsl(value - group->value) > error
                  : group->value > (least > 0 ? least : 0) + error) {
            return false;
        }
    }
    return found == mp_count(top); /* Counters bear the names of groups that have rows. */
}

/* All of them together are what all rows are together, and the largest is among them. */
static bool together_exact(const struct groups *groups, const mp_value *data)
{
    const mp_value *top = mp_get(data, "top");
    long double all = 0;
    long double most = 0;
    long double largest = 0;
    if (!number_of(mp_get(data, "other"), &all) || !number_of(mp_get(data, "largest"), &largest)) {
        return false;
    }
    for (size_t i = 0; i < mp_count(top); i++) {
        long double value = 0;
        (void)number_of(&top->via.map.ptr[i].val, &value);
        all += value;
        most = i == 0 || value > most ? value : most;
    }
    return fabsl(largest - most) <= 0 &&
           fabsl(all - shown_sum(&groups->all)) <= ROUNDING * groups->size;
}

/* The other members are as they have to be: an approximate tile has an error where another has the
 * number of groups. */
static bool rest_same(const struct oracle_selection *s, wall_time at, const mp_value *data)
{
    static const char *const names[] = {"aggregate", "unit",      "window_ms",
                                        "window",    "begins_at", "time_zone"};
    struct buf expected = {0};
    struct mp_doc doc;
    put_top(s, at, &expected);
    mp_doc_init(&doc);
    bool same = mp_parse(&doc, expected.data, expected.len) == STATUS_OK &&
                mp_count(data) == mp_count(&doc.root) && mp_get(data, "groups") == NULL;
    for (size_t i = 0; same && i < sizeof names / sizeof *names; i++) {
        const mp_value *want = mp_get(&doc.root, names[i]);
        const mp_value *got = mp_get(data, names[i]);
        same = (want == NULL) == (got == NULL) && (want == NULL || mp_equal(want, got, 0));
    }
    mp_doc_free(&doc);
    buf_free(&expected);
    return same;
}

static bool allows(const struct oracle_selection *s, wall_time at, const mp_value *data)
{
    bool approximate = false;
    long double error;
    const mp_value *top = mp_get(data, "top");
    if (!mp_as_bool(mp_get(data, "approximate"), &approximate) || !approximate || !mp_is_map(top) ||
        mp_count(top) != s->tile->rows || !number_of(mp_get(data, "error"), &error) || error < 0 ||
        !rest_same(s, at, data)) {
        return false;
    }
    struct groups groups = groups_of(s, at);
    const long double rounding = ROUNDING * groups.size;
    const bool right = groups.count > GROUPS_EXACT &&
                       error <= groups.size / GROUPS_EXACT + rounding &&
                       groups_near(&groups, top, error + rounding) && together_exact(&groups, data);
    free(groups.list);
    return right;
}

const struct oracle_type oracle_top = {.concerns = concerns, .put_data = put_top, .allows = allows};
