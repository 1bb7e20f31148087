/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_between.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/postgres/pg_replay.h"
#include "ingestor/source/postgres/pg_rows.h"

/*
 * The rows are read in two parts: those that were missing at the state `from` and had come by the
 * state `to`; and those with ids behind the position of `from`, up to that of `to`, but for those
 * that were missing then.
 */
struct pg_between {
    struct postgres_source source; /* its state is `to`, but for the position */
    struct holes missing;          /* at `from` */
    int64_t first;                 /* the position of `from` … */
    int64_t last;                  /* … and of `to` */
    bool missing_read;             /* the first part is done */
    int64_t first_id;              /* that the table's sequence gave; 0: not known */
};

static struct pg_between *past_of(struct source *source)
{
    return (struct pg_between *)source;
}

static void past_close(struct source *source)
{
    struct pg_between *p = past_of(source);
    PQfinish(p->source.db);
    holes_free(&p->missing);
    pg_state_free(&p->source);
    free(p);
}

/* ---- Reading ---- */

static void add_rows(struct pg_between *p, const PGresult *rows, struct batch *batch)
{
    struct postgres_source *s = &p->source;
    for (int i = 0; i < PQntuples(rows); i++) {
        if (!holes_miss(&s->holes, pg_row_id(rows, i))) {
            pg_row_add(s, rows, i, 0, clock_wall(), batch);
        }
    }
}

static int read_missing(struct pg_between *p, struct batch *batch, struct error *err)
{
    struct buf first_ids = {0};
    struct buf last_ids = {0};
    PGresult *rows = NULL;
    for (size_t i = 0; i < p->missing.count; i++) {
        const struct hole *hole = &p->missing.list[i];
        buf_printf(&first_ids, "%c%" PRId64, i == 0 ? '{' : ',', hole->first);
        buf_printf(&last_ids, "%c%" PRId64, i == 0 ? '{' : ',', hole->last);
    }
    buf_append_text(&first_ids, first_ids.len == 0 ? "{}" : "}");
    buf_append_text(&last_ids, last_ids.len == 0 ? "{}" : "}");
    const int status = pg_replay_ranges(&p->source, buf_cstr(&first_ids), buf_cstr(&last_ids),
                                        p->last, &rows, err);
    if (status == STATUS_OK) {
        add_rows(p, rows, batch);
        p->missing_read = true;
    }
    PQclear(rows);
    buf_free(&first_ids);
    buf_free(&last_ids);
    return status;
}

static int read_range(struct pg_between *p, size_t max_rows, struct batch *batch, struct error *err)
{
    struct postgres_source *s = &p->source;
    PGresult *rows = NULL;
    const int64_t before = s->at.position;
    const int status = pg_replay_page(s, s->at.position, p->last, max_rows, &rows, err);
    if (status == STATUS_OK) {
        add_rows(p, rows, batch);
        const int count = PQntuples(rows);
        s->at.position = count != 0 ? pg_row_id(rows, count - 1) : s->at.position;
        while (pg_broken_above(&s->broken, s->at.position, &s->at.position)) {
        }
        if ((size_t)count + s->broken.count < max_rows && !pg_rows_are_full(rows)) {
            s->at.position = p->last;
        }
        batch->older_gone = before == 0 && pg_between_older_gone(batch, p->first_id);
    }
    PQclear(rows);
    return status;
}

static double progress(const struct pg_between *p)
{
    const double all = (double)p->last - (double)p->first;
    return all > 0 ? ((double)p->source.at.position - (double)p->first) / all : 1;
}

static int past_read(struct source *source, size_t max_rows, struct batch **out, struct error *err)
{
    struct pg_between *p = past_of(source);
    struct batch *batch = batch_create(p->source.config->source.extra_count);
    char done[32];
    const int status =
        p->missing_read ? read_range(p, max_rows, batch, err) : read_missing(p, batch, err);
    if (status != STATUS_OK) {
        batch_destroy(&batch);
        return status;
    }
    batch->history = true;
    batch->more = p->source.at.position < p->last;
    batch->progress = progress(p);
    const int len = snprintf(done, sizeof done, "%" PRId64, p->source.at.position);
    batch_finish(batch, (struct str){done, (size_t)len}, STR(""));
    *out = batch;
    return STATUS_OK;
}

static const struct source_ops past_ops = {.close = past_close, .read = past_read};

/* ---- Opening ---- */

/* Loads a state of ours; without one nothing was delivered. */
static int load(struct postgres_source *s, struct str state, struct error *err)
{
    int64_t oid;
    if (state.p == NULL || state.len == 0 || pg_state_load(s, state, &oid)) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID,
                     "a tile's place in the events table is that of another source or version");
}

static int load_from(struct pg_between *p, struct str from, struct error *err)
{
    struct postgres_source before = {0};
    const int status = load(&before, from, err);
    p->first = before.at.position;
    p->missing = before.holes;
    before.holes = (struct holes){0};
    pg_state_free(&before);
    return status;
}

int pg_between_open(const struct config *config, struct str from, struct str to, struct str done,
                    int (*connect)(struct postgres_source *s, struct error *err),
                    struct source **out, struct error *err)
{
    struct pg_between *p = x_calloc(1, sizeof *p);
    struct postgres_source *s = &p->source;
    s->base.ops = &past_ops;
    s->config = config;
    int status = load_from(p, from, err);
    if (status == STATUS_OK) {
        status = load(s, to, err);
    }
    p->last = s->at.position;
    s->at.position = p->first;
    p->missing_read = p->missing.count == 0 || done.p != NULL;
    if (done.p != NULL) {
        char *text = x_strndup(done.p, done.len);
        s->at.position = strtoll(text, NULL, 10);
        free(text);
    }
    if (status == STATUS_OK) {
        status = connect(s, err);
    }
    if (status == STATUS_OK) {
        status = pg_between_first_id(s, &p->first_id, err);
    }
    if (status != STATUS_OK) {
        past_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* ---- Where the table began ---- */

int pg_between_first_id(struct postgres_source *s, int64_t *first, struct error *err)
{
    const char *const parameters[] = {buf_cstr(&s->table.name),
                                      s->config->source.columns[EVENT_ID].name};
    PGresult *result = PQexecParams(
        s->db,
        "SELECT seqstart::text FROM pg_catalog.pg_sequence "
        "WHERE seqincrement > 0 AND seqrelid = pg_get_serial_sequence($1, $2)::regclass",
        2, NULL, parameters, NULL, NULL, 0);
    int status = STATUS_OK;
    *first = 0;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(s->db, result, "cannot find the sequence of the events table", err);
    } else if (PQntuples(result) == 1) {
        *first = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    return status;
}

bool pg_between_older_gone(const struct batch *batch, int64_t first_id)
{
    return first_id > 0 && batch->count != 0 &&
           batch->events[0].id.number - first_id > (int64_t)batch->unusable;
}
