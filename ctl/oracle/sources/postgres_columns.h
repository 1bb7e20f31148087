/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns of the events table the oracle reads from PostgreSQL. */
#ifndef CTL_ORACLE_SOURCES_POSTGRES_COLUMNS_H
#define CTL_ORACLE_SOURCES_POSTGRES_COLUMNS_H

#include <libpq-fe.h>

#include "common/base/error.h"
#include "common/config/config.h"

/* *out has no row, and those of our columns that the table has and that we may read; the caller
 * clears it. STATUS_INVALID: one that is needed may not be read. STATUS_IO. */
int postgres_read_columns(PGconn *db, const struct config_source *source, const char *table,
                          PGresult **out, struct error *err);

#endif
