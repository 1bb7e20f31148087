/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/several/several_source.h"

#include <utlist.h>

#include "ingestor/source/batch.h"
#include "ingestor/source/records.h"

struct batch *several_batch(const struct several_source *s)
{
    return batch_create(s->config->source.extra_count);
}

bool several_is_behind(struct several_source *s)
{
    bool behind = false;
    for (size_t i = 0; i < s->count; i++) {
        const struct several_standing one = several_child_standing(&s->children[i]);
        behind = behind || one.waits || s->taken[i].list != NULL || (!one.down && !one.caught_up);
    }
    return behind;
}

void several_note(struct several_source *s, size_t child, const struct batch *from,
                  const struct several_run *run, struct batch *batch, struct buf *change)
{
    const struct several_change own = {s->children[child].place, run, from->state,
                                       from->state_appends};
    s->state.places[own.place].origin = from->origin;
    s->state.places[own.place].read_once |= !from->more && !from->history;
    several_state_change(&s->state, &own, change);
    s->pending[child] = from->pending_ids;
    batch->older_gone_of |= (uint64_t)from->older_gone << child;
    batch->unusable += from->unusable;
    batch->given_up += from->given_up;
    if (from->database_clock.known) {
        batch->database_clock = from->database_clock;
    }
    if (from->pending_ids != 0) {
        batch->pending_since = from->pending_since;
    }
}

/* A batch of history is before the state, and changes nothing. */
static void finish_state(struct several_source *s, struct batch *batch, const struct buf *change,
                         struct str journal)
{
    struct buf whole = {0};
    batch->state_appends = change != NULL && s->whole_origin == s->state.origin &&
                           records_append(s->whole_bytes, s->change_bytes);
    if (batch->state_appends) {
        s->change_bytes += change->len;
        batch_finish(batch, buf_str(change), journal);
        return;
    }
    several_state_save(&s->state, &whole);
    if (!batch->history) {
        s->whole_origin = s->state.origin;
        s->whole_bytes = whole.len;
        s->change_bytes = 0;
    }
    batch_finish(batch, buf_str(&whole), journal);
    buf_free(&whole);
}

void several_finish(struct several_source *s, struct batch *batch, const struct buf *change,
                    struct str journal)
{
    for (size_t i = 0; i < s->count; i++) {
        batch->pending_ids += s->pending[i];
        batch->delivered_of[i] = s->state.places[s->children[i].place].delivered;
        if (s->config->sources[i].kind == SOURCE_PUSH) {
            batch->pushed = s->state.places[s->children[i].place].ordinal;
        }
    }
    batch->pending_since = batch->pending_ids != 0 ? batch->pending_since : WALL_NEVER;
    batch->ordinal = s->state.ordinal;
    batch->origin = s->state.origin;
    batch->record = s->state.record;
    batch->restarted = s->restarted;
    batch->more = !batch->history && several_is_behind(s);
    s->restarted = false;
    if (!batch->history) {
        batch->anew_of |= s->anew;
        s->anew = 0;
    }
    s->promised = batch->history || batch->more;
    finish_state(s, batch, change, journal);
}

bool several_take(struct several_source *s, size_t child)
{
    struct batch *batch = several_child_take(&s->children[child]);
    if (batch != NULL) {
        s->taken[child].bytes += batch_bytes(batch);
        s->patience = mono_add_ms(clock_mono(), s->patience_ms); /* it goes on */
        DL_APPEND(s->taken[child].list, batch);
    }
    return batch != NULL;
}
