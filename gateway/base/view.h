/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one client may see. A request is given a view when it is admitted, and everything that
 * answers it asks that view once, when the request or stream begins: lists, one tile, definitions,
 * events, streams of both kinds, requests that wait, and subscriptions over a WebSocket. What is
 * left of what the client asked for is the selection from then on, so that nothing is asked per
 * message.
 *
 * There is one view for now, that of a client about whom nothing is known: it shows everything.
 * Checking tokens will make others. A view is immutable, and outlives every request and channel
 * that refers to it; the one there is lives as long as the program.
 */
#ifndef GATEWAY_BASE_VIEW_H
#define GATEWAY_BASE_VIEW_H

#include <stdbool.h>

#include "common/base/str.h"
#include "gateway/base/selection.h"

struct view;

/* Tiles are named by their keys, events by their types. */
enum view_kind { VIEW_TILES, VIEW_EVENTS };

/* The view that shows all tiles and all events. */
const struct view *view_everything(void);

/* Narrows what a client asked for to what it may see, in place. False: none of it may be seen; the
 * selection stays the caller's in either case. */
bool view_narrow(const struct view *view, enum view_kind kind, struct selection *wanted);

/* The same for one name: true when the client may see the tile or the events that bear it. */
bool view_shows(const struct view *view, enum view_kind kind, struct str name);

#endif
