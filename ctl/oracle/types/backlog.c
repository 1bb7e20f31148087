/* SPDX-License-Identifier: Apache-2.0 */
/* backlog, as docs/tiles.md says: how many items are open, in which states, and since when. */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/items.h"

#define PART_TEXT_MAX 256 /* bytes of a breakdown value that are shown */

static bool concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    int state;
    return oracle_state(rows, row, tile, &state) && oracle_items_has_item(rows, row, tile);
}

struct open_part {
    uint32_t name; /* index of the breakdown's value as text; ORACLE_NO_VALUE when no row has one */
    int state;     /* index of the state */
};

struct backlog {
    struct open_part *open; /* one for each open item; the caller frees it */
    size_t count;           /* of the open items */
    int64_t oldest_us; /* when the first row of an open item was; INT64_MAX when none is open */
};

/* Returns the breakdown's value in the latest of the item's rows that has one. */
static uint32_t part_of(const struct oracle_selection *s, const struct oracle_item_row *rows,
                        size_t count)
{
    if (s->tile->breakdown.kind == TILE_FIELD_NONE) {
        return ORACLE_NO_VALUE;
    }
    const size_t field = oracle_field(s->rows, &s->tile->breakdown);
    for (size_t i = count; i > 0; i--) {
        const uint32_t cell = oracle_cell(s->rows, rows[i - 1].row, field);
        if (cell != ORACLE_NO_VALUE) {
            const struct oracle_value *value = oracle_value(s->rows, cell);
            return value->text.len != 0 ? value->as_text
                                        : ORACLE_NO_VALUE; /* Both are shown as "". */
        }
    }
    return ORACLE_NO_VALUE;
}

static struct backlog read_backlog(const struct oracle_selection *s)
{
    struct backlog backlog = {x_calloc(s->count + 1, sizeof *backlog.open), 0, INT64_MAX};
    struct oracle_item_row *sorted = oracle_items_sort(s);
    for (size_t first = 0, end; first < s->count; first = end) {
        end = oracle_items_end(sorted, first, s->count);
        int state = TILE_STATE_CLOSED;
        (void)oracle_state(s->rows, sorted[end - 1].row, s->tile, &state);
        if (state == TILE_STATE_CLOSED) {
            continue;
        }
        backlog.open[backlog.count++] =
            (struct open_part){part_of(s, &sorted[first], end - first), state};
        if (sorted[first].us < backlog.oldest_us) {
            backlog.oldest_us = sorted[first].us;
        }
    }
    free(sorted);
    return backlog;
}

static int by_part(const void *a_p, const void *b_p)
{
    const struct open_part *a = a_p;
    const struct open_part *b = b_p;
    return (a->name > b->name) - (a->name < b->name);
}

/* Appends how many of these items are in each state; states without items only if zeros is set. */
static void put_states(const struct tile_config *tile, const struct open_part *open, size_t count,
                       bool zeros, struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    for (size_t state = 0; state < tile->state_count; state++) {
        uint64_t items = 0;
        for (size_t i = 0; i < count; i++) {
            items += open[i].state == (int)state;
        }
        if (zeros || items != 0) {
            mp_put_text(out, tile->states[state]);
            mp_put_uint(out, items);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static void put_breakdown(const struct oracle_selection *s, struct backlog *backlog,
                          struct buf *out)
{
    qsort(backlog->open, backlog->count, sizeof *backlog->open, by_part);
    struct mp_open_map map = mp_open_map(out);
    for (size_t first = 0, end; first < backlog->count; first = end) {
        const uint32_t name = backlog->open[first].name;
        for (end = first; end < backlog->count && backlog->open[end].name == name;) {
            end++;
        }
        const struct str text =
            name != ORACLE_NO_VALUE ? oracle_value(s->rows, name)->text : STR("");
        mp_put_str(out, oracle_items_cut(text, PART_TEXT_MAX));
        put_states(s->tile, &backlog->open[first], end - first, false, out);
        map.count++;
    }
    mp_close_map(out, map);
}

static void put_backlog(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    (void)at;
    struct backlog backlog = read_backlog(s);
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "total");
    mp_put_uint(out, backlog.count);
    mp_put_text(out, "buckets");
    put_states(s->tile, backlog.open, backlog.count, true, out);
    map.count += 2;
    if (backlog.count != 0) {
        mp_put_text(out, "oldest_at");
        oracle_items_put_moment(out, backlog.oldest_us);
        map.count++;
    }
    if (s->tile->breakdown.kind != TILE_FIELD_NONE) {
        mp_put_text(out, "breakdown");
        put_breakdown(s, &backlog, out);
        map.count++;
    }
    mp_close_map(out, map);
    free(backlog.open);
}

/* True when the field has more different values in these rows than a breakdown tells apart. */
static bool breakdown_overflows(const struct oracle_selection *s)
{
    if (s->tile->breakdown.kind == TILE_FIELD_NONE || s->count < ORACLE_BREAKDOWN_MAX) {
        return false;
    }
    const size_t field = oracle_field(s->rows, &s->tile->breakdown);
    struct open_part *parts = x_calloc(s->count, sizeof *parts);
    for (size_t i = 0; i < s->count; i++) {
        const uint32_t cell = oracle_cell(s->rows, s->picked[i], field);
        parts[i].name = oracle_value(s->rows, cell)->as_text;
    }
    qsort(parts, s->count, sizeof *parts, by_part);
    size_t different = 1;
    for (size_t i = 1; i < s->count; i++) {
        different += parts[i].name != parts[i - 1].name;
    }
    free(parts);
    return different >= ORACLE_BREAKDOWN_MAX;
}

const struct oracle_type oracle_backlog = {
    .concerns = concerns, .put_data = put_backlog, .is_undetermined = breakdown_overflows};
