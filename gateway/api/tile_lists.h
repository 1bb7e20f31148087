/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of GET /api/tiles: lists of tiles, made once for each state of the store and selection,
 * and compressed once when somebody wants that.
 *
 * The TILE_LISTS_KEPT lists that were asked for last are kept; of those larger than
 * TILE_LIST_KEPT_BYTES only the very last. Knows the store and its renderings, and no sockets. One
 * thread.
 */
#ifndef GATEWAY_API_TILE_LISTS_H
#define GATEWAY_API_TILE_LISTS_H

#include <stdint.h>

#include "common/base/blob.h"
#include "common/store/store.h"
#include "common/wire/cursor.h"
#include "gateway/base/selection.h"
#include "gateway/stream/render/render.h"

#define TILE_LISTS_KEPT 8
#define TILE_LIST_KEPT_BYTES (2U << 20)
#define TILE_LIST_GZIP_MIN 1024 /* What is smaller fits into a packet or two as it is. */

struct tile_list {
    char *selection;   /* The text of the selection. */
    char *after;       /* The key that the page is behind; NULL: it begins with the first. */
    size_t limit;      /* Of the page; 0: it is all of the list. */
    struct blob *json; /* The answer; owned. */
    struct blob *gzip; /* The same, compressed; NULL until wanted. */
    char
        digest[17]; /* Hex, of keys, versions, stale flags and lenses: the same on every gateway. */
    uint64_t used;  /* The number of the call that last asked for it. */
};

struct tile_lists;

/* store: borrowed. */
struct tile_lists *tile_lists_create(const struct store *store);
void tile_lists_destroy(struct tile_lists **lists);

/* Forgets all lists: a tile changed, or was refreshed. */
void tile_lists_outdate(struct tile_lists *lists);

/* What a list may be, and what it took to make it. */
struct tile_list_bounds {
    size_t max_bytes;   /* of it */
    uint64_t max_steps; /* of finding what is selected (common/base/match/patterns.h) */
    uint64_t steps;     /* grows by the steps that it took */
};

/* A part of a list: its first tiles whose keys come after a key. */
struct tile_list_page {
    struct str after; /* STR_NULL: from the first on. Borrowed. */
    size_t limit;     /* So many tiles at most, whose `next` says where to go on; 0: all of them. */
};

/* Sets *out to the list as it is now. cursor: goes into a list that has to be made; resuming after
 * it gives all later changes. Borrowed until the next call of this or of tile_lists_outdate.
 * STATUS_FULL: it would be too long; STATUS_INVALID: too much work. */
int tile_lists_get(struct tile_lists *lists, const struct selection *selection,
                   const struct tile_list_page *page, const struct cursor *cursor,
                   struct tile_list_bounds *bounds, struct tile_list **out);

/* True when compressing the list is worth while, and quick enough. */
bool tile_list_compresses(const struct tile_list *list);

/* The list compressed; NULL when it is not worth while. Borrowed as the list is. */
struct blob *tile_list_gzip(struct tile_list *list);

#endif
