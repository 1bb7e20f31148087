/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/sources/postgres_columns.h"

#include <string.h>

#include "common/postgres/pg.h"
#include "ctl/oracle/columns.h"

/* Appends a column that the table has to the list of those that are read. One that may not be read
 * goes to those that are denied if it is needed, and else nowhere, as if it were missing. */
static void sort_column(PGconn *db, const struct config_source *source, size_t index, bool readable,
                        struct buf *list, struct buf *denied)
{
    const bool needed =
        index >= EVENT_FIELDS || !event_fields[index].optional || source->columns[index].configured;
    struct buf *to = readable ? list : denied;
    if (readable || needed) {
        buf_append_text(to, to->len != 0 ? ", " : "");
        pg_quote(db, to, oracle_column(source, index));
    }
}

int postgres_read_columns(PGconn *db, const struct config_source *source, const char *table,
                          PGresult **out, struct error *err)
{
    struct buf list = {0};
    struct buf denied = {0};
    struct buf sql = {0};
    PGresult *all = NULL;
    char *literal = PQescapeLiteral(db, table, strlen(table));
    buf_printf(&sql,
               "SELECT attname, has_column_privilege(attrelid, attnum, 'SELECT') FROM "
               "pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
               literal);
    PQfreemem(literal);
    int status = pg_query(db, buf_cstr(&sql), &all, "cannot describe the events table", err);
    for (size_t i = 0; status == STATUS_OK && i < oracle_column_count(source); i++) {
        const char *name = oracle_column(source, i);
        for (int row = 0; name != NULL && row < PQntuples(all); row++) {
            if (strcmp(PQgetvalue(all, row, 0), name) == 0) {
                sort_column(db, source, i, PQgetvalue(all, row, 1)[0] == 't', &list, &denied);
            }
        }
    }
    PQclear(all); /* It may be NULL. */
    if (status == STATUS_OK && denied.len != 0) {
        status = error_set(err, STATUS_INVALID,
                           "role \"%s\" may not read %s of table \"%s\"; grant it SELECT on "
                           "these columns",
                           PQuser(db), buf_cstr(&denied), source->table);
    }
    if (status == STATUS_OK) {
        buf_clear(&sql);
        buf_printf(&sql, "SELECT %s FROM %s LIMIT 0", buf_cstr(&list), table);
        status = pg_query(db, buf_cstr(&sql), out, "cannot read the events table", err);
    }
    buf_free(&list);
    buf_free(&denied);
    buf_free(&sql);
    return status;
}
