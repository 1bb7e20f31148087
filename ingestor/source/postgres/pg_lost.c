/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_lost.h"

#include <stdlib.h>

#include "common/postgres/pg.h"
#include "common/program/log.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/postgres/pg_replay.h"
#include "ingestor/source/postgres/pg_rows.h"

/* What stands at the ids of the newest rows that were read. */
struct found {
    size_t same;
    size_t missing;
    size_t other;
    struct buf others; /* the ids of those where another row stands, as an array literal */
};

static void list_id(struct buf *list, int64_t id)
{
    buf_printf(list, "%c%lld", list->len == 0 ? '{' : ',', (long long)id);
}

static const struct event *find(const struct batch *batch, int64_t id)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->events[i].id.number == id) {
            return &batch->events[i];
        }
    }
    return NULL;
}

static void compare(const struct anchors *anchors, const struct batch *batch, struct found *out)
{
    for (size_t i = 0; i < anchors->count; i++) {
        const struct anchor *anchor = &anchors->rows[i];
        const struct event *event = find(batch, anchor->id);
        if (event == NULL) {
            out->missing++;
        } else if (anchor_of(batch, event).digest == anchor->digest) {
            out->same++;
        } else {
            out->other++;
            list_id(&out->others, anchor->id);
        }
    }
    buf_append_text(&out->others, out->other == 0 ? "{}" : "}");
}

static int inspect_newest(struct postgres_source *s, struct found *out, struct error *err)
{
    struct buf list = {0};
    PGresult *rows = NULL;
    struct batch *batch = batch_create(s->config->source.extra_count);
    for (size_t i = 0; i < s->anchors.count; i++) {
        list_id(&list, s->anchors.rows[i].id);
    }
    const int status = pg_replay_listed(s, &list, &rows, err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(rows); i++) {
        pg_row_add(s, rows, i, 0, clock_wall(), batch);
    }
    if (status == STATUS_OK) {
        compare(&s->anchors, batch, out);
    }
    PQclear(rows);
    batch_destroy(&batch);
    return status;
}

/* Sets *proven when a row that is another than was read had been written when it was read: so it
 * was not updated since, but comes from another history. A view does not tell. */
static int is_proven(struct postgres_source *s, struct found *found, bool *proven,
                     struct error *err)
{
    struct buf sql = {0};
    PGresult *rows = NULL;
    *proven = false;
    if (found->other == 0 || s->snapshot.file == 0) {
        return STATUS_OK;
    }
    buf_printf(&sql, "SELECT xmin::text FROM %s WHERE %s = ANY ('%s'::bigint[])",
               buf_cstr(&s->table.name), buf_cstr(&s->table.id), buf_cstr(&found->others));
    const int status = pg_query(s->db, buf_cstr(&sql), &rows, "cannot read the events table", err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(rows); i++) {
        const uint32_t xmin = (uint32_t)strtoull(PQgetvalue(rows, i, 0), NULL, 10);
        *proven = *proven || pg_rewind_is_older(xmin, s->snapshot.xmax);
    }
    buf_free(&sql);
    PQclear(rows); /* It may be NULL. */
    return status;
}

static int judge(struct postgres_source *s, bool suspicious, struct error *err)
{
    struct found found = {0};
    bool proven = false;
    int status = inspect_newest(s, &found, err);
    if (s->config->ingestor.checkpoint == CHECKPOINT_POSTGRESQL) {
        s->base.other_past = suspicious || found.other != 0;
    } else if (status == STATUS_OK) {
        status = is_proven(s, &found, &proven, err);
        if (status == STATUS_OK && (proven || (suspicious && found.same != s->anchors.count))) {
            log_warn("the database has lost rows of table %s that were read, as after a failover "
                     "or when it was restored: all tiles are built again from the table",
                     buf_cstr(&s->table.name));
            pg_state_start_over(s);
        }
    }
    buf_free(&found.others);
    return status;
}

int pg_lost_check(struct postgres_source *s, bool resumed, struct error *err)
{
    const struct pg_past before = s->past;
    int status = pg_past_read(s->db, &s->past, err);
    s->runs_on = resumed && pg_past_runs_on(&before, &s->past);
    if (status != STATUS_OK || !resumed || s->runs_on) {
        return status;
    }
    status = judge(s, pg_past_is_suspicious(&before, &s->past), err);
    if (s->past.xmax < s->snapshot.xmax) {
        s->snapshot.xmax = s->past.xmax; /* the transactions are counted from here again */
    }
    return status;
}

int pg_lost_inspect(struct postgres_source *s, struct error *err)
{
    struct pg_past now;
    const int status = pg_past_read(s->db, &now, err);
    if (status == STATUS_OK && !pg_past_runs_on(&s->past, &now)) {
        return error_set(err, STATUS_IO,
                         "the server behind the pooler is another one than before, "
                         "or was started again");
    }
    s->past = status == STATUS_OK ? now : s->past;
    return status;
}
