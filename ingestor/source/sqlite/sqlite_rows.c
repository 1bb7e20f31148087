/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec/json.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/sqlite/sqlite_table.h"

/* The functions for values are used in place of those for columns, which take the connection's lock
 * each time: it has none, and only this thread uses it. */
static struct str value_text(sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);
    return (struct str){text, text != NULL ? (size_t)sqlite3_value_bytes(value) : 0};
}

/*
 * SQLite writes a REAL with 15 digits, which may be another number: then it gets as many as it
 * needs. Those of a usual size are not written by SQLite at all, which takes ten times as long; a
 * whole one has .0, as SQLite would write it. The text stands in memory of the thread until the
 * next one.
 */
static struct str real_text(sqlite3_value *value)
{
    static _Thread_local char digits[JSON_NUMBER_SIZE];
    const double real = sqlite3_value_double(value);
    if (fabs(real) >= 1e-4 && fabs(real) < 1e15) {
        size_t len = json_number_text(real, digits);
        if (memchr(digits, '.', len) == NULL) {
            digits[len++] = '.';
            digits[len++] = '0';
        }
        return (struct str){digits, len};
    }
    const struct str text = value_text(value);
    const double read = text.p != NULL ? strtod(text.p, NULL) : real;
    if (read < real || read > real) {
        return (struct str){digits, json_number_text(real, digits)};
    }
    return text;
}

static struct str text_of(void *row, size_t column)
{
    sqlite3_value *value = sqlite3_column_value(row, (int)sqlite_table_place(column));
    /* The event's own columns are texts. */
    if (column >= EVENT_FIELDS && sqlite3_value_type(value) == SQLITE_FLOAT) {
        return real_text(value);
    }
    return value_text(value);
}

bool sqlite_rows_time(sqlite3_stmt *row, int column, const struct zone *zone, wall_time *out)
{
    sqlite3_value *value = sqlite3_column_value(row, column);
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return wall_from_integer(sqlite3_value_int64(value), zone, out);
    case SQLITE_FLOAT:
        return wall_from_number(sqlite3_value_double(value), zone, out);
    case SQLITE_TEXT: {
        const struct str text = value_text(value);
        return wall_parse(text.p, text.len, zone, out);
    }
    default:
        return false;
    }
}

enum unusable sqlite_rows_fill(const struct sqlite_source *s, sqlite3_stmt *row,
                               struct batch *batch, struct event *event)
{
    if (!columns_time_is_known(&s->config->source) &&
        !sqlite_rows_time(row, SQLITE_TABLE_TIMESTAMP, s->config->source.local.zone,
                          &event->timestamp)) {
        return UNUSABLE_TIMESTAMP;
    }
    return columns_fill(&s->config->source, text_of, row, batch, event);
}

/* Why the row cannot be used, or UNUSABLE_KINDS when it can. */
static enum unusable fill(struct sqlite_source *s, struct batch *batch, struct event *event,
                          wall_time arrival)
{
    sqlite3_stmt *row = s->select;
    event->arrival = arrival;
    event->id.number = sqlite3_column_int64(row, SQLITE_TABLE_ID);
    event->ordinal = (uint64_t)event->id.number;
    if (event->id.number <= 0) {
        return UNUSABLE_ID;
    }
    return sqlite_rows_fill(s, row, batch, event);
}

/* By what a row is known again, whether it can be used or not. */
static struct anchor anchor_at(const struct sqlite_source *s, sqlite3_stmt *row, int id,
                               int timestamp, int type)
{
    wall_time time = {0};
    if (!sqlite_rows_time(row, timestamp, s->config->source.local.zone, &time)) {
        time = (wall_time){0};
    }
    return (struct anchor){sqlite3_column_int64(row, id),
                           anchor_digest(time, value_text(sqlite3_column_value(row, type)))};
}

static void pass_over(struct sqlite_source *s, struct batch *batch, enum unusable why)
{
    const struct anchor row =
        anchor_at(s, s->select, SQLITE_TABLE_ID, SQLITE_TABLE_TIMESTAMP, SQLITE_TABLE_TYPE);
    batch_drop_event(batch);
    unusable_row(&s->unusable, why, row.id);
    if (why != UNUSABLE_ID && anchors_match(&s->anchors, &row) == ANCHORS_UNKNOWN) {
        anchors_add(&s->anchors, row);
    }
}

enum id_kind {
    ID_WHOLE,
    ID_FRACTION,
    ID_BEYOND, /* above all numbers that can be ids, and so are all that follow */
};

/* An id that SQLite does not keep as an integer: text and blobs are above all numbers. A fraction
 * is remembered, for the next poll to begin behind it. */
static enum id_kind id_kind_of(struct sqlite_source *s)
{
    const double id = sqlite3_column_double(s->select, SQLITE_TABLE_ID);
    if (sqlite3_column_type(s->select, SQLITE_TABLE_ID) != SQLITE_FLOAT || id >= 0x1p63) {
        return ID_BEYOND;
    }
    if (id == (double)(int64_t)id) {
        return ID_WHOLE;
    }
    s->fraction = id;
    return ID_FRACTION;
}

static void bind_after(struct sqlite_source *s, int64_t after, size_t max_rows)
{
    if (s->fraction != 0 && (int64_t)s->fraction == after) {
        sqlite3_bind_double(s->select, 1, s->fraction);
    } else {
        sqlite3_bind_int64(s->select, 1, after);
    }
    sqlite3_bind_int64(s->select, 2, (int64_t)max_rows);
}

int sqlite_rows_read(struct sqlite_source *s, int64_t after, int64_t until, size_t max_rows,
                     struct batch *batch, int64_t *last, bool *more, struct error *err)
{
    const wall_time arrival = clock_wall();
    size_t rows = 0;
    int step = SQLITE_ROW;
    sqlite_turn_await(&s->turn, s->db);
    bind_after(s, after, max_rows);
    *more = false;
    while (!*more && (step = sqlite3_step(s->select)) == SQLITE_ROW) {
        const enum id_kind kind = sqlite3_column_type(s->select, SQLITE_TABLE_ID) == SQLITE_INTEGER
                                      ? ID_WHOLE
                                      : id_kind_of(s);
        const int64_t id = sqlite3_column_int64(s->select, SQLITE_TABLE_ID);
        if (kind == ID_BEYOND || id > until) {
            step = SQLITE_DONE;
            break;
        }
        struct event *event = batch_event(batch);
        const enum unusable why = kind == ID_WHOLE ? fill(s, batch, event, arrival) : UNUSABLE_ID;
        *last = id;
        if (why != UNUSABLE_KINDS) {
            pass_over(s, batch, why);
        }
        rows++;
        *more = rows == max_rows || batch_is_full(batch) ||
                (rows % SQLITE_TURN_ROWS == 0 && sqlite_turn_is_over(&s->turn, s->db));
    }
    const int status = *more || step == SQLITE_DONE
                           ? STATUS_OK
                           : sqlite_table_error(s, "cannot read the table", err);
    sqlite3_reset(s->select);
    return status;
}

bool sqlite_rows_older_gone(const struct batch *batch, int64_t known)
{
    return batch->count != 0 ? batch->events[0].id.number - 1 > (int64_t)batch->unusable
                             : known > 0 && batch->unusable == 0;
}

int sqlite_rows_tail(struct sqlite_source *s, int64_t until, struct anchor *out, struct error *err)
{
    *out = (struct anchor){0};
    sqlite3_bind_int64(s->tail, 1, until);
    const int step = sqlite3_step(s->tail);
    if (step == SQLITE_ROW) {
        *out = anchor_at(s, s->tail, 0, 1, 2);
    }
    const int status = step == SQLITE_ROW || step == SQLITE_DONE
                           ? STATUS_OK
                           : sqlite_table_error(s, "cannot read the newest row", err);
    sqlite3_reset(s->tail);
    return status;
}
