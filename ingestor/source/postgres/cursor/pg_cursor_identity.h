/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By what a table that is read by source.cursor is told from another one: its OID, and the past of
 * the server that has it (common/postgres/pg_past.h). Ids are not used again there, so nothing but
 * the past tells a row that was lost in a failover from one that was deleted.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_CURSOR_PG_CURSOR_IDENTITY_H
#define INGESTOR_SOURCE_POSTGRES_CURSOR_PG_CURSOR_IDENTITY_H

#include "ingestor/source/postgres/pg_state.h"

/* Appends that of the table which the source is connected to, and keeps the past in s->past.
 * STATUS_IO. */
int pg_cursor_identity_read(struct postgres_source *s, struct buf *out, struct error *err);

/* True when what was delivered from the one table is in the other one, too, unless it was deleted.
 * An older program's identity is the OID alone. Where the state is in the database, it went back
 * together with the rows: then s->base.other_past is set, and it counts as the same. Sets
 * s->runs_on: the server was not started again since, so that nothing can have been lost. */
bool pg_cursor_identity_same(struct postgres_source *s, struct str before, struct str now);

#endif
