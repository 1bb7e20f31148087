/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a tile is published when it is too large: all but the largest members of its `data`, and
 * `truncated`, which names these. A tile is small by its definition; only one with a very great
 * number of buckets, states or names gets here.
 */
#ifndef INGESTOR_PUBLISH_PUBLISHED_TILE_H
#define INGESTOR_PUBLISH_PUBLISHED_TILE_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"

/* Appends the tile's value, a map, without as many of the largest members of `data` as it takes for
 * it to be at most `max` bytes long. If `data` is no map, or is empty then, the rest is as it is.
 */
void published_tile_put(struct buf *out, const mp_value *value, size_t max);

#endif
