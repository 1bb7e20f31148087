/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/status.h"

#include <stdio.h>

#include "common/base/xalloc.h"
#include "ctl/oracle/moment.h"
#include "ctl/oracle/period.h"

/* A tile whose status is looked at, and the moment. */
struct looking {
    const struct tile_config *config;
    const mp_value *tile;
    int64_t at_us;
    const struct oracle_status_rows *rows;
};

/* What a condition is found to be. */
enum finding { HOLDS_NOT, HOLDS, UNKNOWN };

/* ---- Figures ---- */

/* The point of the last bucket that is over at the moment. */
static bool last_point(const struct looking *l, double *out)
{
    const struct tile_config *config = l->config;
    char name[32];
    int64_t begin_us;
    if (config->step_period != TILE_PERIOD_NONE) {
        begin_us = oracle_period_begin_us(config->local, config->step_period, l->at_us, -1);
    } else {
        const int64_t step_us = config->step_ms * US_PER_MS;
        const int64_t rest = l->at_us % step_us;
        begin_us = l->at_us - (rest < 0 ? rest + step_us : rest) - step_us;
    }
    snprintf(name, sizeof name, "%lld", (long long)(begin_us / US_PER_MS));
    if (mp_as_number(mp_get(mp_get(mp_get(l->tile, "data"), "points"), name), out)) {
        return true;
    }
    *out = 0;
    return config->aggregate == TILE_AGGREGATE_COUNT || config->aggregate == TILE_AGGREGATE_SUM;
}

static bool figure(const struct looking *l, const struct tile_limit *limit, double *out)
{
    const mp_value *data = mp_get(l->tile, "data");
    if (l->config->type == TILE_TREND) {
        return last_point(l, out);
    }
    if (limit->map != NULL) {
        data = mp_get(data, limit->map);
    }
    return mp_as_number(mp_get(data, limit->figure), out);
}

/* ---- Conditions ---- */

static enum finding look_at(const struct looking *l, const struct tile_limit *limit, bool on)
{
    const double margin = on ? l->config->thresholds.margin : 0;
    double is = 0;
    if (limit->kind == TILE_LIMIT_NOTHING) {
        if (!l->rows->known) {
            return UNKNOWN;
        }
        const bool never = l->rows->latest.us == INT64_MIN;
        return never || l->rows->latest.us + limit->nothing_ms * US_PER_MS <= l->at_us ? HOLDS
                                                                                       : HOLDS_NOT;
    }
    if (!figure(l, limit, &is)) {
        return HOLDS_NOT;
    }
    bool holds = false;
    switch (limit->kind) {
    case TILE_LIMIT_ABOVE:
        holds = is > limit->number - margin;
        break;
    case TILE_LIMIT_ABOVE_OR_EQUAL:
        holds = is >= limit->number - margin;
        break;
    case TILE_LIMIT_BELOW:
        holds = is < limit->number + margin;
        break;
    case TILE_LIMIT_BELOW_OR_EQUAL:
        holds = is <= limit->number + margin;
        break;
    case TILE_LIMIT_NOTHING:
        break;
    }
    return holds ? HOLDS : HOLDS_NOT;
}

/* Whether one of the level's conditions holds. */
static enum finding look_at_level(const struct looking *l, enum tile_level level, bool on)
{
    const struct tile_limits *limits = &l->config->thresholds.levels[level];
    enum finding result = HOLDS_NOT;
    for (size_t i = 0; i < limits->count; i++) {
        const enum finding one = look_at(l, &limits->list[i], on);
        if (one == HOLDS) {
            return HOLDS;
        }
        result = one == UNKNOWN ? UNKNOWN : result;
    }
    return result;
}

/* ---- What is served ---- */

/* Since when the tile says that it waits for that level to change. *given is false when it does not
 * say so. False: what it says is no time. */
static bool pending(const struct looking *l, enum tile_level level, bool *given, int64_t *since_us)
{
    struct str text;
    const mp_value *value = mp_get(mp_get(l->tile, "status_pending"), tile_level_name(level));
    *given = value != NULL;
    return value == NULL ||
           (mp_as_str(value, &text) && oracle_moment_of_text(text, "UTC", since_us));
}

/* What is wrong with one level; NULL: nothing. */
static char *level_fault(const struct looking *l, enum tile_level level, bool on,
                         enum finding wanted)
{
    const struct tile_thresholds *thresholds = &l->config->thresholds;
    const char *name = tile_level_name(level);
    bool waits;
    int64_t since_us = 0;
    if (!pending(l, level, &waits, &since_us)) {
        return x_asprintf("its status_pending has no time for %s", name);
    }
    if (wanted == UNKNOWN) {
        return NULL;
    }
    const bool holds = wanted == HOLDS;
    if (holds == on) {
        return !waits ? NULL
                      : x_asprintf("its status waits to change for %s, but the conditions say the "
                                   "same",
                                   name);
    }
    if (!waits) {
        return x_asprintf("its status is %s %s, but a condition for that %s", on ? "at" : "below",
                          name, holds ? "holds" : "no longer holds");
    }
    const int64_t ms = l->at_us / US_PER_MS;
    const int64_t delay_ms = holds ? thresholds->for_ms : thresholds->clear_ms;
    if (ms - since_us / US_PER_MS < delay_ms) {
        return NULL;
    }
    return x_asprintf("its status should have changed for %s: that waits for longer than `%s`",
                      name, holds ? "for" : "clear_after");
}

static bool level_of(const struct looking *l, bool on[TILE_LEVELS])
{
    struct str status = STR_NULL;
    struct str since;
    int64_t since_us;
    (void)mp_as_str(mp_get(l->tile, "status"), &status);
    on[TILE_CRITICAL] = str_is(status, "critical");
    on[TILE_WARN] = on[TILE_CRITICAL] || str_is(status, "warn");
    return (on[TILE_WARN] || str_is(status, "ok")) &&
           mp_as_str(mp_get(l->tile, "status_since"), &since) &&
           oracle_moment_of_text(since, "UTC", &since_us);
}

char *oracle_status_fault(const struct tile_config *config, const mp_value *tile, wall_time at,
                          const struct oracle_status_rows *rows)
{
    const struct looking l = {config, tile, at.us, rows};
    bool on[TILE_LEVELS];
    if (!config->thresholds.any) {
        return mp_get(tile, "status") == NULL
                   ? NULL
                   : x_strdup("it has a status, and its definition has no conditions for one");
    }
    if (mp_get(tile, "truncated") != NULL) {
        return NULL; /* the figures may be what was left out */
    }
    if (!level_of(&l, on)) {
        return x_strdup("it has no status, or no time since when, and its definition has "
                        "conditions for one");
    }
    const enum finding critical = look_at_level(&l, TILE_CRITICAL, on[TILE_CRITICAL]);
    enum finding warn = look_at_level(&l, TILE_WARN, on[TILE_WARN]);
    if (critical == HOLDS || (critical == UNKNOWN && warn != HOLDS)) {
        warn = critical;
    }
    char *fault = level_fault(&l, TILE_CRITICAL, on[TILE_CRITICAL], critical);
    if (fault == NULL && config->thresholds.levels[TILE_WARN].count != 0) {
        fault = level_fault(&l, TILE_WARN, on[TILE_WARN], warn);
    }
    return fault;
}
