/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of a table of PostgreSQL whose ids are texts, in the order of their bytes. */
#ifndef CTL_ORACLE_SOURCES_POSTGRES_CURSOR_H
#define CTL_ORACLE_SOURCES_POSTGRES_CURSOR_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "ctl/oracle/source.h"

/* SQL for postgres_cursor_load, which the caller frees: rows have the id as text, the rest of the
 * columns (", a, b"), and the cursor's column as text. bytes: the id is of bytes. */
char *postgres_cursor_sql(PGconn *db, const struct config_source *source, const char *rest,
                          const char *table, bool bytes);

/* Adds a row of these that has a place, or counts it as unusable. timestamp: NULL when it has none.
 */
void postgres_cursor_add(struct oracle_source *base, const struct config_source *source,
                         struct oracle_rows *rows, const PGresult *page, int row,
                         const wall_time *timestamp);

/* Hands out all rows, in one transaction. pooled: the connection goes through a pooler, so settings
 * are made in the transaction. STATUS_INVALID: the database fails at one. STATUS_IO. */
int postgres_cursor_load(PGconn *db, bool pooled, const char *sql,
                         void (*take)(void *arg, const PGresult *page, int row), void *arg,
                         struct error *err);

/* The same where it does: such rows are handed out with NULL in place of the page. The ids are read
 * alone, and then the rows of a range of them, which is halved as long as it cannot be read. */
int postgres_cursor_load_in_parts(PGconn *db, bool pooled, const char *sql,
                                  void (*take)(void *arg, const PGresult *page, int row), void *arg,
                                  struct error *err);

#endif
