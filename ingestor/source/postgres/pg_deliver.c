/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_deliver.h"

#include "ingestor/source/postgres/pg_rows.h"

void pg_deliver_row(struct postgres_source *s, const PGresult *rows, int row, wall_time now,
                    struct batch *batch)
{
    pg_row_add(s, rows, row, s->at.last_ordinal, now, batch);
    s->order.delivered++;
}

void pg_deliver_late(struct postgres_source *s, int64_t id)
{
    if (s->at.last_ordinal > (uint64_t)s->at.position + s->at.offset) {
        s->at.offset = s->at.last_ordinal - (uint64_t)s->at.position;
    }
    order_late(&s->order, id, s->at.last_ordinal, s->at.position, s->at.offset);
}

struct batch *pg_deliver_finish(struct postgres_source *s, struct batch *batch)
{
    batch->ordinal = s->at.last_ordinal;
    batch->origin = s->at.origin;
    batch->restarted = s->news.started_over;
    batch->pending_ids = holes_ids(&s->holes);
    batch->pending_since = holes_oldest(&s->holes);
    batch->given_up = s->holes.given_up;
    batch->database_clock = s->clock;
    batch->runs_on = s->runs_on;
    batch->record = s->journal.record;
    s->news.started_over = false;
    s->news.caught_up = !batch->more && !batch->history; /* after history comes the present */
    s->news.forgot = false;
    if (!batch->history || s->anchors.count == 0) {
        anchors_add_batch(&s->anchors, batch, batch->history);
    }
    order_forget(&s->order, s->config->ingestor.events);
    struct buf state = {0};
    pg_state_save(s, &state);
    batch_finish(batch, buf_str(&state), buf_str(&s->journal.bytes));
    buf_clear(&s->journal.bytes);
    buf_free(&state);
    return batch;
}
