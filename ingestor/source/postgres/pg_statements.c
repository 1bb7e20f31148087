/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_statements.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "ingestor/source/batch.h"

static const struct {
    const char *name; /* in the session */
    int parameters;
} known[PG_STATEMENTS] = {
    [PG_STATEMENT_SNAPSHOT] = {"snapshot", 1}, [PG_STATEMENT_ROWS] = {"rows", 4},
    [PG_STATEMENT_NARROW] = {"narrow", 4},     [PG_STATEMENT_LATE] = {"late", 4},
    [PG_STATEMENT_HISTORY] = {"history", 2},
};

/*
 * Settings of this session, so that it reads by the index on the ids whatever the statistics say.
 * For a table that is new, or was never analyzed, the planner would rather gather and sort all that
 * lies behind the position, for each 4,000 rows.
 */
static const char plans[] = "SET plan_cache_mode = force_generic_plan; "
                            "SET enable_seqscan = off; SET enable_bitmapscan = off; "
                            "SET max_parallel_workers_per_gather = 0; SET jit = off";

/* The same for one transaction. */
static const char plans_of_transaction[] =
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), "
    "set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), "
    "set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true)";

/* The rows of the selection, in the order of ids, up to the one with which they take $4 bytes. The
 * database adds the lengths up, which it knows without reading what is long. */
static char *page(struct postgres_source *s, const char *selection)
{
    const char *places = buf_cstr(&s->table.places);
    return x_asprintf(
        "SELECT %s FROM (SELECT q.*, sum(%s) OVER (ORDER BY c1 ROWS BETWEEN UNBOUNDED PRECEDING "
        "AND 1 PRECEDING) AS bytes_before FROM (%s) q(%s)) w WHERE coalesce(bytes_before, 0) < "
        "$4::bigint ORDER BY c1",
        places, buf_cstr(&s->table.bytes), selection, places);
}

/* The rows of the selection, which are so few that they cannot take too much as long as each is
 * short; of one that is not come no texts. That is for each row alone, and costs a tenth of the sum
 * that page() needs. The OFFSET keeps a row's length from being computed again for each column. */
static char *narrow(struct postgres_source *s, const char *selection)
{
    return x_asprintf("SELECT %s, wide FROM (SELECT q.*, %s > $4::bigint AS wide FROM (%s) q(%s) "
                      "OFFSET 0) n ORDER BY c1",
                      buf_cstr(&s->table.narrow), buf_cstr(&s->table.bytes), selection,
                      buf_cstr(&s->table.places));
}

static void make_statements(struct postgres_source *s)
{
    const char *name = buf_cstr(&s->table.name);
    const char *id = buf_cstr(&s->table.id);
    const char *columns = buf_cstr(&s->table.columns);
    static const char behind[] = "SELECT %s FROM %s e WHERE e.%s > $1::bigint AND e.%s <= "
                                 "$2::bigint ORDER BY e.%s LIMIT $3::bigint";
    char *rows = x_asprintf(behind, columns, name, id, id, id);
    char *plain = x_asprintf(behind, buf_cstr(&s->table.plain), name, id, id, id);
    /* The limit inside makes the planner go range by range: for the order's sake it would rather
     * compare each row of the table with each range. */
    char *late =
        x_asprintf("SELECT %s FROM unnest($1::bigint[], $2::bigint[]) r(f, l) "
                   "CROSS JOIN LATERAL (SELECT %s FROM %s e WHERE e.%s BETWEEN r.f AND r.l "
                   "ORDER BY e.%s LIMIT $3::bigint) e(%s) ORDER BY c1 LIMIT $3::bigint",
                   buf_cstr(&s->table.places), columns, name, id, id, buf_cstr(&s->table.places));
    char *const sql[PG_STATEMENTS] = {
        [PG_STATEMENT_SNAPSHOT] =
            x_asprintf("SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text, "
                       "coalesce((SELECT max(%s) FROM %s), 0)::text, "
                       "coalesce(pg_relation_filenode(%lld), 0)::text, "
                       "to_regclass($1)::oid = %lld, "
                       "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text "
                       "FROM pg_current_snapshot() s",
                       id, name, (long long)s->table.oid, (long long)s->table.oid),
        [PG_STATEMENT_ROWS] = page(s, rows),
        [PG_STATEMENT_NARROW] = narrow(s, plain),
        [PG_STATEMENT_LATE] = page(s, late),
        [PG_STATEMENT_HISTORY] = x_asprintf(
            "SELECT min(c1) FROM (SELECT c1, sum(%s) OVER (ORDER BY c1 DESC ROWS UNBOUNDED "
            "PRECEDING) AS bytes FROM (SELECT %s FROM %s e WHERE e.%s BETWEEN 1 AND $1::bigint "
            "ORDER BY e.%s DESC LIMIT $2::bigint) q(%s)) h WHERE bytes <= %zu",
            buf_cstr(&s->table.bytes), columns, name, id, id, buf_cstr(&s->table.places),
            BATCH_HISTORY_BYTES_MAX),
    };
    for (size_t i = 0; i < PG_STATEMENTS; i++) {
        s->statements[i] = sql[i];
    }
    free(rows);
    free(plain);
    free(late);
}

int pg_statements_set_plans(struct postgres_source *s, struct error *err)
{
    return pg_run(s->db, plans, "cannot set how the events table is read", err);
}

int pg_statements_prepare(struct postgres_source *s, struct error *err)
{
    make_statements(s);
    if (s->pooled) {
        return STATUS_OK;
    }
    int status = pg_statements_set_plans(s, err);
    for (size_t i = 0; i < PG_STATEMENTS && status == STATUS_OK; i++) {
        PGresult *result = PQprepare(s->db, known[i].name, s->statements[i], 0, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            status = pg_error(s->db, result, "cannot read the events table", err);
        }
        PQclear(result);
    }
    return status;
}

bool pg_statement_send(struct postgres_source *s, enum pg_statement which,
                       const char *const *parameters, int format)
{
    const int count = known[which].parameters;
    return s->pooled ? PQsendQueryParams(s->db, s->statements[which], count, NULL, parameters, NULL,
                                         NULL, format) == 1
                     : PQsendQueryPrepared(s->db, known[which].name, count, parameters, NULL, NULL,
                                           format) == 1;
}

PGresult *pg_statement_run(struct postgres_source *s, enum pg_statement which,
                           const char *const *parameters, int format)
{
    const int count = known[which].parameters;
    if (!s->pooled) {
        return PQexecPrepared(s->db, known[which].name, count, parameters, NULL, NULL, format);
    }
    return pg_pooled_begin(s->db, pg_pooled_settings) && pg_statements_send_settings(s) &&
                   pg_statement_send(s, which, parameters, format)
               ? pg_pooled_end(s->db)
               : NULL;
}

bool pg_statements_send_settings(struct postgres_source *s)
{
    return PQsendQueryParams(s->db, plans_of_transaction, 0, NULL, NULL, NULL, NULL, 0) == 1;
}
