/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_state.h"

#include "common/codec/mp.h"
#include "common/codec/mp_check.h"
#include "common/program/log.h"

#define KIND "nats"
#define FORMAT 1

uint64_t nats_state_renumber(struct nats_state *state)
{
    state->origin = source_new_origin(state->origin);
    return state->origin;
}

/* Ordinals grow, also where sequences are smaller than before. */
static void go_on(struct nats_state *state, uint64_t next)
{
    const uint64_t ordinal = nats_state_ordinal(state);
    state->base = ordinal > next - 1 ? ordinal - (next - 1) : 0;
    state->next = next;
    state->last = (struct nats_anchor){0};
    nats_state_renumber(state);
}

void nats_state_go_on(struct nats_state *state, uint64_t next)
{
    log_warn("it goes on with message %llu, the first one that is younger than what was read",
             (unsigned long long)next);
    go_on(state, next);
}

void nats_state_lose(struct nats_state *state, uint64_t first, uint64_t count, const char *name)
{
    log_warn("up to %llu messages of the stream %s were gone before they could be read, from %llu "
             "on: tiles lack them, and streams begin anew",
             (unsigned long long)count, name, (unsigned long long)first);
    nats_state_renumber(state);
}

enum nats_change nats_state_meet(struct nats_state *state, const struct nats_stream *stream,
                                 const char *name)
{
    const bool other = state->last.sequence != 0 && stream->last_time_ns != 0 &&
                       stream->last_time_ns != state->last.time_ns;
    if (state->created == 0) {
        state->created = stream->created;
        state->next = stream->first;
        return NATS_BEGUN;
    }
    if (state->created != stream->created) {
        log_warn("the stream %s was made anew: it is read from its start, tiles keep what they "
                 "have, and streams begin anew",
                 name);
        state->created = stream->created;
        go_on(state, stream->first);
        return NATS_ANEW;
    }
    if (state->next > stream->end) {
        log_warn("the stream %s has lost %llu messages that were read: tiles keep them, and "
                 "streams begin anew",
                 name, (unsigned long long)(state->next - stream->end));
        go_on(state, stream->end);
        return NATS_SHORTER;
    }
    if (other) {
        log_warn("the stream %s was set back, and has other messages since: tiles keep those that "
                 "were read, and streams begin anew",
                 name);
        return NATS_OTHER;
    }
    if (state->next < stream->first) {
        nats_state_lose(state, state->next, stream->first - state->next, name);
        state->next = stream->first;
        return NATS_TRIMMED;
    }
    return NATS_SAME;
}

/* ---- The saved form ---- */

void nats_state_save(const struct nats_state *state, struct buf *out)
{
    mp_put_array(out, 8);
    mp_put_int(out, FORMAT);
    mp_put_text(out, KIND);
    mp_put_uint(out, state->origin);
    mp_put_int(out, state->created);
    mp_put_uint(out, state->base);
    mp_put_uint(out, state->next);
    mp_put_uint(out, state->last.sequence);
    mp_put_int(out, state->last.time_ns);
}

bool nats_state_load(struct nats_state *state, struct str saved)
{
    struct mp_doc doc;
    struct str kind;
    int64_t format;
    mp_doc_init(&doc);
    const bool ok = mp_parse(&doc, saved.p, saved.len) == STATUS_OK &&
                    mp_as_int(mp_at(&doc.root, 0), &format) && format == FORMAT &&
                    mp_as_str(mp_at(&doc.root, 1), &kind) && str_is(kind, KIND) &&
                    mp_as_uint(mp_at(&doc.root, 2), &state->origin) &&
                    mp_as_int(mp_at(&doc.root, 3), &state->created) &&
                    mp_as_uint(mp_at(&doc.root, 4), &state->base) &&
                    mp_as_uint(mp_at(&doc.root, 5), &state->next) && state->next != 0 &&
                    state->next <= INT64_MAX && state->base <= INT64_MAX &&
                    mp_as_uint(mp_at(&doc.root, 6), &state->last.sequence) &&
                    mp_as_int(mp_at(&doc.root, 7), &state->last.time_ns);
    mp_doc_free(&doc);
    return ok;
}

bool nats_state_is_newer(struct str saved)
{
    return source_state_is_newer(saved, FORMAT);
}
