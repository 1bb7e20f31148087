/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which channels want a name, be it a tile's key or an event's type, found without asking them all:
 *
 *   keys=a,b       under its names, those that its clients may see     one look into a hash table
 *   keys=a.*,*b    asked once about each name that has a number; who   the list of those that want
 *                  wants it is kept for as long as they are there      the name
 *
 * A channel with patterns that comes later is asked when a name is looked up again; one that goes
 * leaves a gap in the lists until there are more gaps than channels. So a change costs what it
 * matches, however many different selections there are. One thread.
 */
#ifndef GATEWAY_STREAM_CHANNEL_INDEX_H
#define GATEWAY_STREAM_CHANNEL_INDEX_H

#include <stddef.h>

#include "common/base/match/matcher.h"
#include "common/base/str.h"

/* The lists that are kept take so many bytes at most; about the other names, all channels with
 * patterns are asked. */
#define CHANNEL_INDEX_KEPT_BYTES ((size_t)64 << 20)

struct channel;
struct channel_index;

/* kept_bytes: CHANNEL_INDEX_KEPT_BYTES, but for tests. */
struct channel_index *channel_index_create(size_t kept_bytes);
void channel_index_destroy(struct channel_index **index);

/* A channel is in one index, once. */
void channel_index_add(struct channel_index *index, struct channel *channel);
void channel_index_remove(struct channel_index *index, struct channel *channel);

/* The channels that want the name, each once and in no order. Valid until the next call. */
struct channel *const *channel_index_find(struct channel_index *index, struct str name,
                                          struct name_number number, size_t *count);

/* The memory of the lists that are kept, in bytes. */
size_t channel_index_bytes(const struct channel_index *index);

#endif
