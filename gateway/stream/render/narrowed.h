/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renderings of one tile or event, and those for clients who may not see all of its fields: one for
 * each lens, made once however many streams get it. The NARROWED_MAX that were made last are kept.
 * One thread.
 */
#ifndef GATEWAY_STREAM_RENDER_NARROWED_H
#define GATEWAY_STREAM_RENDER_NARROWED_H

#include <stddef.h>

#include "common/base/blob.h"
#include "gateway/base/lens.h"

#define NARROWED_MAX 4

struct rendering {
    struct blob *frame;    /* A tile: the message of SSE as a chunk; NULL until somebody wants it.
                              An event: its JSON. */
    struct blob *ws_frame; /* A tile: the same as a WebSocket's; NULL until somebody wants it. */
    size_t json_at;        /* Where the JSON begins in `frame`. */
    size_t json_len;       /* The bytes of the JSON. */
};

void narrowed_rendering_free(struct rendering *rendering);

/* The bytes of its frames. */
size_t narrowed_rendering_bytes(const struct rendering *rendering);

struct narrowed {
    struct narrowed *next;      /* The one that was made before; NULL for the oldest. */
    struct lens lens;           /* It owns the view. */
    struct rendering rendering; /* What clients with that lens are sent. */
};

/* The rendering for that lens, or NULL. A list that is NULL is empty. */
struct rendering *narrowed_find(struct narrowed *list, struct lens lens);

/* Adds an empty one, and frees the oldest when they are too many, whose bytes are added to
 * *dropped. */
struct rendering *narrowed_add(struct narrowed **list, struct lens lens, size_t *dropped);

void narrowed_free(struct narrowed **list);

#endif
