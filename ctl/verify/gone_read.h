/* SPDX-License-Identifier: Apache-2.0 */
/* What the proofs about rows that are gone read of the values of tiles. Pure. */
#ifndef CTL_VERIFY_GONE_READ_H
#define CTL_VERIFY_GONE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "common/codec/mp.h"
#include "common/config/tiles.h"

#define DISTINCT_EXACT_MAX 1024 /* different values beyond which they are estimated */
#define GONE_HOURS (7 * 24)     /* of a week */
#define GONE_TOLERANCE 1e-9L    /* relative: what two roundings of a sum may make */

/* The `data` of a whole value, or NULL. */
const mp_value *gone_read_data(const mp_value *value);

/* A number, exact if it is an integer. False when there is none. */
bool gone_read_number(const mp_value *value, long double *out);

/* The same of a map's member. */
bool gone_read_member_number(const mp_value *map, const char *name, long double *out);

/* A member that is a number of rows or items; 0 when it is not there. */
long double gone_read_count(const mp_value *map, const char *name);

/* True when the tile's rows are those of a window, which forgets some. */
bool gone_read_windowed(const struct tile_config *tile);

/* True when the two are equal but for rounding. */
bool gone_read_same(long double a, long double b);

/* The member of that name, or NULL. */
const mp_value *gone_read_member(const mp_value *map, const mp_value *name);

/* The sum of all numbers in a map, and in the maps in it. */
long double gone_read_sum(const mp_value *map);

/* True when the percentiles in `data` are in their order, and there where there are rows. */
bool gone_read_are_percentiles(const mp_value *data);

/* True when `data` says that it is an estimate. */
bool gone_read_is_estimate(const mp_value *data);

/* True when what `data` says of durations fits together. */
bool gone_read_is_duration(const mp_value *data);

/* True when the percentage in `data` is that of its part and its whole; of nothing there is none.
 */
bool gone_read_is_ratio(const mp_value *data);

/* True when a rate counts events, and does not read counters. */
bool gone_read_counts_events(const struct tile_config *tile);

/* True when the value in `data` is that of what it counts, or of what has grown. */
bool gone_read_is_rate(const struct tile_config *tile, const mp_value *data);

/* What `data` of a heatmap shows for an hour of the week, from 0 to GONE_HOURS; NULL: nothing. */
const mp_value *gone_read_hour(const mp_value *data, int hour);

/* True when the largest value in `data` of a heatmap is that of one of its hours. */
bool gone_read_is_heatmap(const mp_value *data);

/* How many items a whole value of SLA risk has. */
long double gone_read_open_items(const mp_value *value);

/* False when that is not the name of one of the tile's buckets; start_ms may be NULL. */
bool gone_read_bucket(const struct tile_config *tile, const mp_value *name, int64_t *start_ms);

/* True when the two differ in their data alone. */
bool gone_read_same_frame(const mp_value *a, const mp_value *b);

#endif
