/*
 * What the files of the stream engine share: streams.c (coming and going), streams_send.c
 * (sockets), streams_feed.c (what is put into the channels' logs).
 */
#ifndef GATEWAY_STREAMS_STATE_H
#define GATEWAY_STREAMS_STATE_H

#include "gateway/streams.h"

#define NO_STREAM UINT32_MAX

enum stream_mode { MODE_FREE, MODE_LIVE, MODE_WALK };

/*
 * At most 128 bytes: tens of thousands of these are what a gateway is made of.
 *
 *   MODE_LIVE  has all that its channel's log holds before `position`; nothing is unfinished
 *   MODE_WALK  was given all up to `mark`, and all of `unfinished` up to `unfinished_at`
 */
struct stream {
    int fd;
    uint32_t slot; /* in its channel's streams; MODE_FREE: the next free record */
    enum stream_mode mode : 8;
    bool blocked : 1;    /* the socket is full: epoll tells when it is not */
    bool slow : 1;       /* it was, since it last was LIVE */
    bool reset : 1;      /* to be told `reset` before all else */
    uint32_t progress_s; /* when it last accepted something; monotonic seconds */
    uint32_t ends_s;     /* when it is too old */
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
};
_Static_assert(sizeof(struct stream) <= 128, "a stream's record has grown too large");

/* A piece of what a walk has gathered: where it ends, and what has been said by then. */
struct piece {
    struct blob *frame;
    size_t end; /* in the gathered bytes */
    uint64_t mark;
    bool reset; /* it is the `reset` frame */
    bool rest;  /* it is what was unfinished, from unfinished_at */
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
    size_t piece_cap; /* bounded by what fits into GATHER_BYTES */
    struct buf frame; /* scratch of frames */
    uint64_t random;
    struct streams_counters counters;
};

static inline uint32_t whole_seconds(mono_time t)
{
    return (uint32_t)(t.us / US_PER_S);
}

/* ---- streams.c ---- */

/* Closes the socket and forgets the stream; its channel, too, if it was the last one there. */
void stream_end(struct streams *s, struct stream *stream);

/* The channel's streams are gone through once more, after the pass that may be under way. */
void channel_schedule(struct streams *s, struct channel *channel);

/* ---- streams_send.c ---- */

/* One send(). Returns how much was taken; -1 when the connection is gone. */
ssize_t stream_give(struct streams *s, struct stream *stream, struct str bytes, mono_time now);

/* Sends what there is, within reason; the rest has its turn with the others. The stream may end. */
void stream_push(struct streams *s, struct stream *stream, mono_time now);

bool stream_has_more(const struct stream *stream);

/* The event as the channel's streams get it. Borrowed until the next frame is made. */
struct str event_frame(struct streams *s, const struct channel *channel,
                       struct eventlog_entry *entry);

#endif
