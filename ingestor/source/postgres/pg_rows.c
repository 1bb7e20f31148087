/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <string.h>

#include "ingestor/source/postgres/pg_state.h"

#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */

static struct str value_text(const PGresult *rows, int row, int column)
{
    if (PQgetisnull(rows, row, column)) {
        return STR_NULL;
    }
    return (struct str){PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column)};
}

static int64_t value_int64(const PGresult *rows, int row, int column)
{
    uint64_t big;
    memcpy(&big, PQgetvalue(rows, row, column), sizeof big);
    return (int64_t)be64toh(big);
}

int64_t pg_row_id(const PGresult *rows, int row)
{
    return value_int64(rows, row, COLUMN_ID);
}

bool pg_row_time(const struct postgres_source *s, const PGresult *rows, int row, wall_time *out)
{
    if (PQgetisnull(rows, row, COLUMN_TIMESTAMP)) {
        return false;
    }
    if (!s->table.timestamp_binary) {
        const struct str text = value_text(rows, row, COLUMN_TIMESTAMP);
        return wall_parse(text.p, text.len, out);
    }
    const int64_t us = value_int64(rows, row, COLUMN_TIMESTAMP);
    if (us == INT64_MAX || us == INT64_MIN) { /* infinity */
        return false;
    }
    out->us = us + POSTGRES_EPOCH_US;
    return true;
}

/* Why the row cannot be used, or UNUSABLE_KINDS when it can. */
static enum unusable fill(struct postgres_source *s, const PGresult *rows, int row,
                          struct batch *batch, struct event *event)
{
    if (event->id <= 0) {
        return UNUSABLE_ID;
    }
    if (!pg_row_time(s, rows, row, &event->timestamp)) {
        return UNUSABLE_TIMESTAMP;
    }
    struct str *const texts[] = {&event->event_type, &event->actor_id, &event->target_id,
                                 &event->summary, &event->payload};
    for (int i = 0; i < 5; i++) {
        const struct str text = value_text(rows, row, COLUMN_EVENT_TYPE + i);
        if (text.len > ROW_TEXT_MAX) {
            return UNUSABLE_TOO_LONG;
        }
        *texts[i] = batch_text(batch, text);
    }
    if (event->event_type.p == NULL) {
        return UNUSABLE_EVENT_TYPE;
    }
    const struct config_source *source = &s->config->source;
    for (size_t i = 0; i < source->extra_count; i++) {
        const struct str text = value_text(rows, row, COLUMN_EXTRAS + (int)i);
        if (text.len > ROW_TEXT_MAX) {
            return UNUSABLE_TOO_LONG;
        }
        batch_extras(batch, event)[i] =
            (struct event_extra){source->extras[i].field, batch_text(batch, text)};
    }
    return UNUSABLE_KINDS;
}

void pg_row_add(struct postgres_source *s, const PGresult *rows, int row, uint64_t ordinal,
                wall_time now, struct batch *batch)
{
    struct event *event = batch_event(batch);
    event->id = pg_row_id(rows, row);
    event->ordinal = ordinal;
    event->arrival = now;
    const enum unusable why = fill(s, rows, row, batch, event);
    if (why != UNUSABLE_KINDS) {
        const int64_t id = event->id;
        batch_drop_event(batch);
        unusable_row(&s->unusable, why, id);
    }
}

void pg_row_deliver(struct postgres_source *s, const PGresult *rows, int row, wall_time now,
                    struct batch *batch)
{
    pg_row_add(s, rows, row, s->last_ordinal, now, batch);
    s->order.delivered++;
}
