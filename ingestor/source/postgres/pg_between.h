/* SPDX-License-Identifier: Apache-2.0 */
/* The rows between two states, read beside the source that goes on (open_past in source.h). */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_BETWEEN_H
#define INGESTOR_SOURCE_POSTGRES_PG_BETWEEN_H

#include "ingestor/source/postgres/pg_state.h"

/* connect: makes the connection and prepares the statements, without being woken by rows. */
int pg_between_open(const struct config *config, struct str from, struct str to, struct str done,
                    int (*connect)(struct postgres_source *s, struct error *err),
                    struct source **out, struct error *err);

/* Sets *first to the first id that the table's sequence gave; 0 when it has none, so that nobody
 * knows. STATUS_IO. */
int pg_between_first_id(struct postgres_source *s, int64_t *first, struct error *err);

/* For the first rows of the table: true when others were there before them. */
bool pg_between_older_gone(const struct batch *batch, int64_t first_id);

#endif
