/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/types/tile_limits.h"

#include <string.h>

#include "common/config/file/values.h"

static const char *const level_names[] = {[TILE_WARN] = "warn", [TILE_CRITICAL] = "critical"};

const char *tile_level_name(enum tile_level level)
{
    return level_names[level];
}

int tile_limits_read(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, void *target)
{
    (void)target;
    if (value->kind == YAML_LIST) {
        return config_expect_list(r, value, key->name, TILE_LIMITS_MAX);
    }
    return value->kind == YAML_SCALAR && !yaml_is_null(value)
               ? STATUS_OK
               : config_expected(r, value, key->name, "a condition, such as \"> 100\"");
}

/* One condition that is being read. */
struct limit_reading {
    const struct tile_reading *t; /* the tile */
    const struct yaml_node *node; /* the condition in the file */
    const char *level;            /* the key */
};

/* How a condition is written: the longer sign comes before the one that it begins with. */
static const struct {
    const char *sign;
    enum tile_limit_kind kind;
} signs[] = {
    {">=", TILE_LIMIT_ABOVE_OR_EQUAL},
    {"<=", TILE_LIMIT_BELOW_OR_EQUAL},
    {">", TILE_LIMIT_ABOVE},
    {"<", TILE_LIMIT_BELOW},
};

static bool begins_with(struct str text, const char *prefix)
{
    const size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.p, prefix, len) == 0;
}

static int fail_form(const struct limit_reading *l)
{
    return config_expected(l->t->r, l->node, l->level,
                           "a condition: \"> 100\", \">= 5\", \"< 0.9\" or \"<= 3\", such a one "
                           "behind a name (\"breached > 10\"), a name alone, which stands for "
                           "above 0, or nothing for 10m");
}

/* Reads what follows the name: a sign and a number, or nothing. */
static int read_comparison(const struct limit_reading *l, struct str text, struct tile_limit *out)
{
    out->kind = TILE_LIMIT_ABOVE;
    if (text.len == 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        if (begins_with(text, signs[i].sign)) {
            const size_t len = strlen(signs[i].sign);
            const struct str number = str_trim((struct str){text.p + len, text.len - len});
            const struct yaml_node node = {
                .kind = YAML_SCALAR,
                .plain = true,
                .text = {config_copy(l->t->r, number), number.len},
            };
            out->kind = signs[i].kind;
            return yaml_as_number(&node, &out->number) ? STATUS_OK : fail_form(l);
        }
    }
    return fail_form(l);
}

static int read_nothing(const struct limit_reading *l, struct str span, struct tile_limit *out)
{
    const struct tile_config *tile = l->t->tile;
    out->kind = TILE_LIMIT_NOTHING;
    if (!config_duration_parse(span, &out->nothing_ms) || out->nothing_ms < 1 ||
        out->nothing_ms > TILE_STEP_MAX) {
        return config_expected(l->t->r, l->node, l->level,
                               "nothing for a duration of 1ms to 366d, such as nothing for 10m");
    }
    if (tile->group_by.kind != TILE_FIELD_NONE && out->nothing_ms >= tile->idle_ms) {
        return config_fail(l->t->r, l->node, l->level,
                           "a member is dropped before that: make idle longer than the time "
                           "without a row");
    }
    return STATUS_OK;
}

/* Finds the figure of that name; an empty one stands for the type's first. */
static int find_figure(const struct limit_reading *l, struct str name, struct tile_limit *out)
{
    static const char *const value_alone[] = {"value", NULL};
    struct config_reader *r = l->t->r;
    const struct tile_config *tile = l->t->tile;
    const char *const *figures = l->t->rules->figures != NULL ? l->t->rules->figures : value_alone;
    const char *names[TILE_STATES_MAX + 8];
    size_t count = 0;
    if (figures[0] == NULL) {
        return config_fail(r, l->node, l->level,
                           "a tile of type %s has no number to compare: use nothing for 10m",
                           l->t->rules->name);
    }
    for (size_t i = 0; figures[i] != NULL && count < 8; i++) {
        if (l->t->rules->has_figure != NULL && !l->t->rules->has_figure(tile, figures[i])) {
            continue;
        }
        names[count++] = figures[i];
        if (name.len == 0 || str_is(name, figures[i])) {
            out->figure = figures[i];
            return STATUS_OK;
        }
    }
    for (size_t i = 0; i < tile->state_count; i++) {
        names[count++] = tile->states[i];
        if (str_is(name, tile->states[i])) {
            out->figure = tile->states[i];
            out->map = "buckets";
            return STATUS_OK;
        }
    }
    return config_fail(r, l->node, l->level, "a tile of type %s has no \"%.*s\" to compare%s",
                       l->t->rules->name, (int)name.len, name.p,
                       config_suggest(r, name, names, count, "; it has "));
}

static int read_limit(const struct limit_reading *l, struct tile_limit *out)
{
    static const char nothing[] = "nothing for ";
    struct str text;
    if (config_scalar(l->t->r, l->node, l->level, "a condition", &text) != STATUS_OK) {
        return STATUS_INVALID;
    }
    text = str_trim(text);
    if (begins_with(text, nothing)) {
        const size_t len = strlen(nothing);
        return read_nothing(l, str_trim((struct str){text.p + len, text.len - len}), out);
    }
    size_t name_len = 0;
    while (name_len < text.len && text.p[name_len] != '<' && text.p[name_len] != '>') {
        name_len++;
    }
    const struct str name = str_trim((struct str){text.p, name_len});
    const int status =
        read_comparison(l, str_trim((struct str){text.p + name_len, text.len - name_len}), out);
    if (status != STATUS_OK || text.len == 0) {
        return status == STATUS_OK ? fail_form(l) : status;
    }
    return find_figure(l, name, out);
}

static int read_level(const struct tile_reading *t, enum tile_level level)
{
    struct tile_limits *limits = &t->tile->thresholds.levels[level];
    const struct yaml_node *value = tile_rules_given(t, level_names[level]);
    if (value == NULL) {
        return STATUS_OK;
    }
    const bool several = value->kind == YAML_LIST;
    int status = STATUS_OK;
    limits->list = arena_array(t->r->memory, several ? value->count : 1, sizeof *limits->list);
    for (const struct yaml_node *node = several ? value->first : value;
         node != NULL && status == STATUS_OK; node = several ? node->next : NULL) {
        const struct limit_reading reading = {t, node, level_names[level]};
        status = read_limit(&reading, &limits->list[limits->count++]);
    }
    t->tile->thresholds.any = true;
    return status;
}

/* A trend's figure is that of its last complete bucket, which has to be one of its buckets. */
static int check_complete(const struct tile_reading *t)
{
    if (t->tile->type != TILE_TREND || t->tile->length > 1 || !t->tile->thresholds.any) {
        return STATUS_OK;
    }
    return config_fail(t->r, t->node, "length",
                       "a trend with a status needs 2 buckets or more: its last complete one is "
                       "what counts");
}

/* True when the figures of the tile are numbers of rows or items, or parts of such, which are never
 * below 0. */
static bool counts_things(const struct tile_config *tile)
{
    return tile->type == TILE_BACKLOG || tile->type == TILE_SLA_RISK || tile->type == TILE_RATIO ||
           tile->type == TILE_DURATION || tile->type == TILE_PRESENCE ||
           tile->type == TILE_DISTINCT ||
           (tile->type == TILE_RATE && tile->metric == NULL &&
            tile->value.kind == TILE_FIELD_NONE) ||
           (tile->type == TILE_TOP && tile->aggregate == TILE_AGGREGATE_COUNT) ||
           (tile->type == TILE_HEATMAP && tile->aggregate == TILE_AGGREGATE_COUNT) ||
           (tile->type == TILE_COUNT && tile->metric == NULL);
}

/* With a margin that reaches below 0, not even a figure of 0 would end the status. */
static bool never_ends(const struct tile_limit *limit, double margin)
{
    const double eased = limit->number - margin;
    return (limit->kind == TILE_LIMIT_ABOVE && eased < 0) ||
           (limit->kind == TILE_LIMIT_ABOVE_OR_EQUAL && eased <= 0);
}

static int check_margin(const struct tile_reading *t)
{
    const struct tile_thresholds *thresholds = &t->tile->thresholds;
    const struct yaml_node *value = tile_rules_given(t, "margin");
    if (value == NULL || thresholds->margin == 0 || !counts_things(t->tile)) {
        return STATUS_OK;
    }
    for (size_t level = 0; level < TILE_LEVELS; level++) {
        const struct tile_limits *limits = &thresholds->levels[level];
        for (size_t i = 0; i < limits->count; i++) {
            if (never_ends(&limits->list[i], thresholds->margin)) {
                return config_fail(t->r, value, "margin",
                                   "it reaches below 0, where the number never is, so %s would "
                                   "never end: make it less than the threshold",
                                   level_names[level]);
            }
        }
    }
    return STATUS_OK;
}

int tile_limits_finish(const struct tile_reading *t)
{
    static const char *const fitting[] = {"for", "clear_after", "margin"};
    int status = read_level(t, TILE_WARN);
    status = status == STATUS_OK ? read_level(t, TILE_CRITICAL) : status;
    for (size_t i = 0; i < COUNT_OF(fitting) && status == STATUS_OK; i++) {
        const struct yaml_node *value = tile_rules_given(t, fitting[i]);
        if (value != NULL && !t->tile->thresholds.any) {
            status = config_fail(t->r, value->key, fitting[i],
                                 "means something only together with warn or critical");
        }
    }
    status = status == STATUS_OK ? check_margin(t) : status;
    return status == STATUS_OK ? check_complete(t) : status;
}
