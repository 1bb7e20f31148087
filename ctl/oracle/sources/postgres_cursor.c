/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/sources/postgres_cursor.h"

#include <stdio.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/wire/tally.h"
#include "ctl/oracle/columns.h"

char *postgres_cursor_sql(PGconn *db, const struct config_source *source, const char *rest,
                          const char *table, bool bytes)
{
    struct buf id = {0};
    struct buf time = {0};
    pg_quote(db, &id, source->columns[EVENT_ID].name);
    pg_quote(db, &time, source->cursor);
    const char *id_name = buf_cstr(&id);
    const char *time_name = buf_cstr(&time);
    char *sql = x_asprintf(
        "DECLARE tilewire_rows NO SCROLL CURSOR FOR SELECT * FROM (SELECT %s%s%s AS id_text%s, "
        "%s::text FROM %s WHERE %s IS NOT NULL AND %s IS NOT NULL) r ORDER BY id_text COLLATE "
        "\"C\"",
        bytes ? "encode(" : "", id_name, bytes ? ", 'hex')" : "::text", rest, time_name, table,
        id_name, time_name);
    buf_free(&id);
    buf_free(&time);
    return sql;
}

static struct str text_at(const PGresult *page, int row, int column)
{
    return PQgetisnull(page, row, column) ? STR_NULL
                                          : (struct str){PQgetvalue(page, row, column),
                                                         (size_t)PQgetlength(page, row, column)};
}

void postgres_cursor_add(struct oracle_source *base, const struct config_source *source,
                         struct oracle_rows *rows, const PGresult *page, int row,
                         const wall_time *timestamp)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    const struct str id = text_at(page, row, EVENT_ID);
    for (size_t i = EVENT_TIMESTAMP; i < oracle_column_count(source); i++) {
        texts[i] = text_at(page, row, (int)i);
    }
    base->newest++;
    if (event_id_valid(id) && oracle_add_event(rows, source, base->newest, timestamp, texts)) {
        oracle_rows_set_key(rows, tally_id(event_id_of_text(id)));
    } else {
        base->unusable++;
    }
}

int postgres_cursor_load(PGconn *db, const char *sql,
                         void (*take)(void *arg, const PGresult *page, int row), void *arg,
                         struct error *err)
{
    static const char doing[] = "cannot read the events table";
    char fetch[64];
    struct error unused;
    int count = 1;
    snprintf(fetch, sizeof fetch, "FETCH %d FROM tilewire_rows", ORACLE_PAGE_ROWS);
    int status = pg_run(db, "BEGIN READ ONLY", doing, err);
    if (status == STATUS_OK) {
        status = pg_run(db, sql, doing, err);
    }
    while (status == STATUS_OK && count != 0) {
        PGresult *page = NULL;
        status = pg_query(db, fetch, &page, doing, err);
        count = status == STATUS_OK ? PQntuples(page) : 0;
        for (int i = 0; i < count; i++) {
            take(arg, page, i);
        }
        PQclear(page);
    }
    const int ended = pg_run(db, "COMMIT", doing, status == STATUS_OK ? err : &unused);
    return status == STATUS_OK ? ended : status;
}
