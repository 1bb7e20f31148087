/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns, in which `*` stands for any characters: which there are, and what two have in common.
 * Pure. (patterns.h: a list that is asked about many names.)
 */
#ifndef COMMON_BASE_MATCH_PATTERN_H
#define COMMON_BASE_MATCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/str.h"

/* True when a key or a type of events may match it: printable ASCII without spaces and quotes, and
 * not empty. */
bool pattern_valid(struct str pattern);

/* The same for one that stands in a list that is joined by commas; and for one of fields, which may
 * have any name: a control character, a comma or a quote in it is met with `*`. */
bool pattern_names_key(struct str pattern);
bool pattern_names_field(struct str pattern);

/* True when each text that `narrow` matches is matched by `wide`, too. */
bool pattern_covers(struct str wide, struct str narrow);

/* True when some text is matched by both. */
bool pattern_meets(struct str a, struct str b);

/* Brings a list into its normal form, in place: sorted, and nothing twice, so that equal lists are
 * equal texts. Returns how many are left. */
size_t pattern_sort(struct str *patterns, size_t count);

#endif
