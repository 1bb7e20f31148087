/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rooms of the stream engine share: a stream's record, and the engine itself. For them,
 * and for transports, only; everybody else uses streams.h. One thread.
 */
#ifndef GATEWAY_STREAM_STREAMS_STATE_H
#define GATEWAY_STREAM_STREAMS_STATE_H

#include "common/base/blob.h"
#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/base/latency.h"
#include "gateway/stream/channel_index.h"
#include "gateway/stream/known.h"
#include "gateway/stream/transport.h"
#include "gateway/stream/types.h"

#define STREAM_NONE UINT32_MAX

/*
 *   STREAM_FREE      the record is nobody's
 *   STREAM_LIVE      the client was sent all that the channel's log holds before `position`
 *   STREAM_CATCH_UP  the client was given all changes up to `watermark`, but for what is left of
 *                    `unfinished`
 *   STREAM_CLOSED    all is sent and the sending side is shut: the client's end is waited for
 */
enum stream_mode { STREAM_FREE, STREAM_LIVE, STREAM_CATCH_UP, STREAM_CLOSED };

/* At most 128 bytes: tens of thousands of these are what a gateway is made of. */
struct stream {
    int fd;        /* The socket. */
    uint32_t slot; /* Its place among its channel's streams. STREAM_FREE: the next free record. */
    enum stream_mode mode : 8; /* What it is doing: an enum stream_mode. */
    bool blocked : 1;          /* The socket is full: epoll tells when it is not. */
    bool slow : 1;         /* The socket was full at some time since the stream last was live. */
    bool reset : 1;        /* The client is to be told `reset` before anything else. */
    bool timed_out : 1;    /* The kernel said that the client does not answer. */
    bool unsubscribed : 1; /* The client once gave up tiles, whose removals went unsaid since. */
    bool ping : 1;         /* The transport's own: a ping is to be sent. */
    bool paused : 1;       /* Its client is in debt: it has no turn until that is over. */
    bool anew : 1;         /* Its catch-up is one that its opening did not pay for. */
    bool pinged : 1;       /* The transport's own: a ping was sent, and no answer has come since. */
    uint32_t progress_s;   /* When the socket last accepted something; monotonic seconds. */
    uint32_t ends_s;       /* When the stream is too old; monotonic seconds. */
    struct channel *channel; /* The channel that it is a stream of. */
    union {
        uint64_t position; /* STREAM_LIVE: in the channel's log. */
        /* STREAM_CATCH_UP over tiles: removals up to this change are of tiles that the client was
         * never given. */
        uint64_t unknown_until;
    };
    uint64_t watermark;      /* STREAM_CATCH_UP: a change number, or an event's ordinal. */
    struct blob *unfinished; /* A frame that was sent in part; its rest goes out before all else. */
    uint32_t unfinished_at;  /* How much of `unfinished` was sent. */
    uint32_t expires_s;      /* When it has to end, whatever is half-way; monotonic seconds. */
    struct known *known;     /* STREAM_CATCH_UP: what the client has already; NULL: nothing. */
    struct ip address;       /* The client's, which limits charge. */
    void *side;              /* The transport's own: what is half-way; mostly NULL. */
    uint32_t heard_s;        /* The transport's own: when the client last sent something. */
    uint32_t busy_until_ms;  /* The transport's own: how far the client's frames are ahead. */
};
_Static_assert(sizeof(struct stream) <= 128, "a stream's record has grown too large");

struct piece;

struct streams {
    struct streams_config config; /* What it was created with. */
    struct store *store;          /* The tiles; borrowed. */
    struct eventlog *events;      /* The events; borrowed. */
    int epoll;                    /* The gateway's, which watches the sockets; borrowed. */
    void (*closed)(void *arg, const struct ip *address); /* Told of each stream that has ended. */
    void *arg;                                           /* What `closed` is called with. */
    struct stream *table;      /* All records, those that are free included; owned. */
    uint32_t table_count;      /* Records that were used so far. */
    uint32_t table_cap;        /* Records that there is memory for. */
    uint32_t first_free;       /* Heads the list of free records; STREAM_NONE: it is empty. */
    size_t count;              /* Streams that there are. */
    struct channel **channels; /* All channels, in no order; owned. */
    size_t channel_count;      /* How many there are. */
    size_t channel_units;      /* What they count of max_channels. */
    size_t formats[CHANNEL_KINDS][CODINGS];    /* How many there are of each kind in each coding. */
    size_t log_bytes;                          /* Of all logs. */
    size_t logs_max;                           /* They do not grow beyond that. */
    struct buckets by_selection;               /* All channels, by the texts of their selections. */
    struct channel_index *indexes[VIEW_KINDS]; /* Who wants which tiles, and which events. */
    struct channel *work;       /* Channels with `pending`, which take turns, pass by pass. */
    uint64_t events_seen;       /* Ordinal of the last event that is in the logs. */
    uint32_t events_generation; /* The log's, when events_seen was set; see eventlog.h. */
    struct buf gather;          /* Scratch of catch-ups: the bytes for one send(). */
    uint64_t passed;       /* Scratch of catch-ups: entries that were passed over in this turn. */
    uint64_t steps_before; /* Scratch of catch-ups: steps of the selection before this turn. */
    uint64_t turn_steps;   /* The work that this turn of a catch-up is charged for. */
    unsigned turn_sends;   /* How many usual calls of send() the turn that was last is worth. */
    struct piece *pieces;  /* Scratch of catch-ups: what the gathered bytes are. */
    size_t piece_count;    /* How many pieces there are. */
    size_t piece_cap;      /* Bounded by what fits into the gathered bytes. */
    const struct tile *
        *named;            /* Scratch of catch-ups: the tiles of a selection without patterns. */
    size_t named_cap;      /* How many there is memory for. */
    struct packer *packer; /* Packs what catch-ups gather for CODING_GZIP; see packer.h. */
    struct deflater *deflater;  /* What makes blocks for CODING_GZIP. */
    struct buf plain;           /* Scratch: what is to be put into a coding. */
    struct buf frame;           /* Scratch: the frame that was made last. */
    struct buf json;            /* Scratch: the JSON of the message that was made last. */
    struct buf narrow_frame;    /* The same for clients who may not see all fields. */
    struct buf narrow_json;     /* The same for clients who may not see all fields. */
    struct buf id;              /* Scratch: the id of the message that was made last for a view. */
    void *ws_state;             /* What the WebSocket transport's create() made. */
    struct streams_input input; /* What clients of WebSockets may send. */
    struct streams_accounts accounts; /* What each client has been charged. */
    size_t paused;                    /* Streams that are paused. */
    uint32_t resumed_at;              /* The record with which streams_resume begins. */
    bool (*can_resume)(
        void *arg,
        const struct cursor *cursor); /* Says whether a stream can go on after a cursor. */
    uint64_t random; /* The state of the generator that jitters ages and retries. */
    struct streams_counters counters; /* What metrics show. */
    struct latency *latency;          /* NULL: nothing is measured. */
    struct latency_stamp stamp;       /* Of what is being put into logs. */
};

static inline const struct transport *streams_transport(const struct streams *s,
                                                        enum channel_kind kind)
{
    return channel_is_websocket(kind) ? s->config.websocket : s->config.sse;
}

/* What a turn of the stream's catch-up may say. */
static inline enum transport_order stream_order(const struct streams *s,
                                                const struct stream *stream)
{
    const struct transport *transport = streams_transport(s, stream->channel->kind);
    return transport->order != NULL ? transport->order(stream) : TRANSPORT_MESSAGES;
}

/* True when it is no use to give the stream a turn. */
static inline bool stream_waits(const struct stream *stream)
{
    return stream->blocked || stream->paused;
}

static inline void stream_pause(struct streams *s, struct stream *stream, bool paused)
{
    s->paused += (size_t)paused - (size_t)stream->paused;
    stream->paused = paused;
}

/* Charges the stream's client. False when it is in debt. */
static inline bool stream_charge(struct streams *s, const struct stream *stream, uint64_t steps)
{
    return s->accounts.charge == NULL || s->accounts.charge(s->arg, &stream->address, steps);
}

static inline uint32_t stream_seconds(mono_time t)
{
    return (uint32_t)(t.us / US_PER_S);
}

#endif
