/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/match.h"

#include <assert.h>
#include <string.h>

#include "common/base/event_fields.h"

#define FIELD_TEXT_MAX 256 /* bytes of a field as written */
#define PATTERN_TEXT_MAX 1024
#define ALTERNATIVES_MAX 1000 /* patterns of one condition */

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

struct tile_pattern config_pattern(struct str text)
{
    return (struct tile_pattern){.kind = memchr(text.p, '*', text.len) != NULL ? TILE_PATTERN_GLOB
                                                                               : TILE_PATTERN_TEXT,
                                 .text = text};
}

/* Only payloads have types; what a column holds is compared as text, whatever it looks like. */
static int read_pattern(struct config_reader *r, const char *key, const struct yaml_node *value,
                        bool typed, struct tile_pattern *out)
{
    struct str text;
    const int status = config_scalar(
        r, value, key, "a text (`*` stands for anything), a number, true or false", &text);
    if (status != STATUS_OK) {
        return status;
    }
    if (text.len > PATTERN_TEXT_MAX) {
        return config_fail(r, value, key, "a text to compare with is at most %d bytes long",
                           PATTERN_TEXT_MAX);
    }
    *out = config_pattern(str_of(config_copy(r, text)));
    if (typed && yaml_as_bool(value, &out->boolean)) {
        out->kind = TILE_PATTERN_BOOL;
    } else if (typed && yaml_as_number(value, &out->number)) {
        out->kind = TILE_PATTERN_NUMBER;
    }
    return STATUS_OK;
}

static int read_patterns(struct config_reader *r, const struct yaml_node *value,
                         struct tile_condition *condition)
{
    const char *key = value->key->text.p;
    const bool typed = condition->field.kind == TILE_FIELD_PAYLOAD;
    const bool list = value->kind == YAML_LIST;
    int status = list ? config_expect_list(r, value, key, ALTERNATIVES_MAX) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    condition->any = arena_array(r->memory, list ? value->count : 1, sizeof *condition->any);
    for (const struct yaml_node *node = list ? value->first : value; node != NULL;
         node = list ? node->next : NULL) {
        status = read_pattern(r, key, node, typed, &condition->any[condition->any_count++]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Each entry's key names a field (or, for labels, a metric's label); its value is a pattern or a
 * list of them. */
static int read_conditions(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, bool labels, struct tile_match *match)
{
    if (value->kind != YAML_MAP) {
        return config_expected(r, value, key->name,
                               labels ? "a map from labels to values"
                                      : "a map such as {event_type: order.created}");
    }
    if (value->count == 0) {
        return config_fail(r, value, key->name, "expected at least one condition");
    }
    const char *outer = r->context;
    r->context = arena_printf(r->memory, "%s%s.", outer, key->name);
    match->all = arena_array(r->memory, value->count, sizeof *match->all);
    int status = STATUS_OK;
    for (const struct yaml_node *entry = value->first; entry != NULL && status == STATUS_OK;
         entry = entry->next) {
        struct tile_condition *condition = &match->all[match->count++];
        struct yaml_node name = *entry->key;
        if (labels) {
            const char *path = arena_printf(r->memory, "payload.labels.%s", name.text.p);
            name.text = str_of(path);
        }
        status = config_read_field_at(r, NULL, &name, &condition->field);
        if (status == STATUS_OK) {
            status = read_patterns(r, entry, condition);
        }
    }
    r->context = outer;
    return status;
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
