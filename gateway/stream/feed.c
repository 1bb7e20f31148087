/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/feed.h"

#include "gateway/stream/channels.h"
#include "gateway/stream/frames.h"
#include "gateway/stream/records.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/streams_state.h"

/* ---- Logs ---- */

/* Makes every live stream that stands before the position fall out of the log. */
static void leave_behind(struct streams *s, struct channel *channel, uint64_t position)
{
    /* A stream that becomes live later stands at the head or behind it. */
    uint64_t slowest = channel->ring.head;
    for (size_t i = 0; i < channel->stream_count; i++) {
        struct stream *stream = &s->table[channel->streams[i]];
        if (stream->mode != STREAM_LIVE) {
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

/* Makes room in the channel's log, as channel_crowded says. */
static uint64_t crowded(struct streams *s, struct channel *channel, size_t len)
{
    const size_t before = channel_log_bytes(channel);
    const size_t spare = s->logs_max > s->log_bytes ? s->logs_max - s->log_bytes : 0;
    const uint64_t until = channel_crowded(channel, len, spare);
    s->log_bytes += channel_log_bytes(channel) - before;
    return until;
}

static void append(struct streams *s, struct channel *channel, struct str frame, uint64_t watermark)
{
    const uint64_t until = crowded(s, channel, frame.len);
    if (until == UINT64_MAX) {
        /* It fits no log: all streams fetch it as a catch-up. */
        channels_written(s, channel, UINT64_MAX);
        leave_behind(s, channel, channel->ring.head + 1);
        channel_forget(channel, watermark);
        s->counters.unlogged++;
        channels_schedule(s, channel);
        return;
    }
    if (until != 0) {
        if (channel->slowest < until) {
            leave_behind(s, channel, until);
        }
        channels_written(s, channel, until); /* The frames took at least that long. */
        channel_drop(channel, until);
    }
    const size_t before = channel_log_bytes(channel);
    channel_append(channel, frame, watermark);
    channel_stamp(channel, &s->stamp);
    s->log_bytes += channel_log_bytes(channel) - before;
    s->counters.frames++;
    s->counters.deliveries += channel->stream_count;
    channels_schedule(s, channel);
}

/* ---- Formats ---- */

/* What the bytes of a frame depend on, besides what its channel's clients may see. */
struct format {
    enum channel_kind kind;
    enum coding coding;
};
#define FORMATS (CHANNEL_KINDS * CODINGS)

static struct format format_at(unsigned i)
{
    return (struct format){(enum channel_kind)(i / CODINGS), (enum coding)(i % CODINGS)};
}

static bool is_used(const struct streams *s, unsigned i)
{
    return s->formats[format_at(i).kind][format_at(i).coding] != 0;
}

static bool has_format(const struct channel *channel, struct format format)
{
    return channel->kind == format.kind && channel->coding == format.coding;
}

static void clear_stamp(struct streams *s)
{
    s->stamp = (struct latency_stamp){0};
}

/* ---- Tiles ---- */

/* A change of one tile, on its way into the logs. */
struct news {
    const struct tile *tile;
    enum store_change change;
    const mp_value *patch;
    struct version base;
    /* The patch with all fields, or the removal, once it is rendered; it is the same for both
     * transports. */
    struct message message;
};

static const struct lens clear;

static bool takes_patches(enum channel_kind kind)
{
    return kind == CHANNEL_PATCHES || kind == CHANNEL_WS_PATCHES;
}

static const struct message *brief_message(struct streams *s, struct news *news)
{
    const struct tile *tile = news->tile;
    const struct rendered_tile *rendered = tile->cache;
    if (news->message.json.p == NULL) {
        news->message =
            news->change == STORE_REMOVED
                ? render_expired(&s->json, rendered->cursor, (struct str){tile->key, tile->key_len})
                : render_patch(&s->json, rendered->cursor, tile, news->patch, news->base, clear);
    }
    return &news->message;
}

/* The frame that all channels of the kind and coding get whose selections have no view. Borrowed
 * until the next one is made. Frames of WebSockets are not kept here: most tiles change again
 * before anybody catches up. */
static struct str news_frame(struct streams *s, const struct channel *channel, struct news *news)
{
    const bool brief =
        news->change == STORE_REMOVED || (news->patch != NULL && takes_patches(channel->kind));
    if (brief) {
        return frames_make(s, channel, brief_message(s, news), &s->frame);
    }
    if (channel->coding == CODING_CHUNKED) {
        return blob_str(frames_tile(s, channel, news->tile));
    }
    const struct message whole = render_tile_message(news->tile, render_tile(news->tile, clear));
    return frames_make(s, channel, &whole, &s->frame);
}

/* The same for those who see it with the view of a selection; it does not touch the other one. */
static struct str narrow_frame(struct streams *s, const struct channel *channel,
                               const struct news *news)
{
    const struct selection *selection = &channel->selection;
    const struct tile *tile = news->tile;
    const struct str key = {tile->key, tile->key_len};
    struct message message;
    if (news->change == STORE_REMOVED) {
        message = render_expired(&s->narrow_json, "", key);
        message.id = frames_id(s, selection, tile);
    } else if (news->patch != NULL && takes_patches(channel->kind)) {
        message = render_patch(&s->narrow_json, "", tile, news->patch, news->base,
                               selection_lens(selection, key));
        message.id = frames_id(s, selection, tile);
    } else {
        message = frames_seen(s, selection, tile);
    }
    return frames_make(s, channel, &message, &s->narrow_frame);
}

/* True when both are narrowed by views that show the same, so that one frame is for both. */
static bool sees_the_same(const struct selection *a, const struct selection *b)
{
    return a->view == b->view ||
           str_equal(view_text(a->view, a->kind), view_text(b->view, b->kind));
}

/* Makes one frame for all selections without a view, and one for each view that comes in a row. */
static void feed_format(struct streams *s, struct format format, struct news *news,
                        struct channel *const *wanting, size_t count)
{
    const struct selection *narrow_for = NULL;
    struct str narrow = {0};
    struct str whole = {0};
    for (size_t i = 0; i < count; i++) {
        struct channel *channel = wanting[i];
        const struct selection *selection = &channel->selection;
        if (!has_format(channel, format)) {
            continue;
        }
        if (selection->view == NULL) {
            whole = whole.len != 0 ? whole : news_frame(s, channel, news);
            append(s, channel, whole, news->tile->change);
            continue;
        }
        if (narrow_for == NULL || !sees_the_same(selection, narrow_for)) {
            narrow = narrow_frame(s, channel, news);
            narrow_for = selection;
        }
        append(s, channel, narrow, news->tile->change);
    }
}

/* Stamps only changes that a row made: what time alone changed or a snapshot brought has no
 * arrival. */
static void stamp_tile(struct streams *s, const struct tile *tile, enum store_change change)
{
    const struct rendered_tile *rendered = tile->cache;
    if (s->latency != NULL && change == STORE_CHANGED && rendered->news) {
        const struct latency_times times = {tile->source, tile->arrival, tile->published_at};
        s->stamp = latency_received(s->latency, LATENCY_TILE, &times, clock_now());
    }
}

void feed_tile(struct streams *s, const struct tile *tile, enum store_change change,
               const mp_value *patch, struct version base)
{
    struct news news = {tile, change, patch, base, {STR_NULL, STR_NULL, STR_NULL}};
    if (change != STORE_REFRESHED) {
        size_t count;
        struct channel *const *wanting = channel_index_find(
            s->indexes[VIEW_TILES], (struct str){tile->key, tile->key_len}, tile->number, &count);
        stamp_tile(s, tile, change);
        for (unsigned i = 0; i < FORMATS && count != 0; i++) {
            if (is_used(s, i) && !channel_has_events(format_at(i).kind)) {
                feed_format(s, format_at(i), &news, wanting, count);
            }
        }
        clear_stamp(s);
    }
}

/* ---- Events ---- */

/* The numbering began anew, or events were lost: all that streams were given is history, and the
 * watermarks in the logs mean nothing any more. Each is told so, after the frame it is in. */
static void reset_events(struct streams *s)
{
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        if (!channel_has_events(channel->kind)) {
            continue;
        }
        for (size_t k = 0; k < channel->stream_count; k++) {
            struct stream *stream = &s->table[channel->streams[k]];
            if (stream->mode == STREAM_LIVE) {
                stream_fall_out(stream);
            }
            stream->reset = true;
            stream->watermark = s->events_seen;
        }
        channel_forget(channel, s->events_seen);
        channels_schedule(s, channel);
    }
}

static void stamp_event(struct streams *s, const struct eventlog_entry *entry)
{
    if (s->latency != NULL &&
        entry->timestamp.us != 0) { /* An event without a timestamp is no news. */
        const struct latency_times times = {entry->timestamp, entry->arrival, entry->published_at};
        s->stamp = latency_received(s->latency, LATENCY_EVENT, &times, clock_now());
    }
}

/* One frame serves all channels of a lens that come in a row. */
static void feed_event_format(struct streams *s, struct format format, struct eventlog_entry *entry,
                              struct channel *const *wanting, size_t count)
{
    struct lens made_through = clear;
    struct str frame = {0};
    for (size_t i = 0; i < count; i++) {
        struct channel *channel = wanting[i];
        if (!has_format(channel, format)) {
            continue;
        }
        const struct lens lens = selection_lens(&channel->selection, entry->event_type);
        if (frame.len == 0 || !lens_equal(lens, made_through)) {
            const struct message message = frames_event(channel->kind, entry, lens);
            made_through = lens;
            frame = frames_make(s, channel, &message, &s->frame);
        }
        append(s, channel, frame, entry->ordinal);
    }
}

static void feed_event(struct streams *s, struct eventlog_entry *entry)
{
    size_t count;
    struct channel *const *wanting =
        channel_index_find(s->indexes[VIEW_EVENTS], entry->event_type, entry->type, &count);
    for (unsigned i = 0; i < FORMATS && count != 0; i++) {
        if (is_used(s, i) && channel_has_events(format_at(i).kind)) {
            feed_event_format(s, format_at(i), entry, wanting, count);
        }
    }
}

void feed_events(struct streams *s)
{
    if (eventlog_generation(s->events) != s->events_generation ||
        s->events_seen < eventlog_floor(s->events)) { /* More came at once than the log holds. */
        s->events_generation = eventlog_generation(s->events);
        s->events_seen =
            eventlog_last(s->events); /* What the new log begins with is history, too. */
        reset_events(s);
        return;
    }
    struct eventlog_entry *entry;
    while ((entry = eventlog_after(s->events, s->events_seen)) != NULL) {
        s->events_seen = entry->ordinal;
        stamp_event(s, entry);
        feed_event(s, entry);
        clear_stamp(s);
    }
    s->events_seen = eventlog_last(s->events);
}

/* ---- Heartbeats ---- */

void feed_heartbeat(struct streams *s, wall_time now, wall_time as_of, const char *page)
{
    const struct message message = render_heartbeat(&s->json, now, as_of, page);
    for (unsigned f = 0; f < FORMATS; f++) {
        struct str frame = {0};
        for (size_t i = 0; i < s->channel_count && is_used(s, f); i++) {
            struct channel *channel = s->channels[i];
            if (!has_format(channel, format_at(f))) {
                continue;
            }
            frame = frame.len != 0 ? frame : frames_make(s, channel, &message, &s->frame);
            append(s, channel, frame,
                   channel_has_events(channel->kind) ? s->events_seen
                                                     : store_last_change(s->store));
        }
    }
}
