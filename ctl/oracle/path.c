/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wanted_item {
    unsigned long index;
    const struct json_value *item; /* NULL until it is found */
};

static bool is_it_this(void *wanted_p, const struct json_value *item)
{
    struct wanted_item *wanted = wanted_p;
    if (wanted->index-- == 0) {
        wanted->item = item;
    }
    return wanted->item == NULL;
}

/* Returns the item whose index, written in decimal without needless zeros, is that text. */
static const struct json_value *item_at(const struct json_value *list, struct str text)
{
    char written[24];
    char again[24];
    if (text.len == 0 || text.len >= sizeof written) {
        return NULL;
    }
    memcpy(written, text.p, text.len);
    written[text.len] = '\0';
    struct wanted_item wanted = {strtoul(written, NULL, 10), NULL};
    snprintf(again, sizeof again, "%lu", wanted.index);
    if (strcmp(written, again) != 0) {
        return NULL;
    }
    json_each_item(list, is_it_this, &wanted);
    return wanted.item;
}

const struct json_value *oracle_path(const struct json_value *json, struct str path)
{
    size_t from = 0;
    while (json != NULL && from <= path.len) {
        size_t to = from;
        while (to < path.len && path.p[to] != '.') {
            to++;
        }
        const struct str name = {path.p + from, to - from};
        json = json_is_map(json)    ? json_at(json, name)
               : json_is_list(json) ? item_at(json, name)
                                    : NULL;
        from = to + 1;
    }
    return json;
}
