/* SPDX-License-Identifier: Apache-2.0 */
/* What a view is about: kinds of names, and lists of patterns. */
#ifndef GATEWAY_BASE_VIEW_LIST_H
#define GATEWAY_BASE_VIEW_LIST_H

#include <stddef.h>

#include "common/base/str.h"

/* Tiles are named by their keys, events by their types. */
enum view_kind { VIEW_TILES, VIEW_EVENTS, VIEW_KINDS };

/* A list of patterns; one without any shows nothing. Borrowed. */
struct view_list {
    const struct str *patterns; /* The patterns; borrowed from the view. */
    size_t count;               /* How many there are. */
};

#endif
