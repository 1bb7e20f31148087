/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the stream engine share: streams.c (coming and going), streams_send.c
 * (sockets), streams_feed.c (what is put into the channels' logs).
 */
#ifndef GATEWAY_STREAM_STREAMS_STATE_H
#define GATEWAY_STREAM_STREAMS_STATE_H

#include "gateway/stream/streams.h"
#include "gateway/ws/session.h"

#define NO_STREAM UINT32_MAX

enum stream_mode { MODE_FREE, MODE_LIVE, MODE_WALK, MODE_CLOSED };

/*
 * At most 128 bytes: tens of thousands of these are what a gateway is made of.
 *
 *   MODE_LIVE  has all that its channel's log holds before `position`; nothing is unfinished
 *   MODE_WALK  was given all up to `mark`, and all of `unfinished` up to `unfinished_at`
 *   MODE_CLOSED  a WebSocket that was sent its close frame: only the client's end is waited for
 */
struct stream {
    int fd;
    uint32_t slot; /* in its channel's streams; MODE_FREE: the next free record */
    enum stream_mode mode : 8;
    bool blocked : 1;   /* the socket is full: epoll tells when it is not */
    bool slow : 1;      /* it was, since it last was LIVE */
    bool reset : 1;     /* to be told `reset` before all else */
    bool timed_out : 1; /* the kernel said so */
    bool websocket : 1;
    bool unsubscribed : 1; /* WebSocket: from some tiles once, that may have gone unsaid since */
    bool ping : 1;         /* WebSocket: to be sent a ping, */
    bool pinged : 1;       /* was sent one, and has been silent since */
    uint32_t progress_s;   /* when it last accepted something; monotonic seconds */
    uint32_t ends_s;       /* when it is too old */
    struct channel *channel;
    union {
        uint64_t position;      /* MODE_LIVE: in the channel's log */
        uint64_t unknown_until; /* MODE_WALK over tiles: removals up to this change are of tiles
                                   that the client was never given */
    };
    uint64_t mark;           /* MODE_WALK: change number or ordinal */
    struct blob *unfinished; /* a frame sent in part; goes out before all else */
    uint32_t unfinished_at;
    struct cursor *resume; /* MODE_WALK: the client has what is not newer than this; or NULL */
    struct ip address;
    struct ws_side *ws;     /* WebSocket: what is half-way; mostly NULL */
    uint32_t heard_s;       /* WebSocket: when its client last sent something */
    uint32_t busy_until_ms; /* WebSocket: how far its client's frames are ahead of the clock */
};
_Static_assert(sizeof(struct stream) <= 128, "a stream's record has grown too large");

/* A piece of what a walk has gathered: where it ends, and what has been said by then. */
struct piece {
    struct blob *shared; /* the frame, where it is kept by others, too; else NULL */
    size_t end;          /* in the gathered bytes */
    uint64_t mark;
    bool reset;              /* it is the `reset` frame */
    bool rest;               /* it is what was unfinished, from unfinished_at */
    enum ws_control control; /* of a WebSocket: what it is, if it is a control frame */
};

struct streams {
    struct streams_config config;
    struct store *store;
    struct eventlog *events;
    int epoll;
    void (*closed)(void *arg, const struct ip *address);
    void *arg;
    struct stream *table;
    uint32_t table_count; /* used so far */
    uint32_t table_cap;
    uint32_t first_free;
    size_t count;
    struct channel **channels;
    size_t channel_count;
    struct channel *work; /* channels with `pending`; they take turns, pass by pass */
    uint64_t events_seen; /* ordinal of the last event that is in the logs */
    uint32_t events_generation;
    struct buf gather; /* scratch of walks: the bytes, */
    struct piece *pieces;
    size_t piece_count;
    size_t piece_cap;    /* bounded by what fits into GATHER_BYTES */
    struct buf frame;    /* scratch of frames, */
    struct buf ws_frame; /* and of those of WebSockets */
    struct ws_parser *ws_parser;
    struct streams_input input; /* what it may be given */
    bool (*can_resume)(void *arg, const struct cursor *cursor);
    uint64_t random;
    struct streams_counters counters;
    struct latency *latency;    /* NULL: nothing is measured */
    struct latency_stamp stamp; /* of what is being put into logs */
};

static inline uint32_t whole_seconds(mono_time t)
{
    return (uint32_t)(t.us / US_PER_S);
}

/* ---- streams.c ---- */

/* The channel of that kind and selection, which is taken over if it makes one. NULL: too many. */
struct channel *channel_for(struct streams *s, enum channel_kind kind, struct selection *selection);

/* The stream goes on in another channel, as a walk from its mark. */
void stream_move(struct streams *s, struct stream *stream, struct channel *channel);

/* Closes the socket and forgets the stream; its channel, too, if it was the last one there. */
void stream_end(struct streams *s, struct stream *stream);

/* Ends a stream whose connection is over: its client closed it, or vanished. */
void stream_lost(struct streams *s, struct stream *stream);

/* The channel's streams are gone through once more, after the pass that may be under way. */
void channel_schedule(struct streams *s, struct channel *channel);

/* ---- streams_feed.c ---- */

/* A live stream goes on as a walk, after the frame it is in. */
void stream_fall_out(struct stream *stream);

/* Enters how long the frames up to the position took. Each stream has them that takes any. */
void channel_written(struct streams *s, struct channel *channel, uint64_t position);

/* ---- streams_send.c ---- */

/* One send(). Returns how much was taken; -1 when the connection is gone. */
ssize_t stream_give(struct streams *s, struct stream *stream, struct str bytes, mono_time now);

/* Sends what there is, within reason; the rest has its turn with the others. The stream may end. */
void stream_push(struct streams *s, struct stream *stream, mono_time now);

bool stream_has_more(const struct stream *stream);

/* The event as the channel's streams get it. Borrowed until the next frame is made. */
struct str event_frame(struct streams *s, const struct channel *channel,
                       struct eventlog_entry *entry);

/* What the SSE frame says as a WebSocket's frame. Borrowed until the next one is made. */
struct str websocket_frame(struct streams *s, struct str sse, bool with_id);

#endif
