/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/known.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "gateway/stream/render/render.h"

struct known {
    bool by_cursor;
    uint64_t until; /* The client has heard of the removals up to this change. */
    union {
        struct cursor cursor;
        struct selection selection;
    };
};

struct known *known_by_cursor(const struct cursor *cursor, uint64_t forgotten)
{
    struct known *known = x_calloc(1, sizeof *known);
    known->by_cursor = true;
    known->cursor = *cursor;
    known->until = forgotten;
    return known;
}

struct known *known_by_selection(const struct selection *selection, uint64_t until)
{
    struct known *known = x_calloc(1, sizeof *known);
    selection_copy(&known->selection, selection);
    known->until = until;
    return known;
}

void known_free(struct known **known_p)
{
    struct known *known = *known_p;
    if (known != NULL) {
        if (!known->by_cursor) {
            selection_free(&known->selection);
        }
        free(known);
        *known_p = NULL;
    }
}

bool known_is_cursor(const struct known *known)
{
    return known != NULL && known->by_cursor;
}

bool known_is_selection(const struct known *known)
{
    return known != NULL && !known->by_cursor;
}

static bool cursor_has(const struct cursor *cursor, const struct tile *tile)
{
    const struct rendered_tile *rendered = tile->cache;
    return tile->lane < cursor->lanes && !tile->stale && !rendered->restated &&
           version_compare(tile->version, cursor->at[tile->lane]) <= 0;
}

bool known_has(const struct known *known, const struct tile *tile)
{
    if (known == NULL) {
        return false;
    }
    if (known->by_cursor) {
        return cursor_has(&known->cursor, tile);
    }
    return tile->change <= known->until && known_had(known, tile);
}

bool known_had(const struct known *known, const struct tile *tile)
{
    return known_is_selection(known) &&
           selection_matches_numbered(&known->selection, (struct str){tile->key, tile->key_len},
                                      tile->number);
}

uint64_t known_steps(const struct known *known)
{
    return known_is_selection(known) ? selection_steps(&known->selection) : 0;
}

bool known_outdated(const struct known *known, uint64_t watermark, uint64_t forgotten)
{
    if (known == NULL) {
        return false;
    }
    return known->until < forgotten && (!known->by_cursor || watermark < forgotten);
}
