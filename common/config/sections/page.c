/* SPDX-License-Identifier: Apache-2.0 */
/* What of `gateway` is about pages: `cors_origins`, `frame_ancestors` and `views`. */
#include <string.h>

#include "common/config/sections/section.h"

#define NAME_MAX_BYTES 64    /* of a view's name */
#define QUERY_MAX_BYTES 8192 /* of a view's query; browsers take longer addresses */

/* True for scheme://host and scheme://host:port, as browsers send it in Origin. */
static bool origin_valid(struct str text)
{
    const char *slashes = strstr(text.p, "://");
    if (slashes == NULL || slashes == text.p || slashes[3] == '\0' || text.len > 255) {
        return false;
    }
    return strspn(text.p, "abcdefghijklmnopqrstuvwxyz0123456789+-.") ==
               (size_t)(slashes - text.p) &&
           strspn(slashes + 3, "abcdefghijklmnopqrstuvwxyz0123456789-._:[]") == strlen(slashes + 3);
}

/* Reads a list of origins, in which `*` stands for all: *any is set then. */
static int read_origins(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, const char ***origins, size_t *count,
                        bool *any)
{
    const int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    *origins = arena_array(r->memory, value->count, sizeof **origins);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (node->kind == YAML_SCALAR && str_is(node->text, "*")) {
            *any = true;
            continue;
        }
        if (node->kind != YAML_SCALAR || !origin_valid(node->text)) {
            return config_expected(r, node, key->name,
                                   "an origin such as https://ops.example.org (lower case, no path "
                                   "and no slash at its end), or \"*\"");
        }
        (*origins)[(*count)++] = config_copy(r, node->text);
    }
    return STATUS_OK;
}

int config_read_cors_origins(struct config_reader *r, const struct config_key *key,
                             const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    return read_origins(r, key, value, &gateway->cors_origins, &gateway->cors_origin_count,
                        &gateway->cors_any);
}

int config_read_frame_ancestors(struct config_reader *r, const struct config_key *key,
                                const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    return read_origins(r, key, value, &gateway->frame_ancestors, &gateway->frame_ancestor_count,
                        &gateway->frames_any);
}

/* A view is chosen by its name, in an address that lists several with commas. */
static bool name_valid(struct str name)
{
    return name.len > 0 && name.len <= NAME_MAX_BYTES && memchr(name.p, ',', name.len) == NULL;
}

int config_read_views(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    if (value->kind != YAML_MAP || value->count > (size_t)key->max) {
        return config_expected(r, value, key->name,
                               "a map of up to 64 views, such as support: "
                               "\"show=tickets.*&size=tickets.sla:2\"");
    }
    gateway->views = arena_array(r->memory, value->count, sizeof *gateway->views);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (!name_valid(node->key->text)) {
            return config_fail(r, node->key, key->name,
                               "expected a view's name of 1 to %d bytes without a comma",
                               NAME_MAX_BYTES);
        }
        if (node->kind != YAML_SCALAR || node->text.len > QUERY_MAX_BYTES) {
            return config_expected(r, node, key->name,
                                   "what stands behind the ? of the dashboard's address");
        }
        gateway->views[gateway->view_count++] =
            (struct config_view){config_copy(r, node->key->text), config_copy(r, node->text)};
    }
    return STATUS_OK;
}
