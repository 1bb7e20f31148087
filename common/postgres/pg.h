/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all who speak to PostgreSQL share: a connection that notices a cut network within seconds,
 * errors as one line, quoted names, and the names that two programs have to agree about.
 *
 * The folder common/postgres is a library of its own (tilewire_postgres), which the ingestor and
 * tilewire-ctl link. It stands on common/base and common/config, and is the only one of common's
 * folders that knows libpq.
 *
 * Owner: the caller owns the connection and finishes it with PQfinish(); nothing here keeps it.
 * Errors: functions that can fail return STATUS_OK or one of the errors named with them, and then
 * say in *err, which may be NULL, what was being done and what PostgreSQL said.
 * Threads: a connection belongs to one thread at a time. There is no other state, so any thread may
 * call these with a connection of its own.
 */
#ifndef COMMON_POSTGRES_PG_H
#define COMMON_POSTGRES_PG_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/config/config.h"

/*
 * Connects to source.uri, with the password in source.password_file if one is configured, and sets
 * what the texts of values depend on, whatever the server's or the role's defaults are; but through
 * a pooler (pg_pooled.h) nothing is set. Blocks, for at most 5 s for each address that the host's
 * name has. On success *out is the connection, which the caller owns; on failure *out is left
 * alone. STATUS_IO: it cannot be reached, or refuses us. STATUS_INVALID: it is older than
 * PostgreSQL 13. Or what config_read_secret returns, when the password cannot be read.
 */
int pg_connect(const struct config *config, PGconn **out, struct error *err);

/* The same to where state and lease are: ingestor.checkpoint's database, or else the source's. */
int pg_connect_state(const struct config *config, PGconn **out, struct error *err);

/*
 * Begins to connect to a URI, in the same way, and does not wait for the network; only a name that
 * has to be looked up may take its time. The caller goes on with PQconnectPoll(), and sets nothing
 * of the session but what it needs. On success *out is the connection, which the caller owns.
 * STATUS_IO, or what config_read_secret returns.
 */
int pg_connect_start(const struct config *config, const char *uri, PGconn **out, struct error *err);

/*
 * Fills err with "doing: what PostgreSQL said", on one line, and returns STATUS_IO. `doing` is of
 * the form "cannot read the events table". The message is that of the result or, where result is
 * NULL or has none, of the connection.
 */
int pg_error(PGconn *db, const PGresult *result, const char *doing, struct error *err);

/* Runs a statement without parameters, and waits until it is done. On success *out is its result,
 * which the caller frees with PQclear(). STATUS_IO when it failed; *out is left alone then. */
int pg_query(PGconn *db, const char *sql, PGresult **out, const char *doing, struct error *err);

/* The same where the result does not matter. The SQL may hold several statements. */
int pg_run(PGconn *db, const char *sql, const char *doing, struct error *err);

/* Sets *hides when row level security keeps rows of the table from us, as far as can be told: it
 * applies to our role, and no policy shows all rows. table: its quoted name. STATUS_IO. */
int pg_hides_rows(PGconn *db, const char *table, bool *hides, struct error *err);

/* A database with the encoding SQL_ASCII stores any bytes, and fails at a row that has others than
 * UTF-8. Where it does, the session takes bytes as they are from now on: true then, and who reads
 * has to look at each text itself. pooled: the session is not ours alone, so each transaction has
 * to begin with pg_pooled_settings_bytes instead (pg_pooled.h). STATUS_IO. */
int pg_take_bytes(PGconn *db, bool pooled, bool *taken, struct error *err);

/* Appends an identifier, quoted as the connection's encoding asks for. */
void pg_quote(PGconn *db, struct buf *out, const char *name);

/* Appends the quoted name of the events table, with its schema if one is configured. */
void pg_quote_table(PGconn *db, struct buf *out, const struct config_source *source);

/* Appends the name of the events table's NOTIFY channel, unquoted: "tilewire_" and the table's name
 * with its schema. It takes at most 63 bytes, which is PostgreSQL's bound on names (NAMEDATALEN -
 * 1): a longer one is cut, and a hash of the whole is put behind it. */
void pg_channel(struct buf *out, const struct config_source *source);

/* Appends the name of this ingestor's rows in the schema tilewire (pg_schema.h): the table's
 * channel, or ingestor.checkpoint_name in a database of the state's own, and a bit for each of its
 * own lanes. The buffer has a terminating NUL afterwards. */
void pg_checkpoint_name(struct buf *out, const struct config *config);

#endif
