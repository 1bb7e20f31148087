/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_rows.h"

#include <stdlib.h>

#include "common/codec/json.h"
#include "ingestor/source/columns.h"

/* SQLite writes a REAL with 15 digits, which may be another number: then it gets as many as it
 * needs. The text stands in memory of the thread until the next one. */
static struct str real_text(sqlite3_stmt *row, int column)
{
    static _Thread_local char digits[JSON_NUMBER_SIZE];
    const double real = sqlite3_column_double(row, column);
    const char *text = (const char *)sqlite3_column_text(row, column);
    const double read = text != NULL ? strtod(text, NULL) : real;
    if (read < real || read > real) {
        return (struct str){digits, json_number_text(real, digits)};
    }
    return str_of(text);
}

static struct str column_text(void *row, size_t column)
{
    /* The event's own columns are texts; asking all of them for their type would cost time. */
    if (column >= EVENT_FIELDS && sqlite3_column_type(row, (int)column) == SQLITE_FLOAT) {
        return real_text(row, (int)column);
    }
    const char *text = (const char *)sqlite3_column_text(row, (int)column);
    return (struct str){text, text != NULL ? (size_t)sqlite3_column_bytes(row, (int)column) : 0};
}

static bool column_time(sqlite3_stmt *row, int column, wall_time *out)
{
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        return wall_from_integer(sqlite3_column_int64(row, column), out);
    case SQLITE_FLOAT:
        return wall_from_number(sqlite3_column_double(row, column), out);
    case SQLITE_TEXT: {
        const struct str text = column_text(row, (size_t)column);
        return wall_parse(text.p, text.len, out);
    }
    default:
        return false;
    }
}

/* Why the row cannot be used, or UNUSABLE_KINDS when it can. */
static enum unusable fill(struct sqlite_source *s, struct batch *batch, struct event *event,
                          wall_time arrival)
{
    sqlite3_stmt *row = s->select;
    event->arrival = arrival;
    event->id = sqlite3_column_int64(row, EVENT_ID);
    event->ordinal = (uint64_t)event->id;
    if (event->id <= 0) {
        return UNUSABLE_ID;
    }
    if (!column_time(row, EVENT_TIMESTAMP, &event->timestamp)) {
        return UNUSABLE_TIMESTAMP;
    }
    return columns_fill(&s->config->source, column_text, row, batch, event);
}

int64_t sqlite_rows_read(struct sqlite_source *s, int64_t after, int64_t until, size_t max_rows,
                         struct batch *batch, int64_t *last)
{
    const wall_time arrival = clock_wall();
    int64_t rows = 0;
    int step;
    sqlite3_bind_int64(s->select, 1, after);
    sqlite3_bind_int64(s->select, 2, (int64_t)max_rows);
    while ((step = sqlite3_step(s->select)) == SQLITE_ROW) {
        const int64_t id = sqlite3_column_int64(s->select, EVENT_ID);
        if (id > until) {
            step = SQLITE_DONE;
            break;
        }
        struct event *event = batch_event(batch);
        const enum unusable why = fill(s, batch, event, arrival);
        *last = id;
        if (why != UNUSABLE_KINDS) {
            batch_drop_event(batch);
            unusable_row(&s->unusable, why, id);
        }
        rows++;
    }
    sqlite3_reset(s->select);
    return step == SQLITE_DONE ? rows : -1;
}
