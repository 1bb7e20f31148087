/* SPDX-License-Identifier: Apache-2.0 */
/* sla_risk, as docs/tiles.md says: which open items are past their deadline or near it. */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/business.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/items.h"

#define ITEM_TEXT_MAX 1024 /* bytes of an item's id that are shown */

static bool concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return (oracle_matches(rows, row, &tile->opens) || oracle_matches(rows, row, &tile->closes)) &&
           oracle_items_has_item(rows, row, tile);
}

struct open_item {
    int64_t due;       /* µs since 1970 */
    int64_t opened_by; /* id of the row */
    uint32_t item;     /* index of its value as text */
};

/* The time that an item has, in µs. False when its priority is in none of the targets. */
static bool promised(const struct oracle_selection *s, const struct oracle_item_row *opening,
                     int64_t *us)
{
    const struct tile_config *tile = s->tile;
    *us = tile->within_ms * US_PER_MS;
    if (tile->targets == NULL) {
        return true;
    }
    const struct oracle_value *value = oracle_row_value(s->rows, opening->row, &tile->priority);
    size_t i = 0;
    while (i < tile->target_count && !oracle_glob(tile->targets[i].priority, value->text)) {
        i++;
    }
    if (value->kind == ORACLE_ABSENT || i == tile->target_count) {
        return false;
    }
    *us = tile->targets[i].within_ms * US_PER_MS;
    return true;
}

static bool due_of(const struct oracle_selection *s, const struct oracle_item_row *opening,
                   int64_t *out)
{
    if (s->tile->due.kind == TILE_FIELD_NONE) {
        int64_t within_us;
        if (!promised(s, opening, &within_us)) {
            return false;
        }
        *out = opening->us + within_us;
        return s->tile->calendar == NULL ||
               oracle_business_after(s->tile->calendar, opening->us, within_us, out);
    }
    const size_t field = oracle_field(s->rows, &s->tile->due);
    return oracle_moment(oracle_value(s->rows, oracle_cell(s->rows, opening->row, field)),
                         s->tile->local->time_zone, out);
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

/* Returns the open items that have a deadline, sorted by it; those without one are only counted.
 * The caller frees the list. */
static struct open_item *open_items(const struct oracle_selection *s, size_t *count,
                                    size_t *without)
{
    struct oracle_item_row *sorted = oracle_items_sort(s);
    struct open_item *open = x_calloc(s->count + 1, sizeof *open);
    *count = 0;
    *without = 0;
    for (size_t first = 0, end; first < s->count; first = end) {
        end = oracle_items_end(sorted, first, s->count);
        const struct oracle_item_row *latest = &sorted[end - 1];
        struct open_item item = {0, latest->id, latest->item};
        if (oracle_matches(s->rows, latest->row, &s->tile->closes)) {
            continue; /* A row that both opens and closes an item closes it. */
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
        mp_put_str(out, oracle_items_cut(oracle_value(s->rows, open[i].item)->text, ITEM_TEXT_MAX));
        mp_put_text(out, "due_at");
        oracle_items_put_moment(out, open[i].due);
    }
}

/* For an item that is not due yet. */
static bool is_at_risk(const struct tile_config *tile, int64_t due, int64_t at)
{
    const int64_t margin = tile->at_risk_ms * US_PER_MS;
    return tile->calendar != NULL ? !oracle_business_exceeds(tile->calendar, at, due, margin)
                                  : due - margin <= at;
}

static void put_sla_risk(const struct oracle_selection *s, wall_time at, struct buf *out)
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
        if (is_at_risk(s->tile, open[i].due, at.us)) {
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
        oracle_items_put_moment(out, next->due);
    }
    put_worst(s, open, count, out);
    free(open);
}

const struct oracle_type oracle_sla_risk = {.concerns = concerns, .put_data = put_sla_risk};
