/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_source.h"

#include <string.h>

#include "common/base/xalloc.h"
#include "ingestor/source/records.h"

void kafka_feeds_grow(struct kafka_source *s)
{
    if (s->feed_count < s->state.count) {
        s->feeds = x_reallocarray(s->feeds, s->state.count, sizeof *s->feeds);
        memset(s->feeds + s->feed_count, 0, (s->state.count - s->feed_count) * sizeof *s->feeds);
        s->feed_count = s->state.count;
    }
}

struct kafka_feed *kafka_feed_of(struct kafka_source *s, const rd_kafka_message_t *message,
                                 size_t *index)
{
    if (message->rkt == NULL) {
        return NULL;
    }
    const char *topic = rd_kafka_topic_name(message->rkt);
    for (size_t i = 0; i < s->feed_count; i++) {
        const size_t at = (s->feed_at + i) % s->feed_count;
        if (s->state.partitions[at].number == message->partition &&
            strcmp(s->state.partitions[at].topic, topic) == 0) {
            s->feed_at = at;
            *index = at;
            return &s->feeds[at];
        }
    }
    return NULL;
}

void kafka_finish(struct kafka_source *s, struct batch *batch, struct str record, bool journaled)
{
    struct kafka_state *state = &s->state;
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
        kafka_state_save(state, &whole);
        batch_finish(batch, buf_str(&whole), journaled ? record : STR(""));
    }
    buf_free(&whole);
}
