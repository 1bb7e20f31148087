/* SPDX-License-Identifier: Apache-2.0 */
/* The `tiles` section: which keys a tile of each type has, and what has to fit together. */
#include "common/config/tiles.h"

#include <stdlib.h>
#include <string.h>

#include "common/config/definition.h"
#include "common/config/reader.h"

#define WINDOW_MAX (3660 * MS_PER_DAY)
#define STEP_MAX (366 * MS_PER_DAY)
#define SPAN_MAX (36600 * MS_PER_DAY) /* of all buckets of a trend */
#define TITLE_MAX 256
#define UNIT_MAX 32
#define METRIC_MAX 256

static const char *const type_names[] = {
    [TILE_COUNT] = "count",     [TILE_TREND] = "trend", [TILE_SLA_RISK] = "sla_risk",
    [TILE_BACKLOG] = "backlog", [TILE_GAUGE] = "gauge", NULL};
static const char *const aggregate_names[] = {[AGGREGATE_COUNT] = "count",
                                              [AGGREGATE_SUM] = "sum",
                                              [AGGREGATE_AVG] = "avg",
                                              [AGGREGATE_MIN] = "min",
                                              [AGGREGATE_MAX] = "max",
                                              [AGGREGATE_LAST] = "last",
                                              NULL};
static const char *const policy_names[] = {
    [REFRESH_ON_EVENT] = "on_event", [REFRESH_INTERVAL] = "interval", NULL};

const char *tile_type_name(enum tile_type type)
{
    return type_names[type];
}

const char *tile_aggregate_name(enum tile_aggregate aggregate)
{
    return aggregate_names[aggregate];
}

const char *refresh_policy_name(enum refresh_policy policy)
{
    return policy_names[policy];
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
    tile->key = arena_strndup(r->memory, value->text.p, value->text.len);
    return STATUS_OK;
}

static const struct config_key refresh_keys[] = {
    WORD_KEY("policy", struct tile_config, refresh, policy_names),
    DURATION_KEY("min_interval", struct tile_config, min_interval_ms, 1, MS_PER_HOUR),
};

static int read_refresh(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    return read_section(r, key->name, value, refresh_keys, COUNT_OF(refresh_keys), target);
}

#define IN(type) (1U << (type))
#define TILE(member) MEMBER(struct tile_config, member)

static const struct config_key keys[] = {
    {"key", read_tile_key, 0, 0, 0, 0, 0, NULL},
    {"type", read_word, TILE(type), 0, 0, 0, type_names},
    {"title", read_text, TILE(title), 1, TITLE_MAX, 0, NULL},
    {"match", read_match, TILE(match), 0, 0, IN(TILE_COUNT) | IN(TILE_TREND), NULL},
    {"metric", read_text, TILE(metric), 1, METRIC_MAX,
     IN(TILE_COUNT) | IN(TILE_TREND) | IN(TILE_GAUGE), NULL},
    {"labels", read_labels, TILE(labels), 0, 0, IN(TILE_COUNT) | IN(TILE_TREND) | IN(TILE_GAUGE),
     NULL},
    {"window", read_duration, TILE(window_ms), 1, WINDOW_MAX, IN(TILE_COUNT), NULL},
    {"step", read_duration, TILE(step_ms), 1, STEP_MAX, IN(TILE_TREND), NULL},
    {"length", read_whole, TILE(length), 1, TILE_LENGTH_MAX, IN(TILE_TREND), NULL},
    {"aggregate", read_word, TILE(aggregate), 0, 0, IN(TILE_TREND), aggregate_names},
    {"value", read_field, TILE(value), 0, 0, IN(TILE_TREND), NULL},
    {"unit", read_text, TILE(unit), 1, UNIT_MAX, IN(TILE_GAUGE), NULL},
    {"opens", read_match, TILE(opens), 0, 0, IN(TILE_SLA_RISK), NULL},
    {"closes", read_match, TILE(closes), 0, 0, IN(TILE_SLA_RISK), NULL},
    {"item", read_field, TILE(item), 0, 0, IN(TILE_SLA_RISK) | IN(TILE_BACKLOG), NULL},
    {"due", read_field, TILE(due), 0, 0, IN(TILE_SLA_RISK), NULL},
    {"within", read_duration, TILE(within_ms), 1, WINDOW_MAX, IN(TILE_SLA_RISK), NULL},
    {"at_risk", read_duration, TILE(at_risk_ms), 0, WINDOW_MAX, IN(TILE_SLA_RISK), NULL},
    {"states", read_states, 0, 0, 0, 0, IN(TILE_BACKLOG), NULL},
    {"breakdown", read_field, TILE(breakdown), 0, 0, IN(TILE_BACKLOG), NULL},
    {"group_by", read_field, TILE(group_by), 0, 0, 0, NULL},
    {"idle", read_duration, TILE(idle_ms), 1, STEP_MAX, 0, NULL},
    {"max_groups", read_whole, TILE(max_groups), 1, TILE_GROUPS_MAX, 0, NULL},
    {"refresh", read_refresh, 0, 0, 0, 0, 0, NULL},
    {"ttl", read_duration, TILE(ttl_ms), 100, 7 * MS_PER_DAY, 0, NULL},
    {"grace", read_duration, TILE(grace_ms), 1, 30 * MS_PER_DAY, 0, NULL},
};

/* ---- what has to fit together ---- */

struct tile_reading {
    struct config_reader *r;
    const struct yaml_node *node;
    struct tile_config *tile;
};

static const struct yaml_node *given(const struct tile_reading *t, const char *key)
{
    return yaml_get(t->node, key);
}

static int need(const struct tile_reading *t, const char *key, const char *example)
{
    if (given(t, key) != NULL) {
        return STATUS_OK;
    }
    return config_fail(t->r, t->node, NULL, "a tile of type %s needs %s, such as %s",
                       tile_type_name(t->tile->type), key, example);
}

/* Fails when both are there. */
static int exclude(const struct tile_reading *t, const char *key, const char *other,
                   const char *reason)
{
    const struct yaml_node *value = given(t, key);
    if (value == NULL || given(t, other) == NULL) {
        return STATUS_OK;
    }
    return config_fail(t->r, value->key, key, "does not go with %s: %s", other, reason);
}

/* Fails when the first is there without the second. */
static int require(const struct tile_reading *t, const char *key, const char *other)
{
    const struct yaml_node *value = given(t, key);
    if (value == NULL || given(t, other) != NULL) {
        return STATUS_OK;
    }
    return config_fail(t->r, value->key, key, "means something only together with %s", other);
}

static int check_metric(const struct tile_reading *t)
{
    static const char reason[] = "a metric is a selection of events already (labels narrow it)";
    int status = exclude(t, "match", "metric", reason);
    if (status == STATUS_OK) {
        status = require(t, "labels", "metric");
    }
    if (status == STATUS_OK && t->tile->metric != NULL &&
        t->r->config->source.columns.payload.name == NULL) {
        status = config_fail(t->r, given(t, "metric"), "metric",
                             "metrics stand in the payload, and source.columns says that there is "
                             "none");
    }
    return status;
}

static int check_count(const struct tile_reading *t)
{
    return exclude(t, "window", "metric", "the tile shows the metric's latest value");
}

static int check_trend(const struct tile_reading *t)
{
    struct tile_config *tile = t->tile;
    int status = need(t, "step", "step: 10s");
    if (status == STATUS_OK) {
        status = exclude(t, "value", "metric", "the metric's value is what counts");
    }
    if (status != STATUS_OK) {
        return status;
    }
    const bool numbers = tile->metric != NULL || tile->value.kind != FIELD_NONE;
    if (numbers && given(t, "aggregate") == NULL) {
        return config_fail(t->r, t->node, NULL,
                           "a trend of values needs aggregate: sum, avg, min, max or last");
    }
    if (!numbers && tile->aggregate != AGGREGATE_COUNT) {
        return config_fail(t->r, given(t, "aggregate"), "aggregate",
                           "%s needs numbers: name their field (value: payload.amount) or a metric",
                           tile_aggregate_name(tile->aggregate));
    }
    if (tile->value.kind != FIELD_NONE && tile->aggregate == AGGREGATE_COUNT) {
        return config_fail(t->r, given(t, "value")->key, "value",
                           "counting needs no value: leave it out, or choose another aggregate");
    }
    if (tile->step_ms > SPAN_MAX / (int64_t)tile->length) {
        return config_fail(t->r, given(t, "step"), "step",
                           "%u buckets of that length span more than 100 years", tile->length);
    }
    return STATUS_OK;
}

static int check_gauge(const struct tile_reading *t)
{
    return need(t, "metric", "metric: queue.depth");
}

static int check_sla_risk(const struct tile_reading *t)
{
    struct tile_config *tile = t->tile;
    int status = need(t, "opens", "opens: {event_type: ticket.opened}");
    if (status == STATUS_OK) {
        status = need(t, "closes", "closes: {event_type: ticket.resolved}");
    }
    if (status == STATUS_OK) {
        status = need(t, "item", "item: target_id");
    }
    if (status == STATUS_OK) {
        status =
            exclude(t, "within", "due", "the deadline is either in the event or counted from it");
    }
    if (status == STATUS_OK && tile->within_ms == 0) {
        status = need(t, "due", "due: payload.due_at (or within: 4h)");
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (given(t, "at_risk") == NULL) {
        tile->at_risk_ms = tile->within_ms > 0 ? tile->within_ms / 4 : 30 * MS_PER_MINUTE;
    } else if (tile->within_ms > 0 && tile->at_risk_ms >= tile->within_ms) {
        return config_fail(t->r, given(t, "at_risk"), "at_risk",
                           "expected less than within, else every item is at risk from the start");
    }
    return STATUS_OK;
}

static int check_backlog(const struct tile_reading *t)
{
    const int status = need(t, "item", "item: target_id");
    return status != STATUS_OK ? status
                               : need(t, "states", "states: {item_created: open, item_done: null}");
}

static int check_tile(const struct tile_reading *t)
{
    static int (*const checks[])(const struct tile_reading *) = {
        [TILE_COUNT] = check_count,       [TILE_TREND] = check_trend,
        [TILE_SLA_RISK] = check_sla_risk, [TILE_BACKLOG] = check_backlog,
        [TILE_GAUGE] = check_gauge,
    };
    struct tile_config *tile = t->tile;
    int status = require(t, "idle", "group_by");
    if (status == STATUS_OK) {
        status = require(t, "max_groups", "group_by");
    }
    if (status == STATUS_OK) {
        status = check_metric(t);
    }
    if (status == STATUS_OK) {
        status = checks[tile->type](t);
    }
    if (tile->title == NULL) {
        tile->title = tile->key;
    }
    if (tile->grace_ms == 0) {
        tile->grace_ms = tile->ttl_ms > MS_PER_MINUTE ? tile->ttl_ms : MS_PER_MINUTE;
    }
    return status;
}

/* ---- reading ---- */

/* The type says which keys there are, and the key is in every message: both come first. */
static int read_identity(struct config_reader *r, const struct yaml_node *node,
                         struct tile_config *tile)
{
    if (node->kind != YAML_MAP) {
        return config_expected(r, node, NULL, "a tile: {key: …, type: …, …}");
    }
    for (size_t i = 0; i < 2; i++) {
        const struct yaml_node *value = yaml_get(node, keys[i].name);
        if (value == NULL) {
            return config_fail(r, node, NULL, "a tile needs a %s%s", keys[i].name,
                               i == 0 ? ", such as orders.open"
                                      : ": count, trend, gauge, sla_risk or backlog");
        }
        const int status = keys[i].read(r, &keys[i], value, tile);
        if (status != STATUS_OK) {
            return status;
        }
        if (i == 0) {
            r->context = arena_printf(r->memory, "tile \"%s\": ", tile->key);
        }
    }
    return STATUS_OK;
}

static int read_tile(struct config_reader *r, const struct yaml_node *node,
                     struct tile_config *tile)
{
    *tile = (struct tile_config){
        .line = node->line,
        .definition = config_definition(r->memory, node),
        .length = 60,
        .aggregate = AGGREGATE_COUNT,
        .idle_ms = MS_PER_HOUR,
        .max_groups = 1000,
        .refresh = REFRESH_ON_EVENT,
        .min_interval_ms = 100,
        .ttl_ms = MS_PER_MINUTE,
    };
    r->context = "tiles: ";
    int status = read_identity(r, node, tile);
    if (status == STATUS_OK) {
        const struct scope scope = {1U << tile->type, type_names, "a tile of type"};
        status = read_map(r, node, keys, COUNT_OF(keys), &scope, tile);
    }
    if (status == STATUS_OK) {
        status = check_tile(&(struct tile_reading){r, node, tile});
    }
    r->context = "";
    return status;
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
                node = node->next;
            }
            return config_fail(r, yaml_get(node, "key"), NULL,
                               "tiles: the key \"%s\" is taken already, at line %d", tile->key,
                               before->line);
        }
    }
    return STATUS_OK;
}

int read_tiles(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
               void *target)
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
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        const int status = read_tile(r, node, &config->tiles[config->tile_count]);
        if (status != STATUS_OK) {
            return status;
        }
        config->tile_count++;
    }
    return index_by_key(r, value);
}
