/* SPDX-License-Identifier: Apache-2.0 */
/* duration, as docs/tiles.md says: how long the items took that ended in the window. */
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/business.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/items.h"
#include "ctl/oracle/types/quantile.h"
#include "ctl/oracle/types/values.h"

#define ITEM_TEXT_MAX 1024                            /* bytes of an item's id that are shown */
#define CENTURY_MS (36600 * (US_PER_DAY / US_PER_MS)) /* what a longer duration counts as */
#define TEN_YEARS_US (3660 * US_PER_DAY) /* of a calendar: what comes later does not count */

static bool concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return (oracle_matches(rows, row, &tile->opens) || oracle_matches(rows, row, &tile->closes)) &&
           oracle_items_has_item(rows, row, tile);
}

/* What the rows say of all items. */
struct durations {
    double *seconds;   /* of those that ended in the window */
    int64_t total_ms;  /* of the same */
    size_t count;      /* of the same */
    size_t running;    /* items that have begun, and not ended */
    int64_t oldest_us; /* when the first of these began */
    struct str oldest; /* its id */
};

static bool is_before(struct str a, struct str b)
{
    const int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return order != 0 ? order < 0 : a.len < b.len;
}

static void add_running(struct durations *d, int64_t begun_us, struct str id)
{
    if (d->running++ == 0 || begun_us < d->oldest_us ||
        (begun_us == d->oldest_us && is_before(id, d->oldest))) {
        d->oldest_us = begun_us;
        d->oldest = id;
    }
}

/* How long that is in the time of the tile. */
static int64_t length_ms(const struct tile_config *tile, int64_t begun_us, int64_t ended_us)
{
    if (tile->calendar == NULL) {
        const long double exact_ms = ((long double)ended_us - (long double)begun_us) / US_PER_MS;
        return exact_ms > CENTURY_MS ? CENTURY_MS : (int64_t)exact_ms;
    }
    if (ended_us > begun_us + TEN_YEARS_US) {
        ended_us = begun_us + TEN_YEARS_US;
    }
    return oracle_business_between(tile->calendar, begun_us, ended_us) / US_PER_MS;
}

static void add_ended(struct durations *d, int64_t ms)
{
    d->total_ms += ms;
    d->seconds[d->count++] = (double)ms / 1000;
}

/* The rows are those of one item, in the order of their times. */
static void add_item(const struct oracle_selection *s, const struct oracle_item_row *rows,
                     size_t count, int64_t window_us, struct durations *d)
{
    const int64_t *begun = NULL;
    const int64_t *ended = NULL;
    for (size_t i = 0; i < count; i++) {
        const bool closes = oracle_matches(s->rows, rows[i].row, &s->tile->closes);
        if (closes && ended == NULL) {
            ended = &rows[i].us;
        } else if (!closes && begun == NULL) {
            begun = &rows[i].us;
        }
    }
    if (begun != NULL && ended == NULL) {
        add_running(d, *begun,
                    oracle_items_cut(oracle_value(s->rows, rows[0].item)->text, ITEM_TEXT_MAX));
    } else if (begun != NULL && *ended >= *begun && *ended >= window_us) {
        add_ended(d, length_ms(s->tile, *begun, *ended));
    }
}

static void put_duration(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    struct oracle_item_row *sorted = oracle_items_sort(s);
    struct durations d = {.seconds = x_calloc(s->count + 1, sizeof *d.seconds)};
    for (size_t first = 0, end; first < s->count; first = end) {
        end = oracle_items_end(sorted, first, s->count);
        add_item(s, &sorted[first], end - first, oracle_values_window_begin(s->tile, at), &d);
    }
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "unit");
    mp_put_text(out, "s");
    mp_put_text(out, "running");
    mp_put_uint(out, d.running);
    mp_put_text(out, "count");
    mp_put_uint(out, d.count);
    map.count += 3;
    if (d.running > 0) {
        mp_put_text(out, "oldest");
        mp_put_str(out, d.oldest);
        mp_put_text(out, "oldest_at");
        oracle_items_put_moment(out, d.oldest_us);
        map.count += 2;
    }
    if (d.count > 0) {
        mp_put_text(out, "p95");
        mp_put_number(out, oracle_quantile(d.seconds, d.count, 95));
        mp_put_text(out, "p50");
        mp_put_number(out, oracle_quantile(d.seconds, d.count, 50));
        const int64_t average_ms = d.total_ms / (int64_t)d.count;
        mp_put_text(out, "avg");
        mp_put_number(out, (double)average_ms / 1000);
        map.count += 3;
    }
    map.count += oracle_values_put_window(s->tile, at, out);
    mp_close_map(out, map);
    free(d.seconds);
    free(sorted);
}

const struct oracle_type oracle_duration = {.concerns = concerns, .put_data = put_duration};
