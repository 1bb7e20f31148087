/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to PostgreSQL, and what tells of rows: the same for both ways to read a table. */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_CONNECTION_H
#define INGESTOR_SOURCE_POSTGRES_PG_CONNECTION_H

#include "ingestor/source/postgres/pg_state.h"

/* Connects, and describes the table; says so when rows are hidden. Status as pg_table_describe's.
 */
int pg_connection_open(struct postgres_source *s, struct error *err);

/* Listens for NOTIFY, where that is possible; says so where it is not. STATUS_IO. */
int pg_connection_listen(struct postgres_source *s, struct error *err);

/* source_ops.wait */
int pg_connection_wait(struct postgres_source *s, int wake_fd, int timeout_ms, bool *woken,
                       struct error *err);

#endif
