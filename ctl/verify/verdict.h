/* SPDX-License-Identifier: Apache-2.0 */
/* What verifying can say of one tile. */
#ifndef CTL_VERIFY_VERDICT_H
#define CTL_VERIFY_VERDICT_H

#include <stdbool.h>

/* By how much, relative to their size, numbers may differ that were added up in another order. */
#define VERIFY_TOLERANCE 1e-9

enum verdict {
    VERDICT_EQUAL,
    VERDICT_DIFFERS, /* The tile is not what it has to be as of its own position and time. */
    VERDICT_LACKS,   /* It was not made of all rows that are there. */
    VERDICT_BEHIND,  /* It was right then, but lacks newer rows, or what time has changed since. */
    VERDICT_MISSING, /* The tile is not served. */
    VERDICT_SURPLUS, /* It is served, but no definition or row explains it. */
    VERDICT_STALE,   /* It is right, but marked as stale. */
    VERDICT_UNPROVABLE, /* Nothing about it is wrong, but rows that it was made of are gone. */
    VERDICT_BUILDING,   /* It is being built, so that nothing can be said. */

    /* What shown.h finds. */
    VERDICT_SHOWN_OTHERWISE, /* A gateway shows it in another way than it is served. */
    VERDICT_SHOWN_LATE,      /* A gateway shows another version of it than is served. */
    VERDICT_NOT_SHOWN,       /* It may be seen, and is not shown. */
    VERDICT_EXPOSED,         /* It may not be seen, and is shown. */
};

/* A word for programs. */
const char *verdict_name(enum verdict verdict);

/* True for the verdicts that are unprovable. */
bool verdict_is_unprovable(enum verdict verdict);

#endif
