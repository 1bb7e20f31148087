/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replies to queries (docs/protocol.md, "Queries"): the one place where the names of their
 * members stand, and where replies are written and read. query.c writes them; replicas and `ctl`
 * read them.
 *
 *     operation   reply              its entries
 *     ---------   ----------------   ------------------------------------
 *     ping        answer_ping
 *     stats       answer_stats
 *     get         answer_found       answer_tile
 *     list        answer_list        answer_tile, without values
 *     snapshot    answer_snapshot    answer_tile, tombstones among them
 *     events      answer_events      answer_event
 *     any         answer_error
 *
 * A page of tiles or events is written in three steps, since its length is known only at its end:
 * answer_begin_..., an answer_put_... for each entry, answer_end_.... It is read in one, and its
 * entries one by one.
 *
 * A delta that is published (common/wire) is no such tile: its version is relative to its header,
 * its value may be a patch, and it says when its newest row arrived instead of how old it is.
 *
 * What a reader fills in borrows from the document that was parsed, and is valid as long as that.
 * Readers return false for anything that is not such a reply: a member is missing, or is of another
 * type, or is out of the protocol's bounds. What they had filled in by then is not to be used.
 * Members that they do not know are ignored. Members that are said below to be optional are empty
 * (STR_NULL, 0 or false) when they are missing or out of bounds.
 *
 * Pure: no sockets, no clock.
 */
#ifndef COMMON_REPLICA_ANSWER_H
#define COMMON_REPLICA_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/wire/event_id.h"
#include "common/wire/lane.h"
#include "common/wire/tally.h"
#include "common/wire/version.h"

/* ---- The names of all members ---- */

/* Of an error, and its codes. */
#define ANSWER_ERROR "error"
#define ANSWER_CODE "code"
#define ANSWER_MESSAGE "message"
#define ANSWER_BAD_REQUEST "bad_request"
#define ANSWER_UNKNOWN_OP "unknown_op"
#define ANSWER_NOT_FOUND "not_found"
#define ANSWER_UNAVAILABLE "unavailable"
#define ANSWER_CONFLICT "conflict" /* push: the key was used for other events */
#define ANSWER_FULL "full"         /* push: the disk is full */
#define ANSWER_DENIED "denied"     /* push: the asker's key may not */

/* Of a standing, which is part of ping, snapshot and events. */
#define ANSWER_INSTANCE "instance"
#define ANSWER_LANES "lanes"
#define ANSWER_VERSIONS "versions"
#define ANSWER_POSITION "position"
#define ANSWER_AS_OF "as_of"
#define ANSWER_ORIGIN "origin"
#define ANSWER_ORDINAL "ordinal"
#define ANSWER_CONFIRMED "confirmed"
#define ANSWER_CONTINUES "continues"
#define ANSWER_ACCOUNTED "accounted"

/* Of ping and stats. ANSWER_TILES in a ping is the number of tiles. */
#define ANSWER_ROLE "role"
#define ANSWER_VERSION "version"
#define ANSWER_SERVING "serving"
#define ANSWER_REASON "reason"
#define ANSWER_STATS "stats"

/* Of get, list, snapshot and events. */
#define ANSWER_ANSWERED "answered"
#define ANSWER_TILES "tiles"
#define ANSWER_RESTART "restart"
#define ANSWER_FORGOTTEN "forgotten"
#define ANSWER_FLOOR "floor"
#define ANSWER_GENERATION "generation"
#define ANSWER_EVENTS "events"
#define ANSWER_NEXT "next"
#define ANSWER_FIRST "first"
#define ANSWER_SOURCE "source"
#define ANSWER_COUNT "count"
#define ANSWER_REPEATED "repeated"
#define ANSWER_MORE "more"

/* Of a tile. */
#define ANSWER_TILE_KEY "k"
#define ANSWER_TILE_LANE "l"
#define ANSWER_TILE_VERSION "v"
#define ANSWER_TILE_VALUE "p"
#define ANSWER_TILE_TTL "t"
#define ANSWER_TILE_GRACE "g"
#define ANSWER_TILE_POSITION "s"
#define ANSWER_TILE_AS_OF "w"
#define ANSWER_TILE_PUBLISHED "u"
#define ANSWER_TILE_AGE "age"
#define ANSWER_TILE_STALE "stale"
#define ANSWER_TILE_TALLY "m"
#define ANSWER_TILE_EXPIRED "expired"

/* Of an event, and of its fields those that every event has. */
#define ANSWER_EVENT_ORDINAL "n"
#define ANSWER_EVENT_ARRIVAL "a"
#define ANSWER_EVENT_PUBLISHED "u"
#define ANSWER_EVENT_FIELDS "e"
#define ANSWER_EVENT_ID "id"
#define ANSWER_EVENT_TYPE "event_type"

/* ---- Errors ---- */

/* Both texts are optional for a reader. */
struct answer_error {
    struct str code;    /* one of those above */
    struct str message; /* a sentence for people */
};

/* Appends the reply of an error. Writers append to `out`, and fail in no case. */
void answer_put_error(struct buf *out, const struct answer_error *error);

/* Reads the reply of an error. False when the reply is no error. */
bool answer_read_error(const mp_value *reply, struct answer_error *error);

/* True when these bytes are the reply of an error of that code. */
bool answer_is_error(struct str reply, const char *code);

/* ---- Events that were pushed ---- */

struct answer_pushed {
    struct str source; /* name that ids begin with, and a dash; empty: they are numbers alone */
    int64_t first;     /* the number of the first event; those of the others follow without a gap */
    uint64_t count;    /* how many events there are */
    bool repeated;     /* The key was known, and this is the answer of then. */
};

/* Appends the reply to push. */
void answer_put_pushed(struct buf *out, const struct answer_pushed *pushed);

/* Reads the reply to push. */
bool answer_read_pushed(const mp_value *reply, struct answer_pushed *pushed);

/* Appends the id of that number; as JSON it is a number or a text, as everywhere. */
void answer_pushed_id(struct buf *out, const struct answer_pushed *pushed, int64_t number);
void answer_pushed_json(struct buf *out, const struct answer_pushed *pushed, int64_t number);

/* ---- Where a server stands ---- */

struct answer_standing {
    struct str instance;                /* another one with each start of the server */
    unsigned lanes;                     /* of the deployment: 0 (not known yet) to LANES_MAX */
    uint64_t lanes_owned;               /* bit i: lane i is whole here */
    struct version versions[LANES_MAX]; /* how far; only of the lanes that are whole */
    struct str position;                /* of the source; optional */
    wall_time as_of;                    /* optional */
    uint64_t origin;                    /* of the ordinals */
    uint64_t ordinal;                   /* of the last event; 0: there was none */
    uint64_t confirmed; /* events up to this ordinal are of the history that lane 0's epoch tells;
                           optional, and then it is `ordinal` */
    uint64_t continues; /* no row was lost since that epoch of lane 0; 0: nobody knows; optional */
    uint64_t accounted; /* rows with ordinals up to this one that are not here were deleted, and not
                           lost; optional */
};

struct answer_ping {
    struct answer_standing standing; /* how far the server is */
    struct str role;                 /* "ingestor" or "cache"; optional */
    struct str version;              /* of the program; optional */
    bool serving;                    /* whether it answers other questions now */
    uint64_t tiles;                  /* how many the server has; optional */
};

/* Appends the reply to ping. */
void answer_put_ping(struct buf *out, const struct answer_ping *ping);

/* Reads the reply to ping. */
bool answer_read_ping(const mp_value *reply, struct answer_ping *ping);

/* A MessagePack map inside a reply. A writer sets the one member, a reader the other. */
struct answer_map {
    struct str bytes;       /* for writing: the map as it is encoded, to be copied as it is */
    const mp_value *parsed; /* from reading; NULL: there is none */
};

struct answer_stats {
    struct str role;         /* "ingestor" or "cache" */
    bool serving;            /* whether it answers other questions now */
    struct str reason;       /* why it is not serving; else "" */
    struct answer_map stats; /* names of counters and their values */
};

/* Appends the reply to stats. */
void answer_put_stats(struct buf *out, const struct answer_stats *stats);

/* Reads the reply to stats. */
bool answer_read_stats(const mp_value *reply, struct answer_stats *stats);

/* ---- Tiles ---- */

/*
 * A tile has one of three shapes:
 *
 *                  key, lane, version   value   the rest    expired
 *     whole                x              x        x
 *     listed               x                       x
 *     a tombstone          x                                   x
 */
struct answer_tile {
    struct str key;          /* its key */
    unsigned lane;           /* below LANES_MAX */
    struct version version;  /* of its last change */
    bool removed;            /* it is a tombstone: no member below but `expired` means anything */
    bool expired;            /* a tombstone's: time alone removed the tile; optional */
    struct answer_map value; /* of a whole tile only */
    int64_t ttl_ms;          /* 1 to WIRE_TTL_MAX_MS */
    int64_t grace_ms;        /* 0 to WIRE_TTL_MAX_MS */
    struct str position;     /* of the source */
    wall_time as_of;         /* the moment that the value is true for */
    wall_time published_at;  /* when that was published */
    int64_t age_ms;          /* since it was last refreshed: 0 to WIRE_TTL_MAX_MS */
    bool stale;              /* optional */
    struct tally tally;      /* of the rows that are in it; of a whole tile only, and optional */
};

/* Writes a tombstone if `removed` is set, else a whole tile if it has value.bytes, else a listed
 * one. */
void answer_put_tile(struct buf *out, const struct answer_tile *tile);

/* Reads an entry of get or snapshot: a tile without a value is a tombstone. */
bool answer_read_tile(const mp_value *entry, struct answer_tile *tile);

/* Reads an entry of list: `value` is ignored. */
bool answer_read_listed_tile(const mp_value *entry, struct answer_tile *tile);

/* ---- Events ---- */

struct answer_event {
    uint64_t ordinal;         /* > 0 */
    wall_time arrival;        /* at the ingestor; optional */
    wall_time published_at;   /* optional */
    struct answer_map fields; /* the row */
    struct event_id id;       /* of the row; read from the fields, not written */
    struct str event_type;    /* of the row; read from the fields, not written */
};

/* Appends an entry of events. */
void answer_put_event(struct buf *out, const struct answer_event *event);

/* Reads an entry of events. */
bool answer_read_event(const mp_value *entry, struct answer_event *event);

/* ---- Pages ---- */

/* The array of entries that is being written. */
struct answer_array {
    size_t at;    /* offset of the first entry in the buffer */
    size_t count; /* of the entries; the caller counts them */
};

/* The reply to get. */
struct answer_found {
    uint64_t answered;     /* of the keys asked for, so many were looked at, from the first on */
    const mp_value *tiles; /* an array; see answer_read_tile */
};

/* Appends the reply to get. `tiles` has the encoded tiles, `count` of them, and is copied. */
void answer_put_found(struct buf *out, uint64_t answered, struct str tiles, size_t count);

/* Reads the reply to get. */
bool answer_read_found(const mp_value *reply, struct answer_found *found);

/* The reply to list. */
struct answer_list {
    const mp_value *tiles; /* an array; see answer_read_listed_tile */
    bool more;             /* there is a further page */
};

/* Begins the reply to list; the caller appends the entries behind it, and counts them. */
struct answer_array answer_begin_list(struct buf *out);

/* Ends the reply to list, once all its entries are appended. */
void answer_end_list(struct buf *out, struct answer_array array, bool more);

/* Reads the reply to list. */
bool answer_read_list(const mp_value *reply, struct answer_list *list);

/* The reply to snapshot. */
struct answer_snapshot {
    struct answer_standing standing; /* how far the server is */
    uint64_t forgotten;    /* change number of the last removal that was forgotten; optional */
    bool restart;          /* tombstones were forgotten: this is the first page of a new snapshot */
    const mp_value *tiles; /* an array; see answer_read_tile */
    uint64_t next;         /* the change number that the next page is asked for with */
    bool more;             /* there is a further page */
};

/* Begins the reply to snapshot; answer_end_page ends it. */
struct answer_array answer_begin_snapshot(struct buf *out, const struct answer_standing *standing,
                                          uint64_t forgotten, bool restart);

/* Reads the reply to snapshot. */
bool answer_read_snapshot(const mp_value *reply, struct answer_snapshot *snapshot);

/* The reply to events. */
struct answer_events {
    struct answer_standing standing; /* how far the server is */
    uint64_t floor;                  /* all events with ordinals above this one are at the server */
    uint64_t generation;             /* another one once the server's log was emptied; optional */
    const mp_value *events;          /* an array; see answer_read_event */
    uint64_t next; /* the ordinal that the next page is asked for with; optional */
    bool more;     /* there is a further page */
};

/* Begins the reply to events; answer_end_page ends it. */
struct answer_array answer_begin_events(struct buf *out, const struct answer_standing *standing,
                                        uint64_t floor, uint64_t generation);

/* Reads the reply to events. */
bool answer_read_events(const mp_value *reply, struct answer_events *events);

/* Ends a page of a snapshot or of events. */
void answer_end_page(struct buf *out, struct answer_array array, uint64_t next, bool more);

#endif
