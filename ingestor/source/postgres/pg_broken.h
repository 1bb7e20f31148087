/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows at which the database fails: a text that its encoding cannot give as UTF-8, a view that
 * divides by zero, a damaged page. Such a row fails the whole page that it is in. It is found by
 * halving the range of ids, left half first, and the page is then read without it.
 *
 *   (position, newest]    ├────────────── fails ──────────────┤
 *                         ├──── read ─────┼───── fails ───────┤
 *                                         ├─ fails ─┼─ read ──┤
 *                                         ├─┤ the row
 *
 * It costs nothing as long as no row fails.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_BROKEN_H
#define INGESTOR_SOURCE_POSTGRES_PG_BROKEN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "ingestor/source/postgres/pg_table.h"

/* Zero-initialised: none. At most as many as a page has rows; 8 bytes each. */
struct pg_broken {
    int64_t *ids;     /* ascending */
    size_t count;     /* how many there are */
    size_t cap;       /* how many there is memory for */
    struct error why; /* what the database said of the first that was found */
};

/* What is read: rows with ids in (after, until], at most `limit` of them; if first_ids is not NULL
 * only those in the ranges that first_ids and last_ids list, as array literals. */
struct pg_reading {
    PGconn *db;             /* the connection; borrowed */
    bool pooled;            /* through a pooler */
    struct pg_table *table; /* only read */
    const char
        *first_ids; /* the ids that ranges begin with, as an array of PostgreSQL; NULL: one range */
    const char *last_ids; /* the ids that ranges end with, likewise */
    int64_t after;        /* ids behind this one */
    int64_t until;        /* ids up to this one */
    size_t limit;         /* rows at most */
};

/* True when a statement failed as it fails because of what is in a row. */
bool pg_broken_is_why(const PGresult *result);

/* Adds the rows of the reading at which the database fails. *until is then where to end: up to it
 * there are `limit` rows, those at which it fails included, or it is the reading's own. STATUS_IO.
 */
int pg_broken_find(struct pg_broken *broken, const struct pg_reading *reading, int64_t *until,
                   struct error *err);

/* The reading's statement, without the broken rows. Sent only; false when it cannot be. */
bool pg_broken_send(const struct pg_broken *broken, const struct pg_reading *reading);

/* Reads with the prepared statement's result at hand: if that failed because of a row, finds all
 * such rows in the reading, and reads it without them. Takes *result over. STATUS_IO. */
int pg_broken_read(struct pg_broken *broken, const struct pg_reading *reading, PGresult **result,
                   struct error *err);

/* The first of them above the id; false: there is none. */
bool pg_broken_above(const struct pg_broken *broken, int64_t id, int64_t *out);

void pg_broken_clear(struct pg_broken *broken);
void pg_broken_free(struct pg_broken *broken);

#endif
