/* SPDX-License-Identifier: Apache-2.0 */
/* The `gateway.roles` section: what the members of each group may see. */
#include <string.h>

#include "common/base/match/pattern.h"
#include "common/config/sections/section.h"

#define GROUP_MAX 256 /* bytes of a group's name */

/* The reader of a list: what a pattern must be, and what is said when it is not. */
static int read_patterns(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target, bool (*valid)(struct str),
                         const char *expected)
{
    struct config_patterns *patterns = config_member(target, key);
    if (value->kind != YAML_LIST) {
        return config_expected(r, value, key->name,
                               "a list of patterns; without the key everything may be seen, and "
                               "with [] nothing");
    }
    patterns->given = true;
    patterns->count = 0;
    patterns->items = arena_array(r->memory, value->count, sizeof *patterns->items);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        if (node->kind != YAML_SCALAR || !valid(node->text)) {
            return config_expected(r, node, key->name, expected);
        }
        patterns->items[patterns->count++] = str_of(config_copy(r, node->text));
    }
    return STATUS_OK;
}

static int read_names(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    return read_patterns(r, key, value, target, pattern_names_key,
                         "a name, in which * stands for any characters, without spaces, commas and "
                         "quotes");
}

static int read_fields(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    return read_patterns(r, key, value, target, pattern_names_field,
                         "a field such as summary or payload.customer.*, without commas and "
                         "quotes");
}

/* Who is not told to may push nothing. */
static int read_push(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    if (value->kind != YAML_LIST) {
        return config_expected(r, value, key->name,
                               "a list of patterns of event types; without the key nothing may be "
                               "pushed");
    }
    return read_names(r, key, value, target);
}

#define PATTERNS(key, function, member)                                                            \
    CONFIG_MEMBER(key, function, struct config_role, member), .measure = CONFIG_ENTRIES, .min = 0, \
                                                              .max = CONFIG_ROLE_PATTERNS_MAX,     \
                                                              .default_words = "everything"

static const struct config_key rows[] = {
    {PATTERNS("tiles", read_names, tiles),
     .help = "The keys of the tiles that members of the group may see."},
    {PATTERNS("events", read_names, events),
     .help = "The types of the events that members of the group may see."},
    {PATTERNS("fields", read_fields, fields),
     .help = "The fields of these events, and the details of these tiles, that they may see."},
    {CONFIG_MEMBER("push", read_push, struct config_role, push), .measure = CONFIG_ENTRIES,
     .min = 0, .max = CONFIG_ROLE_PATTERNS_MAX, .default_words = "nothing",
     .help = "The types of the events that they may push."},
};
const struct config_table config_role_table = CONFIG_TABLE(rows);

static void add_up(const struct config_patterns *list, size_t *count, size_t *bytes)
{
    *count += list->given ? list->count : 1; /* `*` stands for a list that is not given */
    *bytes += list->given ? 0 : 1;
    for (size_t i = 0; i < list->count; i++) {
        *bytes += list->items[i].len;
    }
}

/* Somebody may be in all groups, and what they may see has to be found for each message. */
static int check_bounds(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, const struct config_gateway *gateway)
{
    size_t count = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < gateway->role_count; i++) {
        add_up(&gateway->roles[i].tiles, &count, &bytes);
        add_up(&gateway->roles[i].events, &count, &bytes);
        add_up(&gateway->roles[i].fields, &count, &bytes);
        if (gateway->roles[i].push.given) {
            add_up(&gateway->roles[i].push, &count, &bytes);
        }
    }
    if (count > CONFIG_ROLE_PATTERNS_MAX || bytes > CONFIG_ROLE_BYTES_MAX) {
        return config_fail(r, value, key->name,
                           "expected at most %d patterns, of %d bytes, in all roles together, but "
                           "found %zu, of %zu: say the same with fewer by `*`",
                           CONFIG_ROLE_PATTERNS_MAX, CONFIG_ROLE_BYTES_MAX, count, bytes);
    }
    return STATUS_OK;
}

int config_read_roles(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config_gateway *gateway = target;
    if (value->kind != YAML_MAP || value->count == 0 || value->count > (size_t)key->max) {
        return config_expected(
            r, value, key->name,
            "a map of 1 to 64 groups, such as support: {tiles: [\"tickets.*\"]}");
    }
    gateway->roles = arena_array(r->memory, value->count, sizeof *gateway->roles);
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "%s%s.", outer, key->name);
    int status = STATUS_OK;
    for (const struct yaml_node *node = value->first; node != NULL && status == STATUS_OK;
         node = node->next) {
        const struct str group = node->key->text;
        if (group.len == 0 || group.len > GROUP_MAX) {
            return config_fail(r, node->key, NULL, "expected a group's name of 1 to %d bytes",
                               GROUP_MAX);
        }
        struct config_role *role = &gateway->roles[gateway->role_count++];
        *role = (struct config_role){.group = config_copy(r, group)};
        status = config_read_section(r, role->group, node, key->table, role);
    }
    r->context = outer;
    return status == STATUS_OK ? check_bounds(r, key, value, gateway) : status;
}
