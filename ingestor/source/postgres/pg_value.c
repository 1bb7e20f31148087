/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_value.h"

#include <endian.h>
#include <string.h>

#include "common/base/time/zone.h"

#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */

int64_t pg_value_int64(const PGresult *rows, int row, int column)
{
    uint64_t big;
    memcpy(&big, PQgetvalue(rows, row, column), sizeof big);
    return (int64_t)be64toh(big);
}

bool pg_value_time(int64_t us, bool local, const struct zone *zone, wall_time *out)
{
    wall_time time;
    /* infinity is INT64_MAX or INT64_MIN, and PostgreSQL's calendar ends in the year 294276. */
    if (__builtin_add_overflow(us, POSTGRES_EPOCH_US, &time.us) || !wall_has_text(time)) {
        return false;
    }
    if (local) {
        time.us = zone_instant_us(zone, time.us);
    }
    *out = time;
    return wall_has_text(time);
}
