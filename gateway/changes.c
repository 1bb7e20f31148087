/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/changes.h"

#include "common/base/blob.h"
#include "common/base/buf.h"
#include "gateway/stream/render/render.h"

static void current_cursor(const struct gateway *gateway, struct buf *out)
{
    struct cursor cursor = {0};
    if (gateway->link != NULL) {
        replica_cursor(link_replica(gateway->link), &cursor);
    }
    if (cursor.lanes == 0) {
        cursor.lanes = 1;
    }
    cursor_append(out, &cursor);
}

/* The rendering is made now, for its cursor is that of this change; what is costly in it waits
 * until it is wanted. The parts come after the store, and go before it. */
static void on_change(void *arg, const struct tile *tile, enum store_change change,
                      const mp_value *patch, struct version base)
{
    struct gateway *gateway = arg;
    const struct rendered_tile *before = tile->cache;
    struct buf cursor = {0};
    if (change == STORE_REFRESHED && before != NULL) {
        /* The tile keeps its place in the order of changes, and so its cursor. */
        buf_append_text(&cursor, before->cursor);
    } else {
        current_cursor(gateway, &cursor);
    }
    store_set_cache(gateway->store, tile, render_tile_new(tile, change, buf_cstr(&cursor)));
    buf_free(&cursor);
    if (gateway->lists != NULL) {
        tile_lists_outdate(gateway->lists);
    }
    if (gateway->streams != NULL) {
        feed_tile(gateway->streams, tile, change, patch, base);
    }
    if (gateway->waiting != NULL && change != STORE_REFRESHED) {
        waiting_tile(gateway->waiting, (struct str){tile->key, tile->key_len}, tile->number);
    }
}

struct store_listener changes_listener(struct gateway *gateway)
{
    return (struct store_listener){on_change, render_tile_free, gateway};
}
