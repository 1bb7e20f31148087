/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages on PUB sockets (docs/protocol.md): three frames, a topic in plain text, a header and
 * a body in MessagePack. Encoding and decoding, no sockets.
 */
#ifndef COMMON_WIRE_WIRE_H
#define COMMON_WIRE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/str.h"
#include "common/codec/mp.h"
#include "common/wire/version.h"

#define WIRE_PROTOCOL_VERSION 1
#define WIRE_FRAMES 3

/* Bounds on what is accepted; beyond them a message is invalid. */
#define WIRE_KEY_MAX 512 /* bytes of a tile key, family value included */
#define WIRE_TOPIC_MAX (WIRE_KEY_MAX + 32)
#define WIRE_BODY_MAX (4 * 1024 * 1024)                         /* bytes of a body */
#define WIRE_TTL_MAX_MS (INT64_C(100) * 365 * 24 * 3600 * 1000) /* a century; also of an age */
#define WIRE_TIME_MAX_US                                                                           \
    INT64_C(253402300799999999) /* of a moment, before or after 1970: year 9999 */

enum wire_kind { WIRE_TILE, WIRE_EVENT, WIRE_BEAT };

/* Topic and header: enough to drop a duplicate without looking at the body. */
struct wire_header {
    enum wire_kind kind;
    unsigned lane;
    struct str
        name; /* the tile's key or the event's type; borrowed from the topic; empty for a beat */
    struct version version;
    wall_time published_at;
};

/* A change of one tile. */
struct wire_tile {
    struct str key;
    bool keyframe; /* value is whole, and there is no base */
    bool removed;  /* the tile is gone; implies keyframe, value is NULL */
    bool expired;  /* removed by time alone: a refresh brings it back (only in snapshots) */
    struct version
        version;         /* of the tile after this: the message's own, but for a keyframe that only
                            refreshes a tile, which repeats the version of its last change */
    struct version base; /* the version that the patch applies to; {0, 0} for a keyframe */
    const mp_value *value; /* the patch, or the whole value */
    int64_t ttl_ms;        /* > 0 */
    int64_t grace_ms;      /* >= 0 */
    struct str position;   /* source position up to which events are in it */
    wall_time as_of;       /* the moment it is true for */
    wall_time arrival;     /* when the newest event in it reached the ingestor; {0} if none did */
    wall_time source;      /* that event's own timestamp; {0}: unknown */
};

/* One row of the events table. */
struct wire_event {
    uint64_t ordinal;       /* place in the delivery order */
    uint64_t origin;        /* which numbering the ordinal belongs to */
    const mp_value *fields; /* a map: id, timestamp, event_type, … */
    int64_t id;             /* fields.id */
    struct str event_type;  /* fields.event_type */
    wall_time timestamp;    /* fields.timestamp; {0} if there is none */
    wall_time arrival;
};

/* Every second on each lane. The header's version is the last one published on that lane. */
struct wire_beat {
    struct str position;
    wall_time as_of;
    uint64_t origin;
    uint64_t ordinal; /* of the last event delivered, 0 if none was */
};

/* Each appends to the three buffers, which the caller has cleared. */
void wire_encode_tile(struct buf frames[WIRE_FRAMES], unsigned lane, struct version message,
                      wall_time published_at, const struct wire_tile *tile);
/* The fields are given as encoded MessagePack: they are written once and used in several places. */
void wire_encode_event(struct buf frames[WIRE_FRAMES], struct version version,
                       wall_time published_at, uint64_t ordinal, uint64_t origin, wall_time arrival,
                       struct str event_type, struct str fields);
void wire_encode_beat(struct buf frames[WIRE_FRAMES], unsigned lane, struct version last,
                      wall_time published_at, const struct wire_beat *beat);

/* Decoders return STATUS_OK, or STATUS_INVALID for anything that is not exactly such a message, of
 * a known protocol version, within the bounds above. What they fill in borrows from the frames (and
 * the document). */
int wire_decode_header(struct str topic, struct str header, struct wire_header *out);
int wire_decode_tile(const struct wire_header *header, struct mp_doc *doc, struct str body,
                     struct wire_tile *out);
int wire_decode_event(const struct wire_header *header, struct mp_doc *doc, struct str body,
                      struct wire_event *out);
int wire_decode_beat(const struct wire_header *header, struct mp_doc *doc, struct str body,
                     struct wire_beat *out);

/* Reads a moment in µs; false, and *out left alone, when there is none within WIRE_TIME_MAX_US. */
bool wire_read_time(const mp_value *value, wall_time *out);

/* Reads an event's timestamp from its fields; {0} when there is none. */
wall_time wire_timestamp(const mp_value *fields);

/* Reads a duration of 0 to WIRE_TTL_MAX_MS; false when there is none. */
bool wire_read_ms(const mp_value *value, int64_t *out);

/* Is the text a possible tile key: 1 to WIRE_KEY_MAX bytes of visible ASCII but `*` and `,` (which
 * select keys) and `"`? */
bool wire_key_valid(struct str key);

#endif
