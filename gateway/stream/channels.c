/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/channels.h"

#include <string.h>

#include <utlist.h>

#include "gateway/stream/streams_state.h"

/* A WebSocket's channel keeps the view, because its client may select more later. Other selections
 * are narrowed once, and say in their text what else is to say of it. */
static bool has_view(const struct channel *channel, const struct view *view)
{
    return !channel_is_websocket(channel->kind) || view_equal(channel->view, view);
}

struct channel *channels_find(const struct streams *s, enum channel_kind kind,
                              const struct view *view, const struct selection *selection)
{
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        if (channel->kind == kind && has_view(channel, view) &&
            strcmp(channel->selection.text, selection->text) == 0) {
            return channel;
        }
    }
    return NULL;
}

/* True for what the dashboard asks for, which is everything, and for WebSockets that have asked for
 * nothing yet. */
static bool is_reserved(const struct selection *selection)
{
    return selection->count == 0 || (selection->count == 1 && selection->patterns[0].len == 0);
}

/* A channel of others' that is given up leaves its place to the new one. */
static bool replaces(const struct channel *left)
{
    return left != NULL && left->stream_count == 1 && !is_reserved(&left->selection);
}

enum streams_room channels_room(const struct streams *s, const struct selection *selection,
                                const struct ip *client, const struct channel *left)
{
    if (is_reserved(selection)) {
        return s->channel_count < s->config.max_channels + STREAMS_RESERVED ? STREAMS_ROOM
                                                                            : STREAMS_FULL;
    }
    if (replaces(left) && s->channel_count < s->config.max_channels + STREAMS_RESERVED) {
        return STREAMS_ROOM;
    }
    if (s->channel_count >= s->config.max_channels) {
        return STREAMS_FULL;
    }
    const size_t unused = s->config.max_channels - s->channel_count;
    return s->accounts.may_add_channel == NULL ||
                   s->accounts.may_add_channel(s->arg, client, unused)
               ? STREAMS_ROOM
               : STREAMS_SHARE_USED;
}

struct channel *channels_get(struct streams *s, enum channel_kind kind, const struct view *view,
                             struct selection *selection, const struct ip *client,
                             const struct channel *left)
{
    struct channel *channel = channels_find(s, kind, view, selection);
    if (channel != NULL) {
        return channel;
    }
    if (channels_room(s, selection, client, left) != STREAMS_ROOM) {
        return NULL;
    }
    const uint64_t watermark =
        channel_has_events(kind) ? eventlog_last(s->events) : store_last_change(s->store);
    channel = channel_create(kind, selection, s->config.ring_max, watermark);
    if (channel != NULL) {
        channel->view = channel_is_websocket(kind) ? view_retain(view) : NULL;
        s->channels[s->channel_count++] = channel;
    }
    return channel;
}

void channels_remove(struct streams *s, struct channel *channel)
{
    if (channel->pending) {
        DL_DELETE(s->work, channel);
    }
    for (size_t i = 0; i < s->channel_count; i++) {
        if (s->channels[i] == channel) {
            s->channels[i] = s->channels[--s->channel_count];
            break;
        }
    }
    channel_destroy(&channel);
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
