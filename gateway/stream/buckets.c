/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/buckets.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

#define FIRST_BUCKETS 16

static void insert(struct buckets *buckets, struct buckets_item *item)
{
    struct buckets_item **at = &buckets->first[item->hash & (buckets->size - 1)];
    item->next = *at;
    item->at = at;
    if (item->next != NULL) {
        item->next->at = &item->next;
    }
    *at = item;
}

static void grow(struct buckets *buckets)
{
    struct buckets wider = {.size = buckets->size != 0 ? buckets->size * 2 : FIRST_BUCKETS,
                            .count = buckets->count};
    wider.first = x_calloc(wider.size, sizeof(struct buckets_item *));
    for (size_t i = 0; i < buckets->size; i++) {
        struct buckets_item *next;
        for (struct buckets_item *item = buckets->first[i]; item != NULL; item = next) {
            next = item->next;
            insert(&wider, item);
        }
    }
    free(buckets->first);
    *buckets = wider;
}

void buckets_finish(struct buckets *buckets)
{
    free(buckets->first);
    *buckets = (struct buckets){0};
}

void buckets_add(struct buckets *buckets, struct buckets_item *item, uint32_t hash, void *owner)
{
    if (buckets->count == buckets->size) {
        grow(buckets);
    }
    item->hash = hash;
    item->owner = owner;
    insert(buckets, item);
    buckets->count++;
}

void buckets_remove(struct buckets *buckets, struct buckets_item *item)
{
    *item->at = item->next;
    if (item->next != NULL) {
        item->next->at = item->at;
    }
    item->at = NULL;
    buckets->count--;
}

static struct buckets_item *with_hash(struct buckets_item *item, uint32_t hash)
{
    while (item != NULL && item->hash != hash) {
        item = item->next;
    }
    return item;
}

struct buckets_item *buckets_find(const struct buckets *buckets, uint32_t hash)
{
    return buckets->size != 0 ? with_hash(buckets->first[hash & (buckets->size - 1)], hash) : NULL;
}

struct buckets_item *buckets_again(const struct buckets_item *item)
{
    return with_hash(item->next, item->hash);
}
