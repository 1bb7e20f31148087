/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of a store in the order of their keys. Pure. One thread. */
#ifndef COMMON_STORE_STORE_LIST_H
#define COMMON_STORE_STORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/str.h"
#include "common/store/store.h"

/* Calls each for every live tile whose key begins with prefix, in the order of keys, until it
 * returns false. */
void store_list(const struct store *store, struct str prefix,
                bool (*each)(void *arg, const struct tile *tile), void *arg);

/* Calls each for every live tile that is wanted, in the order of keys, until it returns false.
 * wanted is asked about all of them, in no order; what it refuses is not sorted. */
void store_list_wanted(const struct store *store,
                       bool (*wanted)(void *arg, const struct tile *tile),
                       bool (*each)(void *arg, const struct tile *tile), void *arg);

/* The same as store_list for the first `max` of those whose keys come after `after`; STR_NULL: from
 * the first on. It looks at every tile, but memory and sorting depend on max alone. max >= 1. */
void store_list_page(const struct store *store, struct str prefix, struct str after, size_t max,
                     bool (*each)(void *arg, const struct tile *tile), void *arg);

/* The same for those that are wanted, whatever they begin with. wanted is asked only about tiles
 * that may be on the page. */
void store_list_wanted_page(const struct store *store, struct str after, size_t max,
                            bool (*wanted)(void *arg, const struct tile *tile),
                            bool (*each)(void *arg, const struct tile *tile), void *arg);

#endif
