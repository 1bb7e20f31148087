/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/gather.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "gateway/stream/frames.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/streams_state.h"

#define GATHER_BYTES (64 << 10) /* The bytes that are gathered for one send(). */
#define TURN_STEPS_MAX 5000     /* The work of finding them, in one turn: 0.1 ms at most. */
#define REMEMBERING_STREAMS 16  /* A channel of so many streams remembers what patterns said. */
#define GATHER_BLOCK_BYTES (32 << 10) /* The same for what is compressed, which takes 0.2 ms. */
#define BLOCK_SEND_BYTES 512 /* Compressing so many takes as long as a usual call of send(). */
/* Makes a piece of the bytes that were gathered since the last one. Valid until the next is made.
 */
static struct piece *add_piece(struct streams *s, const struct stream *stream, enum piece_kind kind)
{
    if (s->piece_count == s->piece_cap) {
        s->piece_cap = s->piece_cap != 0 ? s->piece_cap * 2 : 64;
        s->pieces = x_reallocarray(s->pieces, s->piece_cap, sizeof *s->pieces);
    }
    struct piece *piece = &s->pieces[s->piece_count++];
    *piece = (struct piece){.kind = kind,
                            .resets = kind == PIECE_RESET,
                            .messages = kind != PIECE_REST,
                            .end = s->gather.len,
                            .watermark = stream->watermark};
    return piece;
}

static void gather_message(struct streams *s, const struct stream *stream, enum piece_kind kind,
                           struct message message)
{
    const struct channel *channel = stream->channel;
    if (channel->coding == CODING_GZIP) { /* It is compressed later, with all that is gathered. */
        streams_transport(s, channel->kind)->append(&s->gather, &message);
    } else {
        frames_append(s, channel, &message, &s->gather);
    }
    add_piece(s, stream, kind);
}

static void gather_shared(struct streams *s, const struct stream *stream, struct blob *frame)
{
    buf_append_str(&s->gather, blob_str(frame));
    add_piece(s, stream, PIECE_VALUE)->shared = blob_ref(frame);
}

/* The steps that this turn took to find what it gathered. */
static uint64_t steps_to_find(const struct streams *s, const struct stream *stream)
{
    return s->passed + selection_steps(&stream->channel->selection) + known_steps(stream->known) -
           s->steps_before;
}

static void begin_finding(struct streams *s, const struct stream *stream)
{
    s->passed = 0;
    s->steps_before = 0;
    s->steps_before = steps_to_find(s, stream);
}

enum found {
    FOUND,      /* A piece more was gathered. */
    FOUND_LATE, /* None yet, but that was enough work for a turn. */
    FOUND_NONE, /* There is none. */
};

static void gather_value(struct streams *s, const struct stream *stream, const struct tile *tile)
{
    const struct channel *channel = stream->channel;
    struct blob *shared = channel->selection.view == NULL ? frames_tile(s, channel, tile) : NULL;
    if (shared != NULL) {
        gather_shared(s, stream, shared);
    } else {
        gather_message(s, stream, PIECE_VALUE, frames_seen(s, &channel->selection, tile));
    }
}

/* Gathers what the client has to be told of a selected tile; false: nothing. */
static bool tell_tile(struct streams *s, struct stream *stream, const struct tile *tile)
{
    if (tile->value != NULL) {
        gather_value(s, stream, tile);
        return true;
    }
    if (tile->change > stream->unknown_until || known_had(stream->known, tile)) {
        struct message message =
            render_expired(&s->json, "", (struct str){tile->key, tile->key_len});
        message.id = frames_id(s, &stream->channel->selection, tile);
        gather_message(s, stream, PIECE_VALUE, message);
        return true;
    }
    return false;
}

/* What is remembered of numbers takes 64 KiB, and saves time where many streams begin with the same
 * patterns; names are found as fast without. */
static bool selects(const struct channel *channel, const struct tile *tile)
{
    const struct selection *selection = &channel->selection;
    const struct str key = {tile->key, tile->key_len};
    size_t count;
    return channel->stream_count < REMEMBERING_STREAMS || selection_names(selection, &count) != NULL
               ? selection_matches(selection, key)
               : selection_matches_numbered(selection, key, tile->number);
}

/* Gathers the tile that changed next after the watermark, with its newest value. */
static enum found gather_tile(struct streams *s, struct stream *stream)
{
    const struct tile *tile;
    while ((tile = store_next(s->store, stream->watermark)) != NULL) {
        stream->watermark = tile->change;
        if (!known_has(stream->known, tile) && selects(stream->channel, tile) &&
            tell_tile(s, stream, tile)) {
            return FOUND;
        }
        s->passed++;
        if (steps_to_find(s, stream) >= TURN_STEPS_MAX) {
            return FOUND_LATE;
        }
    }
    return FOUND_NONE;
}

static int compare_changes(const void *a, const void *b)
{
    const struct tile *const *x = a;
    const struct tile *const *y = b;
    return ((*x)->change > (*y)->change) - ((*x)->change < (*y)->change);
}

/* Looks the names up that changed after the watermark, into s->named, in the order of changes. */
static size_t look_names_up(struct streams *s, const struct stream *stream, const struct str *names,
                            size_t count)
{
    const struct selection *selection = &stream->channel->selection;
    size_t found = 0;
    if (count > s->named_cap) {
        s->named = x_reallocarray(s->named, count, sizeof(const struct tile *));
        s->named_cap = count;
    }
    for (size_t i = 0; i < count; i++) {
        const struct tile *tile = store_recall(s->store, names[i]);
        if (tile != NULL && tile->change > stream->watermark &&
            selection_matches(selection, names[i])) {
            s->named[found++] = tile;
        }
    }
    if (found > 1) {
        qsort(s->named, found, sizeof(const struct tile *), compare_changes);
    }
    s->passed += count;
    return found;
}

/* Gathers tiles of a selection without patterns: who wants k keys has k tiles looked at. */
static enum found gather_names(struct streams *s, struct stream *stream, const struct str *names,
                               size_t count, size_t limit)
{
    const size_t found = look_names_up(s, stream, names, count);
    for (size_t i = 0; i < found; i++) {
        if (s->gather.len >= limit) {
            return FOUND;
        }
        stream->watermark = s->named[i]->change;
        if (!known_has(stream->known, s->named[i])) {
            (void)tell_tile(s, stream, s->named[i]);
        }
    }
    stream->watermark = store_last_change(s->store);
    return FOUND_NONE;
}

/* Gathers the event that comes next after the watermark. */
static enum found gather_event(struct streams *s, struct stream *stream)
{
    const struct selection *selection = &stream->channel->selection;
    const size_t count = eventlog_count(s->events);
    for (size_t i = eventlog_index_after(s->events, stream->watermark); i < count; i++) {
        struct eventlog_entry *entry = eventlog_at(s->events, i);
        if (entry->ordinal > s->events_seen) {
            return FOUND_NONE;
        }
        stream->watermark = entry->ordinal;
        if (selection_matches_numbered(selection, entry->event_type, entry->type)) {
            gather_message(s, stream, PIECE_VALUE,
                           frames_event(stream->channel->kind, entry,
                                        selection_lens(selection, entry->event_type)));
            return FOUND;
        }
        s->passed++;
        if (steps_to_find(s, stream) >= TURN_STEPS_MAX) {
            return FOUND_LATE;
        }
    }
    return FOUND_NONE;
}

/* False: there may be more, which this turn has not come to. */
static bool gather_values(struct streams *s, struct stream *stream)
{
    const bool events = channel_has_events(stream->channel->kind);
    const bool packs = stream->channel->coding == CODING_GZIP;
    const size_t limit = stream->slow ? GATHER_SLOW_BYTES
                         : packs      ? GATHER_BLOCK_BYTES
                                      : GATHER_BYTES;
    size_t count;
    const struct str *names = selection_names(&stream->channel->selection, &count);
    enum found found = FOUND;
    begin_finding(s, stream);
    /* Where fewer tiles changed than there are names, these are walked. */
    if (!events && names != NULL && store_last_change(s->store) - stream->watermark > count) {
        found = gather_names(s, stream, names, count, limit);
        s->turn_steps = steps_to_find(s, stream);
        return found == FOUND_NONE;
    }
    while (found == FOUND && s->gather.len < limit) {
        found = events ? gather_event(s, stream) : gather_tile(s, stream);
    }
    s->turn_steps = steps_to_find(s, stream);
    return found == FOUND_NONE;
}

static void gather_controls(struct streams *s, const struct stream *stream)
{
    const struct transport *transport = streams_transport(s, stream->channel->kind);
    unsigned control = 0;
    while ((control = transport->append_control(stream, control, &s->gather)) != 0) {
        add_piece(s, stream, PIECE_CONTROL)->control = control;
    }
}

struct str gather_rest(const struct stream *stream)
{
    const struct blob *blob = stream->unfinished;
    return (struct str){blob->data + stream->unfinished_at, blob->len - stream->unfinished_at};
}

static bool gather(struct streams *s, struct stream *stream, enum transport_order order)
{
    bool all = true;
    s->piece_count = 0;
    buf_clear(&s->gather);
    if (stream->unfinished != NULL) {
        buf_append_str(&s->gather, gather_rest(stream));
        add_piece(s, stream, PIECE_REST);
    }
    if (order == TRANSPORT_OVER) {
        return true;
    }
    if (stream->reset) {
        const bool holds_tiles = !channel_has_events(stream->channel->kind);
        gather_message(s, stream, PIECE_RESET, render_reset(holds_tiles));
    }
    if (order == TRANSPORT_CONTROL_FIRST || order == TRANSPORT_CONTROL_ONLY) {
        gather_controls(s, stream);
    }
    if (order != TRANSPORT_CONTROL_ONLY) {
        all = gather_values(s, stream);
    }
    if (order == TRANSPORT_CONTROL_LAST) {
        gather_controls(s, stream);
    }
    return all;
}

/* Makes one piece of all that is to be compressed: what the socket takes a part of counts as given
 * as a whole. */
static void pack_gathered(struct streams *s, struct stream *stream)
{
    const size_t kept = s->pieces[0].kind == PIECE_REST;
    const size_t rest = kept != 0 ? s->pieces[0].end : 0;
    const struct str gathered = {s->gather.data + rest, s->gather.len - rest};
    size_t messages = 0;
    bool resets = false;
    bool made;
    if (s->piece_count == kept) {
        return;
    }
    for (size_t i = kept; i < s->piece_count; i++) {
        messages += s->pieces[i].messages;
        resets = resets || s->pieces[i].resets;
    }
    struct blob *block = frames_pack(s, gathered, &made);
    s->counters.packed += made;
    s->counters.packed_shared += !made;
    s->turn_sends += made ? (unsigned)(gathered.len / BLOCK_SEND_BYTES) : 0;
    s->gather.len = rest;
    s->piece_count = kept;
    buf_append_str(&s->gather, blob_str(block));
    struct piece *piece = add_piece(s, stream, PIECE_BLOCK);
    piece->messages = messages;
    piece->resets = resets;
    piece->shared = block;
}

bool gather_turn(struct streams *s, struct stream *stream, enum transport_order order)
{
    const bool all = gather(s, stream, order);
    if (stream->channel->coding == CODING_GZIP && s->piece_count != 0) {
        pack_gathered(s, stream);
    }
    return all;
}

void gather_finish(struct streams *s)
{
    for (size_t i = 0; i < s->piece_count; i++) {
        blob_unref(&s->pieces[i].shared);
    }
    s->piece_count = 0;
}
