/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/items.h"

#include "common/base/clock.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"

static void free_item(struct item *item)
{
    rank_free(&item->latest);
    rank_free(&item->parted);
    free(item);
}

void items_finish(struct items *items)
{
    struct item *item;
    struct item *next;
    HASH_ITER(by_id, items->table, item, next)
    {
        HASH_DELETE(by_id, items->table, item);
        free_item(item);
    }
}

static struct str cut(struct str id)
{
    return (struct str){id.p, id.len < ITEMS_ID_MAX ? id.len : ITEMS_ID_MAX};
}

struct item *items_find(const struct items *items, struct str id)
{
    struct item *item;
    id = cut(id);
    HASH_FIND(by_id, items->table, id.p, id.len, item);
    return item;
}

static void closed_link(struct items *items, struct item *item)
{
    item->older = items->newest_closed;
    item->newer = NULL;
    *(item->older != NULL ? &item->older->newer : &items->oldest_closed) = item;
    items->newest_closed = item;
    items->closed++;
}

static void closed_unlink(struct items *items, struct item *item)
{
    *(item->older != NULL ? &item->older->newer : &items->oldest_closed) = item->newer;
    *(item->newer != NULL ? &item->newer->older : &items->newest_closed) = item->older;
    items->closed--;
}

static void forget_oldest(struct items *items)
{
    struct item *item = items->oldest_closed;
    closed_unlink(items, item);
    HASH_DELETE(by_id, items->table, item);
    free_item(item);
}

struct item *items_add(struct items *items, struct str id, bool will_open)
{
    if (will_open && items->open >= ITEMS_OPEN_MAX) {
        return NULL;
    }
    if (items->closed >= ITEMS_CLOSED_MAX) {
        forget_oldest(items);
    }
    id = cut(id);
    struct item *item = x_calloc(1, sizeof *item + id.len + 1);
    memcpy(item->id, id.p, id.len);
    item->id_len = (uint32_t)id.len;
    item->latest = RANK_NONE;
    item->first_us = INT64_MAX;
    item->due_us = INT64_MAX;
    item->parted = RANK_NONE;
    item->state = TILE_STATE_CLOSED;
    item->heap.index = HEAP_NONE;
    HASH_ADD_KEYPTR(by_id, items->table, item->id, item->id_len, item);
    closed_link(items, item);
    return item;
}

void items_set_state(struct items *items, struct item *item, int state)
{
    const bool was_open = item->state != TILE_STATE_CLOSED;
    const bool is_open = state != TILE_STATE_CLOSED;
    item->state = state;
    if (was_open == is_open) {
        return;
    }
    if (is_open) {
        closed_unlink(items, item);
        items->open++;
        return;
    }
    items->open--;
    closed_link(items, item);
    if (items->closed > ITEMS_CLOSED_MAX) {
        forget_oldest(items);
    }
}

void items_put_time(struct buf *out, int64_t us)
{
    char text[WALL_TEXT_SIZE];
    mp_put_text(out, wall_format((wall_time){us}, text));
}
