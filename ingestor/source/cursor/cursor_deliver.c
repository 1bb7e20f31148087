/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_deliver.h"

#include "ingestor/source/records.h"

void cursor_add_event(struct cursor *c, struct batch *batch, const struct cursor_row *row,
                      uint64_t ordinal, wall_time now)
{
    struct event *event = batch_event(batch);
    event->ordinal = ordinal;
    event->arrival = now;
    event->timestamp = row->time;
    enum unusable why = UNUSABLE_ID;
    if (event_id_valid_own(row->id)) {
        why = row->failure != NULL ? UNUSABLE_UNREADABLE : c->db.fill(c->db.arg, batch, event);
    }
    event->id = event_id_of_text(batch_text(batch, row->id));
    if (why != UNUSABLE_KINDS) {
        batch_drop_event(batch);
        if (why == UNUSABLE_UNREADABLE) {
            unusable_text_row_because(&c->unusable, why, row->id, row->failure);
        } else {
            unusable_text_row(&c->unusable, why, row->id);
        }
    }
}

void cursor_finish(struct cursor *c, struct batch *batch, struct str record, bool journaled)
{
    struct cursor_state *state = &c->state;
    struct buf whole = {0};
    batch->ordinal = state->position.ordinal;
    batch->origin = state->origin;
    batch->restarted = c->started_over;
    batch->record = state->record;
    batch->pending_since = WALL_NEVER;
    batch->given_up = state->given_up;
    c->started_over = false;
    c->caught_up = !batch->more && !batch->history; /* of history, no poll has come to an end */
    batch->state_appends = records_append(state->whole_bytes, state->record_bytes);
    if (batch->state_appends) {
        state->record_bytes += record.len;
        batch_finish(batch, record, journaled ? record : STR(""));
    } else {
        cursor_state_save(state, &whole);
        batch_finish(batch, buf_str(&whole), journaled ? record : STR(""));
    }
    buf_free(&whole);
}
