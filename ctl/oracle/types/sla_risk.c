/* SPDX-License-Identifier: Apache-2.0 */
/* sla_risk, as docs/tiles.md says: which open items are past their deadline or near it. */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/business.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/items.h"

#define ITEM_TEXT_MAX 1024 /* bytes of an item's id that are shown */
#define TURNS_COUNTED 64   /* of the rows that pause or resume an item: the latest ones */

static bool is_turn(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return tile->pausable &&
           (oracle_matches(rows, row, &tile->pauses) || oracle_matches(rows, row, &tile->resumes));
}

static bool closes(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return oracle_matches(rows, row, &tile->closes);
}

/* A row that both opens and closes an item closes it. */
static bool opens(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return oracle_matches(rows, row, &tile->opens) && !closes(rows, row, tile);
}

static bool concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return (opens(rows, row, tile) || closes(rows, row, tile) || is_turn(rows, row, tile)) &&
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

/* The rows about one item, in their order. */
struct about {
    const struct oracle_item_row *rows; /* borrowed */
    size_t count;                       /* 1 or more */
};

/* What is known of an item's deadline. */
enum due { DUE_NONE, DUE_PAUSED, DUE_AT };

/* True when the row lets the item's time run or stop; *stops says which. */
static bool turns(const struct oracle_selection *s, const struct oracle_item_row *row, bool *stops)
{
    const bool reopens = s->tile->reopen == TILE_REOPEN_KEEP && opens(s->rows, row->row, s->tile);
    *stops = oracle_matches(s->rows, row->row, &s->tile->pauses);
    return is_turn(s->rows, row->row, s->tile) || reopens;
}

/* The deadline of what was opened then, had it so much time. */
static bool due_after(const struct tile_config *tile, int64_t from, int64_t within, int64_t *out)
{
    *out = from + within;
    return tile->calendar == NULL || oracle_business_after(tile->calendar, from, within, out);
}

/* The first of the rows from which on turns count: those before are too many, or, where deadlines
 * are renewed, of an earlier life of the item. */
static size_t first_turn(const struct oracle_selection *s, const struct about *item, size_t opening)
{
    size_t seen = 0;
    size_t at = item->count;
    while (at > opening && seen < TURNS_COUNTED) {
        bool stops;
        at--;
        seen += turns(s, &item->rows[at], &stops) ? 1 : 0;
    }
    return at;
}

/* Each pause that begins before the deadline moves it by what passes until the next row that lets
 * time run. */
static enum due due_with_pauses(const struct oracle_selection *s, const struct about *item,
                                size_t opening, int64_t within, int64_t *out)
{
    const struct tile_config *tile = s->tile;
    const int64_t opened = item->rows[opening].us;
    int64_t stood_still = 0;
    const struct oracle_item_row *stop = NULL;
    if (!due_after(tile, opened, within, out)) {
        return DUE_NONE;
    }
    for (size_t i = first_turn(s, item, opening); i < item->count; i++) {
        bool stops;
        const struct oracle_item_row *row = &item->rows[i];
        if (!turns(s, row, &stops) || stops == (stop != NULL)) {
            continue;
        }
        if (stops) {
            if (row->us >= *out) {
                return DUE_AT;
            }
            stop = row;
            continue;
        }
        stood_still += tile->calendar == NULL
                           ? row->us - stop->us
                           : oracle_business_between(tile->calendar, stop->us, row->us);
        stop = NULL;
        if (!due_after(tile, opened, within + stood_still, out)) {
            return DUE_NONE;
        }
    }
    return stop != NULL ? DUE_PAUSED : DUE_AT;
}

static enum due due_of(const struct oracle_selection *s, const struct about *item, size_t opening,
                       int64_t *out)
{
    const struct oracle_item_row *row = &item->rows[opening];
    if (s->tile->due.kind != TILE_FIELD_NONE) {
        const size_t field = oracle_field(s->rows, &s->tile->due);
        return oracle_moment(oracle_value(s->rows, oracle_cell(s->rows, row->row, field)),
                             s->tile->local->time_zone, out)
                   ? DUE_AT
                   : DUE_NONE;
    }
    int64_t within;
    if (!promised(s, row, &within)) {
        return DUE_NONE;
    }
    if (s->tile->pausable) {
        return due_with_pauses(s, item, opening, within, out);
    }
    return due_after(s->tile, row->us, within, out) ? DUE_AT : DUE_NONE;
}

/* The index of the row that an item is open by; its count when it is not. *counted is that of the
 * row from which its deadline counts. */
static size_t opened_by(const struct oracle_selection *s, const struct about *item, size_t *counted)
{
    size_t by = item->count;
    for (size_t i = item->count; i-- > 0;) {
        if (closes(s->rows, item->rows[i].row, s->tile)) {
            break;
        }
        if (opens(s->rows, item->rows[i].row, s->tile)) {
            by = i;
            break;
        }
    }
    *counted = by;
    for (size_t i = 0; s->tile->reopen == TILE_REOPEN_KEEP && i < by && by < item->count; i++) {
        if (opens(s->rows, item->rows[i].row, s->tile)) {
            *counted = i;
            break;
        }
    }
    return by;
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

/* How many open items have no deadline. */
struct without {
    size_t ever;   /* and never get one */
    size_t paused; /* because their time stands still */
};

/* Returns the open items that have a deadline, sorted by it; those without one are only counted.
 * The caller frees the list. */
static struct open_item *open_items(const struct oracle_selection *s, size_t *count,
                                    struct without *without)
{
    struct oracle_item_row *sorted = oracle_items_sort(s);
    struct open_item *open = x_calloc(s->count + 1, sizeof *open);
    *count = 0;
    *without = (struct without){0, 0};
    for (size_t first = 0, end; first < s->count; first = end) {
        end = oracle_items_end(sorted, first, s->count);
        const struct about about = {&sorted[first], end - first};
        size_t counted;
        const size_t by = opened_by(s, &about, &counted);
        if (by == about.count) {
            continue;
        }
        struct open_item item = {0, about.rows[by].id, about.rows[by].item};
        switch (due_of(s, &about, counted, &item.due)) {
        case DUE_AT:
            open[(*count)++] = item;
            break;
        case DUE_PAUSED:
            without->paused++;
            break;
        case DUE_NONE:
            without->ever++;
            break;
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
    struct without without;
    struct open_item *open = open_items(s, &count, &without);
    size_t ok = without.ever;
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
    mp_put_map(out, 4U + (next != NULL) + s->tile->pausable);
    mp_put_text(out, "ok");
    mp_put_uint(out, ok);
    mp_put_text(out, "at_risk");
    mp_put_uint(out, at_risk);
    mp_put_text(out, "breached");
    mp_put_uint(out, breached);
    if (s->tile->pausable) {
        mp_put_text(out, "paused");
        mp_put_uint(out, without.paused);
    }
    if (next != NULL) {
        mp_put_text(out, "next_breach_at");
        oracle_items_put_moment(out, next->due);
    }
    put_worst(s, open, count, out);
    free(open);
}

const struct oracle_type oracle_sla_risk = {.concerns = concerns, .put_data = put_sla_risk};
