/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash tables: uthash, with a keyed hash in place of its own. The names in our tables come from
 * outside (ids of items, groups, keys of tiles, addresses), and whoever writes rows could choose
 * names that all fall into one bucket of a hash that is known: 60,000 such ids made a row cost 250
 * times as much. SipHash with a secret of this process gives nobody such names.
 *
 * Include this instead of <uthash.h>.
 */
#ifndef COMMON_BASE_TABLE_H
#define COMMON_BASE_TABLE_H

#include <stddef.h>

/* The hash of a key. It differs from process to process. Any thread. */
unsigned table_hash(const void *key, size_t len);

#define HASH_FUNCTION(key, len, hash)                                                              \
    do {                                                                                           \
        (hash) = table_hash((key), (len));                                                         \
    } while (0)

#include <uthash.h> // IWYU pragma: export

/* A table grows when a bucket has so many, in place of 10: each is a struct that has to be looked
 * into, which takes far longer than to find the bucket when there are many. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 4U

#endif
