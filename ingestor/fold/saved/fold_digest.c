/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/saved/fold_digest.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/fnv.h"
#include "common/config/dedupe.h"

/*
 * The definition is written out as text, each part with its name, and hashed with FNV-1a 64. A
 * saved digest is compared with one made by a later program, so this text must stay as it is: each
 * change of it makes everybody fold the whole table again.
 */
static void put_match(struct buf *out, const char *name, const struct tile_match *match)
{
    buf_printf(out, "%s{", name);
    for (size_t i = 0; i < match->count; i++) {
        const struct tile_condition *condition = &match->all[i];
        if (condition->test == TILE_TEST_ANY) {
            for (size_t k = 0; k < condition->either_count; k++) {
                put_match(out, k == 0 ? "any" : "or", &condition->either[k]);
            }
            continue;
        }
        buf_printf(out, "%s:", condition->field.text);
        if (condition->test != TILE_TEST_LIKE) { /* which was all that there was */
            buf_printf(out, "test %d\n", (int)condition->test);
        }
        if (condition->bound.text.p != NULL) {
            buf_printf(out, "%d ", (int)condition->bound.kind);
            buf_append_str(out, condition->bound.text);
            buf_append_char(out, '\n');
        }
        for (size_t k = 0; k < condition->any_count; k++) {
            buf_printf(out, "%d=", (int)condition->any[k].kind);
            buf_append_str(out, condition->any[k].text);
            buf_append_char(out, '\n');
        }
    }
    buf_append_text(out, "}\n");
}

static void put_field(struct buf *out, const char *name, const struct tile_field *field)
{
    buf_printf(out, "%s=%s\n", name, field->text != NULL ? field->text : "");
}

/* Nothing for what programs that knew no zones and periods knew, too: a day of UTC is a step of 24
 * hours. */
static void put_local_time(struct buf *out, const struct tile_config *config)
{
    const bool utc = config->local->zone == NULL;
    const bool old = config->step_period == TILE_PERIOD_DAY && utc;
    if (config->window_period != TILE_PERIOD_NONE) {
        buf_printf(out, "window %s\n", tile_window_name(config->window_period));
    }
    if (config->step_period != TILE_PERIOD_NONE && !old) {
        buf_printf(out, "step %s\n", tile_step_name(config->step_period));
    }
    if (config->window_period == TILE_PERIOD_WEEK || config->step_period == TILE_PERIOD_WEEK ||
        config->type == TILE_HEATMAP) {
        buf_printf(out, "week_starts %d\n", (int)config->local->week_starts);
    }
    if (!utc) {
        buf_printf(out, "time_zone=%s\n", config->local->time_zone);
    }
}

/* Nothing for tiles that are no tables of rows, which programs before knew, too. */
static void put_show(struct buf *out, const struct tile_config *config)
{
    for (size_t i = 0; i < config->show_count; i++) {
        put_field(out, "show", &config->show[i]);
    }
    if (config->show_count != 0) {
        buf_printf(out, "rows %u\n", config->rows);
    }
}

/* Nothing for tiles of other types, which programs before knew, too. */
static void put_ratio(struct buf *out, const struct tile_config *config)
{
    if (config->type == TILE_RATIO) {
        put_match(out, "of", &config->of);
    }
}

/* Nothing for tiles of other types, which programs before knew, too. */
static void put_presence(struct buf *out, const struct tile_config *config)
{
    if (config->type == TILE_PRESENCE) {
        buf_printf(out, "presence %lld %lld %lld %lld\n", (long long)config->late_ms,
                   (long long)config->missing_ms, (long long)config->forget_ms,
                   (long long)config->steady_ms);
    }
}

/* Nothing for tiles without targets, which programs before knew, too. */
static void put_targets(struct buf *out, const struct tile_config *config)
{
    if (config->target_count != 0) {
        put_field(out, "priority", &config->priority);
    }
    for (size_t i = 0; i < config->target_count; i++) {
        buf_printf(out, "target %lld %s\n", (long long)config->targets[i].within_ms,
                   config->targets[i].priority.p);
    }
}

/* Nothing for tiles without them, which programs before knew, too. */
static void put_clock(struct buf *out, const struct tile_config *config)
{
    if (config->pausable) {
        put_match(out, "pauses", &config->pauses);
        put_match(out, "resumes", &config->resumes);
    }
    if (config->reopen == TILE_REOPEN_KEEP) {
        buf_append_text(out, "reopen keep\n");
    }
}

/* Nothing for tiles without a calendar, which programs before knew, too. Its name says nothing. */
static void put_calendar(struct buf *out, const struct business_calendar *calendar)
{
    if (calendar == NULL) {
        return;
    }
    buf_printf(out, "calendar %s\n", calendar->time_zone);
    for (size_t day = 0; day < BUSINESS_DAYS; day++) {
        const struct business_hours *hours = &calendar->week[day];
        for (size_t i = 0; i < hours->count; i++) {
            buf_printf(out, "%zu %d-%d\n", day, hours->ranges[i].from, hours->ranges[i].to);
        }
    }
    for (size_t i = 0; i < calendar->holiday_count; i++) {
        buf_printf(out, "closed %lld\n", (long long)calendar->holidays[i]);
    }
}

static void put_definition(struct buf *text, const struct tile_config *config)
{
    buf_printf(text, "%d %lld %lld %u %d %lld %lld\n", (int)config->type,
               (long long)config->window_ms, (long long)config->step_ms, config->length,
               (int)config->aggregate, (long long)config->within_ms, (long long)config->at_risk_ms);
    buf_printf(text, "metric=%s\n", config->metric != NULL ? config->metric : "");
    put_match(text, "match", &config->match);
    put_match(text, "labels", &config->labels);
    put_match(text, "opens", &config->opens);
    put_match(text, "closes", &config->closes);
    put_field(text, "value", &config->value);
    put_field(text, "item", &config->item);
    put_field(text, "due", &config->due);
    put_field(text, "breakdown", &config->breakdown);
    put_field(text, "group_by", &config->group_by);
    for (size_t i = 0; i < config->state_count; i++) {
        buf_printf(text, "state %s\n", config->states[i]);
    }
    for (size_t i = 0; i < config->rule_count; i++) {
        buf_printf(text, "rule %s %d\n", config->rules[i].event_type.text.p,
                   config->rules[i].state);
    }
    put_local_time(text, config);
    put_show(text, config);
    put_ratio(text, config);
    put_presence(text, config);
    put_targets(text, config);
    put_calendar(text, config->calendar);
    put_clock(text, config);
}

uint64_t fold_digest_of_definition(const struct tile_config *config)
{
    struct buf text = {0};
    put_definition(&text, config);
    const uint64_t hash = fnv1a(FNV_BEGIN, buf_str(&text));
    buf_free(&text);
    return hash;
}

/* ---- What the definition stands on ---- */

/* Which columns a tile reads: by enum event_field, and by the index of an extra. */
struct columns {
    bool fields[EVENT_FIELDS];
    bool extras[CONFIG_EXTRAS_MAX];
};

static void use_field(struct columns *columns, const struct tile_field *field)
{
    switch (field->kind) {
    case TILE_FIELD_NONE:
    case TILE_FIELD_EVENT_TYPE:
        break;
    case TILE_FIELD_ACTOR_ID:
        columns->fields[EVENT_ACTOR] = true;
        break;
    case TILE_FIELD_TARGET_ID:
        columns->fields[EVENT_TARGET] = true;
        break;
    case TILE_FIELD_SUMMARY:
        columns->fields[EVENT_SUMMARY] = true;
        break;
    case TILE_FIELD_PAYLOAD:
        columns->fields[EVENT_PAYLOAD] = true;
        break;
    case TILE_FIELD_EXTRA:
        columns->extras[field->extra] = true;
        break;
    }
}

static void use_match(struct columns *columns, const struct tile_match *match)
{
    for (size_t i = 0; i < match->count; i++) {
        use_field(columns, &match->all[i].field);
        for (size_t k = 0; k < match->all[i].either_count; k++) {
            use_match(columns, &match->all[i].either[k]);
        }
    }
}

static struct columns columns_of(const struct tile_config *tile)
{
    struct columns columns = {0};
    columns.fields[EVENT_ID] = true;
    columns.fields[EVENT_TIMESTAMP] = true;
    columns.fields[EVENT_TYPE] = true;
    columns.fields[EVENT_PAYLOAD] = tile->metric != NULL;
    const struct tile_match *const matches[] = {&tile->match,  &tile->of,     &tile->labels,
                                                &tile->opens,  &tile->closes, &tile->pauses,
                                                &tile->resumes};
    const struct tile_field *const fields[] = {&tile->value,     &tile->item,     &tile->due,
                                               &tile->breakdown, &tile->group_by, &tile->priority};
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        use_match(&columns, matches[i]);
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        use_field(&columns, fields[i]);
    }
    for (size_t i = 0; i < tile->show_count; i++) {
        use_field(&columns, &tile->show[i]);
    }
    return columns;
}

/* What the tile uses of a source. The fields of columns.extras are those of all. */
static void put_source(struct buf *text, const struct config *config, const struct columns *columns,
                       const struct config_source *source)
{
    const struct config_source *all = &config->source;
    if (source->name != NULL) {
        buf_printf(text, "source %s\n", source->name);
    }
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        if (columns->fields[i]) {
            const char *name = source->columns[i].name;
            buf_printf(text, "column %zu=%s\n", i, name != NULL ? name : "");
        }
    }
    for (size_t k = 0; k < source->extra_count; k++) {
        for (size_t i = 0; i < all->extra_count; i++) {
            if (columns->extras[i] && strcmp(source->extras[k].field, all->extras[i].field) == 0) {
                buf_printf(text, "extra %s=%s\n", source->extras[k].field,
                           source->extras[k].column);
            }
        }
    }
}

/* The source whose name comes next, or first; NULL: none does. Their order in the file says nothing
 * about tiles. */
static const struct config_source *next_by_name(const struct config *config,
                                                const struct config_source *before)
{
    const struct config_source *next = NULL;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *one = &config->sources[i];
        if (before != NULL && (one->name == NULL || strcmp(one->name, before->name) <= 0)) {
            continue;
        }
        if (next == NULL || strcmp(one->name, next->name) < 0) {
            next = one;
        }
    }
    return next;
}

uint64_t fold_digest(const struct config *config, const struct tile_config *tile)
{
    const struct columns columns = columns_of(tile);
    struct buf text = {0};
    put_definition(&text, tile);
    if (config->source_count == 0) {
        put_source(&text, config, &columns, &config->source);
    }
    for (const struct config_source *one = NULL; (one = next_by_name(config, one)) != NULL;) {
        if (tile->source == NULL || tile->source->number == one->number) {
            put_source(&text, config, &columns, one);
        }
    }
    const struct config_source *source = tile->source != NULL ? tile->source : &config->source;
    if (tile->metric != NULL) {
        buf_printf(&text, "metric_event=%s\n", source->metric_event);
    }
    for (const struct config_source *one = NULL; (one = next_by_name(config, one)) != NULL;) {
        if (tile->source == NULL || tile->source->number == one->number) {
            config_put_dedupe(one, &text);
        }
    }
    const uint64_t hash = fnv1a(FNV_BEGIN, buf_str(&text));
    buf_free(&text);
    return hash;
}
