/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/auth/groups.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "gateway/auth/credentials.h"

static void add(struct groups *groups, struct str name)
{
    if (groups->count == groups->cap) {
        groups->cap = groups->cap != 0 ? groups->cap * 2 : 16;
        groups->list = x_reallocarray(groups->list, groups->cap, sizeof *groups->list);
    }
    groups->list[groups->count++] = name;
}

static bool add_item(void *arg, const struct json_value *item)
{
    struct str name;
    if (json_as_str(item, &name)) {
        add(arg, name);
    }
    return true;
}

void groups_add_json(struct groups *groups, const struct json_value *value)
{
    if (json_is_list(value)) {
        json_each_item(value, add_item, groups);
    } else {
        (void)add_item(groups, value);
    }
}

void groups_add_names(struct groups *groups, struct str names)
{
    struct str name;
    while (credentials_next_name(&names, &name)) {
        add(groups, name);
    }
}

void groups_free(struct groups *groups)
{
    free(groups->list);
    *groups = (struct groups){0};
}
