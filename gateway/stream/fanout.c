/* SPDX-License-Identifier: Apache-2.0 */
/* The stream engine's way out: fan-out passes over the channels' logs, and walks. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <utlist.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "gateway/stream/render.h"
#include "gateway/stream/streams_state.h"

#define GATHER_BYTES (64 * 1024)      /* of a walk, for one send() */
#define GATHER_SLOW_BYTES (16 * 1024) /* to a socket that was full: about what it has room for */
#define PUSH_SENDS 4                  /* before the others get their turn */
#define PREFETCH_AHEAD 2              /* streams of a pass */

ssize_t stream_give(struct streams *s, struct stream *stream, struct str bytes, mono_time now)
{
    const ssize_t sent = send(stream->fd, bytes.p, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    s->counters.sends++;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        stream->timed_out = errno == ETIMEDOUT || errno == EHOSTUNREACH;
        return -1;
    }
    const size_t taken = sent > 0 ? (size_t)sent : 0;
    if (taken != 0) {
        stream->progress_s = whole_seconds(now);
        s->counters.bytes += taken;
    }
    if (taken < bytes.len) {
        if (!stream->blocked) {
            stream->progress_s = whole_seconds(now); /* from here on it is waited for */
        }
        stream->blocked = true;
        stream->slow = true;
        s->counters.blocked++;
    }
    return (ssize_t)taken;
}

/* Everything that the log has for it. */
static bool send_live(struct streams *s, struct stream *stream, mono_time now)
{
    const struct str bytes = ring_from(&stream->channel->ring, stream->position);
    if (bytes.len == 0) {
        return true;
    }
    const ssize_t taken = stream_give(s, stream, bytes, now);
    if (taken < 0) {
        return false;
    }
    stream->position += (uint64_t)taken;
    return true;
}

/* ---- Walks: the next frame ---- */

/* Does a resuming client have this already? Not for sure when the stale flag or a TTL had a say
 * after the tile's version was made. */
static bool client_has(const struct stream *stream, const struct tile *tile)
{
    const struct rendered_tile *rendered = tile->cache;
    return stream->resume != NULL && tile->lane < stream->resume->lanes && !tile->stale &&
           !rendered->restated &&
           version_compare(tile->version, stream->resume->at[tile->lane]) <= 0;
}

struct str websocket_frame(struct streams *s, struct str sse, bool with_id)
{
    buf_clear(&s->ws_frame);
    ws_frame_append_sse(&s->ws_frame, sse, with_id);
    return buf_str(&s->ws_frame);
}

/* Made once for each change, for all who walk over it. */
static struct blob *ws_tile_frame(struct streams *s, const struct tile *tile)
{
    struct rendered_tile *rendered = render_tile(tile);
    if (rendered->ws_frame == NULL) {
        rendered->ws_frame = blob_new(websocket_frame(s, blob_str(rendered->frame), true));
    }
    return rendered->ws_frame;
}

/* A frame of a walk. No memory is taken for it: it lies in a scratch buffer until the next one is
 * made, or it is shared. */
struct made {
    struct str bytes; /* NULL: there is none */
    struct blob *shared;
};

static struct made made_shared(struct blob *blob)
{
    return (struct made){blob_str(blob), blob};
}

/* In the words of the stream's transport. */
static struct made made_sse(struct streams *s, const struct stream *stream, struct str sse)
{
    return (struct made){stream->websocket ? websocket_frame(s, sse, true) : sse, NULL};
}

static struct made next_tile_frame(struct streams *s, struct stream *stream)
{
    const struct tile *tile;
    while ((tile = store_next(s->store, stream->mark)) != NULL) {
        stream->mark = tile->change;
        const struct str key = {tile->key, tile->key_len};
        if (client_has(stream, tile) || ws_stream_has(stream, tile) ||
            !selection_matches(&stream->channel->selection, key)) {
            continue;
        }
        if (tile->value != NULL) {
            return made_shared(stream->websocket ? ws_tile_frame(s, tile)
                                                 : render_tile(tile)->frame);
        }
        if (tile->change > stream->unknown_until || ws_stream_knows(stream, key)) {
            const struct rendered_tile *rendered = tile->cache;
            buf_clear(&s->frame);
            render_expired(&s->frame, rendered->cursor, key);
            return made_sse(s, stream, buf_str(&s->frame));
        }
    }
    return (struct made){0};
}

struct str event_frame(struct streams *s, const struct channel *channel,
                       struct eventlog_entry *entry)
{
    const struct blob *frame = render_event(entry);
    if (channel->kind == CHANNEL_EVENTS) {
        return blob_str(frame);
    }
    if (channel->kind == CHANNEL_WS_EVENTS) {
        return websocket_frame(s, blob_str(frame), false);
    }
    buf_clear(&s->frame);
    render_message(&s->frame, entry->id, event_json(frame));
    return buf_str(&s->frame);
}

static struct made next_event_frame(struct streams *s, struct stream *stream)
{
    struct eventlog_entry *entry;
    while ((entry = eventlog_after(s->events, stream->mark)) != NULL &&
           entry->ordinal <= s->events_seen) {
        stream->mark = entry->ordinal;
        if (selection_matches(&stream->channel->selection, entry->event_type)) {
            return stream->channel->kind == CHANNEL_EVENTS
                       ? made_shared(render_event(entry))
                       : (struct made){event_frame(s, stream->channel, entry), NULL};
        }
    }
    return (struct made){0};
}

/* Removals that were forgotten, events that have left the log: what the client holds cannot be
 * continued. */
static void check_continuity(struct streams *s, struct stream *stream)
{
    if (stream->channel->kind == CHANNEL_WS_IDLE) {
        return;
    }
    if (channel_has_events(stream->channel->kind)) {
        if (stream->mark < eventlog_floor(s->events)) {
            stream->reset = true;
            stream->mark = s->events_seen;
        }
        return;
    }
    const bool knows_something = stream->mark != 0 || stream->resume != NULL;
    if ((knows_something && stream->mark < store_forgotten(s->store)) ||
        ws_stream_outdated(stream, store_forgotten(s->store))) {
        ws_stream_forget_held(stream);
        stream->reset = true;
        stream->mark = 0;
        stream->unknown_until = store_last_change(s->store);
        free(stream->resume);
        stream->resume = NULL;
    }
}

/* ---- Walks: gathering and sending ---- */

/* Returns it until the next one is added. */
static struct piece *add_piece(struct streams *s, struct made made, uint64_t mark)
{
    if (s->piece_count == s->piece_cap) {
        s->piece_cap = s->piece_cap != 0 ? s->piece_cap * 2 : 64;
        s->pieces = x_reallocarray(s->pieces, s->piece_cap, sizeof *s->pieces);
    }
    buf_append_str(&s->gather, made.bytes);
    struct piece *piece = &s->pieces[s->piece_count++];
    *piece = (struct piece){.end = s->gather.len, .mark = mark};
    piece->shared = made.shared != NULL ? blob_ref(made.shared) : NULL;
    return piece;
}

static struct str unfinished_rest(const struct stream *stream)
{
    const struct blob *blob = stream->unfinished;
    return (struct str){blob->data + stream->unfinished_at, blob->len - stream->unfinished_at};
}

/* Control frames of a WebSocket go out between others. */
static void gather_control(struct streams *s, struct stream *stream)
{
    for (enum ws_control control = WS_CONTROL_PING; control <= WS_CONTROL_CLOSE; control++) {
        buf_clear(&s->ws_frame);
        if (ws_stream_control(stream, control, &s->ws_frame)) {
            add_piece(s, (struct made){buf_str(&s->ws_frame), NULL}, stream->mark)->control =
                control;
        }
    }
}

static void gather(struct streams *s, struct stream *stream)
{
    const size_t limit = stream->slow ? GATHER_SLOW_BYTES : GATHER_BYTES;
    s->piece_count = 0;
    buf_clear(&s->gather);
    if (stream->unfinished != NULL) {
        add_piece(s, (struct made){unfinished_rest(stream), NULL}, stream->mark)->rest = true;
    }
    if (ws_stream_closed(stream)) {
        return;
    }
    if (stream->reset) {
        stream->reset = false;
        buf_clear(&s->frame);
        render_reset(&s->frame, !channel_has_events(stream->channel->kind));
        add_piece(s, made_sse(s, stream, buf_str(&s->frame)), stream->mark)->reset = true;
    }
    const bool pong_last = ws_stream_pong_last(stream);
    if (stream->websocket && !pong_last) {
        gather_control(s, stream);
    }
    if (ws_stream_closing(stream)) {
        return; /* a close frame, and nothing follows */
    }
    while (s->gather.len < limit) {
        const struct made made = channel_has_events(stream->channel->kind)
                                     ? next_event_frame(s, stream)
                                     : next_tile_frame(s, stream);
        if (made.bytes.p == NULL) {
            break;
        }
        add_piece(s, made, stream->mark);
    }
    if (pong_last) {
        gather_control(s, stream);
    }
}

/*
 * The socket took so much of what was gathered: the walk goes on from there. Of the piece in which
 * it stopped the rest is kept, by reference where it is shared; those behind it are as if they had
 * never been made, so that later the newest values go out and not these. mark: where the gathering
 * began.
 */
static void settle(struct streams *s, struct stream *stream, size_t taken, uint64_t mark)
{
    size_t begin = 0;
    size_t i = 0;
    for (; i < s->piece_count && s->pieces[i].end <= taken; i++) {
        begin = s->pieces[i].end;
        mark = s->pieces[i].mark;
        s->counters.deliveries += !s->pieces[i].rest;
        s->counters.resets += s->pieces[i].reset;
        ws_stream_said(stream, s->pieces[i].control);
        if (s->pieces[i].rest) {
            blob_unref(&stream->unfinished);
        }
    }
    if (i == s->piece_count) {
        return; /* all: the walk may have come farther still, over what is not selected */
    }
    stream->mark = mark;
    if (s->pieces[i].rest) {
        stream->unfinished_at += (uint32_t)(taken - begin);
    } else if (taken > begin) {
        assert(stream->unfinished == NULL);
        const struct str frame = {s->gather.data + begin, s->pieces[i].end - begin};
        stream->unfinished =
            s->pieces[i].shared != NULL ? blob_ref(s->pieces[i].shared) : blob_new(frame);
        stream->unfinished_at = (uint32_t)(taken - begin);
        stream->mark = s->pieces[i].mark;
        s->counters.deliveries++;
        s->counters.resets += s->pieces[i].reset;
        ws_stream_said(stream, s->pieces[i].control);
        i++;
    }
    for (; i < s->piece_count; i++) {
        stream->reset = stream->reset || s->pieces[i].reset;
    }
}

static void go_live(struct stream *stream)
{
    stream->mode = MODE_LIVE;
    stream->slow = false;
    stream->position = stream->channel->ring.head;
    free(stream->resume);
    stream->resume = NULL;
    ws_stream_forget_held(stream);
}

static bool send_walk(struct streams *s, struct stream *stream, mono_time now)
{
    check_continuity(s, stream);
    const uint64_t mark = stream->mark;
    gather(s, stream);
    if (s->piece_count == 0) {
        if (ws_stream_closing(stream)) {
            ws_stream_shut(stream);
        } else {
            go_live(stream);
        }
        return true;
    }
    const ssize_t taken = stream_give(s, stream, buf_str(&s->gather), now);
    if (taken >= 0) {
        settle(s, stream, (size_t)taken, mark);
    }
    for (size_t i = 0; i < s->piece_count; i++) {
        blob_unref(&s->pieces[i].shared);
    }
    return taken >= 0;
}

/* A large frame is not copied for each attempt at sending it. */
static bool send_unfinished(struct streams *s, struct stream *stream, mono_time now)
{
    const struct str rest = unfinished_rest(stream);
    const ssize_t taken = stream_give(s, stream, rest, now);
    if (taken < 0) {
        return false;
    }
    stream->unfinished_at += (uint32_t)taken;
    if ((size_t)taken == rest.len) {
        blob_unref(&stream->unfinished);
    }
    return true;
}

/* ---- Passes ---- */

/* One send(). False when the connection is gone. */
static bool advance(struct streams *s, struct stream *stream, mono_time now)
{
    if (stream->mode == MODE_LIVE) {
        return send_live(s, stream, now);
    }
    if (stream->unfinished != NULL &&
        stream->unfinished->len - stream->unfinished_at > GATHER_SLOW_BYTES) {
        return send_unfinished(s, stream, now);
    }
    return send_walk(s, stream, now);
}

bool stream_has_more(const struct stream *stream)
{
    return stream->mode == MODE_WALK ||
           (stream->mode == MODE_LIVE && stream->position < stream->channel->ring.head);
}

void stream_push(struct streams *s, struct stream *stream, mono_time now)
{
    for (int i = 0; i < PUSH_SENDS && !stream->blocked && stream_has_more(stream); i++) {
        if (!advance(s, stream, now)) {
            stream_lost(s, stream);
            return;
        }
    }
    if (!stream->blocked && stream_has_more(stream)) {
        channel_schedule(s, stream->channel);
    }
}

/* The pass is over: off the list, or to its end, for the channels take turns. */
static void finish_pass(struct streams *s, struct channel *channel)
{
    DL_DELETE(s->work, channel);
    channel_written(s, channel, channel->pass_until);
    channel->pass = 0;
    if (channel->again) {
        channel->again = false;
        DL_APPEND(s->work, channel);
    } else {
        channel->pending = false;
    }
}

/* Each send() of the kernel drives what lies in the caches out of them, the records of the streams
 * that are next with it. While one runs, they come back. */
static void prefetch_next(const struct streams *s, const struct channel *channel)
{
    const size_t next = channel->pass + PREFETCH_AHEAD;
    if (next < channel->stream_count) {
        const struct stream *stream = &s->table[channel->streams[next]];
        __builtin_prefetch(&stream->fd, 1);
        __builtin_prefetch(&stream->position, 1); /* may be on another line */
    }
}

bool streams_run(struct streams *s, unsigned budget, mono_time now)
{
    while (s->work != NULL && budget != 0) {
        struct channel *channel = s->work;
        if (channel->pass == 0) {
            channel->pass_until = channel->ring.head;
        }
        if (channel->pass >= channel->stream_count) {
            finish_pass(s, channel);
            continue;
        }
        prefetch_next(s, channel);
        struct stream *stream = &s->table[channel->streams[channel->pass]];
        if (stream->blocked || !stream_has_more(stream)) {
            channel->pass++;
        } else if (budget--, !advance(s, stream, now)) {
            stream_lost(s, stream); /* another takes its slot; or the channel is gone */
        }
    }
    return s->work != NULL;
}
