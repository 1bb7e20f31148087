/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types/values.h"

#include <math.h>

#include "common/codec/mp.h"
#include "ctl/oracle/match.h"

bool oracle_values_concern(const struct oracle_rows *rows, size_t row,
                           const struct tile_config *tile)
{
    long double number;
    return oracle_matches(rows, row, &tile->match) &&
           (tile->value.kind == TILE_FIELD_NONE ||
            oracle_number(oracle_row_value(rows, row, &tile->value), &number));
}

int64_t oracle_values_slot(int64_t us, int64_t width)
{
    const int64_t slot = us / width;
    return slot * width > us ? slot - 1 : slot;
}

bool oracle_values_later(const struct oracle_rows *rows, size_t a, size_t b)
{
    const int64_t a_us = oracle_row_us(rows, a);
    const int64_t b_us = oracle_row_us(rows, b);
    return a_us > b_us || (a_us == b_us && oracle_row_id(rows, a) > oracle_row_id(rows, b));
}

bool oracle_values_latest(const struct oracle_selection *s, long double *out)
{
    if (s->count == 0) {
        return false;
    }
    size_t latest = s->picked[0];
    for (size_t i = 1; i < s->count; i++) {
        if (oracle_values_later(s->rows, s->picked[i], latest)) {
            latest = s->picked[i];
        }
    }
    *out = oracle_row_number(s->rows, latest, s->tile);
    return true;
}

void oracle_values_put(struct buf *out, long double number)
{
    const double real = (double)number;
    if (fabsl(number - real) <= 0) {
        mp_put_number(out, real);
    } else {
        mp_put_int(out, (int64_t)number);
    }
}
