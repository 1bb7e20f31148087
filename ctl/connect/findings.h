/* SPDX-License-Identifier: Apache-2.0 */
/* What `tilewire check --connect` finds: one sentence each, which says what to do unless all is
 * well. */
#ifndef CTL_CONNECT_FINDINGS_H
#define CTL_CONNECT_FINDINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "common/base/buf.h"

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_ERROR, FINDING_LEVELS };

struct finding {
    enum finding_level level; /* how bad it is */
    const char *about;        /* a part of the file, "source"; static */
    char *text;               /* a sentence; owned */
};

/* Zeroed memory is none. */
struct findings {
    struct finding *list; /* in the order in which they were made; owned */
    size_t count;         /* how many there are */
    size_t cap;           /* how many there is memory for */
};

void findings_free(struct findings *findings);

/* Adds one. about is static. */
void finding_add(struct findings *findings, enum finding_level level, const char *about,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Says in all from the one with that number on whose they are: NAME: …. */
void findings_name(struct findings *findings, size_t from, const char *name);

/* How many there are of a level. */
size_t findings_count(const struct findings *findings, enum finding_level level);

/* One line each, and one that sums up. */
void findings_print(const struct findings *findings, FILE *out);

/* {"errors": 0, "warnings": 1, "findings": [{"level": "ok", "about": "source", "text": "…"}, …]} */
void findings_print_json(const struct findings *findings, FILE *out);

#endif
