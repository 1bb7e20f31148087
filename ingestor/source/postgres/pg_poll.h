/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A poll asks the table once, in one snapshot, whether a NOTIFY or the poll interval is the reason.
 * Once in each poll interval it is thorough: it asks for holes whose fence has passed, too
 * (holes.h).
 *
 *   one round trip (pipeline mode), one transaction (REPEATABLE READ)
 *   ┌ BEGIN ┬ snapshot ────────────────┬ rows ────────────────┬ late ────────────┬ COMMIT ┐
 *   │       │ xmin, xmax, newest, file │ behind the position  │ in holes, if any │        │
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_POLL_H
#define INGESTOR_SOURCE_POSTGRES_PG_POLL_H

#include "ingestor/source/postgres/pg_state.h"

/* What a poll found. Zero-initialised; pg_poll_clear frees it. */
struct pg_polled {
    PGresult *rows;     /* behind the position, in the order of their ids */
    PGresult *late;     /* in the holes, in the order of their ids; NULL: not asked for */
    int64_t until;      /* where the rows behind the position end; INT64_MAX: with the table */
    int64_t late_until; /* the same of those in the holes */
};

/* Also sets s->snapshot and s->hole_poll. On failure (STATUS_IO) the connection is useless: what
 * the pipeline still holds is not worth taking apart. Rows at which the database fails are left
 * out, and listed in s->broken. */
int pg_poll_table(struct postgres_source *s, size_t max_rows, struct pg_polled *out,
                  struct error *err);

void pg_poll_clear(struct pg_polled *polled);

#endif
