/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of GET /api/tiles: lists of tiles, made once for each state of the store and selection,
 * and compressed once when somebody wants that.
 *
 * At most TILE_LISTS_KEPT are kept, those asked for last, and of those larger than
 * TILE_LIST_KEPT_BYTES the last one alone. Of the store and its renderings only; no sockets.
 */
#ifndef GATEWAY_API_TILE_LISTS_H
#define GATEWAY_API_TILE_LISTS_H

#include <stdint.h>

#include "common/base/blob.h"
#include "common/store/store.h"
#include "common/wire/version.h"
#include "gateway/base/selection.h"
#include "gateway/stream/render.h"

#define TILE_LISTS_KEPT 8
#define TILE_LIST_KEPT_BYTES (2U << 20)
#define TILE_LIST_GZIP_MIN 1024 /* what is smaller fits into a packet or two as it is */

struct tile_list {
    char *selection; /* its text */
    struct blob *json;
    struct blob *gzip; /* NULL until wanted */
    char digest[17];   /* of keys, versions and stale flags: the same on every gateway */
    uint64_t used;     /* when it was last asked for */
};

struct tile_lists;

struct tile_lists *tile_lists_create(const struct store *store);
void tile_lists_destroy(struct tile_lists **lists);

/* A tile changed, or was refreshed: what was made is of the past. */
void tile_lists_outdate(struct tile_lists *lists);

/* The list as it is now. cursor: resuming after it gives all later changes. Borrowed until the next
 * call. */
struct tile_list *tile_lists_get(struct tile_lists *lists, const struct selection *selection,
                                 const struct cursor *cursor);

/* Is compressing it worth while, and quick enough? */
bool tile_list_compresses(const struct tile_list *list);

/* Compressed, if it compresses. Borrowed as the list is. */
struct blob *tile_list_gzip(struct tile_list *list);

#endif
