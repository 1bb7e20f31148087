/* SPDX-License-Identifier: Apache-2.0 */
/* percentile, as docs/tiles.md says: the values in their order, and those at four places. */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/quantile.h"
#include "ctl/oracle/types/values.h"

static void put_percentile(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    static const unsigned percents[] = {99, 95, 90, 50};
    static const char *const names[] = {"p99", "p95", "p90", "p50"};
    const int64_t begin_us = oracle_values_window_begin(s->tile, at);
    double *values = x_calloc(s->count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (oracle_row_us(s->rows, s->picked[i]) >= begin_us) {
            values[count++] = (double)oracle_row_number(s->rows, s->picked[i], s->tile);
        }
    }
    struct mp_open_map map = mp_open_map(out);
    for (size_t i = 0; i < 4 && count > 0; i++) {
        mp_put_text(out, names[i]);
        mp_put_number(out, oracle_quantile(values, count, percents[i]));
        map.count++;
    }
    mp_put_text(out, "count");
    mp_put_uint(out, count);
    map.count++;
    if (s->tile->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, s->tile->unit);
        map.count++;
    }
    map.count += oracle_values_put_window(s->tile, at, out);
    mp_close_map(out, map);
    free(values);
}

const struct oracle_type oracle_percentile = {.concerns = oracle_values_concern,
                                              .put_data = put_percentile};
