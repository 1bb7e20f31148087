/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/catch_up.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/xalloc.h"
#include "gateway/stream/frames.h"
#include "gateway/stream/records.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/send.h"
#include "gateway/stream/streams_state.h"

#define GATHER_BYTES (64 << 10) /* The bytes that are gathered for one send(). */
#define TURN_STEPS_MAX 5000     /* The work of finding them, in one turn: 0.1 ms at most. */
#define SEND_STEPS 2500         /* Steps that take as long as a usual call of send(). */
#define SEND_BYTES (16 << 10)   /* The same for bytes that are gathered. */
#define PIECE_STEPS 4           /* What is charged for a piece that is said once more, */
#define STEP_BYTES 16           /* and for so many bytes of it a step. */
#define REMEMBERING_STREAMS 16  /* A channel of so many streams remembers what patterns said. */
#define GATHER_SLOW_BYTES (16 << 10) /* The same for a socket that was full: about its room. */

/*
 * One turn gathers pieces, sends them all with one send(), and settles how far the client came.
 * Each piece says where it ends, and what the watermark is once the client has it.
 *
 *   gathered   [ rest │ reset │ control │ value │ value │ value ]
 *   taken           ▲         ▲             ▲                   ▲
 *                   3         2             4                   1
 *
 *   1  all pieces        the watermark stays where the gathering came to, which may be farther than
 *                        the last piece: what is not selected was passed over
 *   2  up to an end      the watermark becomes that of the last piece that was taken
 *   3  within the rest   more of `unfinished` was sent; the watermark goes back to where it was
 *   4  within another    that piece counts as given and becomes `unfinished`, by reference where it
 *                        is shared; its watermark becomes the stream's
 *
 * The pieces behind are dropped as if they had never been made, so that later the newest values go
 * out and not these. To allow for that, gathering changes nothing of the stream but its watermark.
 */
enum piece_kind {
    PIECE_REST,    /* The rest of `unfinished`. */
    PIECE_RESET,   /* The message `reset`. */
    PIECE_CONTROL, /* A control frame of the transport. */
    PIECE_VALUE,   /* The message of a tile or event. */
};

struct piece {
    enum piece_kind kind;
    unsigned control;    /* PIECE_CONTROL: its number. */
    size_t end;          /* Where it ends in the gathered bytes. */
    uint64_t watermark;  /* The stream's watermark once the client has this piece. */
    struct blob *shared; /* The frame, if others keep it, too; else NULL. */
};

/* ---- Gathering ---- */

/* Makes a piece of the bytes that were gathered since the last one. Valid until the next is made.
 */
static struct piece *add_piece(struct streams *s, const struct stream *stream, enum piece_kind kind)
{
    if (s->piece_count == s->piece_cap) {
        s->piece_cap = s->piece_cap != 0 ? s->piece_cap * 2 : 64;
        s->pieces = x_reallocarray(s->pieces, s->piece_cap, sizeof *s->pieces);
    }
    struct piece *piece = &s->pieces[s->piece_count++];
    *piece = (struct piece){.kind = kind, .end = s->gather.len, .watermark = stream->watermark};
    return piece;
}

static void gather_message(struct streams *s, const struct stream *stream, enum piece_kind kind,
                           struct message message)
{
    streams_transport(s, stream->channel->kind)->append(&s->gather, &message);
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
    if (channel->selection.view == NULL) {
        gather_shared(s, stream, frames_tile(s, channel->kind, tile));
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
    const size_t limit = stream->slow ? GATHER_SLOW_BYTES : GATHER_BYTES;
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

static struct str unfinished_rest(const struct stream *stream)
{
    const struct blob *blob = stream->unfinished;
    return (struct str){blob->data + stream->unfinished_at, blob->len - stream->unfinished_at};
}

/* False: there may be more values, which this turn has not come to. */
static bool gather(struct streams *s, struct stream *stream, enum transport_order order)
{
    bool all = true;
    s->piece_count = 0;
    buf_clear(&s->gather);
    if (stream->unfinished != NULL) {
        buf_append_str(&s->gather, unfinished_rest(stream));
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

/* ---- Settling ---- */

/* Counts a piece as given: the client has it, or will get its rest before anything else. */
static void given(struct streams *s, struct stream *stream, const struct piece *piece)
{
    if (piece->kind == PIECE_REST) {
        return; /* It was counted when its beginning was sent. */
    }
    s->counters.deliveries++;
    if (piece->kind == PIECE_RESET) {
        s->counters.resets++;
        stream->reset = false;
    } else if (piece->kind == PIECE_CONTROL) {
        streams_transport(s, stream->channel->kind)->control_given(stream, piece->control);
    }
}

/* Keeps what the socket did not take of the piece that begins there (cases 3 and 4). */
static void keep_rest(struct streams *s, struct stream *stream, const struct piece *piece,
                      size_t begin, size_t taken)
{
    if (piece->kind == PIECE_REST) {
        stream->unfinished_at += (uint32_t)(taken - begin);
        return;
    }
    assert(stream->unfinished == NULL);
    const struct str frame = {s->gather.data + begin, piece->end - begin};
    stream->unfinished = piece->shared != NULL ? blob_ref(piece->shared) : blob_new(frame);
    stream->unfinished_at = (uint32_t)(taken - begin);
    given(s, stream, piece);
}

/* Settles how far the client came. begun_at: the watermark when the gathering began. */
static void settle(struct streams *s, struct stream *stream, size_t taken, uint64_t begun_at)
{
    size_t begin = 0; /* Where the first piece that was not taken whole begins. */
    size_t whole = 0; /* How many pieces were taken whole. */
    uint64_t watermark = begun_at;
    for (; whole < s->piece_count && s->pieces[whole].end <= taken; whole++) {
        const struct piece *piece = &s->pieces[whole];
        given(s, stream, piece);
        if (piece->kind == PIECE_REST) {
            blob_unref(&stream->unfinished);
        }
        begin = piece->end;
        watermark = piece->watermark;
    }
    if (whole == s->piece_count) {
        return; /* This is case 1. */
    }
    if (taken > begin) {
        keep_rest(s, stream, &s->pieces[whole], begin, taken);
        watermark = s->pieces[whole].watermark;
    }
    stream->watermark = watermark;
}

/* ---- A turn ---- */

/* True when the client may have a tile whose removal was forgotten before it was told. Those up to
 * unknown_until it never had. */
static bool may_have_missed(const struct stream *stream, uint64_t forgotten)
{
    return known_outdated(stream->known, stream->watermark, forgotten) ||
           (stream->watermark != 0 && !known_is_cursor(stream->known) &&
            stream->watermark < forgotten && stream->unknown_until < forgotten);
}

/* Tells the client to start over when the store forgot removals, or the log lost events, that it
 * was not told of: what it holds cannot be continued then. */
static void check_continuity(struct streams *s, struct stream *stream)
{
    if (stream->channel->kind == CHANNEL_WS_IDLE) {
        return;
    }
    if (channel_has_events(stream->channel->kind)) {
        if (stream->watermark < eventlog_floor(s->events)) {
            stream->reset = true;
            stream->watermark = s->events_seen;
        }
        return;
    }
    if (may_have_missed(stream, store_forgotten(s->store))) {
        stream->reset = true;
        stream->watermark = 0;
        stream->unknown_until = store_last_change(s->store);
        known_free(&stream->known);
    }
}

static void go_live(struct stream *stream)
{
    stream->mode = STREAM_LIVE;
    stream->slow = false;
    stream->anew = false;
    stream->position = stream->channel->ring.head;
    known_free(&stream->known);
}

static void shut(struct stream *stream)
{
    stream->mode = STREAM_CLOSED;
    shutdown(stream->fd, SHUT_WR);
}

/* Charges the client for what was done for it alone: finding what it selected, and all that is said
 * once more because it subscribes anew. What it is sent otherwise its opening has paid for, or it
 * is news. */
static void charge_turn(struct streams *s, struct stream *stream, bool all)
{
    if (stream->anew) {
        s->turn_steps += s->piece_count * PIECE_STEPS + s->gather.len / STEP_BYTES;
    }
    if (s->turn_steps != 0 && !stream_charge(s, stream, s->turn_steps) && !all) {
        stream_pause(s, stream, true);
        s->counters.paused++;
    }
}

static bool send_gathered(struct streams *s, struct stream *stream, mono_time now)
{
    const enum transport_order order = stream_order(s, stream);
    check_continuity(s, stream);
    const uint64_t begun_at = stream->watermark;
    s->turn_steps = 0;
    const bool all = gather(s, stream, order);
    if (!transport_closes(order)) {
        charge_turn(s, stream, all);
    }
    s->turn_sends += (unsigned)(s->turn_steps / SEND_STEPS + s->gather.len / SEND_BYTES);
    if (s->piece_count == 0) {
        if (transport_closes(order)) {
            shut(stream);
        } else if (all) {
            go_live(stream);
        }
        return true;
    }
    const ssize_t taken = stream_send(s, stream, buf_str(&s->gather), now);
    if (taken >= 0) {
        settle(s, stream, (size_t)taken, begun_at);
    }
    for (size_t i = 0; i < s->piece_count; i++) {
        blob_unref(&s->pieces[i].shared);
    }
    return taken >= 0;
}

/* Sends the rest of a large frame, which is not copied for each attempt. */
static bool send_unfinished(struct streams *s, struct stream *stream, mono_time now)
{
    const struct str rest = unfinished_rest(stream);
    const ssize_t taken = stream_send(s, stream, rest, now);
    if (taken < 0) {
        return false;
    }
    stream->unfinished_at += (uint32_t)taken;
    if ((size_t)taken == rest.len) {
        blob_unref(&stream->unfinished);
    }
    return true;
}

bool stream_catch_up(struct streams *s, struct stream *stream, mono_time now)
{
    const bool large = stream->unfinished != NULL &&
                       stream->unfinished->len - stream->unfinished_at > GATHER_SLOW_BYTES;
    return large ? send_unfinished(s, stream, now) : send_gathered(s, stream, now);
}

void stream_widen(struct streams *s, struct stream *stream)
{
    if (stream->mode == STREAM_LIVE) {
        stream_fall_out(stream);
        stream->unknown_until = store_last_change(s->store);
    }
    if (stream->unsubscribed) {
        stream->unknown_until = 0;
    }
    if (stream->reset) {
        known_free(&stream->known); /* The client is about to forget all that. */
    } else if (!known_is_selection(stream->known)) {
        known_free(&stream->known);
        stream->known = known_by_selection(&stream->channel->selection, stream->watermark);
    }
    stream->watermark = 0;
}
