/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client asked for: keys of tiles or types of events, each a pattern in which `*` stands for
 * any characters; sorted and without repetitions, so that equal wishes are equal texts.
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
    char *text;           /* normalised: "a.*,b"; "" selects everything */
    struct str *patterns; /* into text */
    size_t count;         /* 0: everything */
};

/* Parses a list joined by commas. NULL, "" and "*" select everything. STATUS_INVALID when it is too
 * long, or has an empty pattern or one with characters that no key has. */
int selection_parse(struct selection *out, const char *text);
void selection_free(struct selection *selection);
bool selection_matches(const struct selection *selection, struct str name);

#endif
