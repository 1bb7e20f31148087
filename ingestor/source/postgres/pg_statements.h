/* SPDX-License-Identifier: Apache-2.0 */
/* The statements that read the events table: their names in the session, and their parameters. */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_STATEMENTS_H
#define INGESTOR_SOURCE_POSTGRES_PG_STATEMENTS_H

#include "ingestor/source/postgres/pg_state.h"

/* One row: xmin, xmax, the greatest id, the table's file, and whether the table is still the one
 * that was described. $1: the table's name. */
#define PG_STATEMENT_SNAPSHOT "snapshot"

/* The rows with ids in ($1, $2], at most $3, in the order of their ids. */
#define PG_STATEMENT_ROWS "rows"

/* The rows with ids in the ranges that begin with $1 and end with $2, two arrays; at most $3, in
 * the order of their ids. */
#define PG_STATEMENT_LATE "late"

/* The smallest id of the newest $2 rows up to id $1; NULL when there is none. */
#define PG_STATEMENT_HISTORY "history"

/* Prepares them; the table is described. STATUS_IO. */
int pg_statements_prepare(struct postgres_source *s, struct error *err);

#endif
