/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/postgres/pg_deliver.h"
#include "ingestor/source/postgres/pg_rows.h"
#include "ingestor/source/postgres/pg_statements.h"

#define ALL_BYTES "9223372036854775807"
#define HISTORY_FEW 100    /* rows for the event log when their lengths are not known */
#define STANDING_ROWS 1000 /* rows that are looked at to tell a TRUNCATE from a rewrite */

/* ---- Since the state was saved ---- */

int pg_replay_query(struct postgres_source *s, struct pg_broken *broken, int64_t after,
                    int64_t until, size_t max_rows, size_t max_bytes, PGresult **out,
                    struct error *err)
{
    char texts[4][32];
    snprintf(texts[0], sizeof texts[0], "%lld", (long long)after);
    snprintf(texts[1], sizeof texts[1], "%lld", (long long)until);
    snprintf(texts[2], sizeof texts[2], "%zu", max_rows);
    snprintf(texts[3], sizeof texts[3], "%zu", max_bytes);
    const char *const parameters[] = {texts[0], texts[1], texts[2], texts[3]};
    const struct pg_reading reading = {.db = s->db,
                                       .pooled = s->pooled,
                                       .table = &s->table,
                                       .after = after,
                                       .until = until,
                                       .limit = max_rows};
    *out = pg_statement_run(s, PG_STATEMENT_ROWS, parameters, 1);
    return pg_broken_read(broken, &reading, out, err);
}

int pg_replay_page(struct postgres_source *s, int64_t after, int64_t until, size_t max_rows,
                   PGresult **out, struct error *err)
{
    char texts[4][32];
    snprintf(texts[0], sizeof texts[0], "%lld", (long long)after);
    snprintf(texts[1], sizeof texts[1], "%lld", (long long)until);
    snprintf(texts[2], sizeof texts[2], "%zu", max_rows);
    snprintf(texts[3], sizeof texts[3], "%zu", pg_page_bytes(s, max_rows));
    const char *const parameters[] = {texts[0], texts[1], texts[2], texts[3]};
    PGresult *rows = pg_statement_run(s, pg_page_statement(s), parameters, 1);
    if (PQresultStatus(rows) == PGRES_TUPLES_OK &&
        pg_page_is_whole(s, rows, (int)columns_count(&s->config->source))) {
        pg_broken_clear(&s->broken);
        *out = rows;
        return STATUS_OK;
    }
    PQclear(rows);
    return pg_replay_query(s, &s->broken, after, until, max_rows, BATCH_BYTES_MAX, out, err);
}

static void list_id(struct buf *list, int64_t id)
{
    buf_printf(list, "%c%lld", list->len == 0 ? '{' : ',', (long long)id);
}

int pg_replay_ranges(struct postgres_source *s, const char *first_ids, const char *last_ids,
                     int64_t until, PGresult **out, struct error *err)
{
    const char *const parameters[] = {first_ids, last_ids, NULL, ALL_BYTES};
    const struct pg_reading reading = {.db = s->db,
                                       .pooled = s->pooled,
                                       .table = &s->table,
                                       .first_ids = first_ids,
                                       .last_ids = last_ids,
                                       .after = INT64_MIN,
                                       .until = until,
                                       .limit = SIZE_MAX / 2};
    *out = pg_statement_run(s, PG_STATEMENT_LATE, parameters, 1);
    return pg_broken_read(&s->broken, &reading, out, err);
}

int pg_replay_listed(struct postgres_source *s, struct buf *list, PGresult **out, struct error *err)
{
    buf_append_text(list, list->len == 0 ? "{}" : "}");
    const char *ids = buf_cstr(list);
    const int status = pg_replay_ranges(s, ids, ids, s->at.position, out, err);
    buf_free(list);
    return status;
}

/* Rows at which the database fails are unusable again. */
static void count_broken(struct postgres_source *s, struct batch *batch)
{
    for (size_t i = 0; i < s->broken.count; i++) {
        batch->unusable++;
        unusable_row_because(&s->unusable, UNUSABLE_UNREADABLE, s->broken.ids[i],
                             s->broken.why.text);
    }
}

/* The rows of a record that came in the order of their ids, and the holes between them. */
static int replay_rows(struct postgres_source *s, const struct pg_record *r, struct batch *batch,
                       struct error *err)
{
    PGresult *rows = NULL;
    const int status =
        pg_replay_query(s, &s->broken, r->before, r->after, SIZE_MAX / 2, SIZE_MAX / 2, &rows, err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(rows); i++) {
        const int64_t id = pg_row_id(rows, i);
        if (!pg_record_misses(r, id)) {
            s->at.last_ordinal = (uint64_t)id + s->at.offset;
            pg_deliver_row(s, rows, i, clock_wall(), batch);
        }
    }
    PQclear(rows);
    if (status == STATUS_OK) {
        count_broken(s, batch);
    }
    int64_t first;
    int64_t last;
    for (size_t i = 0; pg_record_hole(r, i, &first, &last); i++) {
        holes_add(&s->holes, first, last, r->fence, r->since);
    }
    if (r->after > r->before) {
        s->at.last_ordinal = (uint64_t)r->after + s->at.offset;
    }
    s->at.position = r->after;
    return status;
}

/* Late rows, with the places that they had. One that was deleted since leaves its place empty. */
static int replay_late(struct postgres_source *s, const struct pg_record *r, struct batch *batch,
                       struct error *err)
{
    PGresult *rows = NULL;
    struct buf list = {0};
    int64_t id;
    for (size_t i = 0; mp_as_int(mp_at(r->late, i), &id); i++) {
        list_id(&list, id);
    }
    const int status = pg_replay_listed(s, &list, &rows, err);
    int row = 0; /* both are in the order of ids */
    for (size_t i = 0; status == STATUS_OK && mp_as_int(mp_at(r->late, i), &id); i++) {
        s->at.last_ordinal = r->ordinal + i;
        if (row < PQntuples(rows) && pg_row_id(rows, row) == id) {
            pg_deliver_row(s, rows, row++, clock_wall(), batch);
        }
        (void)holes_fill(&s->holes, id);
        pg_deliver_late(s, id);
    }
    PQclear(rows);
    return status;
}

/* Rows up to `until`, which came in the order of their ids, and without holes between them. */
static int replay_plain(struct postgres_source *s, int64_t until, size_t max_rows,
                        struct batch *batch, struct error *err)
{
    PGresult *rows = NULL;
    const int status = pg_replay_page(s, s->at.position, until, max_rows, &rows, err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(rows); i++) {
        s->at.position = pg_row_id(rows, i);
        s->at.last_ordinal = (uint64_t)s->at.position + s->at.offset;
        pg_deliver_row(s, rows, i, clock_wall(), batch);
    }
    anchor_drop(&s->anchor, batch);
    if (status == STATUS_OK) {
        count_broken(s, batch);
        while (pg_broken_above(&s->broken, s->at.position, &s->at.position)) {
        }
        if ((size_t)PQntuples(rows) + s->broken.count < max_rows && !pg_rows_are_full(rows)) {
            s->at.position = until;
        }
    }
    PQclear(rows);
    return status;
}

int pg_replay_record(struct postgres_source *s, const struct pg_record *r, size_t max_rows,
                     struct batch **out, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    int status;
    if (s->at.position < r->before) {
        status = replay_plain(s, r->before, max_rows, batch, err);
    } else {
        status = replay_rows(s, r, batch, err);
        anchor_drop(&s->anchor, batch);
        if (status == STATUS_OK) {
            status = replay_late(s, r, batch, err);
        }
        s->journal.record = r->number;
        s->journal.ceiling = r->ceiling;
        s->journal.floor = r->ceiling;
        pg_journal_advance(&s->journal.replay);
    }
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    batch->more = true; /* the present comes next */
    *out = pg_deliver_finish(s, batch);
    return STATUS_OK;
}

/* Sets *holds when the row that was read last is still there as it was. */
static int anchor_is_there(struct postgres_source *s, bool *holds, struct error *err)
{
    PGresult *rows = NULL;
    struct pg_broken broken = {0}; /* those of the poll under way stay as they are */
    struct batch *batch = batch_create(s->config->source.extra_count);
    const int status =
        pg_replay_query(s, &broken, s->anchor.id - 1, s->anchor.id, 1, 1, &rows, err);
    if (status == STATUS_OK && PQntuples(rows) == 1) {
        pg_row_add(s, rows, 0, 0, clock_wall(), batch);
    }
    *holds = anchor_holds(&s->anchor, batch);
    pg_broken_free(&broken);
    PQclear(rows);
    batch_destroy(&batch);
    return status;
}

/* Sets *used_again when rows stand at ids up to the position that were all written since the poll
 * before. Rows that come into holes do not count. */
static int ids_used_again(struct postgres_source *s, bool *used_again, struct error *err)
{
    struct buf sql = {0};
    PGresult *rows = NULL;
    const char *id = buf_cstr(&s->table.id);
    buf_printf(&sql,
               "SELECT %s::bigint, xmin::text FROM %s WHERE %s BETWEEN 1 AND %lld ORDER BY %s DESC "
               "LIMIT %d",
               id, buf_cstr(&s->table.name), id, (long long)s->at.position, id, STANDING_ROWS);
    const int status = pg_query(s->db, buf_cstr(&sql), &rows, "cannot read the events table", err);
    *used_again = false;
    for (int i = 0; status == STATUS_OK && i < PQntuples(rows); i++) {
        const uint32_t xmin = (uint32_t)strtoull(PQgetvalue(rows, i, 1), NULL, 10);
        if (holes_miss(&s->holes, strtoll(PQgetvalue(rows, i, 0), NULL, 10))) {
            continue;
        }
        *used_again = !pg_rewind_is_older(xmin, s->snapshot.before);
        if (!*used_again) {
            break; /* it came through no TRUNCATE, so the table was rewritten */
        }
    }
    buf_free(&sql);
    PQclear(rows); /* It may be NULL. */
    return status;
}

int pg_replay_is_other(struct postgres_source *s, bool *other, struct error *err)
{
    bool holds = false;
    *other = false;
    const int status = anchor_is_there(s, &holds, err);
    return status == STATUS_OK && !holds ? ids_used_again(s, other, err) : status;
}

/* ---- Before the state was saved, for the event log ---- */

/* The smallest id of the newest few rows, for a table with rows at which the database fails: how
 * long the others are cannot be asked for. */
static PGresult *find_few(struct postgres_source *s, const char *position)
{
    const char *const parameters[] = {position};
    const char *id = buf_cstr(&s->table.id);
    struct buf sql = {0};
    buf_printf(&sql,
               "SELECT min(i) FROM (SELECT %s AS i FROM %s WHERE %s BETWEEN 1 AND $1::bigint ORDER "
               "BY %s DESC LIMIT %d) h",
               id, buf_cstr(&s->table.name), id, id, HISTORY_FEW);
    PGresult *result = PQexecParams(s->db, buf_cstr(&sql), 1, NULL, parameters, NULL, NULL, 0);
    buf_free(&sql);
    return result;
}

int pg_replay_find_history(struct postgres_source *s, struct error *err)
{
    char position[32];
    char limit[32];
    const char *const parameters[] = {position, limit};
    if (s->at.position <= 0) {
        return STATUS_OK;
    }
    snprintf(position, sizeof position, "%lld", (long long)s->at.position);
    snprintf(limit, sizeof limit, "%zu", s->config->ingestor.events);
    PGresult *result = pg_statement_run(s, PG_STATEMENT_HISTORY, parameters, 0);
    if (pg_broken_is_why(result)) {
        PQclear(result);
        result = find_few(s, position);
    }
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(s->db, result, "cannot read the newest rows", err);
    } else if (!PQgetisnull(result, 0, 0)) {
        s->at.history_from = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    return status;
}

static int compare_ordinals(const void *a, const void *b)
{
    const struct event *x = a;
    const struct event *y = b;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* Adds those rows whose place is known, and which were delivered before the state. */
static void add_history(struct postgres_source *s, const PGresult *rows, struct batch *batch)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = pg_row_id(rows, i);
        const uint64_t ordinal = order_of(&s->order, id);
        if (ordinal > s->order.forgotten && ordinal <= s->at.last_ordinal &&
            !holes_miss(&s->holes, id)) {
            pg_row_add(s, rows, i, ordinal, clock_wall(), batch);
        }
    }
}

/* Leaves the newest events, in the order of delivery. */
static void keep_newest(struct batch *batch, size_t kept)
{
    if (batch->count != 0) {
        qsort(batch->events, batch->count, sizeof *batch->events, compare_ordinals);
    }
    if (batch->count > kept) {
        const size_t gone = batch->count - kept;
        batch->count = kept;
        memmove(batch->events, batch->events + gone, kept * sizeof *batch->events);
    }
}

/* The newest are among the rows with the greatest ids and those that came late. */
int pg_replay_history(struct postgres_source *s, struct batch **out, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    PGresult *rows = NULL;
    struct buf list = {0};
    int status = pg_replay_query(s, &s->broken, s->at.history_from - 1, s->at.position, INT64_MAX,
                                 SIZE_MAX / 2, &rows, err);
    if (status == STATUS_OK) {
        add_history(s, rows, batch);
        for (size_t i = 0; i < s->order.late_count; i++) {
            if (s->order.lates[i].id < s->at.history_from) {
                list_id(&list, s->order.lates[i].id);
            }
        }
        PQclear(rows);
        rows = NULL;
        status = pg_replay_listed(s, &list, &rows, err);
    }
    if (status == STATUS_OK) {
        add_history(s, rows, batch);
    }
    PQclear(rows);
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    s->at.history_from = 0;
    batch->history = true;
    batch->unusable = 0; /* they were counted the first time */
    *out = pg_deliver_finish(s, batch);
    keep_newest(batch, s->config->ingestor.events);
    return STATUS_OK;
}
