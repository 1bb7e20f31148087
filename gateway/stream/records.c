/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/records.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "gateway/stream/channels.h"
#include "gateway/stream/streams_state.h"

uint32_t stream_index(const struct streams *s, const struct stream *stream)
{
    return (uint32_t)(stream - s->table);
}

static uint32_t free_index(struct streams *s)
{
    if (s->first_free != STREAM_NONE) {
        const uint32_t index = s->first_free;
        s->first_free = s->table[index].slot;
        return index;
    }
    if (s->table_count == s->table_cap) {
        s->table_cap = s->table_cap != 0 ? s->table_cap * 2 : 64;
        s->table = x_reallocarray(s->table, s->table_cap, sizeof *s->table);
    }
    return s->table_count++;
}

/* Each channel is its first stream's client's. */
static void count_channel(struct streams *s, const struct channel *channel, bool more)
{
    if (s->accounts.channel != NULL) {
        s->accounts.channel(s->arg, &s->table[channel->streams[0]].address, channel->units, more);
    }
}

static void join_channel(struct streams *s, struct stream *stream, struct channel *channel)
{
    stream->channel = channel;
    channel_join(channel, stream_index(s, stream), &stream->slot);
    if (stream->slot == 0) {
        count_channel(s, channel, true);
    }
}

struct stream *stream_take(struct streams *s, struct channel *channel, int fd,
                           const struct ip *client)
{
    const uint32_t index = free_index(s);
    struct stream *stream = &s->table[index];
    *stream = (struct stream){.fd = fd, .mode = STREAM_CATCH_UP, .address = *client};
    join_channel(s, stream, channel);
    s->count++;
    return stream;
}

void stream_fall_out(struct stream *stream)
{
    const struct channel *channel = stream->channel;
    uint64_t before;
    const struct frame_end frame = channel_frame_at(channel, stream->position, &before);
    const bool inside = !channel_at_boundary(channel, stream->position);
    if (inside) {
        const struct str rest = ring_from(&channel->ring, stream->position);
        stream->unfinished =
            blob_new((struct str){rest.p, (size_t)(frame.position - stream->position)});
        stream->unfinished_at = 0;
    }
    stream->watermark = inside ? frame.watermark : before;
    stream->mode = STREAM_CATCH_UP;
    stream->unknown_until = 0;
}

static void leave_channel(struct streams *s, struct stream *stream)
{
    struct channel *channel = stream->channel;
    const bool first = stream->slot == 0;
    if (first) {
        count_channel(s, channel, false);
    }
    const uint32_t moved = channel_leave(channel, stream->slot);
    s->table[moved].slot = stream->slot;
    if (first && channel->stream_count != 0) {
        count_channel(s, channel, true);
    }
    if (channel->stream_count == 0) {
        channels_remove(s, channel);
    } else if (stream->slot < channel->pass) {
        channel->again = true; /* The one that was moved there may not have had its turn. */
    }
}

void stream_move(struct streams *s, struct stream *stream, struct channel *channel)
{
    if (stream->mode == STREAM_LIVE) {
        stream_fall_out(stream);
    }
    if (channel != stream->channel) {
        leave_channel(s, stream);
        join_channel(s, stream, channel);
    }
}

void stream_end(struct streams *s, struct stream *stream)
{
    const struct transport *transport = streams_transport(s, stream->channel->kind);
    leave_channel(s, stream);
    if (transport->end != NULL) {
        transport->end(s, stream);
    }
    s->closed(s->arg, &stream->address);
    close(stream->fd);
    stream_pause(s, stream, false);
    blob_unref(&stream->unfinished);
    known_free(&stream->known);
    *stream = (struct stream){.fd = -1, .mode = STREAM_FREE, .slot = s->first_free};
    s->first_free = stream_index(s, stream);
    s->count--;
}

void stream_lost(struct streams *s, struct stream *stream)
{
    /* The kernel tells an error once, and send() may have taken it already. */
    int error = stream->timed_out ? ETIMEDOUT : 0;
    socklen_t len = sizeof error;
    if (error == 0) {
        (void)getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    }
    if (error == ETIMEDOUT || error == EHOSTUNREACH) {
        s->counters.vanished++;
    } else {
        s->counters.closed++;
    }
    stream_end(s, stream);
}
