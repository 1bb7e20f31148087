/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/access/roles.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/xalloc.h"

#define EVERYBODY "*"

/* The configuration bounds all roles together so that any of them fit into one view. */
_Static_assert(CONFIG_ROLE_PATTERNS_MAX <= VIEW_PATTERNS_MAX, "roles have too many patterns");
_Static_assert(CONFIG_ROLE_BYTES_MAX <= VIEW_TEXT_MAX, "roles have too many bytes");
_Static_assert(CONFIG_ROLES_MAX <= VIEW_GRANTS_MAX, "there are too many roles");

struct role {
    char *group;
    const struct view *view;
    struct buf pushes; /* patterns, joined by commas */
};

struct roles {
    struct role *list;
    size_t count;
};

static const struct view_list *list_of(const struct config_patterns *patterns,
                                       struct view_list *out)
{
    *out = (struct view_list){patterns->items, patterns->count};
    return patterns->given ? out : NULL;
}

static const struct view *make_view(const struct config_role *role)
{
    struct view_list tiles;
    struct view_list events;
    struct view_list fields;
    const struct view *view = NULL;
    const int status = view_create(list_of(&role->tiles, &tiles), list_of(&role->events, &events),
                                   list_of(&role->fields, &fields), &view, NULL);
    assert(status == STATUS_OK); /* the configuration was checked by the same rules */
    (void)status;
    return view;
}

static void append_pattern(struct buf *out, struct str pattern)
{
    buf_append_text(out, out->len != 0 ? "," : "");
    buf_append_str(out, pattern);
}

struct roles *roles_create(const struct config_gateway *config)
{
    struct roles *roles = x_calloc(1, sizeof *roles);
    roles->list = x_calloc(config->role_count + 1, sizeof *roles->list);
    for (size_t i = 0; i < config->role_count; i++) {
        struct role *role = &roles->list[roles->count++];
        *role = (struct role){.group = x_strdup(config->roles[i].group),
                              .view = make_view(&config->roles[i])};
        for (size_t j = 0; j < config->roles[i].push.count; j++) {
            append_pattern(&role->pushes, config->roles[i].push.items[j]);
        }
    }
    return roles;
}

void roles_destroy(struct roles **roles_p)
{
    struct roles *roles = *roles_p;
    if (roles == NULL) {
        return;
    }
    for (size_t i = 0; i < roles->count; i++) {
        free(roles->list[i].group);
        view_release(&roles->list[i].view);
        buf_free(&roles->list[i].pushes);
    }
    free(roles->list);
    free(roles);
    *roles_p = NULL;
}

static bool applies(const struct role *role, const struct str *groups, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(groups[i], role->group)) {
            return true;
        }
    }
    return str_is(STR(EVERYBODY), role->group);
}

const struct view *roles_view(const struct roles *roles, const struct str *groups, size_t count)
{
    const struct view *views[CONFIG_ROLES_MAX];
    const struct view *view = NULL;
    size_t found = 0;
    for (size_t i = 0; i < roles->count; i++) {
        if (applies(&roles->list[i], groups, count)) {
            views[found++] = roles->list[i].view;
        }
    }
    const int status = view_union(views, found, &view, NULL);
    assert(status == STATUS_OK);
    (void)status;
    return view;
}

void roles_pushes(const struct roles *roles, const struct str *groups, size_t count,
                  struct buf *out)
{
    for (size_t i = 0; i < roles->count; i++) {
        if (roles->list[i].pushes.len != 0 && applies(&roles->list[i], groups, count)) {
            append_pattern(out, buf_str(&roles->list[i].pushes));
        }
    }
}
