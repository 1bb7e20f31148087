/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles that a server has, as it tells them: one by one, or all of them by a snapshot. */
#ifndef CTL_PEER_SERVED_H
#define CTL_PEER_SERVED_H

#include "common/base/table.h"

#include "common/base/time/clock.h"
#include "common/wire/tally.h"
#include "common/wire/version.h"
#include "ctl/peer/peer.h"

#define SERVED_POSITION_SIZE 64 /* bytes, with the NUL; a server's position is shorter */

struct served_tile {
    char *key;                           /* NUL-terminated; owned */
    struct buf value;                    /* MessagePack */
    unsigned lane;                       /* that it is published on */
    struct version version;              /* of its last change */
    char position[SERVED_POSITION_SIZE]; /* the source's position up to which rows are in it,
                                            NUL-terminated */
    wall_time as_of;                     /* the moment that the value is true for */
    wall_time published_at;              /* when that was published */
    struct tally tally;                  /* of the rows that are in it; may be unknown */
    int64_t ttl_ms;                      /* stale when nothing refreshes it for so long */
    int64_t age_ms;                      /* The time since the tile was last refreshed. */
    bool stale;                          /* the server says that it is */
    UT_hash_handle by_key;               /* links the tiles by `key` */
};

struct served {
    struct served_tile *tiles; /* A table by key, of uthash. */
    uint64_t lanes;            /* Bit i is set when the tiles of lane i are served. */
    unsigned lane_count;       /* How many lanes the deployment has, at least 1. */

    /* The rows up to here are in the tiles, by the server's last heartbeat or event. */
    char position[SERVED_POSITION_SIZE];
    wall_time as_of;  /* The time for which that was true. */
    uint64_t ordinal; /* The ordinal of the last event. */
};

/* Reads a whole snapshot, page by page; what is in out at the end is one state of the server. Fails
 * as peer_ask does, and with STATUS_INVALID when a page cannot be read. The caller frees out, also
 * when it failed. */
int served_fetch(struct peer *peer, struct served *out, struct error *err);

/* Frees the tiles of a snapshot. */
void served_free(struct served *served);

/* Returns the tile with that key, which served owns, or NULL when there is none. */
struct served_tile *served_find(const struct served *served, const char *key);

/* Reads a tile of a reply to get, which is copied. False when it is none. The caller frees out with
 * served_tile_free, also when it is none. */
bool served_read(const mp_value *entry, struct served_tile *out);
void served_tile_free(struct served_tile *tile);

/* Appends the tile as JSON, as gateways serve it. */
void served_write_json(struct buf *out, const struct served_tile *tile);

#endif
