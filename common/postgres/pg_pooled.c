/* SPDX-License-Identifier: Apache-2.0 */
#include "common/postgres/pg_pooled.h"

#include <stdlib.h>

#define SETTINGS                                                                                   \
    "SELECT set_config('DateStyle', 'ISO', true), set_config('TimeZone', 'UTC', true), "           \
    "set_config('IntervalStyle', 'postgres', true), set_config('bytea_output', 'hex', true), "     \
    "set_config('extra_float_digits', '1', true), "                                                \
    "set_config('standard_conforming_strings', 'on', true)"

const char pg_pooled_settings[] = SETTINGS;

const char pg_pooled_settings_bytes[] =
    SETTINGS ", CASE WHEN getdatabaseencoding() = 'SQL_ASCII' THEN set_config('client_encoding', "
             "'SQL_ASCII', true) END";

bool pg_is_pooled(PGconn *db)
{
    PGresult *result = PQexec(db, "SELECT pg_backend_pid()");
    const bool pooled = PQresultStatus(result) == PGRES_TUPLES_OK &&
                        strtol(PQgetvalue(result, 0, 0), NULL, 10) != PQbackendPID(db);
    PQclear(result);
    return pooled;
}

bool pg_pooled_begin(PGconn *db, const char *settings)
{
    return PQenterPipelineMode(db) == 1 &&
           PQsendQueryParams(db, settings, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

/* True for what a statement gives when one before it has failed. */
static bool is_skipped(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_PIPELINE_ABORTED;
}

PGresult *pg_pooled_end(PGconn *db)
{
    PGresult *last = NULL;
    int nulls = 0;
    bool synced = false;
    if (PQpipelineSync(db) != 1) {
        return NULL;
    }
    while (!synced && nulls < 2) { /* One NULL stands between two statements. */
        PGresult *result = PQgetResult(db);
        nulls = result == NULL ? nulls + 1 : 0;
        synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (result != NULL && !synced && !is_skipped(result)) {
            PQclear(last);
            last = result;
        } else {
            PQclear(result);
        }
    }
    (void)PQexitPipelineMode(db);
    return last;
}

PGresult *pg_pooled_exec(PGconn *db, const char *settings, const char *sql, int count,
                         const char *const *parameters, int format)
{
    if (!pg_pooled_begin(db, settings) ||
        PQsendQueryParams(db, sql, count, NULL, parameters, NULL, NULL, format) != 1) {
        return NULL;
    }
    return pg_pooled_end(db);
}
