/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What browsers get: tiles and events as JSON, and as messages of streams. Each change of a tile,
 * and each event, is rendered at most once, and once for each lens through which it is seen
 * (narrowed.h); what was rendered hangs on the tile or event, which owns it, and is shared by all
 * who send it.
 */
#ifndef GATEWAY_STREAM_RENDER_RENDER_H
#define GATEWAY_STREAM_RENDER_RENDER_H

#include <microhttpd.h>

#include "common/base/blob.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/base/lens.h"
#include "gateway/stream/render/message.h"
#include "gateway/stream/render/narrowed.h"

/* Hangs on struct tile as `cache`. It is made with each change, so that `cursor` is that of the
 * change. */
struct rendered_tile {
    char *cursor;           /* Resuming after it gives all later changes. */
    struct version version; /* The tile's. */
    wall_time arrival;      /* Of the newest row that is known to be in the tile. */
    bool news;              /* A row came with this change. */
    /* The tile turned stale or fresh, or expired, since that version was made: a cursor does not
     * tell whether a client knows. */
    bool restated;
    struct rendering whole;    /* With all fields. */
    struct narrowed *narrowed; /* For those who may not see all of them; mostly NULL. */
    /* What the API keeps with the tile, and what frees it; NULL until somebody wants it. */
    void *answers;
    void (*free_answers)(void *answers); /* Frees `answers`. */
};

/* The rendering of the tile as it is after the change, with nothing rendered yet; the tile's
 * `cache` is still that of the change before. Takes a copy of cursor. */
struct rendered_tile *render_tile_new(const struct tile *tile, enum store_change change,
                                      const char *cursor);
void render_tile_free(void *rendered);

/* What the lens shows of it, with its `frame`, which is made if need be. Borrowed from the tile
 * until another lens is asked for, as the JSON and the message are, which need the frame to be
 * there. */
struct rendering *render_tile(const struct tile *tile, struct lens lens);
struct str render_tile_json(const struct rendering *rendering);
struct message render_tile_message(const struct tile *tile, const struct rendering *rendering);

/* ETag of a tile, with quotes: W/"<version>" or W/"<version>-stale"; behind it the digest of a lens
 * that does not show all fields. */
#define RENDER_ETAG_SIZE 80
char *render_etag(const struct tile *tile, struct lens lens, char out[RENDER_ETAG_SIZE]);

/* What the lens shows of the event: its id in decimal, its type as the name, its members as JSON.
 * Made if need be, and borrowed from the entry, on which it hangs as `cache`, until another lens is
 * asked for. */
struct message render_event(struct eventlog_entry *entry, struct lens lens);
/* For the event log's free_cache. */
void render_event_free(void *cache);

/* Messages that belong to no tile or event for long. Where there is a buffer, its content is
 * replaced by the message's JSON and has to outlive the message, as cursor has to. */
struct message render_patch(struct buf *json, const char *cursor, const struct tile *tile,
                            const mp_value *patch, struct version base, struct lens lens);
struct message render_expired(struct buf *json, const char *cursor, struct str key);
struct message render_heartbeat(struct buf *json, wall_time now, wall_time as_of, const char *page);
/* forget_id: the client shall not come back with the id that it has, for it holds no tile now. */
struct message render_reset(bool forget_id);

/* The client's credentials have ended, and so does the stream. */
struct message render_expired_token(void);

#endif
