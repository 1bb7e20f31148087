/* SPDX-License-Identifier: Apache-2.0 */
/* distinct, as docs/tiles.md says: the different values, or what HyperLogLog makes of them. */
#include <math.h>
#include <stdlib.h>

#include "common/base/fnv.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/items.h"
#include "ctl/oracle/types/values.h"

#define EXACT_MAX 1024
#define CELLS 8192 /* 2^13 */
#define TAIL_BITS 40

static bool concerns(const struct oracle_rows *rows, size_t row, const struct tile_config *tile)
{
    return oracle_matches(rows, row, &tile->match) && oracle_items_has_item(rows, row, tile);
}

/* FNV-1a of the text, mixed, without its lowest 11 bits. */
static uint64_t hash_of(struct str text)
{
    static const uint64_t factors[] = {UINT64_C(18397679294719823053),
                                       UINT64_C(14181476777654086739), 1};
    uint64_t hash = fnv1a(FNV_BEGIN, text);
    for (size_t i = 0; i < 3; i++) {
        hash ^= hash / (UINT64_C(1) << 33);
        hash *= factors[i];
    }
    return hash / 2048;
}

/* From 1 on: which of the tail's bits, the highest first, is the first 1. */
static unsigned rank_of(uint64_t tail)
{
    unsigned rank = 1;
    for (uint64_t bit = UINT64_C(1) << (TAIL_BITS - 1); bit != 0 && (tail & bit) == 0; bit >>= 1) {
        rank++;
    }
    return rank;
}

/* x + x^2 + 2 x^4 + 4 x^8 + … */
static long double empty_share(long double x)
{
    long double sum = x;
    long double power = x * x;
    for (int i = 0; i < 64; i++) {
        sum += ldexpl(power, i);
        power *= power;
    }
    return sum;
}

/* (1 - x - (1 - x^(1/2))^2 / 2 - (1 - x^(1/4))^2 / 4 - …) / 3 */
static long double full_share(long double x)
{
    long double sum = 1 - x;
    for (int i = 1; i <= 64 && x > 0; i++) {
        x = sqrtl(x);
        sum -= ldexpl((1 - x) * (1 - x), -i);
    }
    return x > 0 ? sum / 3 : 0;
}

/* The estimate of Ertl from the ranks, as one sum. */
static uint64_t estimate(const unsigned char *ranks)
{
    long double sum = 0;
    size_t empty = 0;
    size_t full = 0;
    for (size_t i = 0; i < CELLS; i++) {
        empty += ranks[i] == 0;
        full += ranks[i] == TAIL_BITS + 1;
        sum += ranks[i] == 0 || ranks[i] == TAIL_BITS + 1 ? 0 : ldexpl(1, -(int)ranks[i]);
    }
    sum += CELLS * empty_share((long double)empty / CELLS);
    sum += ldexpl(CELLS * full_share(1 - (long double)full / CELLS), -TAIL_BITS);
    const long double all = (long double)CELLS * CELLS / (2 * logl(2) * sum);
    return (uint64_t)llroundl(fminl(all, 0x1p53L));
}

static void put_distinct(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    const int64_t begin_us = oracle_values_window_begin(s->tile, at);
    struct oracle_item_row *sorted = oracle_items_sort(s);
    unsigned char *ranks = x_calloc(CELLS, 1);
    uint64_t values = 0;
    for (size_t first = 0, end; first < s->count; first = end) {
        end = oracle_items_end(sorted, first, s->count);
        if (sorted[end - 1].us < begin_us) { /* the latest one of them */
            continue;
        }
        const uint64_t hash = hash_of(oracle_value(s->rows, sorted[first].item)->text);
        const unsigned rank = rank_of(hash & ((UINT64_C(1) << TAIL_BITS) - 1));
        unsigned char *cell = &ranks[hash >> TAIL_BITS];
        *cell = *cell < rank ? (unsigned char)rank : *cell;
        values++;
    }
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "value");
    mp_put_uint(out, values > EXACT_MAX ? estimate(ranks) : values);
    mp_put_text(out, "estimate");
    mp_put_bool(out, values > EXACT_MAX);
    map.count += 2;
    if (s->tile->unit != NULL) {
        mp_put_text(out, "unit");
        mp_put_text(out, s->tile->unit);
        map.count++;
    }
    map.count += oracle_values_put_window(s->tile, at, out);
    mp_close_map(out, map);
    free(ranks);
    free(sorted);
}

const struct oracle_type oracle_distinct = {.concerns = concerns, .put_data = put_distinct};
