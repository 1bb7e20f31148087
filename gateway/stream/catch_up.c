/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/catch_up.h"

#include <assert.h>
#include <sys/socket.h>

#include "gateway/stream/gather.h"
#include "gateway/stream/records.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/send.h"
#include "gateway/stream/streams_state.h"

#define SEND_STEPS 2500       /* Steps that take as long as a usual call of send(). */
#define SEND_BYTES (16 << 10) /* The same for bytes that are gathered. */
#define PIECE_STEPS 4         /* What is charged for a piece that is said once more, */
#define STEP_BYTES 16         /* and for so many bytes of it a step. */

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
 *
 * Where frames are compressed, all pieces but the rest become one, a block, before they are sent.
 */

/* ---- Settling ---- */

/* Counts a piece as given: the client has it, or will get its rest before anything else. */
static void given(struct streams *s, struct stream *stream, const struct piece *piece)
{
    /* The rest was counted when its beginning was sent. */
    s->counters.deliveries += piece->messages;
    if (piece->resets) {
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
    const bool all = gather_turn(s, stream, order);
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
    gather_finish(s);
    return taken >= 0;
}

/* Sends the rest of a large frame, which is not copied for each attempt. */
static bool send_unfinished(struct streams *s, struct stream *stream, mono_time now)
{
    const struct str rest = gather_rest(stream);
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
