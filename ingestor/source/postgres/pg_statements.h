/* SPDX-License-Identifier: Apache-2.0 */
/* The statements that read the events table, and how they are run: prepared in a session of our
 * own, or in full through a pooler (common/postgres/pg_pooled.h). */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_STATEMENTS_H
#define INGESTOR_SOURCE_POSTGRES_PG_STATEMENTS_H

#include "ingestor/source/postgres/pg_state.h"

/* Makes them, and prepares them unless the connection goes through a pooler; the table is
 * described. STATUS_IO. */
int pg_statements_prepare(struct postgres_source *s, struct error *err);

/* Settings of the session that make it read by the index. STATUS_IO. */
int pg_statements_set_plans(struct postgres_source *s, struct error *err);

/* Sends one, or runs it and waits, with results in text (format 0) or binary (1). */
bool pg_statement_send(struct postgres_source *s, enum pg_statement which,
                       const char *const *parameters, int format);
PGresult *pg_statement_run(struct postgres_source *s, enum pg_statement which,
                           const char *const *parameters, int format);

/* The first statement of a transaction through a pooler. */
bool pg_statements_send_settings(struct postgres_source *s);

#endif
