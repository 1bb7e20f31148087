/* SPDX-License-Identifier: Apache-2.0 */
/* Through which a client sees a tile or an event: the fields that its view shows. Pure. */
#ifndef GATEWAY_BASE_LENS_H
#define GATEWAY_BASE_LENS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"
#include "gateway/base/view.h"

/* The fields are those of the grants that show the tile or event. {0} shows all fields. A view that
 * is named in it has to outlive it. */
struct lens {
    const struct view *view; /* The view; NULL: all fields are seen. */
    uint64_t grants;         /* One bit for each of the view's grants. */
};

/* The lens for a tile or event that the view shows. */
struct lens lens_of(const struct view *view, enum view_kind kind, struct str name);

/* True when all fields may be seen. */
static inline bool lens_clear(struct lens lens)
{
    return lens.view == NULL;
}

/* True when the same patterns of fields may be seen through both. */
bool lens_equal(struct lens a, struct lens b);

/* True when the field at the path may be seen, with all below it. */
bool lens_shows(struct lens lens, struct str path);

/* True when some field below the path may be seen. */
bool lens_shows_below(struct lens lens, struct str path);

/* A number that tells lenses apart that show different fields; 0: all of them. */
uint64_t lens_digest(struct lens lens);

#endif
