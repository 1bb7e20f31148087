/* SPDX-License-Identifier: Apache-2.0 */
/* The stream engine's way in: what changes is encoded once per channel and put into its log. */
#include <sys/types.h>

#include "common/base/error.h"
#include "gateway/stream/render.h"
#include "gateway/stream/streams_state.h"

void stream_fall_out(struct stream *stream)
{
    const struct channel *channel = stream->channel;
    uint64_t mark_before;
    const struct frame_end frame = channel_frame_at(channel, stream->position, &mark_before);
    const bool inside = !channel_at_boundary(channel, stream->position);
    if (inside) {
        const struct str rest = ring_from(&channel->ring, stream->position);
        stream->unfinished =
            blob_new((struct str){rest.p, (size_t)(frame.position - stream->position)});
        stream->unfinished_at = 0;
    }
    stream->mark = inside ? frame.mark : mark_before;
    stream->mode = MODE_WALK;
    stream->unknown_until = 0;
}

/* The log runs away from live streams that stand before the position. */
static void leave_behind(struct streams *s, struct channel *channel, uint64_t position)
{
    uint64_t slowest = channel->ring.head; /* who becomes live later stands there or behind it */
    for (size_t i = 0; i < channel->stream_count; i++) {
        struct stream *stream = &s->table[channel->streams[i]];
        if (stream->mode != MODE_LIVE) {
            continue;
        }
        if (stream->position < position) {
            stream_fall_out(stream);
            s->counters.conflated++;
        } else if (stream->position < slowest) {
            slowest = stream->position;
        }
    }
    channel->slowest = slowest;
}

void channel_written(struct streams *s, struct channel *channel, uint64_t position)
{
    const enum latency_kind kind = channel_has_events(channel->kind) ? LATENCY_EVENT : LATENCY_TILE;
    const mono_time now =
        s->latency != NULL && channel->unmeasured != 0 ? clock_mono() : MONO_NEVER;
    const struct latency_stamp *stamp;
    while ((stamp = channel_measure(channel, position)) != NULL) {
        if (s->latency != NULL) {
            latency_written(s->latency, kind, stamp, now);
        }
    }
}

static void clear_stamp(struct streams *s)
{
    s->stamp = (struct latency_stamp){0};
}

static void append(struct streams *s, struct channel *channel, struct str frame, uint64_t mark)
{
    const uint64_t until = channel_crowded(channel, frame.len);
    if (until == UINT64_MAX) {
        /* It fits no log: all streams fetch it as a walk. */
        channel_written(s, channel, UINT64_MAX);
        leave_behind(s, channel, channel->ring.head + 1);
        channel_forget(channel, mark);
        channel_schedule(s, channel);
        return;
    }
    if (until != 0) {
        if (channel->slowest < until) {
            leave_behind(s, channel, until);
        }
        channel_written(s, channel, until); /* at least that long */
        channel_drop(channel, until);
    }
    channel_append(channel, frame, mark);
    channel_stamp(channel, &s->stamp);
    s->counters.frames++;
    s->counters.deliveries += channel->stream_count;
    channel_schedule(s, channel);
}

/* ---- Tiles ---- */

/* The frame that all channels of the kind get for this change. Borrowed until the next one. */
static struct str tile_frame(struct streams *s, const struct tile *tile, enum store_change change,
                             const mp_value *patch, struct version base)
{
    const struct rendered_tile *rendered = tile->cache;
    buf_clear(&s->frame);
    if (change == STORE_REMOVED) {
        render_expired(&s->frame, rendered->cursor, (struct str){tile->key, tile->key_len});
    } else if (patch != NULL) {
        render_patch(&s->frame, rendered->cursor, tile, patch, base);
    } else {
        return blob_str(render_tile(tile)->frame);
    }
    return buf_str(&s->frame);
}

static void feed_kind(struct streams *s, enum channel_kind kind, const struct tile *tile,
                      enum store_change change, const mp_value *patch, struct version base)
{
    struct str frame = {0};
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        if (channel->kind != kind ||
            !selection_matches(&channel->selection, (struct str){tile->key, tile->key_len})) {
            continue;
        }
        if (frame.len == 0) {
            frame = tile_frame(s, tile, change, patch, base);
            frame = channel_is_websocket(kind) ? websocket_frame(s, frame, true) : frame;
        }
        append(s, channel, frame, tile->change);
    }
}

/* Not what time alone changed, nor what came in a snapshot: it tells no arrival. */
static void stamp_tile(struct streams *s, const struct tile *tile, enum store_change change)
{
    const struct rendered_tile *rendered = tile->cache;
    if (s->latency != NULL && change == STORE_CHANGED && rendered->news) {
        const struct latency_times times = {tile->source, tile->arrival, tile->published_at};
        s->stamp = latency_received(s->latency, LATENCY_TILE, &times, clock_now());
    }
}

void streams_tile(struct streams *s, const struct tile *tile, enum store_change change,
                  const mp_value *patch, struct version base)
{
    if (change != STORE_REFRESHED) {
        stamp_tile(s, tile, change);
        feed_kind(s, CHANNEL_TILES, tile, change, NULL, base);
        feed_kind(s, CHANNEL_PATCHES, tile, change, patch, base);
        feed_kind(s, CHANNEL_WS_TILES, tile, change, NULL, base);
        feed_kind(s, CHANNEL_WS_PATCHES, tile, change, patch, base);
        clear_stamp(s);
    }
}

/* ---- Events ---- */

/* The numbering began anew, or events were lost: all that streams were given is history, and the
 * marks in the logs mean nothing any more. Each is told so, after the frame it is in. */
static void reset_events(struct streams *s)
{
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        if (!channel_has_events(channel->kind)) {
            continue;
        }
        for (size_t k = 0; k < channel->stream_count; k++) {
            struct stream *stream = &s->table[channel->streams[k]];
            if (stream->mode == MODE_LIVE) {
                stream_fall_out(stream);
            }
            stream->reset = true;
            stream->mark = s->events_seen;
        }
        channel_forget(channel, s->events_seen);
        channel_schedule(s, channel);
    }
}

static void stamp_event(struct streams *s, const struct eventlog_entry *entry)
{
    if (s->latency != NULL && entry->timestamp.us != 0) { /* else it is no news */
        const struct latency_times times = {entry->timestamp, entry->arrival, entry->published_at};
        s->stamp = latency_received(s->latency, LATENCY_EVENT, &times, clock_now());
    }
}

void streams_events(struct streams *s)
{
    if (eventlog_generation(s->events) != s->events_generation ||
        s->events_seen < eventlog_floor(s->events)) { /* more came at once than the log holds */
        s->events_generation = eventlog_generation(s->events);
        s->events_seen =
            eventlog_last(s->events); /* what the new log begins with is history, too */
        reset_events(s);
        return;
    }
    struct eventlog_entry *entry;
    while ((entry = eventlog_after(s->events, s->events_seen)) != NULL) {
        s->events_seen = entry->ordinal;
        stamp_event(s, entry);
        for (size_t i = 0; i < s->channel_count; i++) {
            struct channel *channel = s->channels[i];
            if (channel_has_events(channel->kind) &&
                selection_matches(&channel->selection, entry->event_type)) {
                append(s, channel, event_frame(s, channel, entry), entry->ordinal);
            }
        }
        clear_stamp(s);
    }
    s->events_seen = eventlog_last(s->events);
}

void streams_heartbeat(struct streams *s, wall_time now, wall_time as_of)
{
    buf_clear(&s->frame);
    render_heartbeat(&s->frame, now, as_of);
    const struct str websocket = websocket_frame(s, buf_str(&s->frame), true);
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        const uint64_t mark =
            channel_has_events(channel->kind) ? s->events_seen : store_last_change(s->store);
        append(s, channel, channel_is_websocket(channel->kind) ? websocket : buf_str(&s->frame),
               mark);
    }
}
