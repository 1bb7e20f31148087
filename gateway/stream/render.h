/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What browsers get: tiles and events as JSON, and as the frames of SSE streams. Each change of a
 * tile, and each event, is rendered at most once; what was rendered hangs on the tile or event and
 * is shared by all who send it.
 */
#ifndef GATEWAY_STREAM_RENDER_H
#define GATEWAY_STREAM_RENDER_H

#include <microhttpd.h>

#include "common/base/blob.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"

/* Hangs on struct tile as `cache`: made with each change, so that `cursor` is that of the change.
 */
struct rendered_tile {
    char *cursor;           /* resuming after it gives all later changes */
    struct version version; /* of the tile */
    wall_time arrival;      /* of the newest row that is known to be in it */
    bool news;              /* a row came with this change */
    bool restated; /* it turned stale or fresh, or expired, since that version was made: a cursor
                      does not tell whether a client knows */
    struct blob *frame; /* SSE: "id: …\nevent: tile\ndata: {…}\n\n"; NULL until somebody wants it */
    struct blob *ws_frame; /* the same for WebSockets; NULL until somebody wants it */
    size_t json_at;        /* the JSON within frame */
    size_t json_len;
    struct MHD_Response *response;     /* of GET /api/tiles/KEY; NULL until somebody wants it */
    struct MHD_Response *not_modified; /* its 304 */
};

/* The rendering of the tile as it is after the change, with nothing rendered yet; its `cache` is
 * still that of the change before. Takes a copy of cursor. */
struct rendered_tile *rendered_tile_new(const struct tile *tile, enum store_change change,
                                        const char *cursor);
void rendered_tile_free(void *rendered);

/* The frame; made if need be. Borrowed. */
struct rendered_tile *render_tile(const struct tile *tile);
struct str rendered_json(const struct rendered_tile *rendered);

/* ETag of a tile, with quotes: W/"<version>" or W/"<version>-stale". */
#define ETAG_SIZE 64
char *tile_etag(const struct tile *tile, char out[ETAG_SIZE]);

/* An event's frame: "id: 42\nevent: …\ndata: {…}\n\n"; its JSON is what stands behind "data: " up
 * to the two line ends. */
struct blob *render_event(struct eventlog_entry *entry);
struct str event_json(const struct blob *frame);

/* The same without its name. */
void render_message(struct buf *out, int64_t id, struct str json);

/* Frames that belong to no tile or event. */
void render_patch(struct buf *out, const char *cursor, const struct tile *tile,
                  const mp_value *patch, struct version base);
void render_expired(struct buf *out, const char *cursor, struct str key);
/* forget_id: the client shall not come back with the id that it has (tiles: it holds nothing now).
 */
void render_reset(struct buf *out, bool forget_id);
void render_heartbeat(struct buf *out, wall_time now, wall_time as_of);

#endif
