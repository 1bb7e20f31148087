/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/store.h"

#include <assert.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/match/numbering.h"
#include "common/base/xalloc.h"
#include "common/codec/mp_patch.h"
#include "common/store/change_order.h"

struct store {
    struct tile *tiles;         /* uthash by key; tombstones included */
    size_t live;                /* tiles that are no tombstones */
    size_t max_tiles;           /* bound of live */
    struct numbering numbering; /* of the tiles, tombstones included */
    struct change_order order;  /* of the tiles, by their last changes */
    uint64_t forgotten; /* change number of the last tombstone that was forgotten; 0 for none */
    struct version forgotten_versions[LANES_MAX]; /* see store_forgotten_version */
    /* A queue of the tombstones, linked through newer and older; at most STORE_TOMBSTONES_MAX. */
    struct tile *oldest_tombstone;
    struct tile *newest_tombstone;
    size_t tombstones;
    uint64_t moved;     /* see store_moved */
    struct heap expiry; /* live tiles by their next deadline, µs of the monotonic clock */
    struct store_listener listener;
    struct mp_doc old_value; /* Scratch of set_value. */
    struct buf scratch;      /* Scratch of set_value. */
};

struct store *store_create(size_t max_tiles, const struct store_listener *listener)
{
    struct store *store = x_calloc(1, sizeof *store);
    store->max_tiles = max_tiles;
    if (listener != NULL) {
        store->listener = *listener;
    }
    mp_doc_init(&store->old_value);
    return store;
}

static void drop_cache(struct store *store, struct tile *tile)
{
    if (tile->cache != NULL) {
        store->listener.free_cache(tile->cache);
        tile->cache = NULL;
    }
}

static void tile_free(struct store *store, struct tile *tile)
{
    drop_cache(store, tile);
    numbering_give_back(&store->numbering, tile->number);
    blob_unref(&tile->value);
    free(tile);
}

void store_destroy(struct store **store_p)
{
    struct store *store = *store_p;
    if (store == NULL) {
        return;
    }
    struct tile *tile;
    struct tile *next;
    HASH_ITER(by_key, store->tiles, tile, next)
    {
        HASH_DELETE(by_key, store->tiles, tile);
        tile_free(store, tile);
    }
    numbering_free(&store->numbering);
    change_order_free(&store->order);
    heap_free(&store->expiry);
    buf_free(&store->scratch);
    mp_doc_free(&store->old_value);
    free(store);
    *store_p = NULL;
}

/* ---- The order of changes ---- */

uint64_t store_last_change(const struct store *store)
{
    return store->order.last;
}

uint64_t store_forgotten(const struct store *store)
{
    return store->forgotten;
}

struct version store_forgotten_version(const struct store *store, unsigned lane)
{
    return store->forgotten_versions[lane];
}

const struct tile *store_next(struct store *store, uint64_t after)
{
    return change_order_next(&store->order, after);
}

/* ---- Tiles ---- */

static struct tile *find_tile(const struct store *store, struct str key)
{
    struct tile *tile;
    HASH_FIND(by_key, store->tiles, key.p, key.len, tile);
    return tile;
}

void store_set_cache(struct store *store, const struct tile *tile, void *cache)
{
    struct tile *own = find_tile(store, (struct str){tile->key, tile->key_len});
    drop_cache(store, own);
    own->cache = cache;
}

const struct tile *store_get(const struct store *store, struct str key)
{
    const struct tile *tile = find_tile(store, key);
    return tile != NULL && tile->value != NULL ? tile : NULL;
}

const struct tile *store_recall(const struct store *store, struct str key)
{
    return find_tile(store, key);
}

uint64_t store_moved(const struct store *store)
{
    return store->moved;
}

size_t store_count(const struct store *store)
{
    return store->live;
}

/* Gives the tile the next place in the order of changes, unless it was merely refreshed, and tells
 * the listener. */
static void notify(struct store *store, struct tile *tile, enum store_change change,
                   const mp_value *patch, struct version base)
{
    if (change != STORE_REFRESHED) {
        tile->change = change_order_append(&store->order, tile->change, tile);
    }
    if (store->listener.changed != NULL) {
        store->listener.changed(store->listener.arg, tile, change, patch, base);
    }
}

/* The key stands behind the tile, so that whoever finds it among many waits for the memory once. */
static struct tile *tile_new(struct store *store, struct str key)
{
    struct tile *tile = x_calloc(1, sizeof *tile + key.len + 1);
    tile->key = (char *)(tile + 1);
    memcpy(tile->key, key.p, key.len);
    tile->key_len = key.len;
    tile->number = numbering_take(&store->numbering);
    tile->expiry.index = HEAP_NONE;
    HASH_ADD_KEYPTR(by_key, store->tiles, tile->key, tile->key_len, tile);
    return tile;
}

/* ---- Tombstones: a FIFO, so that memory is bounded ---- */

static void tombstone_unlink(struct store *store, struct tile *tile)
{
    *(tile->older != NULL ? &tile->older->newer : &store->oldest_tombstone) = tile->newer;
    *(tile->newer != NULL ? &tile->newer->older : &store->newest_tombstone) = tile->older;
    tile->newer = NULL;
    tile->older = NULL;
    store->tombstones--;
}

static void tombstone_forget_oldest(struct store *store)
{
    struct tile *tile = store->oldest_tombstone;
    struct version version = tile->version;
    if (tile->expired) {
        version.seq = UINT64_MAX; /* no later one of the epoch tells that its client heard of it */
    }
    if (version_compare(store->forgotten_versions[tile->lane], version) < 0) {
        store->forgotten_versions[tile->lane] = version;
    }
    tombstone_unlink(store, tile);
    store->forgotten = tile->change;
    change_order_leave(&store->order, tile->change, tile);
    HASH_DELETE(by_key, store->tiles, tile);
    tile_free(store, tile);
}

/* Turns a live tile into a tombstone of that version. */
static void bury(struct store *store, struct tile *tile, struct version version)
{
    blob_unref(&tile->value);
    heap_remove(&store->expiry, &tile->expiry);
    store->live--;
    tile->version = version;
    tile->stale = false;
    tile->expired = false;
    tile->older = store->newest_tombstone;
    *(tile->older != NULL ? &tile->older->newer : &store->oldest_tombstone) = tile;
    store->newest_tombstone = tile;
    store->tombstones++;
    notify(store, tile, STORE_REMOVED, NULL, version);
    if (store->tombstones > STORE_TOMBSTONES_MAX) {
        tombstone_forget_oldest(store);
    }
}

/* Makes a tombstone of a tile that came and went before this process heard of it, because a client
 * that resumes from an earlier cursor must hear that it is gone. */
static void bury_unseen(struct store *store, const struct wire_tile *delta, unsigned lane)
{
    struct tile *tile = tile_new(store, delta->key);
    tile->lane = lane;
    store->live++;
    bury(store, tile, delta->version);
    tile->expired = delta->expired;
}

int store_remove(struct store *store, struct str key, struct version version)
{
    struct tile *tile = find_tile(store, key);
    if (tile == NULL || tile->value == NULL) {
        return STATUS_NOT_FOUND;
    }
    bury(store, tile, version);
    return STATUS_OK;
}

/* ---- Deltas ---- */

/*
 * Puts the tile's next deadline into the heap. It has two, one after the other:
 *
 *   refreshed_at            + ttl_ms                + grace_ms
 *        ├────── live ────────┼──────── stale ────────┤ gone (a tombstone, expired)
 *                             ▲                       ▲
 *                  the deadline while live     the deadline while stale
 *
 * A refresh begins anew at the left end. Mostly it only puts the deadline off, and tiles are
 * refreshed more often than they expire: so the tile keeps its place in the heap then, and moves on
 * when the earlier deadline comes (store_expire).
 */
static int64_t deadline_us(const struct tile *tile)
{
    const int64_t ms = tile->stale ? tile->ttl_ms + tile->grace_ms : tile->ttl_ms;
    return mono_add_ms(tile->refreshed_at, ms).us;
}

static void schedule(struct store *store, struct tile *tile)
{
    const int64_t deadline = deadline_us(tile);
    if (!heap_contains(&tile->expiry) || deadline < tile->expiry.key) {
        heap_set(&store->expiry, &tile->expiry, deadline);
    }
}

static void set_position(struct tile *tile, struct str position)
{
    const size_t max = sizeof tile->position - 1;
    const size_t len = position.len < max ? position.len : max;
    if (len != 0) {
        memcpy(tile->position, position.p, len);
    }
    tile->position[len] = '\0';
}

/* Takes over what a delta says about a tile besides its value. */
static void take_over(struct store *store, struct tile *tile, const struct wire_tile *delta,
                      wall_time published_at, int64_t age_ms, mono_time now)
{
    tile->version = delta->version;
    tile->ttl_ms = delta->ttl_ms;
    tile->grace_ms = delta->grace_ms;
    set_position(tile, delta->position);
    tile->as_of = delta->as_of;
    tile->tally = delta->tally;
    tile->published_at = published_at;
    if (delta->arrival.us != 0) {
        tile->arrival = delta->arrival;
        tile->source = delta->source;
    }
    tile->refreshed_at = mono_add_ms(now, -age_ms);
    tile->stale = age_ms >= tile->ttl_ms;
    schedule(store, tile);
}

/* Replaces the value by the one that the delta leads to: its own, or the old one patched. */
static void set_value(struct store *store, struct tile *tile, const struct wire_tile *delta)
{
    const mp_value *old = NULL;
    if (!delta->keyframe) {
        const int parsed = mp_parse(&store->old_value, tile->value->data, tile->value->len);
        assert(parsed == STATUS_OK);
        (void)parsed;
        old = &store->old_value.root;
    }
    buf_clear(&store->scratch);
    mp_merge(&store->scratch, old, delta->value);
    blob_unref(&tile->value);
    tile->value = blob_new(buf_str(&store->scratch));
}

/* Makes a live tile of a keyframe. `tile` is the tombstone of an earlier life, or NULL. */
static struct tile *bring_to_life(struct store *store, struct tile *tile,
                                  const struct wire_tile *delta)
{
    if (tile == NULL) {
        tile = tile_new(store, delta->key);
    } else {
        tombstone_unlink(store, tile);
        tile->arrival = (wall_time){0};
        tile->source = (wall_time){0};
    }
    set_value(store, tile, delta);
    store->live++;
    return tile;
}

/* `tile` is live, a tombstone with an earlier version, or NULL. */
static void apply_removal(struct store *store, struct tile *tile, const struct wire_tile *delta,
                          unsigned lane)
{
    if (tile == NULL) {
        bury_unseen(store, delta, lane);
        return;
    }
    if (tile->value != NULL) {
        bury(store, tile, delta->version);
    }
    tile->version = delta->version;
    tile->expired = delta->expired;
}

/*
 * True when a delta of the same version as the tile here is news: it was refreshed no earlier
 * than what is known of the tile, or it brings back a tile that only time had removed.
 */
static bool is_refresh(const struct tile *tile, const struct wire_tile *delta, int64_t age_ms,
                       mono_time now)
{
    if (delta->removed) {
        return false;
    }
    if (tile->value != NULL) {
        return mono_add_ms(now, -age_ms).us >= tile->refreshed_at.us;
    }
    return tile->expired && delta->keyframe && age_ms < delta->ttl_ms + delta->grace_ms;
}

int store_apply(struct store *store, const struct wire_tile *delta, unsigned lane,
                wall_time published_at, int64_t age_ms, mono_time now)
{
    struct tile *tile = find_tile(store, delta->key);
    const bool live = tile != NULL && tile->value != NULL;
    const int newer = tile != NULL ? version_compare(delta->version, tile->version) : 1;
    store->moved += live && tile->lane != lane;
    if (newer < 0 || (newer == 0 && !is_refresh(tile, delta, age_ms, now))) {
        return STATUS_OK;
    }
    if (delta->removed) {
        apply_removal(store, tile, delta, lane);
        return STATUS_OK;
    }
    if (!live && store->live >= store->max_tiles) {
        /* A patch gets this answer, too, because the keyframe that it is based on was refused. */
        return STATUS_FULL;
    }
    if (newer > 0 && !delta->keyframe &&
        (!live || version_compare(delta->base, tile->version) != 0)) {
        return STATUS_AGAIN;
    }
    const bool was_stale = live && tile->stale;
    const struct version base = live ? tile->version : (struct version){0, 0};
    if (!live) {
        tile = bring_to_life(store, tile, delta);
    } else if (newer > 0) {
        set_value(store, tile, delta);
    }
    tile->lane = lane;
    take_over(store, tile, delta, published_at, age_ms, now);
    const enum store_change change = newer > 0 || !live         ? STORE_CHANGED
                                     : was_stale != tile->stale ? STORE_STALE
                                                                : STORE_REFRESHED;
    notify(store, tile, change, change == STORE_CHANGED && !delta->keyframe ? delta->value : NULL,
           base);
    return STATUS_OK;
}

void store_mark(struct store *store, struct str key, uint32_t mark)
{
    struct tile *tile = find_tile(store, key);
    if (tile != NULL) {
        tile->sync_mark = mark;
    }
}

size_t store_sweep(struct store *store, unsigned lane, uint32_t mark, struct version limit)
{
    size_t removed = 0;
    /* Burying a tile may forget a tombstone, which then leaves the table that is walked here: so
     * all are collected first. */
    struct tile **gone = x_calloc(store->live + 1, sizeof(struct tile *));
    for (struct tile *tile = store->tiles; tile != NULL; tile = tile->by_key.next) {
        if (tile->value != NULL && tile->lane == lane && tile->sync_mark != mark &&
            version_compare(tile->version, limit) <= 0) {
            gone[removed++] = tile;
        }
    }
    for (size_t i = 0; i < removed; i++) {
        /* The snapshot may lack more tiles than there is room for tombstones: then the first of
         * them are forgotten at once. */
        bury(store, gone[i], limit);
    }
    free(gone);
    return removed;
}

/* ---- Time ---- */

mono_time store_next_expiry(const struct store *store)
{
    const struct heap_item *top = heap_top(&store->expiry);
    return top != NULL ? (mono_time){top->key} : MONO_NEVER;
}

void store_expire(struct store *store, mono_time now)
{
    struct heap_item *top;
    while ((top = heap_top(&store->expiry)) != NULL && top->key <= now.us) {
        struct tile *tile = heap_entry(top, struct tile, expiry);
        if (deadline_us(tile) > now.us) {
            heap_set(&store->expiry, &tile->expiry, deadline_us(tile));
            continue;
        }
        if (tile->stale) {
            bury(store, tile, tile->version);
            tile->expired = true;
            continue;
        }
        tile->stale = true;
        heap_set(&store->expiry, &tile->expiry, deadline_us(tile));
        notify(store, tile, STORE_STALE, NULL, tile->version);
    }
}

void store_each(const struct store *store, void (*each)(void *arg, const struct tile *tile),
                void *arg)
{
    for (const struct tile *tile = store->tiles; tile != NULL; tile = tile->by_key.next) {
        if (tile->value != NULL) {
            each(arg, tile);
        }
    }
}
