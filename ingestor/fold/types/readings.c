/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/readings.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/table.h"

#include "common/base/time/civil.h"
#include "common/base/xalloc.h"
#include "ingestor/fold/rank.h"
#include "ingestor/fold/types/exact.h"

struct reading {
    struct rank rank; /* of its row */
    struct number value;
};

struct series {
    struct reading *list;   /* by their slots, one in each at most; owned */
    size_t count;           /* how many there are, never 0 */
    size_t cap;             /* how many there is memory for */
    UT_hash_handle by_name; /* in readings.table */
    uint32_t len;           /* bytes of `name` */
    char name[];
};

void readings_init(struct readings *readings, int64_t width_us, int64_t length, wall_time now)
{
    *readings = (struct readings){.width_us = width_us,
                                  .length = length,
                                  .now = civil_floor_div(now.us, width_us),
                                  .next = INT64_MAX};
}

static void remove_series(struct readings *readings, struct series *series)
{
    HASH_DELETE(by_name, readings->table, series);
    for (size_t i = 0; i < series->count; i++) {
        rank_free(&series->list[i].rank);
    }
    free(series->list);
    free(series);
}

void readings_finish(struct readings *readings)
{
    struct series *series;
    struct series *next;
    HASH_ITER(by_name, readings->table, series, next)
    {
        remove_series(readings, series);
    }
}

static int64_t slot_of(const struct readings *readings, int64_t us)
{
    return civil_floor_div(us, readings->width_us);
}

/* The first reading that is not before that slot; count if there is none. */
static size_t first_from(const struct readings *readings, const struct series *series, int64_t slot)
{
    size_t low = 0;
    size_t high = series->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (slot_of(readings, series->list[middle].rank.us) < slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct series *find(const struct readings *readings, struct str name)
{
    struct series *series;
    HASH_FIND(by_name, readings->table, name.p, name.len, series);
    return series;
}

static struct series *add_series(struct readings *readings, struct str name)
{
    if (HASH_CNT(by_name, readings->table) >= READINGS_SERIES_MAX) {
        return NULL;
    }
    struct series *series = x_calloc(1, sizeof *series + name.len + 1);
    series->len = (uint32_t)name.len;
    if (name.len != 0) {
        memcpy(series->name, name.p, name.len);
    }
    HASH_ADD_KEYPTR(by_name, readings->table, series->name, series->len, series);
    return series;
}

/* A new place in the list, zeroed. */
static struct reading *insert(struct series *series, size_t at)
{
    if (series->list == NULL || series->count == series->cap) {
        series->cap = series->cap != 0 ? 2 * series->cap : 4;
        series->list = x_reallocarray(series->list, series->cap, sizeof *series->list);
    }
    memmove(&series->list[at + 1], &series->list[at], (series->count - at) * sizeof *series->list);
    series->count++;
    series->list[at] = (struct reading){.rank = RANK_NONE};
    return &series->list[at];
}

/* When a reading of that slot leaves the window, or what is kept. */
static void expect_to_leave(struct readings *readings, int64_t slot)
{
    const int64_t leaves =
        slot + (slot > readings->now - readings->length ? 1 : 2) * readings->length;
    readings->next = leaves < readings->next ? leaves : readings->next;
}

enum readings_added readings_add(struct readings *readings, struct str name,
                                 const struct event *event, struct number value)
{
    const int64_t slot = slot_of(readings, event->timestamp.us);
    assert(slot <= readings->now);
    if (slot <= readings->now - 2 * readings->length) {
        return READINGS_PASSED;
    }
    const struct str cut = {name.p, name.len < READINGS_NAME_MAX ? name.len : READINGS_NAME_MAX};
    struct series *series = find(readings, cut);
    if (series == NULL) {
        series = add_series(readings, cut);
    }
    if (series == NULL) {
        return READINGS_REFUSED;
    }
    const size_t at = first_from(readings, series, slot);
    struct reading *reading = at < series->count ? &series->list[at] : NULL;
    if (reading == NULL || slot_of(readings, reading->rank.us) != slot) {
        reading = insert(series, at);
        expect_to_leave(readings, slot);
    } else if (!rank_is_before(&reading->rank, event)) {
        return READINGS_PASSED;
    }
    rank_set(&reading->rank, event);
    reading->value = value;
    return READINGS_CHANGED;
}

/* The same of the first of all, and of the first in the window. */
static void expect_first_to_leave(struct readings *readings, const struct series *series)
{
    expect_to_leave(readings, slot_of(readings, series->list[0].rank.us));
    const size_t first = first_from(readings, series, readings->now - readings->length + 1);
    if (first < series->count) {
        expect_to_leave(readings, slot_of(readings, series->list[first].rank.us));
    }
}

/* Forgets what is too old, and the series if that is all of it. */
static void forget(struct readings *readings, struct series *series)
{
    const size_t gone = first_from(readings, series, readings->now - 2 * readings->length + 1);
    if (gone == series->count) {
        remove_series(readings, series);
        return;
    }
    for (size_t i = 0; i < gone; i++) {
        rank_free(&series->list[i].rank);
    }
    series->count -= gone;
    memmove(series->list, &series->list[gone], series->count * sizeof *series->list);
    expect_first_to_leave(readings, series);
}

bool readings_advance(struct readings *readings, wall_time now)
{
    const int64_t slot = slot_of(readings, now.us);
    if (slot <= readings->now) {
        return false;
    }
    readings->now = slot;
    if (slot < readings->next) {
        return false;
    }
    struct series *series;
    struct series *next;
    readings->next = INT64_MAX;
    HASH_ITER(by_name, readings->table, series, next)
    {
        forget(readings, series);
    }
    return true;
}

wall_time readings_next(const struct readings *readings)
{
    int64_t us;
    return readings->next == INT64_MAX ||
                   __builtin_mul_overflow(readings->next, readings->width_us, &us)
               ? WALL_NEVER
               : (wall_time){us};
}

/* ---- What it says ---- */

/* A sum as exact.h has it. */
struct sum {
    double value;
    struct exact *exact;
};

static void add(struct sum *sum, struct number number)
{
    exact_take(&sum->value, &sum->exact, number);
}

static struct number negative(struct number number)
{
    return (struct number){-number.value, -number.rest};
}

/* From the first of these readings to the last: where one is smaller than the one before, the
 * counter had grown up to that one, and began anew. */
static void add_growth(struct sum *sum, const struct reading *list, size_t count)
{
    add(sum, negative(list[0].value));
    add(sum, list[count - 1].value);
    for (size_t i = 1; i < count; i++) {
        if (number_less(list[i].value, list[i - 1].value)) {
            add(sum, list[i - 1].value);
        }
    }
}

struct growth readings_growth(const struct readings *readings)
{
    struct growth growth = {.series = 0};
    struct sum sum = {0};
    for (const struct series *series = readings->table; series != NULL;
         series = series->by_name.next) {
        const size_t first = first_from(readings, series, readings->now - readings->length + 1);
        const size_t from = first != 0 ? first - 1 : 0;
        if (first == series->count) {
            continue;
        }
        growth.series++;
        if (series->count - from > 1) {
            growth.known = true;
            add_growth(&sum, &series->list[from], series->count - from);
        }
    }
    growth.increase = number_of_real(sum.value);
    if (sum.exact != NULL && !exact_number(sum.exact, &growth.increase)) {
        growth.increase = number_of_real(copysign(DBL_MAX, growth.increase.value));
    }
    free(sum.exact);
    return growth;
}

/* ---- Saving and loading ---- */

void readings_save(const struct readings *readings, struct buf *out)
{
    mp_put_array(out, 1 + HASH_CNT(by_name, readings->table));
    mp_put_int(out, readings->now);
    for (const struct series *series = readings->table; series != NULL;
         series = series->by_name.next) {
        mp_put_array(out, 1 + series->count);
        mp_put_bin(out, (struct str){series->name, series->len}); /* it may be no UTF-8 */
        for (size_t i = 0; i < series->count; i++) {
            mp_put_array(out, 3);
            number_put(out, series->list[i].value);
            rank_save(&series->list[i].rank, out);
        }
    }
}

static bool load_series(struct readings *readings, const mp_value *value)
{
    struct str name;
    const size_t count = mp_is_array(value) ? mp_count(value) : 0;
    if (count < 2 || !mp_as_bin(mp_at(value, 0), &name) || name.len > READINGS_NAME_MAX ||
        find(readings, name) != NULL) {
        return false;
    }
    struct series *series = add_series(readings, name);
    int64_t before = readings->now - 2 * readings->length;
    for (size_t i = 1; series != NULL && i < count; i++) {
        const mp_value *saved = mp_at(value, i);
        struct rank rank = RANK_NONE;
        struct number number;
        if (!mp_is_array(saved) || mp_count(saved) != 3 || !number_get(mp_at(saved, 0), &number) ||
            !rank_load(&rank, saved, 1)) {
            return false;
        }
        *insert(series, series->count) = (struct reading){rank, number};
        const int64_t slot = slot_of(readings, rank.us);
        if (slot <= before || slot > readings->now) {
            return false;
        }
        before = slot;
    }
    return series != NULL;
}

bool readings_load(struct readings *readings, const mp_value *value)
{
    const int64_t most = INT64_MAX / 2 / readings->width_us; /* which no clock shows */
    const size_t count = mp_is_array(value) ? mp_count(value) : 0;
    if (count == 0 || !mp_as_int(mp_at(value, 0), &readings->now) || readings->now > most ||
        readings->now < -most) {
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        if (!load_series(readings, mp_at(value, i))) {
            return false;
        }
    }
    for (const struct series *series = readings->table; series != NULL;
         series = series->by_name.next) {
        expect_first_to_leave(readings, series);
    }
    return true;
}
