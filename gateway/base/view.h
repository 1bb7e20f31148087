/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one client may see: tiles by their keys, events by their types, and of both the fields that
 * may be seen of them. A request is given a view when it is admitted, and what answers it asks that
 * view once, when the request or stream begins (selection.h): lists, one tile, definitions, events,
 * streams of both kinds, requests that wait, and subscriptions over a WebSocket.
 *
 * A view is made of grants. Who belongs to several groups has a grant of each, and sees what any of
 * them shows; but a grant's fields are shown only of what that grant shows:
 *
 *     support   tiles tickets.*   events ticket.*   fields summary
 *     shop      tiles orders.*    events order.*    all fields        ─► of tickets still summary
 *
 * Grants with the same fields are one. So equal views have equal texts, however they were made, and
 * the streams of clients who see the same share their channels.
 *
 * A view is immutable. One thread.
 */
#ifndef GATEWAY_BASE_VIEW_H
#define GATEWAY_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/str.h"
#include "gateway/base/view_list.h"

#define VIEW_PATTERNS_MAX 1024        /* of all grants of a view together */
#define VIEW_TEXT_MAX ((size_t)32768) /* bytes of these patterns */
#define VIEW_GRANTS_MAX 64

struct view;

/*
 * Makes a view of one grant; NULL stands for a list that is not there, which shows everything. A
 * field is named by its path, as in `payload.customer.name`; what is below it is shown with it.
 * STATUS_INVALID: a pattern has characters that no name has; STATUS_FULL: they are too many, or too
 * long. The caller releases *out.
 */
int view_create(const struct view_list *tiles, const struct view_list *events,
                const struct view_list *fields, const struct view **out, struct error *err);

/* Makes the view that shows what any of these shows; of none it shows nothing. STATUS_FULL: they
 * have more patterns than one view may have. The caller releases *out. */
int view_union(const struct view *const *views, size_t count, const struct view **out,
               struct error *err);

/* The view that shows all tiles and all events, with all fields. It may be released or not. */
const struct view *view_everything(void);

/* One more owner of the view, which is returned; and one less, whose pointer becomes NULL. */
const struct view *view_retain(const struct view *view);
void view_release(const struct view **view);

/* What it shows of a kind, as text: equal texts show the same. For keys and for people:
 * `tickets.*,orders.open` or `tickets.* showing "summary" or orders.*`; "" shows nothing. */
struct str view_text(const struct view *view, enum view_kind kind);

/* What ids of messages end with, so that they tell under which view their client got what it has:
 * `~` and eight digits that follow from the text, or nothing for a view that shows everything. */
const char *view_mark(const struct view *view, enum view_kind kind);

/* True when both show the same. */
bool view_equal(const struct view *a, const struct view *b);

/* All patterns of names that it shows, of all grants, in no order. Valid as long as the view. */
struct view_list view_names(const struct view *view, enum view_kind kind);

/* True when the client may see the tile or the events that bear this name. */
bool view_shows(const struct view *view, enum view_kind kind, struct str name);

/* True when it may see something that the pattern matches; and everything that it matches, with all
 * fields (false when in doubt). */
bool view_meets(const struct view *view, enum view_kind kind, struct str pattern);
bool view_covers(const struct view *view, enum view_kind kind, struct str pattern);

#endif
