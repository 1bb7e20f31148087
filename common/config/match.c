/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/match.h"

#include <assert.h>
#include <string.h>

#include "common/base/event_fields.h"
#include "common/config/condition.h"

#define FIELD_TEXT_MAX 256 /* bytes of a field as written */
#define DEPTH_MAX 8        /* any and all around a condition */

static const char payload_prefix[] = "payload.";

/* The fields that tiles may name, beside added columns and members of the payload. */
static const struct named_field {
    enum event_field field;
    enum tile_field_kind kind;
} named_fields[] = {
    {EVENT_TYPE, TILE_FIELD_EVENT_TYPE},
    {EVENT_ACTOR, TILE_FIELD_ACTOR_ID},
    {EVENT_TARGET, TILE_FIELD_TARGET_ID},
    {EVENT_SUMMARY, TILE_FIELD_SUMMARY},
};

static bool column_missing(const struct config_reader *r, enum event_field field)
{
    return r->source->columns[field].name == NULL;
}

static int unknown_field(struct config_reader *r, const char *key, const struct yaml_node *at,
                         struct str text)
{
    const struct config_source *source = r->source;
    const char *names[COUNT_OF(named_fields) + CONFIG_EXTRAS_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(named_fields); i++) {
        names[count++] = event_fields[named_fields[i].field].name;
    }
    for (size_t i = 0; i < source->extra_count; i++) {
        names[count++] = source->extras[i].field;
    }
    names[count++] = "payload.NAME";
    return config_fail(r, at, key, "%s is no field of an event%s", config_found(r, at),
                       config_suggest(r, text, names, count,
                                      ", nor a column added under source.columns; known are "));
}

static int payload_field(struct config_reader *r, const char *key, const struct yaml_node *at,
                         struct tile_field *field)
{
    const char *path = field->text + strlen(payload_prefix);
    const size_t len = strlen(path);
    if (len == 0 || path[0] == '.' || path[len - 1] == '.' || strstr(path, "..") != NULL) {
        return config_expected(r, at, key, "names joined by single dots, such as payload.team.id");
    }
    if (column_missing(r, EVENT_PAYLOAD)) {
        return config_fail(r, at, key, "source.columns says that there is no payload");
    }
    field->kind = TILE_FIELD_PAYLOAD;
    field->path = (struct str){path, len};
    return STATUS_OK;
}

/* Fields of a user's own are counted over all sources. */
static size_t extra_number(const struct config_reader *r, const char *field)
{
    const struct config_source *all = &r->config->source;
    size_t i = 0;
    while (i < all->extra_count && strcmp(all->extras[i].field, field) != 0) {
        i++;
    }
    assert(i < all->extra_count);
    return i;
}

int config_read_field_at(struct config_reader *r, const char *key, const struct yaml_node *at,
                         struct tile_field *out)
{
    const struct config_source *source = r->source;
    struct str text;
    int status = config_scalar(r, at, key, "a field such as target_id or payload.team", &text);
    if (status != STATUS_OK) {
        return status;
    }
    if (text.len > FIELD_TEXT_MAX) {
        return config_fail(r, at, key, "a field is at most %d bytes long", FIELD_TEXT_MAX);
    }
    struct tile_field field = {.text = config_copy(r, text)};
    if (strncmp(text.p, payload_prefix, strlen(payload_prefix)) == 0) {
        status = payload_field(r, key, at, &field);
        *out = field;
        return status;
    }
    if (str_is(text, "payload")) {
        return config_expected(r, at, key, "a member of the payload, such as payload.team");
    }
    for (size_t i = 0; i < COUNT_OF(named_fields) && field.kind == TILE_FIELD_NONE; i++) {
        if (str_is(text, event_fields[named_fields[i].field].name)) {
            if (column_missing(r, named_fields[i].field)) {
                return config_fail(r, at, key, "source.columns says that there is no %s",
                                   field.text);
            }
            field.kind = named_fields[i].kind;
        }
    }
    for (size_t i = 0; i < source->extra_count && field.kind == TILE_FIELD_NONE; i++) {
        if (str_is(text, source->extras[i].field)) {
            field.kind = TILE_FIELD_EXTRA;
            field.extra = extra_number(r, source->extras[i].field);
        }
    }
    *out = field;
    return field.kind != TILE_FIELD_NONE ? STATUS_OK : unknown_field(r, key, at, text);
}

int config_read_field(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    return config_read_field_at(r, key->name, value, config_member(target, key));
}

/* What is read, and where. */
struct reading {
    struct config_reader *r;
    bool labels;    /* names are those of a metric's labels */
    unsigned depth; /* how many any and all are around it */
};

static int read_map(const struct reading *reading, const char *key, const struct yaml_node *value,
                    struct tile_match *match);

/* True for the keys `any` and `all`, which hold maps of conditions; a column may have such a name.
 */
static bool holds_maps(const struct reading *reading, const struct yaml_node *entry)
{
    const struct config_source *source = reading->r->source;
    const struct str name = entry->key->text;
    if (reading->labels || (!str_is(name, "any") && !str_is(name, "all"))) {
        return false;
    }
    for (size_t i = 0; i < source->extra_count; i++) {
        if (str_is(name, source->extras[i].field)) {
            return entry->kind == YAML_LIST && entry->first != NULL &&
                   entry->first->kind == YAML_MAP;
        }
    }
    return true;
}

/* How many conditions a map makes of its own; those of an any are its. */
static size_t count_conditions(const struct reading *reading, const struct yaml_node *map)
{
    size_t count = 0;
    for (const struct yaml_node *entry = map->kind == YAML_MAP ? map->first : NULL; entry != NULL;
         entry = entry->next) {
        if (!holds_maps(reading, entry)) {
            count += config_condition_count(entry);
        } else if (str_is(entry->key->text, "any")) {
            count++;
        } else {
            for (const struct yaml_node *node = entry->first; node != NULL; node = node->next) {
                count += count_conditions(reading, node);
            }
        }
    }
    return count;
}

/* Makes room for the conditions of a map. */
static void make_room(const struct reading *reading, const struct yaml_node *map,
                      struct tile_match *match)
{
    match->all =
        arena_array(reading->r->memory, count_conditions(reading, map) + 1, sizeof *match->all);
}

/* Reads the maps of an any, which are matches of their own, or of an all, whose conditions are
 * those of the match that it stands in. */
static int read_maps(const struct reading *outer, const struct yaml_node *entry,
                     struct tile_match *match)
{
    const struct reading reading = {outer->r, false, outer->depth + 1};
    const char *key = entry->key->text.p;
    const bool any = str_is(entry->key->text, "any");
    int status = config_expect_list(reading.r, entry, key, CONFIG_PATTERNS_MAX);
    if (status == STATUS_OK && reading.depth > DEPTH_MAX) {
        status = config_fail(reading.r, entry, key, "any and all may be nested %d deep", DEPTH_MAX);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct tile_condition *condition = NULL;
    if (any) {
        condition = &match->all[match->count++];
        condition->test = TILE_TEST_ANY;
        condition->either = arena_array(reading.r->memory, entry->count, sizeof *condition->either);
    }
    for (const struct yaml_node *node = entry->first; node != NULL && status == STATUS_OK;
         node = node->next) {
        struct tile_match *to = any ? &condition->either[condition->either_count++] : match;
        if (any) {
            make_room(&reading, node, to);
        }
        status = read_map(&reading, key, node, to);
    }
    return status;
}

/* Each entry's key names a field (or, for labels, a metric's label). */
static int read_entry(const struct reading *reading, const struct yaml_node *entry,
                      struct tile_match *match)
{
    struct config_reader *r = reading->r;
    struct tile_field field;
    struct yaml_node name = *entry->key;
    if (holds_maps(reading, entry)) {
        return read_maps(reading, entry, match);
    }
    if (reading->labels) {
        name.text = str_of(arena_printf(r->memory, "payload.labels.%s", name.text.p));
    }
    const int status = config_read_field_at(r, NULL, &name, &field);
    return status == STATUS_OK ? config_read_condition(r, entry, &field, match) : status;
}

static int read_map(const struct reading *reading, const char *key, const struct yaml_node *value,
                    struct tile_match *match)
{
    struct config_reader *r = reading->r;
    if (value->kind != YAML_MAP) {
        return config_expected(r, value, key,
                               reading->labels ? "a map from labels to values"
                                               : "a map such as {event_type: order.created}");
    }
    if (value->count == 0) {
        return config_fail(r, value, key, "expected at least one condition");
    }
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "%s%s.", outer, key);
    int status = STATUS_OK;
    for (const struct yaml_node *entry = value->first; entry != NULL && status == STATUS_OK;
         entry = entry->next) {
        status = read_entry(reading, entry, match);
    }
    r->context = outer;
    return status;
}

static int read_conditions(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, bool labels, struct tile_match *match)
{
    const struct reading reading = {r, labels, 0};
    make_room(&reading, value, match);
    return read_map(&reading, key->name, value, match);
}

int config_read_match(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    return read_conditions(r, key, value, false, config_member(target, key));
}

int config_read_labels(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    return read_conditions(r, key, value, true, config_member(target, key));
}
