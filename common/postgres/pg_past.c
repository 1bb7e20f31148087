/* SPDX-License-Identifier: Apache-2.0 */
#include "common/postgres/pg_past.h"

#include <stdlib.h>
#include <string.h>

#include "common/postgres/pg.h"

#define DOING "cannot ask the server which past it has"

/* One value; NULL as "". Where PostgreSQL refuses the question the value is "", too. */
static int ask(PGconn *db, const char *sql, char out[32], struct error *err)
{
    PGresult *result = PQexec(db, sql);
    const bool answered = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    out[0] = '\0';
    if (answered) {
        strncat(out, PQgetvalue(result, 0, 0), 31);
    }
    const int status = PQstatus(db) == CONNECTION_OK ? STATUS_OK : pg_error(db, result, DOING, err);
    PQclear(result);
    return status;
}

int pg_past_read(PGconn *db, struct pg_past *out, struct error *err)
{
    static const char standing[] =
        "SELECT pg_is_in_recovery(), pg_snapshot_xmax(pg_current_snapshot())::text, "
        "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text";
    char text[32];
    *out = (struct pg_past){0};
    PGresult *result = NULL;
    int status = pg_query(db, standing, &result, DOING, err);
    if (status != STATUS_OK) {
        return status;
    }
    out->standby = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    out->xmax = strtoull(PQgetvalue(result, 0, 1), NULL, 10);
    out->started = strtoll(PQgetvalue(result, 0, 2), NULL, 10);
    PQclear(result);
    status = ask(db, "SELECT system_identifier::text FROM pg_control_system()", text, err);
    out->system = strtoull(text, NULL, 10);
    if (status == STATUS_OK && !out->standby) {
        /* The name of a file of the log begins with the timeline, and says it at once, where
         * pg_control_checkpoint() does so after a while. */
        status = ask(db, "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)", text, err);
        out->timeline = strtoull(text, NULL, 16);
    }
    return status;
}

static bool differ(uint64_t before, uint64_t now)
{
    return before != 0 && now != 0 && before != now;
}

bool pg_past_runs_on(const struct pg_past *before, const struct pg_past *now)
{
    return before->started != 0 && before->started == now->started &&
           before->system == now->system && before->timeline == now->timeline &&
           before->xmax <= now->xmax;
}

bool pg_past_is_other(const struct pg_past *before, const struct pg_past *now)
{
    return differ(before->system, now->system) || differ(before->timeline, now->timeline);
}

bool pg_past_is_suspicious(const struct pg_past *before, const struct pg_past *now)
{
    /* A standby lags, and one may lag more than another. */
    const bool back = !now->standby && !before->standby && now->xmax < before->xmax;
    return back || pg_past_is_other(before, now);
}
