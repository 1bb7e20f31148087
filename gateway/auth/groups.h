/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of which somebody is: from a list of JSON, or from names that commas separate. Pure.
 */
#ifndef GATEWAY_AUTH_GROUPS_H
#define GATEWAY_AUTH_GROUPS_H

#include <stddef.h>

#include "common/base/str.h"
#include "common/codec/json.h"

/* The names are borrowed from what they were read from. {0} has none. */
struct groups {
    struct str *list; /* Their names, which the claim or the header owns. */
    size_t count;     /* How many there are. */
    size_t cap;       /* How many there is memory for. */
};

/* Adds the strings of a list, or the one string; all else is nobody's name, and passed over. */
void groups_add_json(struct groups *groups, const struct json_value *value);

/* Adds the names that commas separate. */
void groups_add_names(struct groups *groups, struct str names);

void groups_free(struct groups *groups);

#endif
