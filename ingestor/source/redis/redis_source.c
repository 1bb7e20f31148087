/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_source.h"

#include "ingestor/source/records.h"

void redis_finish(struct redis_source *s, struct batch *batch, struct str record, bool journaled)
{
    struct redis_state *state = &s->state;
    struct buf whole = {0};
    batch->ordinal = state->ordinal;
    batch->origin = state->origin;
    batch->restarted = s->started_over;
    batch->record = state->record;
    batch->pending_since = WALL_NEVER;
    s->started_over = false;
    s->promised = batch->more || batch->history;
    batch->state_appends = records_append(state->whole_bytes, state->record_bytes);
    if (batch->state_appends) {
        state->record_bytes += record.len;
        batch_finish(batch, record, journaled ? record : STR(""));
    } else {
        redis_state_save(state, s->config->source.redis.stream, &whole);
        batch_finish(batch, buf_str(&whole), journaled ? record : STR(""));
    }
    buf_free(&whole);
}
