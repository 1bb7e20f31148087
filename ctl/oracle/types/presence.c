/* SPDX-License-Identifier: Apache-2.0 */
/* presence, as docs/tiles.md says: when each item was last heard of, and how steadily. */
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/items.h"

#define ITEM_TEXT_MAX 1024 /* bytes of an item's id that are shown */

static bool concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return oracle_matches(rows, row, &tile->match) && oracle_items_has_item(rows, row, tile);
}

/* An item that is not up. */
struct silent {
    int order;       /* 0: missing, 1: late, 2: returning */
    int64_t seen_us; /* the last sign of life */
    int64_t by_us;   /* what those of one order are sorted by */
    struct str id;   /* of the item */
};

static const char *const names[] = {"missing", "late", "returning"};

/* Both are moments and lengths of rows that are there: so far from the ends of the numbers that
 * nothing overflows, but for those of rows with impossible times. */
static int64_t after_ms(int64_t us, int64_t ms)
{
    const long double sum = (long double)us + (long double)ms * US_PER_MS;
    return sum >= (long double)INT64_MAX ? INT64_MAX : us + ms * US_PER_MS;
}

/* Looks at the rows of one item, which are in the order of their times. Returns its place among
 * names, 3 when it is up, or -1 when it is forgotten. */
static int stands(const struct tile_config *tile, const struct oracle_item_row *rows, size_t count,
                  int64_t at_us, struct silent *out)
{
    const int64_t last = rows[count - 1].us;
    size_t begin = count - 1;
    while (begin > 0 && after_ms(rows[begin - 1].us, tile->late_ms) > rows[begin].us) {
        begin--;
    }
    const bool was_away = rows[begin].us != rows[0].us;
    const int64_t steady = after_ms(rows[begin].us, tile->steady_ms);
    const int64_t late = after_ms(last, tile->late_ms);
    *out = (struct silent){.seen_us = last, .by_us = last};
    if (after_ms(last, tile->forget_ms) <= at_us) {
        return -1;
    }
    if (late > at_us && (!was_away || steady <= at_us)) {
        return 3;
    }
    if (late > at_us) {
        out->by_us = steady < late ? steady : late;
        out->order = 2;
    } else {
        out->order = after_ms(last, tile->missing_ms) > at_us;
    }
    return out->order;
}

static int by_trouble(const void *a_p, const void *b_p)
{
    const struct silent *a = a_p;
    const struct silent *b = b_p;
    if (a->order != b->order) {
        return a->order - b->order;
    }
    if (a->by_us != b->by_us) {
        return a->by_us < b->by_us ? -1 : 1;
    }
    const int order = memcmp(a->id.p, b->id.p, a->id.len < b->id.len ? a->id.len : b->id.len);
    return order != 0 ? order : (a->id.len > b->id.len) - (a->id.len < b->id.len);
}

static void put_worst(struct silent *silent, size_t count, struct buf *out)
{
    qsort(silent, count, sizeof *silent, by_trouble);
    count = count < TILE_WORST_ITEMS ? count : TILE_WORST_ITEMS;
    mp_put_text(out, "worst");
    mp_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        mp_put_map(out, 3);
        mp_put_text(out, "id");
        mp_put_str(out, silent[i].id);
        mp_put_text(out, "seen_at");
        oracle_items_put_moment(out, silent[i].seen_us);
        mp_put_text(out, "state");
        mp_put_text(out, names[silent[i].order]);
    }
}

static void put_presence(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    struct oracle_item_row *sorted = oracle_items_sort(s);
    struct silent *silent = x_calloc(s->count + 1, sizeof *silent);
    size_t counts[4] = {0};
    size_t count = 0;
    for (size_t first = 0, end; first < s->count; first = end) {
        end = oracle_items_end(sorted, first, s->count);
        struct silent *item = &silent[count];
        const int standing = stands(s->tile, &sorted[first], end - first, at.us, item);
        item->id = oracle_items_cut(oracle_value(s->rows, sorted[first].item)->text, ITEM_TEXT_MAX);
        if (standing >= 0) {
            counts[standing]++;
            count += standing < 3;
        }
    }
    mp_put_map(out, 4);
    mp_put_text(out, "missing");
    mp_put_uint(out, counts[0]);
    mp_put_text(out, "late");
    mp_put_uint(out, counts[1] + counts[2]);
    mp_put_text(out, "up");
    mp_put_uint(out, counts[3]);
    put_worst(silent, count, out);
    free(silent);
    free(sorted);
}

const struct oracle_type oracle_presence = {.concerns = concerns, .put_data = put_presence};
