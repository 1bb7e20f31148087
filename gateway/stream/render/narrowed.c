/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/render/narrowed.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

void narrowed_rendering_free(struct rendering *rendering)
{
    blob_unref(&rendering->frame);
    blob_unref(&rendering->ws_frame);
}

static size_t blob_bytes(const struct blob *blob)
{
    return blob != NULL ? sizeof *blob + blob->len : 0;
}

size_t narrowed_rendering_bytes(const struct rendering *rendering)
{
    return blob_bytes(rendering->frame) + blob_bytes(rendering->ws_frame);
}

struct rendering *narrowed_find(struct narrowed *list, struct lens lens)
{
    for (struct narrowed *item = list; item != NULL; item = item->next) {
        if (lens_equal(item->lens, lens)) {
            return &item->rendering;
        }
    }
    return NULL;
}

static void drop(struct narrowed **item_p)
{
    struct narrowed *item = *item_p;
    *item_p = item->next;
    narrowed_rendering_free(&item->rendering);
    view_release(&item->lens.view);
    free(item);
}

struct rendering *narrowed_add(struct narrowed **list, struct lens lens, size_t *dropped)
{
    struct narrowed *item = x_calloc(1, sizeof *item);
    item->lens = (struct lens){view_retain(lens.view), lens.grants};
    item->next = *list;
    *list = item;
    struct narrowed **last = &item->next;
    for (size_t kept = 1; kept < NARROWED_MAX && *last != NULL; kept++) {
        last = &(*last)->next;
    }
    if (*last != NULL) {
        *dropped += sizeof **last + narrowed_rendering_bytes(&(*last)->rendering);
        drop(last);
    }
    return &item->rendering;
}

void narrowed_free(struct narrowed **list)
{
    while (*list != NULL) {
        drop(list);
    }
}
