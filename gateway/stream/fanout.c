/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/fanout.h"

#include <utlist.h>

#include "gateway/stream/catch_up.h"
#include "gateway/stream/channels.h"
#include "gateway/stream/records.h"
#include "gateway/stream/send.h"
#include "gateway/stream/streams_state.h"

#define PUSH_SENDS 4     /* Calls of send() before the other streams get their turn. */
#define PREFETCH_AHEAD 2 /* Streams of a pass whose records are on their way into the caches. */

/* ---- One stream ---- */

/* Sends everything that the log has for the stream. */
static bool send_live(struct streams *s, struct stream *stream, mono_time now)
{
    const struct str bytes = ring_from(&stream->channel->ring, stream->position);
    if (bytes.len == 0) {
        return true;
    }
    const ssize_t taken = stream_send(s, stream, bytes, now);
    if (taken < 0) {
        return false;
    }
    stream->position += (uint64_t)taken;
    return true;
}

/* Calls send() at most once. False when the connection is gone. */
static bool advance(struct streams *s, struct stream *stream, mono_time now)
{
    s->turn_sends = 1;
    return stream->mode == STREAM_LIVE ? send_live(s, stream, now)
                                       : stream_catch_up(s, stream, now);
}

bool stream_has_more(const struct stream *stream)
{
    return stream->mode == STREAM_CATCH_UP ||
           (stream->mode == STREAM_LIVE && stream->position < stream->channel->ring.head);
}

void stream_push(struct streams *s, struct stream *stream, mono_time now)
{
    int left = PUSH_SENDS;
    while (left > 0 && !stream_waits(stream) && stream_has_more(stream)) {
        if (!advance(s, stream, now)) {
            stream_lost(s, stream);
            return;
        }
        left -= (int)s->turn_sends;
    }
    if (!stream_waits(stream) && stream_has_more(stream)) {
        channels_schedule(s, stream->channel);
    }
}

/* ---- Passes ---- */

/* Ends a pass: the channel leaves the list, or goes to its end if another pass is due, so that the
 * channels take turns. */
static void finish_pass(struct streams *s, struct channel *channel)
{
    DL_DELETE(s->work, channel);
    channels_written(s, channel, channel->pass_until);
    channel->pass = 0;
    if (channel->again) {
        channel->again = false;
        DL_APPEND(s->work, channel);
    } else {
        channel->pending = false;
        if (!channel->behind) {
            channels_give_back(s, channel);
        }
    }
}

/* True when it was left out of the pass, or could not take all of it: it needs the log still. */
static bool is_behind(const struct stream *stream)
{
    return stream->mode == STREAM_LIVE && stream->position < stream->channel->ring.head;
}

/* send() evicts the next streams' records from the caches, so they are prefetched meanwhile. */
static void prefetch_next(const struct streams *s, const struct channel *channel)
{
    const size_t next = channel->pass + PREFETCH_AHEAD;
    if (next < channel->stream_count) {
        const struct stream *stream = &s->table[channel->streams[next]];
        __builtin_prefetch(&stream->fd, 1);
        __builtin_prefetch(&stream->position, 1); /* It may be on another line. */
    }
}

bool fanout_run(struct streams *s, unsigned budget, mono_time now)
{
    while (s->work != NULL && budget != 0) {
        struct channel *channel = s->work;
        if (channel->pass == 0) {
            channel->pass_until = channel->ring.head;
            channel->behind = false;
        }
        if (channel->pass >= channel->stream_count) {
            finish_pass(s, channel);
            continue;
        }
        prefetch_next(s, channel);
        struct stream *stream = &s->table[channel->streams[channel->pass]];
        if (stream_waits(stream) || !stream_has_more(stream)) {
            channel->behind = channel->behind || is_behind(stream);
            channel->pass++;
            continue;
        }
        if (!advance(s, stream, now)) {
            stream_lost(s, stream); /* Another stream takes its slot, or the channel is gone. */
        }
        budget -= s->turn_sends < budget ? s->turn_sends : budget;
    }
    return s->work != NULL;
}
