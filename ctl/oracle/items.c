/* SPDX-License-Identifier: Apache-2.0 */
/* sla_risk and backlog: rows are sorted by item, and by (timestamp, id) within each; the last one
 * of an item says in which state it is. */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types.h"

#define ITEM_TEXT_MAX 1024 /* bytes of an item's id that are shown */
#define PART_TEXT_MAX 256  /* bytes of a breakdown value that are shown */

struct sorted_row {
    uint32_t item;
    uint32_t row;
    int64_t us;
    int64_t id;
};

static int by_item_and_time(const void *a_p, const void *b_p)
{
    const struct sorted_row *a = a_p;
    const struct sorted_row *b = b_p;
    if (a->item != b->item) {
        return a->item < b->item ? -1 : 1;
    }
    if (a->us != b->us) {
        return a->us < b->us ? -1 : 1;
    }
    return (a->id > b->id) - (a->id < b->id);
}

/* The caller frees it. */
static struct sorted_row *sort_by_item(const struct oracle_selection *s)
{
    const size_t field = oracle_field(s->rows, &s->tile->item);
    struct sorted_row *sorted = x_calloc(s->count + 1, sizeof *sorted);
    for (size_t i = 0; i < s->count; i++) {
        const uint32_t row = s->picked[i];
        const uint32_t cell = oracle_cell(s->rows, row, field);
        sorted[i] = (struct sorted_row){oracle_value(s->rows, cell)->as_text, row,
                                        oracle_row_us(s->rows, row), oracle_row_id(s->rows, row)};
    }
    qsort(sorted, s->count, sizeof *sorted, by_item_and_time);
    return sorted;
}

/* One past the last row of the item whose first row is at `first`. */
static size_t end_of_item(const struct sorted_row *sorted, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && sorted[end].item == sorted[first].item) {
        end++;
    }
    return end;
}

static struct str cut(struct str text, size_t max)
{
    return (struct str){text.p, text.len < max ? text.len : max};
}

static void put_moment(struct buf *out, int64_t us)
{
    char text[TIME_TEXT_SIZE];
    mp_put_text(out, wall_format((wall_time){us}, text));
}

/* ---- sla_risk ---- */

struct open_item {
    int64_t due;
    int64_t opened_by; /* id of the row */
    uint32_t item;
};

static bool due_of(const struct oracle_selection *s, const struct sorted_row *opening, int64_t *out)
{
    if (s->tile->due.kind == FIELD_NONE) {
        *out = opening->us + s->tile->within_ms * US_PER_MS;
        return true;
    }
    const size_t field = oracle_field(s->rows, &s->tile->due);
    return oracle_moment(oracle_value(s->rows, oracle_cell(s->rows, opening->row, field)), out);
}

static int by_due(const void *a_p, const void *b_p)
{
    const struct open_item *a = a_p;
    const struct open_item *b = b_p;
    if (a->due != b->due) {
        return a->due < b->due ? -1 : 1;
    }
    return (a->opened_by > b->opened_by) - (a->opened_by < b->opened_by);
}

/* The open items that have a deadline, sorted; others are only counted. The caller frees them. */
static struct open_item *open_items(const struct oracle_selection *s, size_t *count,
                                    size_t *without)
{
    struct sorted_row *sorted = sort_by_item(s);
    struct open_item *open = x_calloc(s->count + 1, sizeof *open);
    *count = 0;
    *without = 0;
    for (size_t first = 0, end; first < s->count; first = end) {
        end = end_of_item(sorted, first, s->count);
        const struct sorted_row *latest = &sorted[end - 1];
        struct open_item item = {0, latest->id, latest->item};
        if (oracle_matches(s->rows, latest->row, &s->tile->closes)) {
            continue; /* also if it opens as well */
        }
        if (due_of(s, latest, &item.due)) {
            open[(*count)++] = item;
        } else {
            (*without)++;
        }
    }
    qsort(open, *count, sizeof *open, by_due);
    free(sorted);
    return open;
}

static void put_worst(const struct oracle_selection *s, const struct open_item *open, size_t count,
                      struct buf *out)
{
    const size_t listed = count < TILE_WORST_ITEMS ? count : TILE_WORST_ITEMS;
    mp_put_text(out, "worst");
    mp_put_array(out, listed);
    for (size_t i = 0; i < listed; i++) {
        mp_put_map(out, 2);
        mp_put_text(out, "id");
        mp_put_str(out, cut(oracle_value(s->rows, open[i].item)->text, ITEM_TEXT_MAX));
        mp_put_text(out, "due_at");
        put_moment(out, open[i].due);
    }
}

void oracle_sla(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    size_t count;
    size_t ok;
    struct open_item *open = open_items(s, &count, &ok);
    size_t at_risk = 0;
    size_t breached = 0;
    const struct open_item *next = NULL;
    for (size_t i = 0; i < count; i++) {
        if (open[i].due <= at.us) {
            breached++;
            continue;
        }
        next = next != NULL ? next : &open[i];
        if (open[i].due - s->tile->at_risk_ms * US_PER_MS <= at.us) {
            at_risk++;
        } else {
            ok++;
        }
    }
    mp_put_map(out, next != NULL ? 5 : 4);
    mp_put_text(out, "ok");
    mp_put_uint(out, ok);
    mp_put_text(out, "at_risk");
    mp_put_uint(out, at_risk);
    mp_put_text(out, "breached");
    mp_put_uint(out, breached);
    if (next != NULL) {
        mp_put_text(out, "next_breach_at");
        put_moment(out, next->due);
    }
    put_worst(s, open, count, out);
    free(open);
}

/* ---- backlog ---- */

struct open_part {
    uint32_t name; /* index of the breakdown's value as text; ORACLE_NO_VALUE: no event has one */
    int state;
};

struct backlog {
    struct open_part *open; /* one for each open item */
    size_t count;
    int64_t oldest_us;
};

/* The breakdown's value in the latest of the item's rows that has one. */
static uint32_t part_of(const struct oracle_selection *s, const struct sorted_row *rows,
                        size_t count)
{
    if (s->tile->breakdown.kind == FIELD_NONE) {
        return ORACLE_NO_VALUE;
    }
    const size_t field = oracle_field(s->rows, &s->tile->breakdown);
    for (size_t i = count; i > 0; i--) {
        const uint32_t cell = oracle_cell(s->rows, rows[i - 1].row, field);
        if (cell != ORACLE_NO_VALUE) {
            const struct oracle_value *value = oracle_value(s->rows, cell);
            return value->text.len != 0 ? value->as_text
                                        : ORACLE_NO_VALUE; /* both are shown as "" */
        }
    }
    return ORACLE_NO_VALUE;
}

static struct backlog read_backlog(const struct oracle_selection *s)
{
    struct backlog backlog = {x_calloc(s->count + 1, sizeof *backlog.open), 0, INT64_MAX};
    struct sorted_row *sorted = sort_by_item(s);
    for (size_t first = 0, end; first < s->count; first = end) {
        end = end_of_item(sorted, first, s->count);
        int state = STATE_CLOSED;
        (void)oracle_state(s->rows, sorted[end - 1].row, s->tile, &state);
        if (state == STATE_CLOSED) {
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

/* How many of the items, which are next to each other, are in each state. */
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
        mp_put_str(out, cut(text, PART_TEXT_MAX));
        put_states(s->tile, &backlog->open[first], end - first, false, out);
        map.count++;
    }
    mp_close_map(out, map);
}

void oracle_backlog(const struct oracle_selection *s, wall_time at, struct buf *out)
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
        put_moment(out, backlog.oldest_us);
        map.count++;
    }
    if (s->tile->breakdown.kind != FIELD_NONE) {
        mp_put_text(out, "breakdown");
        put_breakdown(s, &backlog, out);
        map.count++;
    }
    mp_close_map(out, map);
    free(backlog.open);
}

bool oracle_breakdown_overflows(const struct oracle_selection *s)
{
    if (s->tile->breakdown.kind == FIELD_NONE || s->count < ORACLE_BREAKDOWN_MAX) {
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
