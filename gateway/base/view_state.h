/* SPDX-License-Identifier: Apache-2.0 */
/* What a view is made of: for view.c and lens.c only. */
#ifndef GATEWAY_BASE_VIEW_STATE_H
#define GATEWAY_BASE_VIEW_STATE_H

#include <stdbool.h>

#include "gateway/base/view_list.h"

/* The lists of a grant: those of both kinds, and the fields. One that shows everything is `*`. */
enum { GRANT_FIELDS = VIEW_KINDS, GRANT_LISTS };

struct grant {
    struct view_list lists[GRANT_LISTS]; /* Each in its normal form. */
};

#define VIEW_MARK_SIZE 10

struct view {
    size_t references;    /* How many own it; 0: it lives as long as the program. */
    struct grant *grants; /* What it shows, in the order of the configuration; owned. */
    size_t grant_count;   /* How many grants there are. */
    bool hides;           /* True when a grant does not show all fields. */
    /* The patterns of all grants: those of tiles, then those of events, then the fields; owned. */
    struct str *patterns;
    struct view_list names[VIEW_KINDS];     /* In them: all that there are of a kind. */
    char *bytes;                            /* Those of all patterns; owned. */
    char *texts[VIEW_KINDS];                /* See view_text; owned. */
    char marks[VIEW_KINDS][VIEW_MARK_SIZE]; /* By kind: a digest of the patterns, as text. */
};

static inline bool grant_shows_all(const struct view_list *list)
{
    return list->count == 1 && str_is(list->patterns[0], "*");
}

#endif
