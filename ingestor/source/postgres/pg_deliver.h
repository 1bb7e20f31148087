/* SPDX-License-Identifier: Apache-2.0 */
/* In which place a row is delivered, and what a batch of them says: the same for rows of the
 * present and for those that are gone through again after a crash. */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_DELIVER_H
#define INGESTOR_SOURCE_POSTGRES_PG_DELIVER_H

#include "ingestor/source/batch.h"
#include "ingestor/source/postgres/pg_state.h"

/* Appends a row that this state had not delivered yet, with the last ordinal. */
void pg_deliver_row(struct postgres_source *s, const PGresult *rows, int row, wall_time now,
                    struct batch *batch);

/* Remembers the place of the row delivered last, which came late; what follows comes behind it. */
void pg_deliver_late(struct postgres_source *s, int64_t id);

/* Finishes the batch: adds state, ordinals and journal record, and returns it. */
struct batch *pg_deliver_finish(struct postgres_source *s, struct batch *batch);

#endif
