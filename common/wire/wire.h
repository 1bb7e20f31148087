/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages on PUB sockets, encoded and decoded (docs/protocol.md). Each has three frames:
 *
 *   0  topic    tile.LANE.KEY, event.0.TYPE or beat.LANE    plain text, to subscribe to by prefix
 *   1  header   [protocol, epoch, sequence, published at]   MessagePack
 *   2  body     {…}                                         MessagePack
 *
 * The folder common/wire is what programs say to each other: versions, lanes, cursors and messages.
 * It stands on common/base and common/codec, and knows no sockets and no store. This header brings
 * all of the folder.
 *
 * Pure: no sockets, no clock. What a decoder fills in is borrowed from the frames and the document,
 * and is valid as long as both stay as they are. Any thread may call these with buffers of its own.
 */
#ifndef COMMON_WIRE_WIRE_H
#define COMMON_WIRE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/wire/cursor.h"
#include "common/wire/event_id.h"
#include "common/wire/lag.h"
#include "common/wire/lane.h"
#include "common/wire/sources_up.h"
#include "common/wire/tally.h"
#include "common/wire/version.h"

#define WIRE_PROTOCOL_VERSION 1
#define WIRE_FRAMES 3

/* ---- Bounds on what is accepted: a message beyond one of them is invalid. ---- */

/* Bytes of a tile's key; in a family, `KEY/value` is the key. */
#define WIRE_KEY_MAX 512
/* Bytes of a topic. */
#define WIRE_TOPIC_MAX (WIRE_KEY_MAX + 32)
/* Bytes of a body. */
#define WIRE_BODY_MAX (4 << 20)
/* A century; the bound of every duration: ttl, grace, age. */
#define WIRE_TTL_MAX_MS (INT64_C(100) * 365 * 24 * 3600 * 1000)
/* The end of the year 9999, and as far before 1970; the bound of every moment. */
#define WIRE_TIME_MAX_US INT64_C(253402300799999999)

/* ---- What messages hold ---- */

enum wire_kind { WIRE_TILE, WIRE_EVENT, WIRE_HEARTBEAT };

/* What topic and header say: enough to drop a duplicate without looking at the body. */
struct wire_header {
    enum wire_kind kind;    /* what the message is */
    unsigned lane;          /* 0 to LANES_MAX - 1 */
    struct str name;        /* the tile's key or the event's type; empty for a heartbeat */
    struct version version; /* the epoch and the sequence of this message in its lane */
    wall_time published_at; /* when the ingestor sent it, by its wall clock */
};

/*
 * A change of one tile. It is one of four:
 *
 *              keyframe  removed  base        version        value
 *   patch      no        no       {e, s}      the message's  what to merge into the value at base
 *   keyframe   yes       no       {0, 0}      the message's  the whole value
 *   refresh    yes       no       {0, 0}      an earlier one the whole value, which is not new
 *   removal    yes       yes      {0, 0}      the message's  NULL
 */
struct wire_tile {
    struct str key; /* its key */
    bool keyframe;  /* it carries the whole tile */
    bool removed;   /* the tile is gone */
    /* The tile was removed by time alone, so that a refresh brings it back. Only snapshots say
     * this; it is false in what is decoded here. */
    bool expired;
    /* The version that the tile has after this. A refresh repeats that of its last change. */
    struct version version;
    struct version base;   /* the version that a patch applies to; nothing for a keyframe */
    const mp_value *value; /* a map, or NULL */
    struct str encoded;    /* to be sent instead of `value`: a map as MessagePack; or STR_NULL */
    int64_t ttl_ms;        /* 1 to WIRE_TTL_MAX_MS: stale when nothing refreshes it for so long */
    int64_t grace_ms;      /* 0 to WIRE_TTL_MAX_MS: gone when it was stale for so long */
    struct str position;   /* the source's position up to which events are counted in */
    wall_time as_of;       /* the moment that the value is true for */
    /* When the newest event since the delta before reached the ingestor; {0} if none came, or if it
     * is unknown. */
    wall_time arrival;
    wall_time source;   /* that event's own timestamp; {0} if it is unknown */
    struct tally tally; /* of the rows that are in it; may be unknown */
};

/* One row of the events table. */
struct wire_event {
    uint64_t ordinal;       /* its place in the delivery order; > 0 */
    uint64_t origin;        /* the numbering that the ordinal belongs to */
    const mp_value *fields; /* a map: id, timestamp, event_type, … */
    struct event_id id;     /* fields.id */
    struct str event_type;  /* fields.event_type */
    wall_time timestamp;    /* fields.timestamp; {0} if there is none */
    wall_time arrival;      /* when the ingestor read it; {0}: unknown */
};

/* What an ingestor knows of its own and others' clocks. All zero: nothing. */
struct wire_clocks {
    bool database_known;       /* whether database_ahead_us was measured */
    int64_t database_ahead_us; /* the database's clock less the ingestor's; only with its flag */
    bool rows_known;           /* whether row_age_us was measured */
    int64_t row_age_us;        /* the median from a row's timestamp to its arrival; with its flag */
    int64_t rows_ahead_us; /* how far a row's timestamp lay ahead of its arrival, at most, in the
                              last minutes; 0: none did */
    uint64_t steps;        /* times that the ingestor's wall clock jumped */
    bool held;             /* it jumped, and is not believed yet */
};

/* Published on each lane every second. Its header repeats the version of the last message on that
 * lane, so that a subscriber who missed that message hears of it. */
struct wire_heartbeat {
    struct str position;       /* the source's position up to which events are folded in */
    wall_time as_of;           /* the moment that the lane's tiles are true for */
    uint64_t origin;           /* the numbering that the ordinal belongs to */
    uint64_t ordinal;          /* of the last event that was delivered; 0 if none was */
    struct wire_clocks clocks; /* what the ingestor knows of clocks */
    bool caught_up; /* All rows that the table had were delivered in this epoch or before it. */
    /* How far the source is behind (lag.h), of a source of several streams; NULL: not known. What
     * is decoded leaves it alone, and has it as MessagePack. */
    const struct lag *lag;
    const mp_value *lag_map;          /* what the message said of it; NULL: nothing */
    const struct sources_up *sources; /* which are read, of several; NULL: not known. As lag. */
    const mp_value *sources_map;      /* what the message said of them; NULL: nothing */
};

/* ---- Encoding: each function appends to the three buffers, which the caller has cleared. ---- */

/* `message` is the message's own version. */
void wire_encode_tile(struct buf frames[WIRE_FRAMES], unsigned lane, struct version message,
                      wall_time published_at, const struct wire_tile *tile);

/* The fields come as encoded MessagePack, because they are made once and used in several places. */
void wire_encode_event(struct buf frames[WIRE_FRAMES], struct version version,
                       wall_time published_at, uint64_t ordinal, uint64_t origin, wall_time arrival,
                       struct str event_type, struct str fields);

/* `last` is the version of the last message published on the lane. */
void wire_encode_heartbeat(struct buf frames[WIRE_FRAMES], unsigned lane, struct version last,
                           wall_time published_at, const struct wire_heartbeat *heartbeat);

/* ---- Decoding: each function returns STATUS_OK, or STATUS_INVALID for anything that is not
 * exactly such a message, of a known protocol version, within the bounds above. ---- */

int wire_decode_header(struct str topic, struct str header, struct wire_header *out);
int wire_decode_tile(const struct wire_header *header, struct mp_doc *doc, struct str body,
                     struct wire_tile *out);
int wire_decode_event(const struct wire_header *header, struct mp_doc *doc, struct str body,
                      struct wire_event *out);
int wire_decode_heartbeat(const struct wire_header *header, struct mp_doc *doc, struct str body,
                          struct wire_heartbeat *out);

/* ---- Parts of messages, which replies to queries have, too ---- */

/* Reads a moment in µs. False, and *out left alone, when there is none within WIRE_TIME_MAX_US. */
bool wire_read_time(const mp_value *value, wall_time *out);

/* Reads a duration of 0 to WIRE_TTL_MAX_MS. False, and *out left alone, when there is none. */
bool wire_read_ms(const mp_value *value, int64_t *out);

/* Reads an event's timestamp from its fields; {0} when there is none. */
wall_time wire_event_timestamp(const mp_value *fields);

/* True when the text may be a tile's key: 1 to WIRE_KEY_MAX bytes of visible ASCII without `*` and
 * `,`, which select keys, and without `"`. */
bool wire_key_valid(struct str key);

#endif
