/*
 * PostgreSQL. Rows come in the order of their ids, but ids do not commit in order: what is missing
 * is remembered (see holes.h) and delivered late. NOTIFY only wakes us up; each look reads what is
 * there.
 *
 * Ordinals are id + offset. A late row gets the ordinal after the last one, and the offset grows so
 * that what follows is above it.
 *
 * A look is one snapshot (REPEATABLE READ): its xmin and xmax, the rows behind the position, the
 * rows in the holes. Sent in one go (pipeline mode), so it costs one round trip.
 *
 * State: [format, position, offset, last ordinal, origin, table oid, holes, record, order, ceiling].
 *
 * What a later look could not tell any more, which ids were missing when the rows behind them were
 * delivered and in which place late rows came, goes into the journal before a batch is handed on
 * (pg_journal.h). After a crash the records younger than the checkpoint are gone through again, so
 * that each event keeps its ordinal.
 *
 * A look that found neither holes nor late rows writes no record. After a crash its rows are read
 * again as the first of the present, and get the ordinals that they had; so late rows come only
 * behind all the other rows that a look can see. Should some of those have been deleted meanwhile,
 * their ordinals are not used again either: no ordinal above the ceiling is used before a record
 * with a higher one is on disk, and late rows get ordinals above the ceiling that we opened with.
 */
#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mp.h"
#include "common/xalloc.h"
#include "ingestor/batch.h"
#include "ingestor/holes.h"
#include "ingestor/order.h"
#include "ingestor/pg_journal.h"
#include "ingestor/pg_table.h"
#include "ingestor/source.h"
#include "ingestor/unusable.h"

#define STATE_FORMAT 2
#define CEILING_STEP 65536 /* ordinals; a record is written for each that many at least */
#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */

struct postgres_source {
    struct source base;
    const struct config *config;
    PGconn *db;
    struct pg_table table;
    uint64_t epoch;
    int64_t position;
    int64_t history_from; /* rows from this one to the position are read again as history; 0: none
                             are */
    uint64_t offset;
    uint64_t last_ordinal;
    uint64_t origin;
    struct holes holes;
    struct order order; /* of the rows that the event log holds */
    uint64_t xmin;      /* of the last snapshot */
    uint64_t xmax;
    int64_t newest; /* greatest id in the last snapshot */
    bool building;  /* reading the table for the first time */
    bool looked; /* to the end of the table; until then a look gives a batch even if it is empty */
    bool started_over;
    bool full;         /* the last look gave as many rows as were asked for */
    uint64_t ceiling;  /* ordinals up to it may be in use, as far as the journal knows */
    uint64_t floor;    /* late rows come above it */
    mono_time cold_at; /* when the holes whose fence has passed are looked at next */
    bool cold;         /* they were, in the look under way */
    uint64_t record;   /* number of the last journal record in the state */
    struct pg_look look;
    struct buf journal; /* of the batch under way; empty: none */
    struct pg_journal replay;
    struct buf first_ids; /* the ranges asked for, as array literals */
    struct buf last_ids;
    struct unusable_log unusable;
};

static struct postgres_source *postgres_of(struct source *source)
{
    return (struct postgres_source *)source;
}

/* ---- State ---- */

static void save_state(const struct postgres_source *s, struct buf *out)
{
    mp_put_array(out, 10);
    mp_put_int(out, STATE_FORMAT);
    mp_put_int(out, s->position);
    mp_put_uint(out, s->offset);
    mp_put_uint(out, s->last_ordinal);
    mp_put_uint(out, s->origin);
    mp_put_int(out, s->table.oid);
    holes_save(&s->holes, out);
    mp_put_uint(out, s->record);
    order_save(&s->order, out);
    mp_put_uint(out, s->ceiling);
}

static bool load_state(struct postgres_source *s, struct str state, int64_t *oid)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    int64_t format;
    const bool ok =
        mp_parse(&doc, state.p, state.len) == STATUS_OK &&
        mp_as_int(mp_at(&doc.root, 0), &format) && format == STATE_FORMAT &&
        mp_as_int(mp_at(&doc.root, 1), &s->position) &&
        mp_as_uint(mp_at(&doc.root, 2), &s->offset) &&
        mp_as_uint(mp_at(&doc.root, 3), &s->last_ordinal) &&
        mp_as_uint(mp_at(&doc.root, 4), &s->origin) && mp_as_int(mp_at(&doc.root, 5), oid) &&
        holes_load(&s->holes, mp_at(&doc.root, 6)) && mp_as_uint(mp_at(&doc.root, 7), &s->record) &&
        order_load(&s->order, mp_at(&doc.root, 8)) && mp_as_uint(mp_at(&doc.root, 9), &s->ceiling);
    s->floor = s->ceiling;
    mp_doc_free(&doc);
    return ok;
}

/* The table is another, or was emptied and its ids begin anew: so does everything here. */
static void start_over(struct postgres_source *s)
{
    s->position = 0;
    s->history_from = 0;
    s->offset = 0;
    s->last_ordinal = 0;
    s->ceiling = 0;
    s->floor = 0;
    s->origin = source_new_origin(s->origin);
    s->holes.count = 0;
    order_free(&s->order);
    pg_journal_free(&s->replay);
    s->building = true;
    s->started_over = true;
}

/* ---- Opening and closing ---- */

static int prepare(struct postgres_source *s, struct error *err)
{
    const char *name = buf_cstr(&s->table.name);
    const char *id = buf_cstr(&s->table.id);
    const char *columns = buf_cstr(&s->table.columns);
    const struct {
        const char *name;
        char *sql;
    } statements[] = {
        {"snapshot", x_asprintf("SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text, "
                                "coalesce((SELECT max(%s) FROM %s), 0)::text "
                                "FROM pg_current_snapshot() s",
                                id, name)},
        {"rows", x_asprintf("SELECT %s FROM %s e WHERE e.%s > $1::bigint AND e.%s <= $2::bigint "
                            "ORDER BY e.%s LIMIT $3::bigint",
                            columns, name, id, id, id)},
        {"late", x_asprintf("SELECT %s FROM unnest($1::bigint[], $2::bigint[]) r(f, l) "
                            "JOIN %s e ON e.%s BETWEEN r.f AND r.l ORDER BY e.%s LIMIT "
                            "$3::bigint",
                            columns, name, id, id)},
        {"history", x_asprintf("SELECT min(i) FROM (SELECT %s AS i FROM %s WHERE %s BETWEEN 1 AND "
                               "$1::bigint ORDER BY %s DESC LIMIT $2::bigint) h",
                               id, name, id, id)},
    };
    int status = STATUS_OK;
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

static int listen_for_rows(struct postgres_source *s, struct error *err)
{
    struct buf channel = {0};
    struct buf sql = {0};
    pg_channel(&channel, &s->config->source);
    buf_append_text(&sql, "LISTEN ");
    pg_quote(s->db, &sql, buf_cstr(&channel));
    const int status = pg_run(s->db, buf_cstr(&sql), "cannot LISTEN", err);
    buf_free(&channel);
    buf_free(&sql);
    return status;
}

static void postgres_close(struct source *source)
{
    struct postgres_source *s = postgres_of(source);
    PQfinish(s->db);
    pg_table_free(&s->table);
    holes_free(&s->holes);
    order_free(&s->order);
    buf_free(&s->first_ids);
    buf_free(&s->last_ids);
    pg_look_free(&s->look);
    buf_free(&s->journal);
    pg_journal_free(&s->replay);
    free(s);
}

/* Where to begin reading so that the event log is filled again: at the first of the newest rows. */
static int find_history(struct postgres_source *s, struct error *err)
{
    char position[32];
    char limit[32];
    const char *const parameters[] = {position, limit};
    if (s->position <= 0) {
        return STATUS_OK;
    }
    snprintf(position, sizeof position, "%lld", (long long)s->position);
    snprintf(limit, sizeof limit, "%zu", s->config->ingestor.events);
    PGresult *result = PQexecPrepared(s->db, "history", 2, parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(s->db, result, "cannot read the newest rows", err);
    } else if (!PQgetisnull(result, 0, 0)) {
        s->history_from = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    return status;
}

static int postgres_open(const struct config *config, struct str state, struct str journal,
                         uint64_t epoch, struct source **out, struct error *err)
{
    struct postgres_source *s = x_calloc(1, sizeof *s);
    s->base.ops = &source_postgres;
    s->config = config;
    s->epoch = epoch;
    s->origin = epoch; /* without a state, earlier ordinals may have been others */
    s->building = state.p == NULL;
    int64_t oid = 0;
    const bool resumed = state.p != NULL && load_state(s, state, &oid);
    int status = pg_connect(config, &s->db, err);
    if (status == STATUS_OK) {
        status = pg_table_describe(s->db, &config->source, &s->table, err);
    }
    if (status == STATUS_OK) {
        status = prepare(s, err);
    }
    if (status == STATUS_OK) {
        status = listen_for_rows(s, err);
    }
    if (status == STATUS_OK && resumed && oid != s->table.oid) {
        log_warn("table %s is another one than before: all tiles are built again from it",
                 buf_cstr(&s->table.name));
        start_over(s);
    } else if (resumed) {
        pg_journal_load(&s->replay, journal);
    }
    if (status == STATUS_OK) {
        status = find_history(s, err);
    }
    if (status != STATUS_OK) {
        postgres_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* ---- Rows ---- */

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

static bool value_time(const struct postgres_source *s, const PGresult *rows, int row,
                       wall_time *out)
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
    if (!value_time(s, rows, row, &event->timestamp)) {
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

static void add_row(struct postgres_source *s, const PGresult *rows, int row, uint64_t ordinal,
                    wall_time now, struct batch *batch)
{
    struct event *event = batch_event(batch);
    event->id = value_int64(rows, row, COLUMN_ID);
    event->ordinal = ordinal;
    event->arrival = now;
    const enum unusable why = fill(s, rows, row, batch, event);
    if (why != UNUSABLE_KINDS) {
        const int64_t id = event->id;
        batch_drop_event(batch);
        unusable_row(&s->unusable, why, id);
    }
}

/* A row that was not delivered before this state. */
static void deliver_row(struct postgres_source *s, const PGresult *rows, int row, wall_time now,
                        struct batch *batch)
{
    add_row(s, rows, row, s->last_ordinal, now, batch);
    s->order.delivered++;
}

/* Remembers the place of a late row; what follows has to come behind it. */
static void place_late(struct postgres_source *s, int64_t id, uint64_t ordinal)
{
    if (ordinal > (uint64_t)s->position + s->offset) {
        s->offset = ordinal - (uint64_t)s->position;
    }
    order_late(&s->order, id, ordinal, s->position, s->offset);
}

/* Rows that came into holes: next in the order, whatever their ids. */
static void take_late(struct postgres_source *s, const PGresult *rows, wall_time now,
                      struct batch *batch)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = value_int64(rows, i, COLUMN_ID);
        if (holes_fill(&s->holes, id)) {
            s->last_ordinal = (s->last_ordinal > s->floor ? s->last_ordinal : s->floor) + 1;
            deliver_row(s, rows, i, now, batch);
            place_late(s, id, s->last_ordinal);
            pg_look_late(&s->look, id, s->last_ordinal);
        }
    }
}

/* When a hole seen in a table that is read for the first time began: about when the row behind it
 * was written. */
static wall_time hole_since(const struct postgres_source *s, const PGresult *rows, int row,
                            wall_time now)
{
    wall_time written;
    return s->building && value_time(s, rows, row, &written) && written.us < now.us ? written : now;
}

static void take_rows(struct postgres_source *s, const PGresult *rows, wall_time now,
                      struct batch *batch)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = value_int64(rows, i, COLUMN_ID);
        if (id > s->position + 1) {
            const wall_time since = hole_since(s, rows, i, now);
            holes_add(&s->holes, s->position + 1, id - 1, s->xmax, since);
            pg_look_hole(&s->look, s->position + 1, id - 1, since);
        }
        s->position = id;
        s->last_ordinal = (uint64_t)id + s->offset;
        deliver_row(s, rows, i, now, batch);
    }
}

/* ---- A look ---- */

/* The ranges to look at: all on a poll, else those whose transactions may be open. False: none. */
static bool choose_holes(struct postgres_source *s)
{
    const mono_time now = clock_mono();
    s->cold = now.us >= s->cold_at.us;
    if (s->cold) {
        s->cold_at = mono_add_ms(now, s->config->source.poll_interval_ms);
    }
    buf_clear(&s->first_ids);
    buf_clear(&s->last_ids);
    for (size_t i = 0; i < s->holes.count; i++) {
        const struct hole *hole = &s->holes.list[i];
        if (s->cold || hole_is_hot(hole, s->xmin)) {
            const char open = s->first_ids.len == 0 ? '{' : ',';
            buf_printf(&s->first_ids, "%c%lld", open, (long long)hole->first);
            buf_printf(&s->last_ids, "%c%lld", open, (long long)hole->last);
        }
    }
    if (s->first_ids.len == 0) {
        return false;
    }
    buf_append_char(&s->first_ids, '}');
    buf_append_char(&s->last_ids, '}');
    return true;
}

static bool send_look(struct postgres_source *s, size_t max_rows, bool late)
{
    char after[32];
    char until[32];
    char limit[32];
    snprintf(after, sizeof after, "%lld", (long long)s->position);
    snprintf(until, sizeof until, "%lld", (long long)INT64_MAX);
    snprintf(limit, sizeof limit, "%zu", max_rows);
    const char *const rows[] = {after, until, limit};
    const char *const holes[] = {late ? buf_cstr(&s->first_ids) : NULL,
                                 late ? buf_cstr(&s->last_ids) : NULL, limit};
    return PQenterPipelineMode(s->db) == 1 &&
           PQsendQueryParams(s->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL,
                             NULL, NULL, NULL, 0) == 1 &&
           PQsendQueryPrepared(s->db, "snapshot", 0, NULL, NULL, NULL, 0) == 1 &&
           PQsendQueryPrepared(s->db, "rows", 3, rows, NULL, NULL, 1) == 1 &&
           (!late || PQsendQueryPrepared(s->db, "late", 3, holes, NULL, NULL, 1) == 1) &&
           PQsendQueryParams(s->db, "COMMIT", 0, NULL, NULL, NULL, NULL, 0) == 1 &&
           PQpipelineSync(s->db) == 1;
}

/* The next statement's result; NULL and err when it failed. */
static PGresult *next_result(struct postgres_source *s, ExecStatusType wanted, struct error *err)
{
    PGresult *result = PQgetResult(s->db);
    if (result == NULL) {
        result = PQgetResult(s->db); /* NULL stands between two statements */
    }
    if (result == NULL || PQresultStatus(result) != wanted) {
        pg_error(s->db, result, "cannot read the events table", err);
        PQclear(result);
        return NULL;
    }
    return result;
}

struct look {
    PGresult *rows;
    PGresult *late; /* NULL: not asked for */
};

static bool read_snapshot(struct postgres_source *s, struct error *err)
{
    PGresult *snapshot = next_result(s, PGRES_TUPLES_OK, err);
    if (snapshot == NULL) {
        return false;
    }
    s->xmin = strtoull(PQgetvalue(snapshot, 0, 0), NULL, 10);
    s->xmax = strtoull(PQgetvalue(snapshot, 0, 1), NULL, 10);
    s->newest = strtoll(PQgetvalue(snapshot, 0, 2), NULL, 10);
    PQclear(snapshot);
    return true;
}

/* On failure the connection is useless: what the pipeline still holds is not worth taking apart. */
static int take_look(struct postgres_source *s, size_t max_rows, struct look *look,
                     struct error *err)
{
    s->cold = false;
    const bool late = (s->building || !s->full) && choose_holes(s);
    if (!send_look(s, max_rows, late)) {
        return pg_error(s->db, NULL, "cannot read the events table", err);
    }
    PGresult *begin = next_result(s, PGRES_COMMAND_OK, err);
    PQclear(begin);
    if (begin == NULL || !read_snapshot(s, err) ||
        (look->rows = next_result(s, PGRES_TUPLES_OK, err)) == NULL ||
        (late && (look->late = next_result(s, PGRES_TUPLES_OK, err)) == NULL)) {
        return STATUS_IO;
    }
    PGresult *commit = next_result(s, PGRES_COMMAND_OK, err);
    PGresult *sync = commit != NULL ? next_result(s, PGRES_PIPELINE_SYNC, err) : NULL;
    PQclear(commit);
    PQclear(sync);
    if (sync == NULL || PQexitPipelineMode(s->db) != 1) {
        return pg_error(s->db, NULL, "cannot read the events table", err);
    }
    return STATUS_OK;
}

/* Emptied, or restored from a time before: nothing that was read lies behind the newest row. */
static bool ids_began_anew(const struct postgres_source *s)
{
    return s->position > 0 && s->newest < s->position && s->newest <= s->position / 2;
}

/* What of this look a later one could not tell; and when its ordinals are above the ceiling, a
 * higher one. */
static void write_journal(struct postgres_source *s, int64_t before)
{
    const bool higher = s->last_ordinal > s->ceiling;
    if (higher) {
        s->ceiling = s->last_ordinal + CEILING_STEP;
    }
    /* While the table is read for the first time nothing has been delivered yet. */
    if (!s->building && (higher || s->look.hole_count != 0 || s->look.late_count != 0)) {
        const struct pg_record record = {.number = ++s->record,
                                         .before = before,
                                         .after = s->position,
                                         .fence = s->xmax,
                                         .ceiling = s->ceiling};
        pg_record_put(&s->journal, &record, &s->look);
    }
    pg_look_clear(&s->look);
}

static void fill_batch(struct postgres_source *s, const struct look *look, size_t max_rows,
                       struct batch *batch)
{
    const wall_time now = clock_wall();
    const int64_t before = s->position;
    bool all_late = true;
    take_rows(s, look->rows, now, batch);
    s->full = PQntuples(look->rows) == (int)max_rows;
    const bool late_may_come = s->building || !s->full;
    if (look->late != NULL && late_may_come) {
        take_late(s, look->late, now, batch);
        all_late = PQntuples(look->late) < (int)max_rows;
    }
    write_journal(s, before);
    /* Not before each hole was looked at once more. */
    if (late_may_come && all_late && (s->building || s->cold)) {
        holes_forget(&s->holes, s->xmin, now, s->config->source.late_window_ms);
    }
    batch->more = s->full || !all_late;
    s->building = s->building && batch->more;
}

/* Gives the batch what it says besides rows. */
static struct batch *finish_batch(struct postgres_source *s, struct batch *batch)
{
    batch->ordinal = s->last_ordinal;
    batch->origin = s->origin;
    batch->restarted = s->started_over;
    batch->pending_ids = holes_ids(&s->holes);
    batch->pending_since = holes_oldest(&s->holes);
    batch->given_up = s->holes.given_up;
    batch->record = s->record;
    s->started_over = false;
    s->looked = !batch->more;
    order_forget(&s->order, s->config->ingestor.events);
    struct buf state = {0};
    save_state(s, &state);
    batch_finish(batch, buf_str(&state), buf_str(&s->journal));
    buf_clear(&s->journal);
    buf_free(&state);
    return batch;
}

/* ---- After a crash: what was delivered since the checkpoint, again, in the same order ---- */

/* Rows with ids in (after, until]. */
static int query_range(struct postgres_source *s, int64_t after, int64_t until, size_t max_rows,
                       PGresult **out, struct error *err)
{
    char texts[3][32];
    snprintf(texts[0], sizeof texts[0], "%lld", (long long)after);
    snprintf(texts[1], sizeof texts[1], "%lld", (long long)until);
    snprintf(texts[2], sizeof texts[2], "%zu", max_rows);
    const char *const parameters[] = {texts[0], texts[1], texts[2]};
    *out = PQexecPrepared(s->db, "rows", 3, parameters, NULL, NULL, 1);
    return PQresultStatus(*out) == PGRES_TUPLES_OK
               ? STATUS_OK
               : pg_error(s->db, *out, "cannot read the events table", err);
}

static void list_id(struct buf *list, int64_t id)
{
    buf_printf(list, "%c%lld", list->len == 0 ? '{' : ',', (long long)id);
}

/* Those of the listed rows that are still there, in the order of their ids. Frees the list. */
static int query_listed(struct postgres_source *s, struct buf *list, PGresult **out,
                        struct error *err)
{
    buf_append_text(list, list->len == 0 ? "{}" : "}");
    const char *const parameters[] = {buf_cstr(list), buf_cstr(list), NULL};
    *out = PQexecPrepared(s->db, "late", 3, parameters, NULL, NULL, 1);
    buf_free(list);
    return PQresultStatus(*out) == PGRES_TUPLES_OK
               ? STATUS_OK
               : pg_error(s->db, *out, "cannot read the events table", err);
}

static int replay_rows(struct postgres_source *s, const struct pg_record *r, struct batch *batch,
                       struct error *err)
{
    PGresult *rows = NULL;
    const int status = query_range(s, r->before, r->after, SIZE_MAX / 2, &rows, err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(rows); i++) {
        const int64_t id = value_int64(rows, i, COLUMN_ID);
        if (!pg_record_misses(r, id)) {
            s->last_ordinal = (uint64_t)id + s->offset;
            deliver_row(s, rows, i, clock_wall(), batch);
        }
    }
    PQclear(rows);
    int64_t first;
    int64_t last;
    for (size_t i = 0; pg_record_hole(r, i, &first, &last); i++) {
        holes_add(&s->holes, first, last, r->fence, r->since);
    }
    if (r->after > r->before) {
        s->last_ordinal = (uint64_t)r->after + s->offset;
    }
    s->position = r->after;
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
    const int status = query_listed(s, &list, &rows, err);
    int row = 0; /* both are in the order of ids */
    for (size_t i = 0; status == STATUS_OK && mp_as_int(mp_at(r->late, i), &id); i++) {
        s->last_ordinal = r->ordinal + i;
        if (row < PQntuples(rows) && value_int64(rows, row, COLUMN_ID) == id) {
            deliver_row(s, rows, row++, clock_wall(), batch);
        }
        (void)holes_fill(&s->holes, id);
        place_late(s, id, s->last_ordinal);
    }
    PQclear(rows);
    return status;
}

/* One batch of the past: the rows up to the next record, which had no holes then, or the record
 * itself. */
static int replay(struct postgres_source *s, const struct pg_record *r, size_t max_rows,
                  struct batch **out, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    int status;
    if (s->position < r->before) {
        PGresult *rows = NULL;
        status = query_range(s, s->position, r->before, max_rows, &rows, err);
        for (int i = 0; status == STATUS_OK && i < PQntuples(rows); i++) {
            s->position = value_int64(rows, i, COLUMN_ID);
            s->last_ordinal = (uint64_t)s->position + s->offset;
            deliver_row(s, rows, i, clock_wall(), batch);
        }
        if (status == STATUS_OK && PQntuples(rows) < (int)max_rows) {
            s->position = r->before;
        }
        PQclear(rows);
    } else {
        status = replay_rows(s, r, batch, err);
        if (status == STATUS_OK) {
            status = replay_late(s, r, batch, err);
        }
        s->record = r->number;
        s->ceiling = r->ceiling;
        s->floor = r->ceiling;
        pg_journal_advance(&s->replay);
    }
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    batch->more = true; /* the present comes next */
    *out = finish_batch(s, batch);
    return STATUS_OK;
}

static int compare_ordinals(const void *a, const void *b)
{
    const struct event *x = a;
    const struct event *y = b;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

static bool is_hole(const struct holes *holes, int64_t id)
{
    for (size_t i = 0; i < holes->count; i++) {
        if (id >= holes->list[i].first && id <= holes->list[i].last) {
            return true;
        }
    }
    return false;
}

static void add_history(struct postgres_source *s, const PGresult *rows, struct batch *batch)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = value_int64(rows, i, COLUMN_ID);
        const uint64_t ordinal = order_of(&s->order, id);
        if (ordinal > s->order.forgotten && ordinal <= s->last_ordinal && !is_hole(&s->holes, id)) {
            add_row(s, rows, i, ordinal, clock_wall(), batch);
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

/* The newest rows that were delivered before the state, in their places; in one batch, as many as
 * the event log holds. They are among those with the greatest ids and those that came late. */
static int read_history(struct postgres_source *s, struct batch **out, struct error *err)
{
    struct batch *batch = batch_create(s->config->source.extra_count);
    PGresult *rows = NULL;
    struct buf list = {0};
    int status = query_range(s, s->history_from - 1, s->position, INT64_MAX, &rows, err);
    if (status == STATUS_OK) {
        add_history(s, rows, batch);
        for (size_t i = 0; i < s->order.late_count; i++) {
            if (s->order.lates[i].id < s->history_from) {
                list_id(&list, s->order.lates[i].id);
            }
        }
        PQclear(rows);
        rows = NULL;
        status = query_listed(s, &list, &rows, err);
    }
    if (status == STATUS_OK) {
        add_history(s, rows, batch);
    }
    PQclear(rows);
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    s->history_from = 0;
    batch->history = true;
    batch->unusable = 0; /* they were counted the first time */
    *out = finish_batch(s, batch);
    keep_newest(batch, s->config->ingestor.events);
    return STATUS_OK;
}

static int postgres_read(struct source *source, size_t max_rows, struct batch **out,
                         struct error *err)
{
    struct postgres_source *s = postgres_of(source);
    struct look look = {0};
    struct pg_record record;
    *out = NULL;
    if (s->history_from != 0) {
        return read_history(s, out, err);
    }
    if (pg_journal_next(&s->replay, s->record, s->position, &record)) {
        return replay(s, &record, max_rows, out, err);
    }
    int status = take_look(s, max_rows, &look, err);
    if (status == STATUS_OK && ids_began_anew(s)) {
        log_warn("the ids of table %s begin anew (newest is %lld, %lld was read): all tiles are "
                 "built again from it",
                 buf_cstr(&s->table.name), (long long)s->newest, (long long)s->position);
        start_over(s);
        PQclear(look.rows);
        PQclear(look.late);
        look = (struct look){0};
        status = take_look(s, max_rows, &look, err);
    }
    if (status == STATUS_OK) {
        struct batch *batch = batch_create(s->config->source.extra_count);
        fill_batch(s, &look, max_rows, batch);
        if (batch->count == 0 && batch->unusable == 0 && !s->started_over && s->journal.len == 0 &&
            s->looked) {
            batch_destroy(&batch);
        } else {
            *out = finish_batch(s, batch);
        }
    }
    PQclear(look.rows);
    PQclear(look.late);
    return status;
}

static int postgres_wait(struct source *source, int wake_fd, int timeout_ms, bool *woken,
                         struct error *err)
{
    struct postgres_source *s = postgres_of(source);
    struct pollfd fds[] = {{wake_fd, POLLIN, 0}, {PQsocket(s->db), POLLIN, 0}};
    poll(fds, 2, timeout_ms);
    if (fds[1].revents != 0 && PQconsumeInput(s->db) == 0) {
        return pg_error(s->db, NULL, "the connection to PostgreSQL is lost", err);
    }
    PGnotify *notify;
    while ((notify = PQnotifies(s->db)) != NULL) {
        *woken = true;
        PQfreemem(notify);
    }
    if (PQstatus(s->db) != CONNECTION_OK) {
        return pg_error(s->db, NULL, "the connection to PostgreSQL is lost", err);
    }
    return STATUS_OK;
}

const struct source_ops source_postgres = {
    .scheme = "postgresql",
    .open = postgres_open,
    .close = postgres_close,
    .read = postgres_read,
    .wait = postgres_wait,
};
