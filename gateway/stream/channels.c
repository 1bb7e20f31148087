/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/channels.h"

#include <string.h>

#include <utlist.h>

#include "common/base/table.h"
#include "gateway/stream/streams_state.h"

/* A WebSocket's channel keeps the view, because its client may select more later. Other selections
 * are narrowed once, and say in their text what else is to say of it. */
static bool has_view(const struct channel *channel, const struct view *view)
{
    return !channel_is_websocket(channel->kind) || view_equal(channel->view, view);
}

static uint32_t hash_of(const struct selection *selection)
{
    return table_hash(selection->text, strlen(selection->text));
}

struct channel *channels_find(const struct streams *s, enum channel_kind kind, enum coding coding,
                              const struct view *view, const struct selection *selection)
{
    const struct buckets_item *item = buckets_find(&s->by_selection, hash_of(selection));
    for (; item != NULL; item = buckets_again(item)) {
        struct channel *channel = item->owner;
        if (channel->kind == kind && channel->coding == coding && has_view(channel, view) &&
            strcmp(channel->selection.text, selection->text) == 0) {
            return channel;
        }
    }
    return NULL;
}

/* Where the channel's news are looked up; NULL: it has none. */
static struct channel_index *index_of(const struct streams *s, enum channel_kind kind)
{
    return kind == CHANNEL_WS_IDLE
               ? NULL
               : s->indexes[channel_has_events(kind) ? VIEW_EVENTS : VIEW_TILES];
}

/* True for what the dashboard asks for, which is everything, and for WebSockets that have asked for
 * nothing yet. */
static bool is_reserved(const struct selection *selection)
{
    return selection->count == 0 || (selection->count == 1 && selection->patterns[0].len == 0);
}

/* What a channel of the selection counts: one for each STREAMS_CHANNEL_BYTES that it takes. */
static size_t units_of(const struct selection *selection)
{
    return is_reserved(selection)
               ? 1
               : (channel_quiet_bytes(selection) - 1) / STREAMS_CHANNEL_BYTES + 1;
}

static void insert(struct streams *s, struct channel *channel)
{
    struct channel_index *index = index_of(s, channel->kind);
    channel->place = s->channel_count;
    channel->units = units_of(&channel->selection);
    s->channel_units += channel->units;
    s->channels[s->channel_count++] = channel;
    s->formats[channel->kind][channel->coding]++;
    buckets_add(&s->by_selection, &channel->by_selection, hash_of(&channel->selection), channel);
    if (index != NULL) {
        channel_index_add(index, channel);
    }
}

/* A channel of others' that is given up leaves its place to the new one. */
static bool replaces(const struct channel *left)
{
    return left != NULL && left->stream_count == 1 && !is_reserved(&left->selection);
}

enum streams_room channels_room(const struct streams *s, const struct selection *selection,
                                const struct ip *client, const struct channel *left)
{
    const size_t max = s->config.max_channels;
    const size_t units = units_of(selection);
    if (is_reserved(selection)) {
        return s->channel_units < max + STREAMS_RESERVED ? STREAMS_ROOM : STREAMS_FULL;
    }
    if (replaces(left) && units <= left->units &&
        s->channel_units + units <= max + STREAMS_RESERVED) {
        return STREAMS_ROOM;
    }
    if (s->channel_units + units > max) {
        return STREAMS_FULL;
    }
    const size_t unused = max - s->channel_units - units + 1;
    return s->accounts.may_add_channel == NULL ||
                   s->accounts.may_add_channel(s->arg, client, unused)
               ? STREAMS_ROOM
               : STREAMS_SHARE_USED;
}

struct channel *channels_get(struct streams *s, enum channel_kind kind, enum coding coding,
                             const struct view *view, struct selection *selection,
                             const struct ip *client, const struct channel *left)
{
    struct channel *channel = channels_find(s, kind, coding, view, selection);
    if (channel != NULL) {
        return channel;
    }
    if (channels_room(s, selection, client, left) != STREAMS_ROOM) {
        return NULL;
    }
    const uint64_t watermark =
        channel_has_events(kind) ? eventlog_last(s->events) : store_last_change(s->store);
    channel = channel_create(kind, coding, selection, s->config.ring_max, watermark);
    channel->view = channel_is_websocket(kind) ? view_retain(view) : NULL;
    insert(s, channel);
    return channel;
}

void channels_remove(struct streams *s, struct channel *channel)
{
    if (channel->pending) {
        DL_DELETE(s->work, channel);
    }
    struct channel_index *index = index_of(s, channel->kind);
    if (index != NULL) {
        channel_index_remove(index, channel);
    }
    buckets_remove(&s->by_selection, &channel->by_selection);
    s->log_bytes -= channel_log_bytes(channel);
    s->channel_units -= channel->units;
    s->formats[channel->kind][channel->coding]--;
    struct channel *last = s->channels[--s->channel_count];
    s->channels[channel->place] = last;
    last->place = channel->place;
    channel_destroy(&channel);
}

void channels_give_back(struct streams *s, struct channel *channel)
{
    s->log_bytes -= channel_log_bytes(channel);
    channel_give_back(channel);
    s->log_bytes += channel_log_bytes(channel);
}

void channels_schedule(struct streams *s, struct channel *channel)
{
    if (channel->pending) {
        channel->again = channel->again || channel->pass != 0;
    } else {
        channel->pending = true;
        channel->again = false;
        channel->pass = 0;
        DL_APPEND(s->work, channel);
    }
}

void channels_written(struct streams *s, struct channel *channel, uint64_t position)
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
