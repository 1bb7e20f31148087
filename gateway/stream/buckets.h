/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of items that lie within what they stand for, as many of equal keys as there are:
 * who looks something up goes through a bucket and compares. Adding, and removing whichever of
 * thousands with one key, take the same time. The hash is table_hash of common/base/table.h, which
 * nobody can choose names for.
 */
#ifndef GATEWAY_STREAM_BUCKETS_H
#define GATEWAY_STREAM_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

struct buckets_item {
    void *owner;               /* What the item stands for; borrowed. */
    struct buckets_item *next; /* The next one in its bucket. */
    struct buckets_item **at;  /* What points to it; NULL: it is in no table. */
    uint32_t hash;             /* Of its key. */
};

struct buckets {
    struct buckets_item **first; /* By the hash's lower bits; owned. */
    size_t size;                 /* A power of two; 0: nothing was ever added. */
    size_t count;                /* How many items there are. */
};

/* Frees the table, but no items. */
void buckets_finish(struct buckets *buckets);

void buckets_add(struct buckets *buckets, struct buckets_item *item, uint32_t hash, void *owner);
void buckets_remove(struct buckets *buckets, struct buckets_item *item);

/* The first item whose hash that is, and the next one after an item; NULL: there is none. */
struct buckets_item *buckets_find(const struct buckets *buckets, uint32_t hash);
struct buckets_item *buckets_again(const struct buckets_item *item);

#endif
