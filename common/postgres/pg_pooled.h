/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that go through a pooler, PgBouncer say. In its transaction mode each transaction may
 * run in another session of the server, which other programs use before and after. So nothing of
 * ours may outlive a transaction there: no setting, no prepared statement, no LISTEN.
 *
 *   pg_pooled_begin   the settings, for this transaction alone   ┐ one round trip, one transaction:
 *   PQsend…           one statement                              │ the server ends it at the sync
 *   pg_pooled_end     the sync; the statement's result           ┘
 */
#ifndef COMMON_POSTGRES_PG_POOLED_H
#define COMMON_POSTGRES_PG_POOLED_H

#include <libpq-fe.h>
#include <stdbool.h>

/* What the texts of values depend on, as a SELECT whose effect ends with the transaction. */
extern const char pg_pooled_settings[];

/* The same, and what pg_take_bytes does. */
extern const char pg_pooled_settings_bytes[];

/* True when who answers is not the process that we were told of when we connected. */
bool pg_is_pooled(PGconn *db);

/* Begins, with a SELECT of settings. False when it cannot be sent. */
bool pg_pooled_begin(PGconn *db, const char *settings);

/* Ends. The result is that of the statement sent in between, or of the settings if those failed; it
 * is the caller's. NULL: the connection is lost. */
PGresult *pg_pooled_end(PGconn *db);

/* Runs one statement so, as PQexecParams would. */
PGresult *pg_pooled_exec(PGconn *db, const char *settings, const char *sql, int count,
                         const char *const *parameters, int format);

#endif
