/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes what a lens shows of tiles and events as JSON. A field is named by the path to it:
 *
 *   event   {"id":7,…,"summary":"x","payload":{"customer":{"name":"y"}}}
 *                     summary       payload    payload.customer.name
 *   tile    {"key":"a",…,"data":{"total":3,"worst":[{"id":"t-1"}]}}
 *                               a figure   data.worst    data.worst.id
 *
 * Figures of a tile are always shown; all other members of `data` are fields. Of a map that is not
 * shown itself, but has fields below it that are, there is left what is shown: {} at least; and of
 * a list the items' members that are. So a patch that is narrowed turns what was narrowed before
 * into what is narrowed now. Pure.
 */
#ifndef GATEWAY_STREAM_RENDER_FIELDS_H
#define GATEWAY_STREAM_RENDER_FIELDS_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "gateway/base/lens.h"

/* What is nested so deep that the path to it is longer is not shown, unless what it is in is. */
#define FIELD_PATH_MAX 512

enum fields_of { FIELDS_OF_EVENT, FIELDS_OF_TILE, FIELDS_OF_PATCH };

/* True when everybody who sees a tile sees the member of its `data` that has this name. */
bool fields_is_figure(struct str name);

/* Appends `,"name":value`, or what is shown of the value, or nothing. */
void fields_put_member(struct buf *out, struct lens lens, struct str name, const mp_value *value);

/* Appends the `data` of a tile, or of a patch. */
void fields_put_data(struct buf *out, struct lens lens, const mp_value *data, bool patch);

/* Appends `,"truncated":[…]` with the names that are shown, or nothing if none is; in a patch,
 * null then. The names are fields of an event, or members of a tile's data. */
void fields_put_truncated(struct buf *out, struct lens lens, const mp_value *names,
                          enum fields_of what);

#endif
