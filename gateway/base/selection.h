/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client asked for: keys of tiles or types of events, each a pattern in which `*` stands for
 * any characters; sorted and without repetitions, so that equal selections are equal texts.
 */
#ifndef GATEWAY_BASE_SELECTION_H
#define GATEWAY_BASE_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/str.h"

#define SELECTION_TEXT_MAX 4096
#define SELECTION_PATTERNS_MAX 256

struct selection {
    char *text;           /* The normal form: "a.*,b"; "" selects everything. Owned. */
    struct str *patterns; /* The parts of text; the array is owned. */
    size_t count;         /* The number of patterns; 0 selects everything. */
};

/* Parses a list joined by commas. NULL, "" and "*" select everything. STATUS_INVALID when the text
 * is longer than SELECTION_TEXT_MAX bytes, has more than SELECTION_PATTERNS_MAX patterns, or has an
 * empty pattern or one with characters that no key has; nothing needs to be freed then. */
int selection_parse(struct selection *out, const char *text);

/* Frees what the selection owns and leaves it all zero; does nothing to one that is. */
void selection_free(struct selection *selection);

/* True when a pattern matches the whole name, or everything is selected. */
bool selection_matches(const struct selection *selection, struct str name);

#endif
