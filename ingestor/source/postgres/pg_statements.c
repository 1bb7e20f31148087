/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_statements.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"

/*
 * Settings of this session, so that it reads by the index on the ids whatever the statistics say.
 * For a table that is new, or was never analyzed, the planner would rather gather and sort all that
 * lies behind the position, for each 4,000 rows.
 */
static const char plans[] = "SET plan_cache_mode = force_generic_plan; "
                            "SET enable_seqscan = off; SET enable_bitmapscan = off; "
                            "SET max_parallel_workers_per_gather = 0; SET jit = off";

int pg_statements_prepare(struct postgres_source *s, struct error *err)
{
    const char *name = buf_cstr(&s->table.name);
    const char *id = buf_cstr(&s->table.id);
    const char *columns = buf_cstr(&s->table.columns);
    const struct {
        const char *name;
        char *sql;
    } statements[] = {
        {PG_STATEMENT_SNAPSHOT,
         x_asprintf("SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text, "
                    "coalesce((SELECT max(%s) FROM %s), 0)::text, "
                    "coalesce(pg_relation_filenode(%lld), 0)::text, "
                    "to_regclass($1)::oid = %lld "
                    "FROM pg_current_snapshot() s",
                    id, name, (long long)s->table.oid, (long long)s->table.oid)},
        {PG_STATEMENT_ROWS,
         x_asprintf("SELECT %s FROM %s e WHERE e.%s > $1::bigint AND e.%s <= $2::bigint "
                    "ORDER BY e.%s LIMIT $3::bigint",
                    columns, name, id, id, id)},
        /* The limit inside makes the planner go range by range: for the order's sake it would
         * rather compare each row of the table with each range. */
        {PG_STATEMENT_LATE,
         x_asprintf("SELECT %s FROM unnest($1::bigint[], $2::bigint[]) r(f, l) "
                    "CROSS JOIN LATERAL (SELECT %s FROM %s e WHERE e.%s BETWEEN r.f AND r.l "
                    "ORDER BY e.%s LIMIT $3::bigint) e(%s) ORDER BY c1 LIMIT $3::bigint",
                    buf_cstr(&s->table.places), columns, name, id, id, buf_cstr(&s->table.places))},
        {PG_STATEMENT_HISTORY,
         x_asprintf("SELECT min(i) FROM (SELECT %s AS i FROM %s WHERE %s BETWEEN 1 AND "
                    "$1::bigint ORDER BY %s DESC LIMIT $2::bigint) h",
                    id, name, id, id)},
    };
    int status = pg_run(s->db, plans, "cannot set how the events table is read", err);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (status == STATUS_OK) {
            PGresult *result = PQprepare(s->db, statements[i].name, statements[i].sql, 0, NULL);
            if (PQresultStatus(result) != PGRES_COMMAND_OK) {
                status = pg_error(s->db, result, "cannot read the events table", err);
            }
            PQclear(result);
        }
        free(statements[i].sql);
    }
    return status;
}
