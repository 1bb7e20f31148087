/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_rows.h"

#include "ingestor/source/batch.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/postgres/pg_value.h"

#define WIDE_PAGES 32 /* of which one more is read in vain, if all have a long row */

struct pg_row {
    const PGresult *rows;
    int row;
};

static struct str value_text(void *arg, size_t index)
{
    const struct pg_row *at = arg;
    return pg_value_text(at->rows, at->row, (int)index);
}

int64_t pg_row_id(const PGresult *rows, int row)
{
    return pg_value_int64(rows, row, EVENT_ID);
}

bool pg_row_time(const struct postgres_source *s, const PGresult *rows, int row, wall_time *out)
{
    const struct zone *zone = s->config->source.local.zone;
    if (PQgetisnull(rows, row, EVENT_TIMESTAMP)) {
        return false;
    }
    if (!s->table.timestamp_binary) {
        struct pg_row at = {rows, row};
        const struct str text = value_text(&at, EVENT_TIMESTAMP);
        return wall_parse(text.p, text.len, zone, out);
    }
    return pg_value_time(pg_value_int64(rows, row, EVENT_TIMESTAMP), s->table.timestamp_local, zone,
                         out);
}

enum unusable pg_row_fill(const struct postgres_source *s, const PGresult *rows, int row,
                          struct batch *batch, struct event *event)
{
    if (!columns_time_is_known(&s->config->source) &&
        !pg_row_time(s, rows, row, &event->timestamp)) {
        return UNUSABLE_TIMESTAMP;
    }
    struct pg_row at = {rows, row};
    return columns_fill(&s->config->source, value_text, &at, batch, event);
}

void pg_row_add(struct postgres_source *s, const PGresult *rows, int row, uint64_t ordinal,
                wall_time now, struct batch *batch)
{
    struct event *event = batch_event(batch);
    event->id.number = pg_row_id(rows, row);
    event->ordinal = ordinal;
    event->arrival = now;
    const enum unusable why =
        event->id.number > 0 ? pg_row_fill(s, rows, row, batch, event) : UNUSABLE_ID;
    if (why != UNUSABLE_KINDS) {
        const int64_t id = event->id.number;
        batch_drop_event(batch);
        unusable_row(&s->unusable, why, id);
    }
}

enum pg_statement pg_page_statement(const struct postgres_source *s)
{
    return s->wide_pages != 0 ? PG_STATEMENT_ROWS : PG_STATEMENT_NARROW;
}

size_t pg_page_bytes(const struct postgres_source *s, size_t max_rows)
{
    return s->wide_pages != 0 ? BATCH_BYTES_MAX : BATCH_BYTES_MAX / max_rows;
}

bool pg_page_is_whole(struct postgres_source *s, const PGresult *rows, int wide)
{
    if (PQnfields(rows) <= wide) {
        s->wide_pages -= s->wide_pages != 0;
        return true;
    }
    for (int i = 0; i < PQntuples(rows); i++) {
        if (PQgetvalue(rows, i, wide)[0] != 0) {
            s->wide_pages = WIDE_PAGES;
            return false;
        }
    }
    return true;
}

bool pg_rows_are_full(const PGresult *rows)
{
    size_t bytes = 0;
    for (int i = 0; i < PQntuples(rows); i++) {
        bytes += PG_ROW_BYTES;
        for (int k = EVENT_TIMESTAMP; k < PQnfields(rows); k++) {
            bytes += (size_t)PQgetlength(rows, i, k);
        }
    }
    /* The database counted them in its own encoding, in which a character may take more. */
    return bytes >= BATCH_BYTES_MAX / 2;
}
