/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to PostgreSQL: opened so that a cut network shows within seconds, errors as one line.
 * With source_postgres.c, checkpoint_postgres.c, lease_postgres.c and install_trigger.c the only
 * users of libpq in the ingestor. */
#ifndef COMMON_POSTGRES_PG_H
#define COMMON_POSTGRES_PG_H

#include <libpq-fe.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/config/config.h"

/* Connects by source.uri, with the password of password_file if there is one. */
int pg_connect(const struct config *config, PGconn **out, struct error *err);

/* The connection's (or result's) message, without line breaks, behind what was being done. Returns
 * STATUS_IO. */
int pg_error(PGconn *db, const PGresult *result, const char *doing, struct error *err);

/* Runs a statement without parameters; on success its result, which the caller clears. */
int pg_query(PGconn *db, const char *sql, PGresult **out, const char *doing, struct error *err);

/* The same where the result does not matter. */
int pg_run(PGconn *db, const char *sql, const char *doing, struct error *err);

/* Appends an identifier in quotes. */
void pg_quote(PGconn *db, struct buf *out, const char *name);

/* Appends the table's name, with its schema if one is configured, quoted. */
void pg_quote_table(PGconn *db, struct buf *out, const struct config_source *source);

/* The NOTIFY channel of a table: "tilewire_" and the schema-qualified name, at most 63 bytes. */
void pg_channel(struct buf *out, const struct config_source *source);

/* What the lease and the checkpoints lie in; both make it, in the same words. holder is the number
 * of the lease (lease_postgres.c): the fence. */
#define PG_CHECKPOINT_SCHEMA                                                                       \
    "CREATE SCHEMA IF NOT EXISTS tilewire;"                                                        \
    "CREATE TABLE IF NOT EXISTS tilewire.checkpoint (name text PRIMARY KEY, holder bigint NOT "    \
    "NULL DEFAULT 0, saved_at timestamptz, bytes bytea);"                                          \
    "CREATE TABLE IF NOT EXISTS tilewire.journal (name text, n bigserial, record bytea, "          \
    "PRIMARY KEY (name, n));"
#define PG_CHECKPOINT_DOING                                                                        \
    "cannot create schema \"tilewire\" for checkpoints; grant CREATE on the database, or set "     \
    "ingestor.checkpoint to file:PATH"

/* The name of our rows there: the table's channel and our lanes. */
void pg_checkpoint_name(struct buf *out, const struct config *config);

#endif
