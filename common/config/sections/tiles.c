/* SPDX-License-Identifier: Apache-2.0 */
/* The `tiles` section: the keys that every tile has, and reading the list of tiles. */
#include "common/config/tiles.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/definition.h"
#include "common/config/match.h"
#include "common/config/message_place.h"
#include "common/config/sections/section.h"
#include "common/config/tile_types.h"
#include "common/config/types/tile_display.h"
#include "common/config/types/tile_limits.h"

#define TITLE_MAX 256 /* bytes */
#define MARGIN_MAX 1000000000000
#define UNIT_MAX 32                /* bytes */
#define GROUP_MAX 128              /* bytes */
#define GRACE_MIN_MS MS_PER_MINUTE /* of a grace that follows from the ttl */

static const char *const policies[] = {
    [TILE_REFRESH_ON_EVENT] = "on_event", [TILE_REFRESH_INTERVAL] = "interval", NULL};

const char *tile_refresh_policy_name(enum tile_refresh_policy policy)
{
    return policies[policy];
}

static bool tile_key_valid(struct str key)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return key.len > 0 && key.len <= TILE_KEY_MAX && strspn(key.p, allowed) == key.len;
}

static int read_tile_key(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target)
{
    struct tile_config *tile = target;
    if (value->kind != YAML_SCALAR || !tile_key_valid(value->text)) {
        return config_expected(r, value, key->name,
                               "1 to 128 letters, digits, dots, - and _ (orders.open)");
    }
    tile->key = config_copy(r, value->text);
    return STATUS_OK;
}

static const struct config_key refresh_rows[] = {
    {CONFIG_CHOICE("policy", struct tile_config, refresh), .choices = policies,
     .default_value = "on_event", .help = "When a change is published."},
    {CONFIG_DURATION("min_interval", struct tile_config, min_interval_ms, 1, MS_PER_HOUR),
     .default_value = "100ms", .help = "The shortest time between two changes that are published."},
};
static const struct config_table refresh_table = CONFIG_TABLE(refresh_rows);

static const struct config_key identity_rows[] = {
    {CONFIG_MEASURED("key", read_tile_key, struct tile_config, key, CONFIG_LENGTH, 1, TILE_KEY_MAX),
     .range = "letters, digits, `.`, `_`, `-`", .needed = "key: orders.open",
     .help = "The tile's name in URLs and on the wire; unique."},
    {CONFIG_CUSTOM("type", config_read_tile_type), .range = "a type, see below",
     .needed = "type: count", .help = "What the tile shows."},
    {CONFIG_TEXT("title", struct tile_config, title, TITLE_MAX), .default_words = "the key",
     .help = "What people call the tile."},
    {CONFIG_CUSTOM("source", config_read_tile_source), .default_words = "all",
     .range = "a name in [`sources`](#sources)", .help = "The only source whose events count."},
};
const struct config_table config_tile_identity_table = CONFIG_TABLE(identity_rows);

static const struct config_key shared_rows[] = {
    {CONFIG_MEMBER("group_by", config_read_field, struct tile_config, group_by),
     .range = "a [field](#fields)",
     .help = "Makes a family of tiles, one for each value of the field."},
    {CONFIG_DURATION("idle", struct tile_config, idle_ms, 1, TILE_STEP_MAX), .default_value = "1h",
     .help = "Only with `group_by`: a member without an event for so long is dropped."},
    {CONFIG_COUNT("max_groups", struct tile_config, max_groups, 1, TILE_GROUPS_MAX),
     .default_value = "1000", .help = "Only with `group_by`: the number of members at once."},
    {CONFIG_BOOL("partition", struct tile_config, partition), .default_value = "false",
     .help = "Only with `group_by`: the field is the key of Kafka's messages, so ingestors share "
             "the members out by partitions (`ingestor.partitions`)."},
    {CONFIG_SAME_SECTION("refresh", refresh_table), .help = "How often changes are published."},
    {CONFIG_DURATION("ttl", struct tile_config, ttl_ms, 100, 7 * MS_PER_DAY),
     .default_value = "60s", .help = "The tile is `stale` when nothing refreshed it for so long."},
    {CONFIG_DURATION("grace", struct tile_config, grace_ms, 1, 30 * MS_PER_DAY),
     .default_words = "`ttl`, at least `60s`", .help = "A stale tile is gone after so long."},
    {CONFIG_CUSTOM("warn", tile_limits_read), .range = "[conditions](#status)",
     .help = "The tile's status is `warn` when one of these holds."},
    {CONFIG_CUSTOM("critical", tile_limits_read), .range = "[conditions](#status)",
     .help = "The tile's status is `critical` when one of these holds."},
    {CONFIG_DURATION("for", struct tile_config, thresholds.for_ms, 0, 7 * MS_PER_DAY),
     .default_value = "0s", .help = "How long a condition has to hold before the status is worse."},
    {CONFIG_DURATION("clear_after", struct tile_config, thresholds.clear_ms, 0, 7 * MS_PER_DAY),
     .default_value = "30s",
     .help = "How long no condition of a status may hold before the status is better."},
    {CONFIG_RATE("margin", struct tile_config, thresholds.margin, MARGIN_MAX),
     .help = "How far a figure has to be back from a threshold to be on its other side again."},
    {CONFIG_TEXT("group", struct tile_config, display.group, GROUP_MAX),
     .help = "The heading that the tile stands under on the dashboard."},
    {CONFIG_TEXT("unit", struct tile_config, unit, TILE_UNIT_MAX),
     .help = "The unit of the number, for people."},
    {CONFIG_CHOICE("format", struct tile_config, display.format), .choices = tile_display_formats,
     .default_value = "number", .help = "How people read the number."},
    {CONFIG_COUNT("decimals", struct tile_config, display.decimals, 0, TILE_DECIMALS_MAX),
     .default_words = "as many as it needs", .help = "The decimals that are shown."},
    {CONFIG_MEMBER("link", tile_display_read_link, struct tile_config, display.link),
     .range = "an address", .help = "Where the tile leads to."},
    {CONFIG_MEMBER("item_link", tile_display_read_link, struct tile_config, display.item_link),
     .range = "an address", .help = "Where an item or a member of the tile leads to."},
};
const struct config_table config_tile_shared_table = CONFIG_TABLE(shared_rows);

/* ---- what has to fit together ---- */

static int check_metric(const struct tile_reading *t)
{
    static const char reason[] = "a metric is a selection of events already (labels narrow it)";
    int status = tile_rules_exclude(t, "match", "metric", reason);
    if (status == STATUS_OK) {
        status = tile_rules_together(t, "labels", "metric");
    }
    if (status == STATUS_OK && t->tile->metric != NULL &&
        t->r->source->columns[EVENT_PAYLOAD].name == NULL) {
        status = config_fail(t->r, tile_rules_given(t, "metric"), "metric",
                             "metrics stand in the payload, and source.columns says that there is "
                             "none");
    }
    return status;
}

static int check_needed(const struct tile_reading *t)
{
    int status = STATUS_OK;
    for (size_t i = 0; i < t->rules->table.count && status == STATUS_OK; i++) {
        const struct config_key *key = &t->rules->table.rows[i];
        if (key->needed != NULL) {
            status = tile_rules_need(t, key->name, key->needed);
        }
    }
    return status;
}

/* The place in a message that the field is read from; NULL: it is a part of what is there. */
static const char *place_of(const struct config_source *source, const struct tile_field *field)
{
    switch (field->kind) {
    case TILE_FIELD_EVENT_TYPE:
        return source->columns[EVENT_TYPE].name;
    case TILE_FIELD_ACTOR_ID:
        return source->columns[EVENT_ACTOR].name;
    case TILE_FIELD_TARGET_ID:
        return source->columns[EVENT_TARGET].name;
    case TILE_FIELD_SUMMARY:
        return source->columns[EVENT_SUMMARY].name;
    case TILE_FIELD_EXTRA:
        return source->extras[field->extra].column;
    case TILE_FIELD_NONE:
    case TILE_FIELD_PAYLOAD:
        break;
    }
    return NULL;
}

/* A member is of one partition only if its group is what partitions are chosen by. */
static int check_partition(const struct tile_reading *t)
{
    const struct config_source *source = t->r->source;
    struct message_place place = {PLACE_NONE, STR_NULL};
    int status = tile_rules_together(t, "partition", "group_by");
    if (status != STATUS_OK || !t->tile->partition || !t->r->config->has_source) {
        return status;
    }
    const struct yaml_node *value = tile_rules_given(t, "partition");
    if (config_has_sources(t->r->config)) {
        return config_fail(t->r, value, "partition",
                           "with `sources` each ingestor reads all of them; leave it out, and "
                           "divide the tiles by ingestor.lanes");
    }
    if (source->kind != SOURCE_KAFKA) {
        return config_fail(t->r, value, "partition",
                           "only a source of Kafka has partitions; leave it out, and divide the "
                           "tiles by ingestor.lanes");
    }
    const char *text = place_of(source, &t->tile->group_by);
    if (text == NULL || !message_place_parse(str_of(text), source->format, &place) ||
        place.kind != PLACE_KEY) {
        return config_fail(t->r, value, "partition",
                           "group_by has to be the message's key: write `%s: key` under "
                           "source.fields and group by that, or leave partition out",
                           t->tile->group_by.kind == TILE_FIELD_PAYLOAD ? "key"
                                                                        : t->tile->group_by.text);
    }
    return STATUS_OK;
}

/* Days and weeks are one thing only where all sources agree on them. */
static int check_local(const struct tile_reading *t)
{
    const struct config *config = t->r->config;
    for (size_t i = 1; i < config->source_count && t->tile->source == NULL; i++) {
        const struct config_local_time *other = &config->sources[i].local;
        if (t->tile->metric != NULL &&
            strcmp(config->sources[i].metric_event, config->sources[0].metric_event) != 0) {
            return config_fail(t->r, t->node, "metric",
                               "the sources have different metric_event; choose one with "
                               "`source`, or write the same in all");
        }
        if (strcmp(other->time_zone, t->tile->local->time_zone) != 0 ||
            other->week_starts != t->tile->local->week_starts) {
            return config_fail(t->r, t->node, NULL,
                               "the sources have different time_zone or week_starts, so a tile of "
                               "all of them has no day; choose one with `source`, or write the "
                               "same in all");
        }
    }
    return STATUS_OK;
}

static int check_tile(const struct tile_reading *t)
{
    int status = tile_rules_together(t, "idle", "group_by");
    if (status == STATUS_OK) {
        status = tile_rules_together(t, "max_groups", "group_by");
    }
    if (status == STATUS_OK) {
        status = check_partition(t);
    }
    if (status == STATUS_OK) {
        status = check_local(t);
    }
    if (status == STATUS_OK) {
        status = check_metric(t);
    }
    if (status == STATUS_OK) {
        status = check_needed(t);
    }
    if (status == STATUS_OK && t->rules->check != NULL) {
        status = t->rules->check(t);
    }
    if (status == STATUS_OK) {
        status = tile_limits_finish(t);
    }
    if (status == STATUS_OK) {
        status = tile_display_finish(t);
    }
    return status;
}

/* The defaults that follow from other keys of every tile. */
static void complete_tile(struct tile_config *tile)
{
    if (tile->title == NULL) {
        tile->title = tile->key;
    }
    if (tile->grace_ms == 0) {
        tile->grace_ms = tile->ttl_ms > GRACE_MIN_MS ? tile->ttl_ms : GRACE_MIN_MS;
    }
}

/* ---- reading ---- */

/* The type says which keys there are, the source says which fields, and the key is in every
 * message: these come first. */
static int read_identity(struct config_reader *r, const struct yaml_node *node,
                         struct tile_config *tile)
{
    const struct config_key *key = &identity_rows[0];
    const struct config_key *type = &identity_rows[1];
    if (node->kind != YAML_MAP) {
        return config_expected(r, node, NULL, "a tile: {key: …, type: …, …}");
    }
    const struct yaml_node *value = yaml_get(node, key->name);
    if (value == NULL) {
        return config_fail(r, node, NULL, "a tile needs a key, such as orders.open");
    }
    const int status = key->read(r, key, value, tile);
    if (status != STATUS_OK) {
        return status;
    }
    r->context = arena_printf(r->memory, "tile \"%s\": ", tile->key);
    value = yaml_get(node, type->name);
    if (value == NULL) {
        return config_fail(r, node, NULL, "a tile needs a type: %s", config_tile_type_list(r));
    }
    const int status_type = type->read(r, type, value, tile);
    const struct config_key *source = &identity_rows[3];
    value = yaml_get(node, source->name);
    return status_type == STATUS_OK && value != NULL ? source->read(r, source, value, tile)
                                                     : status_type;
}

static int read_entry(struct config_reader *r, const struct yaml_node *value,
                      const struct tile_rules *rules, struct tile_config *tile)
{
    const struct config_table *const tables[] = {&config_tile_identity_table, &rules->table,
                                                 &config_tile_shared_table};
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        const struct config_key *key = config_find_key(tables[i], value->key->text);
        if (key != NULL) {
            return key->read(r, key, value, tile);
        }
    }
    const int status = config_misplaced_key(r, value->key, rules);
    return status != STATUS_OK ? status
                               : config_unknown_key(r, value->key, tables, COUNT_OF(tables));
}

static int read_tile(struct config_reader *r, const struct yaml_node *node,
                     struct tile_config *tile)
{
    tile->line = node->line;
    tile->definition = config_definition(r->memory, node);
    r->context = "tiles: ";
    int status = read_identity(r, node, tile);
    r->source = tile->source != NULL ? tile->source : &r->config->source;
    const struct tile_rules *rules = config_tile_rules(tile->type);
    for (const struct yaml_node *value = node->first; value != NULL && status == STATUS_OK;
         value = value->next) {
        status = read_entry(r, value, rules, tile);
    }
    if (status == STATUS_OK) {
        status = check_tile(&(struct tile_reading){r, node, rules, tile});
    }
    complete_tile(tile);
    r->source = &r->config->source;
    r->context = "";
    return status;
}

/* What a tile is before its keys are read. It has the defaults of all types, not of its own alone:
 * the digest that says whether a saved tile is still the same covers them all. */
static struct tile_config tile_defaults(struct config_reader *r)
{
    struct tile_config tile = {0};
    config_apply_defaults(r, &config_tile_identity_table, &tile);
    config_apply_defaults(r, &config_tile_shared_table, &tile);
    for (size_t type = 0; type < TILE_TYPES; type++) {
        config_apply_defaults(r, &config_tile_rules((enum tile_type)type)->table, &tile);
    }
    return tile;
}

static int compare_keys(const void *a, const void *b)
{
    const struct tile_config *const *x = a;
    const struct tile_config *const *y = b;
    const int order = strcmp((*x)->key, (*y)->key);
    return order != 0 ? order : (*x > *y) - (*x < *y); /* the later one of two comes later */
}

static int index_by_key(struct config_reader *r, const struct yaml_node *list)
{
    struct config *config = r->config;
    config->tiles_by_key = arena_array(r->memory, config->tile_count, sizeof(struct tile_config *));
    for (size_t i = 0; i < config->tile_count; i++) {
        config->tiles_by_key[i] = &config->tiles[i];
    }
    qsort(config->tiles_by_key, config->tile_count, sizeof(struct tile_config *), compare_keys);
    for (size_t i = 1; i < config->tile_count; i++) {
        const struct tile_config *before = config->tiles_by_key[i - 1];
        const struct tile_config *tile = config->tiles_by_key[i];
        if (strcmp(before->key, tile->key) == 0) {
            const struct yaml_node *node = list->first;
            for (const struct tile_config *t = config->tiles; t < tile; t++) {
                assert(node != NULL);
                node = node->next;
            }
            return config_fail(r, yaml_get(node, "key"), NULL,
                               "tiles: the key \"%s\" is taken already, at line %d", tile->key,
                               before->line);
        }
    }
    return STATUS_OK;
}

int config_read_tiles(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config *config = target;
    if (yaml_is_null(value)) {
        return STATUS_OK;
    }
    if (value->kind != YAML_LIST) {
        return config_expected(r, value, key->name, "a list of tiles");
    }
    if (value->count > CONFIG_TILES_MAX) {
        return config_fail(r, value, key->name, "at most %d tiles are possible, but there are %zu",
                           CONFIG_TILES_MAX, value->count);
    }
    config->tiles = arena_array(r->memory, value->count, sizeof *config->tiles);
    struct tile_config defaults = tile_defaults(r);
    defaults.local = &config->source.local;
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        struct tile_config *tile = &config->tiles[config->tile_count];
        *tile = defaults;
        tile->display.order = (uint32_t)config->tile_count;
        const int status = read_tile(r, node, tile);
        if (status != STATUS_OK) {
            return status;
        }
        config->tile_count++;
    }
    return index_by_key(r, value);
}
