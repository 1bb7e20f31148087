/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "ingestor/source/postgres/pg_statements.h"

static void list_hole(void *arg, const struct hole *hole)
{
    struct postgres_source *s = arg;
    const char open = s->hole_poll.first_ids.len == 0 ? '{' : ',';
    buf_printf(&s->hole_poll.first_ids, "%c%lld", open, (long long)hole->first);
    buf_printf(&s->hole_poll.last_ids, "%c%lld", open, (long long)hole->last);
}

/* Lists the ranges to ask for; false when there are none. */
static bool choose_holes(struct postgres_source *s)
{
    const mono_time now = clock_mono();
    s->hole_poll.thorough = now.us >= s->hole_poll.thorough_at.us;
    if (s->hole_poll.thorough) {
        s->hole_poll.thorough_at = mono_add_ms(now, s->config->source.poll_interval_ms);
    }
    buf_clear(&s->hole_poll.first_ids);
    buf_clear(&s->hole_poll.last_ids);
    if (holes_choose(&s->holes, s->snapshot.xmin, s->hole_poll.thorough, list_hole, s) == 0) {
        return false;
    }
    buf_append_char(&s->hole_poll.first_ids, '}');
    buf_append_char(&s->hole_poll.last_ids, '}');
    return true;
}

static bool send_poll(struct postgres_source *s, size_t max_rows, bool late)
{
    char after[32];
    char until[32];
    char limit[32];
    snprintf(after, sizeof after, "%lld",
             (long long)(s->at.position > 0 ? s->at.position : s->at.unplaced));
    snprintf(until, sizeof until, "%lld", (long long)INT64_MAX);
    snprintf(limit, sizeof limit, "%zu", max_rows);
    const char *const names[] = {buf_cstr(&s->table.name)};
    const char *const rows[] = {after, until, limit};
    const char *const holes[] = {late ? buf_cstr(&s->hole_poll.first_ids) : NULL,
                                 late ? buf_cstr(&s->hole_poll.last_ids) : NULL, limit};
    return PQenterPipelineMode(s->db) == 1 &&
           PQsendQueryParams(s->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL,
                             NULL, NULL, NULL, 0) == 1 &&
           PQsendQueryPrepared(s->db, PG_STATEMENT_SNAPSHOT, 1, names, NULL, NULL, 0) == 1 &&
           PQsendQueryPrepared(s->db, PG_STATEMENT_ROWS, 3, rows, NULL, NULL, 1) == 1 &&
           (!late || PQsendQueryPrepared(s->db, PG_STATEMENT_LATE, 3, holes, NULL, NULL, 1) == 1) &&
           PQsendQueryParams(s->db, "COMMIT", 0, NULL, NULL, NULL, NULL, 0) == 1 &&
           PQpipelineSync(s->db) == 1;
}

/* The next statement's result; NULL and err when it failed. */
static PGresult *next_result(struct postgres_source *s, ExecStatusType wanted, struct error *err)
{
    PGresult *result = PQgetResult(s->db);
    if (result == NULL) {
        result = PQgetResult(s->db); /* NULL stands between two statements */
    }
    if (result == NULL || PQresultStatus(result) != wanted) {
        pg_error(s->db, result, "cannot read the events table", err);
        PQclear(result);
        return NULL;
    }
    return result;
}

static bool read_snapshot(struct postgres_source *s, struct error *err)
{
    PGresult *snapshot = next_result(s, PGRES_TUPLES_OK, err);
    if (snapshot == NULL) {
        return false;
    }
    s->snapshot.before = s->snapshot.xmax;
    s->snapshot.xmin = strtoull(PQgetvalue(snapshot, 0, 0), NULL, 10);
    s->snapshot.xmax = strtoull(PQgetvalue(snapshot, 0, 1), NULL, 10);
    const int64_t newest = strtoll(PQgetvalue(snapshot, 0, 2), NULL, 10);
    s->snapshot.newest = newest > 0 ? newest : 0;
    const int64_t file = strtoll(PQgetvalue(snapshot, 0, 3), NULL, 10);
    if (strcmp(PQgetvalue(snapshot, 0, 4), "t") != 0) {
        error_set(err, STATUS_IO,
                  "table %s was dropped and made again, or another has its name now",
                  buf_cstr(&s->table.name));
        PQclear(snapshot);
        return false;
    }
    s->snapshot.replaced = s->snapshot.file != 0 && file != s->snapshot.file;
    s->snapshot.file = file;
    PQclear(snapshot);
    return true;
}

int pg_poll_table(struct postgres_source *s, size_t max_rows, struct pg_polled *out,
                  struct error *err)
{
    s->hole_poll.thorough = false;
    const bool late = (s->news.building || !s->news.full) && choose_holes(s);
    if (!send_poll(s, max_rows, late)) {
        return pg_error(s->db, NULL, "cannot read the events table", err);
    }
    PGresult *begin = next_result(s, PGRES_COMMAND_OK, err);
    PQclear(begin);
    if (begin == NULL || !read_snapshot(s, err) ||
        (out->rows = next_result(s, PGRES_TUPLES_OK, err)) == NULL ||
        (late && (out->late = next_result(s, PGRES_TUPLES_OK, err)) == NULL)) {
        return STATUS_IO;
    }
    PGresult *commit = next_result(s, PGRES_COMMAND_OK, err);
    PGresult *sync = commit != NULL ? next_result(s, PGRES_PIPELINE_SYNC, err) : NULL;
    PQclear(commit);
    PQclear(sync);
    if (sync == NULL || PQexitPipelineMode(s->db) != 1) {
        return pg_error(s->db, NULL, "cannot read the events table", err);
    }
    return STATUS_OK;
}

void pg_poll_clear(struct pg_polled *polled)
{
    PQclear(polled->rows);
    PQclear(polled->late);
    *polled = (struct pg_polled){0};
}
