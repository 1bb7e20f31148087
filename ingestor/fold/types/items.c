/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/items.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/base/time/clock.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"

static void free_item(struct item *item)
{
    rank_free(&item->latest);
    rank_free(&item->parted);
    sla_clock_destroy(&item->clock);
    free(item->runs);
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
    buf_free(&items->gone);
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
    item->closing = ++items->closings;
    items->closed++;
}

static void closed_unlink(struct items *items, struct item *item)
{
    *(item->older != NULL ? &item->older->newer : &items->oldest_closed) = item->newer;
    *(item->newer != NULL ? &item->newer->older : &items->newest_closed) = item->older;
    items->closed--;
}

void items_touch(struct items *items, struct item *item)
{
    if (!item->unsaved) {
        item->unsaved = true;
        DL_APPEND(items->unsaved, item);
    }
}

static void forget_oldest(struct items *items)
{
    struct item *item = items->oldest_closed;
    if (items->forgetting != NULL) {
        items->forgetting(items, item);
    }
    closed_unlink(items, item);
    if (item->unsaved) {
        DL_DELETE(items->unsaved, item);
    }
    if (item->recorded) {
        buf_append(&items->gone, &item->number, sizeof item->number);
    }
    HASH_DELETE(by_id, items->table, item);
    free_item(item);
}

/* A new item, whatever there is. */
static struct item *add(struct items *items, struct str id)
{
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

struct item *items_add(struct items *items, struct str id, bool will_open)
{
    if (will_open && items->open >= ITEMS_OPEN_MAX) {
        return NULL;
    }
    if (!will_open && items->closed >= ITEMS_CLOSED_MAX) {
        forget_oldest(items);
    }
    struct item *item = add(items, id);
    item->number = ++items->numbers;
    items_touch(items, item);
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

/* ---- Saving and loading ---- */

void items_save(struct items *items, void (*put)(void *arg, const struct item *item),
                void (*gone)(void *arg, uint64_t number), void *arg)
{
    struct item *item;
    struct item *next;
    DL_FOREACH_SAFE(items->unsaved, item, next)
    {
        put(arg, item);
        item->unsaved = false;
        item->recorded = true;
    }
    items->unsaved = NULL;
    for (size_t at = 0; at < items->gone.len; at += sizeof(uint64_t)) {
        uint64_t number;
        memcpy(&number, items->gone.data + at, sizeof number);
        gone(arg, number);
    }
    buf_free(&items->gone);
}

void items_unsave(struct items *items)
{
    for (struct item *item = items->table; item != NULL; item = item->by_id.next) {
        items_touch(items, item);
    }
}

void items_save_nothing(const void *state, const struct tile_config *config, struct buf *out)
{
    (void)state;
    (void)config;
    mp_put_nil(out);
}

bool items_load_nothing(void *state, const struct tile_config *config, const mp_value *value)
{
    (void)state;
    (void)config;
    return mp_is_nil(value);
}

struct item *items_load(struct items *items, struct str id, uint64_t number, uint64_t closing)
{
    if (number <= items->numbers || items_find(items, id) != NULL) {
        return NULL;
    }
    struct item *item = add(items, id);
    item->recorded = true;
    item->number = number;
    item->closing = closing;
    items->numbers = number;
    return item;
}

static int by_closing(const void *a, const void *b)
{
    const struct item *x = *(const struct item *const *)a;
    const struct item *y = *(const struct item *const *)b;
    return (x->closing > y->closing) - (x->closing < y->closing);
}

void items_loaded(struct items *items)
{
    struct item **closed = x_calloc(items->closed + 1, sizeof *closed);
    size_t count = 0;
    uint64_t last = 0;
    for (struct item *item = items->table; item != NULL; item = item->by_id.next) {
        last = item->closing > last ? item->closing : last;
    }
    while (items->oldest_closed != NULL) {
        closed[count++] = items->oldest_closed;
        closed_unlink(items, items->oldest_closed);
    }
    qsort(closed, count, sizeof *closed, by_closing);
    for (size_t i = 0; i < count; i++) {
        const uint64_t closing = closed[i]->closing;
        closed_link(items, closed[i]);
        closed[i]->closing = closing;
    }
    items->closings = last;
    free(closed);
}

bool items_id_before(const struct heap_item *a, const struct heap_item *b)
{
    const struct item *x = heap_const_entry(a, struct item, heap);
    const struct item *y = heap_const_entry(b, struct item, heap);
    const int order = memcmp(x->id, y->id, x->id_len < y->id_len ? x->id_len : y->id_len);
    return order != 0 ? order < 0 : x->id_len < y->id_len;
}

void items_put_time(struct buf *out, int64_t us)
{
    char text[WALL_TEXT_SIZE];
    mp_put_text(out, wall_format((wall_time){us}, text));
}
