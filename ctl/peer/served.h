/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles that a server has, as a snapshot gives them. */
#ifndef CTL_PEER_SERVED_H
#define CTL_PEER_SERVED_H

#include <uthash.h>

#include "common/base/clock.h"
#include "common/wire/version.h"
#include "common/wire/wire.h"
#include "ctl/peer/peer.h"

struct served_tile {
    char *key;
    struct buf value; /* MessagePack */
    struct version version;
    char position[64];
    wall_time as_of;
    wall_time published_at;
    int64_t ttl_ms;
    int64_t age_ms; /* since it was last refreshed */
    bool stale;
    UT_hash_handle by_key;
};

struct served {
    struct served_tile *tiles; /* uthash by key */
    uint64_t lanes;            /* bit i: tiles of lane i are served */
    unsigned lane_count;
    char position[64]; /* up to which rows are in the tiles, by the last beat or event */
    wall_time as_of;
    uint64_t ordinal; /* of the last event */
};

/* Walks a whole snapshot; what it ends with is one state of the server. The caller frees it, also
 * when it failed. */
int served_fetch(struct peer *peer, struct served *out, struct error *err);
void served_free(struct served *served);

struct served_tile *served_find(const struct served *served, const char *key);

/* Reads a tile of a snapshot, get or list reply (value: empty in a list). False when it is none. */
bool served_read(const mp_value *entry, struct served_tile *out);
void served_tile_free(struct served_tile *tile);

/* Appends the tile as JSON, as gateways serve it. */
void served_write_json(struct buf *out, const struct served_tile *tile);

#endif
