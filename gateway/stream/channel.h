/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel: streams with the same selection, and the one log that they share. A stream in step is
 * nothing but a position in the log.
 *
 *        frames    ┊ f1 │ f2 │ f3 │ f4 ┊          each encoded once
 *                  tail               head
 *   stream A ─────────────────────────┘            has everything
 *   stream B ─────────────┘                        f3 and f4 are still to send, in one send()
 *
 * The log is a ring, which has memory while some stream lacks what is in it: a channel that is
 * quiet has none. What a frame says ends at a watermark: a change number of the store, or an
 * ordinal of the event log; so a stream that the log has run away from knows where to go on from:
 * see streams.h.
 */
#ifndef GATEWAY_STREAM_CHANNEL_H
#define GATEWAY_STREAM_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/latency.h"
#include "gateway/base/selection.h"
#include "gateway/stream/buckets.h"
#include "gateway/stream/render/coding.h"
#include "gateway/stream/ring.h"

struct view;

enum channel_kind {
    CHANNEL_TILES,    /* Whole tiles as frames of SSE. */
    CHANNEL_PATCHES,  /* Patches as frames of SSE. */
    CHANNEL_EVENTS,   /* Events as frames of SSE. */
    CHANNEL_MESSAGES, /* Events without their names: EventSource hears only names that it knows. */
    CHANNEL_WS_TILES, /* Whole tiles as frames of WebSockets. */
    CHANNEL_WS_PATCHES, /* Patches as frames of WebSockets. */
    CHANNEL_WS_EVENTS,  /* Events as frames of WebSockets. */
    CHANNEL_WS_IDLE,    /* WebSockets without a subscription, which get heartbeats only. */
};
#define CHANNEL_KINDS 8

static inline bool channel_has_events(enum channel_kind kind)
{
    return kind == CHANNEL_EVENTS || kind == CHANNEL_MESSAGES || kind == CHANNEL_WS_EVENTS;
}

static inline bool channel_is_websocket(enum channel_kind kind)
{
    return kind >= CHANNEL_WS_TILES;
}

/* The end of a frame in the log, and the watermark that its streams have by then. */
struct frame_end {
    uint64_t position;  /* Where the frame ends, in the ring's bytes. */
    uint64_t watermark; /* The change number or the ordinal that a stream has reached behind it. */
    struct latency_stamp stamp; /* The times that latencies are measured from. */
};

/* A name under which channel_index.h finds the channel. */
struct channel_name {
    struct buckets_item item; /* The first member: the item is taken for the whole. */
    struct str name;          /* The selection's, and thus borrowed. */
};

struct channel {
    enum channel_kind kind;     /* What it carries, and over which transport. */
    enum coding coding;         /* What its frames are wrapped into; WebSockets: CODING_NONE. */
    struct selection selection; /* What its streams asked for, less what they may not see; owned. */
    const struct view *view;    /* WebSockets: what their clients may see; owned. Else NULL. */
    struct ring ring;           /* The log of frames. */
    size_t ring_max;            /* Bytes that the ring may grow to. */
    struct frame_end *ends; /* A ring of its own: the ends of the ring's frames, oldest first. */
    size_t ends_first;      /* Index of the oldest one. */
    size_t ends_count;      /* How many there are. */
    size_t ends_cap;        /* A power of two. */
    uint64_t watermark;     /* The watermark of the last frame that left the ring. */
    uint64_t slowest;       /* No live stream stands before this position; it may be too low. */
    uint32_t *streams;      /* The indices of its streams, in no order. */
    size_t stream_count;    /* How many streams there are. */
    size_t stream_cap;      /* How many there is memory for. */
    /* How many of the newest frames are not measured: some stream may not have them yet. */
    size_t unmeasured;
    size_t pass;         /* How many streams the fan-out pass under way has gone through. */
    uint64_t pass_until; /* That pass gives each stream at least what the log held up to here. */
    bool behind;         /* A stream that the pass went by has not got all that is in the log. */
    bool again;   /* Another pass is needed: something came that its first streams have not got. */
    bool pending; /* It is in the list of channels that have something to send. */
    struct channel *prev;             /* Links the channels that have something to send. */
    struct channel *next;             /* Links the channels that have something to send. */
    size_t place;                     /* Its place among all channels. */
    size_t units;                     /* What it counts of limits.channels. */
    struct buckets_item by_selection; /* How channels_find finds it. */
    struct channel_name *names; /* channel_index.h's: the names it is under; owned. Else NULL. */
    size_t name_count;          /* How many names there are. */
    size_t pattern_place;       /* channel_index.h's: its place among those with patterns. */
};

/* Takes the selection over. ring_max: the log may grow up to that many bytes. It has no memory
 * until there is a frame to log. */
struct channel *channel_create(enum channel_kind kind, enum coding coding,
                               struct selection *selection, size_t ring_max, uint64_t watermark);
void channel_destroy(struct channel **channel);

/* Adds a stream; *slot becomes its place among the channel's streams. */
void channel_join(struct channel *channel, uint32_t stream, uint32_t *slot);

/* Moves the last stream into the free slot, and returns it (or the one that left, if it was the
 * last). */
uint32_t channel_leave(struct channel *channel, uint32_t slot);

/* Returns the position up to which frames have to leave the ring before a frame of len bytes fits,
 * or 0 when there is room; takes the ring, or grows it, first if it may. spare: by so many bytes at
 * most. UINT64_MAX: the frame is larger than the whole ring, or there is no memory for one, and it
 * cannot be logged. */
uint64_t channel_crowded(struct channel *channel, size_t len, size_t spare);

/* The memory that the log has now, in bytes. */
size_t channel_log_bytes(const struct channel *channel);

/* The memory that the channel takes while it is quiet, in bytes, without those of its streams. */
size_t channel_quiet_bytes(const struct selection *selection);

/* Drops all frames, which all streams have, and gives the log's memory back: that of a large log
 * only when little of it was used, for it will be wanted again. */
void channel_give_back(struct channel *channel);

/* Drops frames up to the position (a frame's end). No live stream may stand before it. */
void channel_drop(struct channel *channel, uint64_t position);

/* Appends a frame; there is room. watermark: what has been said with it. */
void channel_append(struct channel *channel, struct str frame, uint64_t watermark);

/* Stamps the frame that was appended last. */
void channel_stamp(struct channel *channel, const struct latency_stamp *stamp);

/* The stamp of the oldest frame up to the position that was not asked for before; NULL when there
 * is none. */
const struct latency_stamp *channel_measure(struct channel *channel, uint64_t position);

/* Drops all frames. No live stream may be left. watermark: what the log goes on from. */
void channel_forget(struct channel *channel, uint64_t watermark);

/* Returns the end of the frame that a byte at the position belongs to, and sets *before to the
 * watermark before that frame. At the head it returns the head itself. */
struct frame_end channel_frame_at(const struct channel *channel, uint64_t position,
                                  uint64_t *before);

/* True when the position is between two frames. */
bool channel_at_boundary(const struct channel *channel, uint64_t position);

#endif
