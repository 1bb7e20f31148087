/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a result in binary, as PostgreSQL sends them, and the types that we know. */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_VALUE_H
#define INGESTOR_SOURCE_POSTGRES_PG_VALUE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"

#define PG_OID_BYTEA 17
#define PG_OID_TEXT 25
#define PG_OID_VARCHAR 1043
#define PG_OID_TIMESTAMP 1114
#define PG_OID_TIMESTAMPTZ 1184
#define PG_OID_UUID 2950

/* STR_NULL for NULL. */
static inline struct str pg_value_text(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? STR_NULL
                                          : (struct str){PQgetvalue(rows, row, column),
                                                         (size_t)PQgetlength(rows, row, column)};
}

/* Of a bigint, or of a timestamp; it is not NULL. */
int64_t pg_value_int64(const PGresult *rows, int row, int column);

/* The time of a timestamp's value, µs since 2000; local: it is one without time zone. False when
 * none can be made of it. */
bool pg_value_time(int64_t us, bool local, const struct zone *zone, wall_time *out);

#endif
