/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of `source.cursor` as PostgreSQL's rows have them. A key's values are texts that PostgreSQL
 * reads again. Where they come often, as times, UUIDs and bytes, the database sends them in binary,
 * and the texts are made here: that takes it a third of the time that it needs for a row.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_CURSOR_PG_CURSOR_KEY_H
#define INGESTOR_SOURCE_POSTGRES_CURSOR_PG_CURSOR_KEY_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/base/buf.h"
#include "ingestor/source/cursor/cursor_row.h"

/* Types of which PostgreSQL sends values in binary. */
bool pg_cursor_sends_time(Oid type);
bool pg_cursor_sends_id(Oid type);

/* Memory of a key. Zero-initialised: empty. */
struct pg_cursor_scratch {
    struct buf time; /* the key's time, as text */
    struct buf id;   /* the key's id, as text */
};

void pg_cursor_scratch_free(struct pg_cursor_scratch *scratch);

/* The key of a row that has the id first and the cursor's value at time_at. STR_NULL for NULL. Its
 * texts are in the result or in `scratch`. */
struct cursor_key pg_cursor_key(const PGresult *rows, int row, int time_at,
                                struct pg_cursor_scratch *scratch);

/* The time of a row. False when it has none that can be read. key: the row's. */
bool pg_cursor_time(const PGresult *rows, int row, int time_at, const struct cursor_key *key,
                    const struct zone *zone, wall_time *out);

/* The id of a key as events have it, a part of the key; STR("") when it has none. bytes: ids are
 * bytea. */
struct str pg_cursor_id(const struct cursor_key *key, bool bytes);

#endif
