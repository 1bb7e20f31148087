/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where what a request asks for meets what its client may see. Handlers get selections, tiles and
 * definitions from here and from nowhere else, so that none can forget to ask.
 *
 *   admitted ─► visible_begin ─► handler ─► visible_selection, visible_tile, … ─► answered
 *
 * A list or a stream of which the client may see nothing is refused with 403; a tile that it may
 * not see does not exist for it.
 */
#ifndef GATEWAY_API_VISIBLE_H
#define GATEWAY_API_VISIBLE_H

#include "common/config/config.h"
#include "common/store/store.h"
#include "gateway/base/lens.h"
#include "gateway/base/selection.h"
#include "gateway/base/view.h"
#include "gateway/http/request.h"

/* Gives the request the view of its client, and says if the client may be answered at all: when
 * not, *result is what the handler returns. Also called for a request that has waited, whose client
 * may see less by then. */
bool visible_begin(struct request *request, enum MHD_Result *result);

/* What the request selects of tiles (parameter `keys`) or events (`types`), as far as its client
 * may see it; the caller frees it. False when the parameter is wrong, or nothing is left:
 * *result is then what the handler returns. */
bool visible_selection(struct request *request, enum view_kind kind, struct selection *out,
                       enum MHD_Result *result);

/* The tile with that key; NULL when there is none that the client may see. */
const struct tile *visible_tile(const struct request *request, struct str key);

/* Through which the client sees a tile of which visible_tile has told it. */
struct lens visible_lens(const struct request *request, const struct tile *tile);

/* What the configuration says about a tile or family; NULL when there is none that the client may
 * see. */
const struct tile_config *visible_definition(const struct request *request, struct str key);

#endif
