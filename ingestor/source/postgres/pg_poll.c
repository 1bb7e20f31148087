/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/postgres/pg_rows.h"
#include "ingestor/source/postgres/pg_statements.h"

#define POLL_TRIES 8 /* rows that fail may come while others are looked for */

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

/* Ids behind which a poll reads. */
static int64_t behind(const struct postgres_source *s)
{
    return s->at.position > 0 ? s->at.position : s->at.unplaced;
}

static struct pg_reading reading_of_rows(struct postgres_source *s, size_t max_rows)
{
    return (struct pg_reading){
        .db = s->db, .table = &s->table, .after = behind(s), .until = INT64_MAX, .limit = max_rows};
}

static struct pg_reading reading_of_late(struct postgres_source *s, size_t max_rows)
{
    return (struct pg_reading){.db = s->db,
                               .pooled = s->pooled,
                               .table = &s->table,
                               .first_ids = buf_cstr(&s->hole_poll.first_ids),
                               .last_ids = buf_cstr(&s->hole_poll.last_ids),
                               .after = INT64_MIN,
                               .until = INT64_MAX,
                               .limit = max_rows};
}

static bool send_plain(struct postgres_source *s, enum pg_statement which,
                       const struct pg_reading *r)
{
    char after[32];
    char until[32];
    char limit[32];
    snprintf(after, sizeof after, "%lld", (long long)r->after);
    snprintf(until, sizeof until, "%lld", (long long)r->until);
    snprintf(limit, sizeof limit, "%zu", r->limit);
    char bytes[32];
    const size_t most = which == PG_STATEMENT_LATE ? BATCH_BYTES_MAX : pg_page_bytes(s, r->limit);
    snprintf(bytes, sizeof bytes, "%zu", most);
    const bool ranges = r->first_ids != NULL;
    const char *const parameters[] = {ranges ? r->first_ids : after, ranges ? r->last_ids : until,
                                      limit, bytes};
    return pg_statement_send(s, which, parameters, 1);
}

/* Sends what reads the rows, around those at which the database fails if there are any. */
static bool send_reading(struct postgres_source *s, enum pg_statement which,
                         struct pg_reading reading, int64_t until)
{
    reading.until = until;
    return until == INT64_MAX && s->broken.count == 0 ? send_plain(s, which, &reading)
                                                      : pg_broken_send(&s->broken, &reading);
}

/* Through a pooler they have to come with each transaction. */
static bool send_settings(struct postgres_source *s)
{
    return PQsendQueryParams(s->db, pg_pooled_settings, 0, NULL, NULL, NULL, NULL, 0) == 1 &&
           pg_statements_send_settings(s);
}

static bool send_poll(struct postgres_source *s, size_t max_rows, bool late,
                      const struct pg_polled *ends)
{
    const char *const names[] = {buf_cstr(&s->table.name)};
    return PQenterPipelineMode(s->db) == 1 &&
           PQsendQueryParams(s->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL,
                             NULL, NULL, NULL, 0) == 1 &&
           (!s->pooled || send_settings(s)) &&
           pg_statement_send(s, PG_STATEMENT_SNAPSHOT, names, 0) &&
           send_reading(s, pg_page_statement(s), reading_of_rows(s, max_rows), ends->until) &&
           (!late ||
            send_reading(s, PG_STATEMENT_LATE, reading_of_late(s, max_rows), ends->late_until)) &&
           PQsendQueryParams(s->db, "COMMIT", 0, NULL, NULL, NULL, NULL, 0) == 1 &&
           PQpipelineSync(s->db) == 1;
}

/* The next statement's result. NULL and err when it failed; *of_a_row is true then if it failed
 * because of what is in a row. */
static PGresult *next_result(struct postgres_source *s, ExecStatusType wanted, bool *of_a_row,
                             struct error *err)
{
    PGresult *result = PQgetResult(s->db);
    *of_a_row = false;
    if (result == NULL) {
        result = PQgetResult(s->db); /* NULL stands between two statements */
    }
    if (result == NULL || PQresultStatus(result) != wanted) {
        *of_a_row = pg_broken_is_why(result);
        pg_error(s->db, result, "cannot read the events table", err);
        PQclear(result);
        return NULL;
    }
    return result;
}

static bool read_snapshot(struct postgres_source *s, mono_time asked, struct error *err)
{
    bool of_a_row;
    PGresult *snapshot = next_result(s, PGRES_TUPLES_OK, &of_a_row, err);
    if (snapshot == NULL) {
        return false;
    }
    const wall_time theirs = {strtoll(PQgetvalue(snapshot, 0, 5), NULL, 10)};
    database_clock_measure(&s->clock, theirs, asked, clock_now());
    s->snapshot.xmin = strtoull(PQgetvalue(snapshot, 0, 0), NULL, 10);
    const uint64_t xmax = strtoull(PQgetvalue(snapshot, 0, 1), NULL, 10);
    if (xmax < s->snapshot.xmax && !s->past.standby) {
        PQclear(snapshot);
        error_set(err, STATUS_IO, "the server's transaction ids have gone back");
        return false;
    }
    s->snapshot.xmax = xmax;
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
    s->snapshot.replaced =
        s->snapshot.replaced || (s->snapshot.file != 0 && file != s->snapshot.file);
    s->snapshot.file = file;
    PQclear(snapshot);
    return true;
}

/* The two answers to send_settings. */
static bool skip_settings(struct postgres_source *s, struct error *err)
{
    bool of_a_row;
    PGresult *values = next_result(s, PGRES_TUPLES_OK, &of_a_row, err);
    PGresult *plans = values != NULL ? next_result(s, PGRES_TUPLES_OK, &of_a_row, err) : NULL;
    const bool ok = plans != NULL;
    PQclear(values);
    PQclear(plans);
    return ok;
}

/* Takes the answers. STATUS_INVALID: the database fails at a row behind the position or, if those
 * were read, at one in a hole. */
static int take_poll(struct postgres_source *s, bool late, mono_time asked, struct pg_polled *out,
                     struct error *err)
{
    bool of_a_row;
    PGresult *begin = next_result(s, PGRES_COMMAND_OK, &of_a_row, err);
    PQclear(begin);
    if (begin == NULL || (s->pooled && !skip_settings(s, err)) || !read_snapshot(s, asked, err)) {
        return STATUS_IO;
    }
    out->rows = next_result(s, PGRES_TUPLES_OK, &of_a_row, err);
    if (out->rows != NULL && late) {
        out->late = next_result(s, PGRES_TUPLES_OK, &of_a_row, err);
    }
    if (out->rows == NULL || (late && out->late == NULL)) {
        return of_a_row ? STATUS_INVALID : STATUS_IO;
    }
    PGresult *commit = next_result(s, PGRES_COMMAND_OK, &of_a_row, err);
    PGresult *sync = commit != NULL ? next_result(s, PGRES_PIPELINE_SYNC, &of_a_row, err) : NULL;
    PQclear(commit);
    PQclear(sync);
    if (sync == NULL || PQexitPipelineMode(s->db) != 1) {
        return pg_error(s->db, NULL, "cannot read the events table", err);
    }
    return STATUS_OK;
}

/* Ends a poll that failed at a row: drops the answers that are still to come, and its transaction.
 */
static int give_up_poll(struct postgres_source *s, struct error *err)
{
    bool synced = false;
    for (int nulls = 0; !synced && nulls < 2;) {
        PGresult *result = PQgetResult(s->db);
        nulls = result == NULL ? nulls + 1 : 0;
        synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        PQclear(result);
    }
    if (!synced || PQexitPipelineMode(s->db) != 1) {
        return pg_error(s->db, NULL, "cannot read the events table", err);
    }
    return pg_run(s->db, "ROLLBACK", "cannot read the events table", err);
}

/* Finds the rows that a poll failed at, so that it can be made again without them. */
static int find_broken(struct postgres_source *s, size_t max_rows, struct pg_polled *out,
                       struct error *err)
{
    const bool late = out->rows != NULL;
    struct pg_reading reading = late ? reading_of_late(s, max_rows) : reading_of_rows(s, max_rows);
    reading.until = late ? s->at.position : s->snapshot.newest;
    PQclear(out->rows);
    out->rows = NULL;
    const int status = give_up_poll(s, err);
    return status == STATUS_OK
               ? pg_broken_find(&s->broken, &reading, late ? &out->late_until : &out->until, err)
               : status;
}

static void clear_rows(struct pg_polled *polled)
{
    PQclear(polled->rows);
    PQclear(polled->late);
    polled->rows = NULL;
    polled->late = NULL;
}

int pg_poll_table(struct postgres_source *s, size_t max_rows, struct pg_polled *out,
                  struct error *err)
{
    s->hole_poll.thorough = false;
    const bool late = (s->news.building || !s->news.full) && choose_holes(s);
    s->snapshot.before = s->snapshot.xmax;
    s->snapshot.replaced = false; /* whichever try shows it */
    out->until = INT64_MAX;
    out->late_until = INT64_MAX;
    pg_broken_clear(&s->broken);
    int status = STATUS_INVALID;
    for (int tries = 0; status == STATUS_INVALID && tries < POLL_TRIES; tries++) {
        const mono_time asked = clock_mono();
        if (!send_poll(s, max_rows, late, out)) {
            return pg_error(s->db, NULL, "cannot read the events table", err);
        }
        status = take_poll(s, late, asked, out, err);
        if (status == STATUS_INVALID && find_broken(s, max_rows, out, err) != STATUS_OK) {
            return STATUS_IO;
        }
        if (status == STATUS_OK &&
            !pg_page_is_whole(s, out->rows, (int)columns_count(&s->config->source))) {
            clear_rows(out);
            status = STATUS_INVALID;
        }
    }
    return status == STATUS_OK ? STATUS_OK : STATUS_IO;
}

void pg_poll_clear(struct pg_polled *polled)
{
    clear_rows(polled);
    *polled = (struct pg_polled){0};
}
