/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/trouble.h"

#include "common/base/time/civil.h"

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* True when the condition holds. With the margin a threshold is that much easier to be beyond. */
static bool holds(const struct tile_limit *limit, const struct trouble_view *view, double margin,
                  wall_time now)
{
    double figure;
    if (limit->kind == TILE_LIMIT_NOTHING) {
        return now.us - view->latest.us >= limit->nothing_ms * US_PER_MS;
    }
    if (!view->figure(view->arg, limit, &figure)) {
        return false;
    }
    switch (limit->kind) {
    case TILE_LIMIT_ABOVE:
        return figure > limit->number - margin;
    case TILE_LIMIT_ABOVE_OR_EQUAL:
        return figure >= limit->number - margin;
    case TILE_LIMIT_BELOW:
        return figure < limit->number + margin;
    case TILE_LIMIT_BELOW_OR_EQUAL:
        return figure <= limit->number + margin;
    case TILE_LIMIT_NOTHING:
        break;
    }
    return false;
}

static bool one_holds(const struct tile_thresholds *thresholds, enum tile_level level, bool on,
                      const struct trouble_view *view, wall_time now)
{
    const struct tile_limits *limits = &thresholds->levels[level];
    for (size_t i = 0; i < limits->count; i++) {
        if (holds(&limits->list[i], view, on ? thresholds->margin : 0, now)) {
            return true;
        }
    }
    return false;
}

/* When the time without a row is long enough for one of the conditions, after now. */
static int64_t next_silence(const struct tile_thresholds *thresholds,
                            const struct trouble_view *view, wall_time now)
{
    int64_t next = INT64_MAX;
    for (size_t level = 0; level < TILE_LEVELS; level++) {
        const struct tile_limits *limits = &thresholds->levels[level];
        for (size_t i = 0; i < limits->count; i++) {
            const int64_t at = view->latest.us + limits->list[i].nothing_ms * US_PER_MS;
            if (limits->list[i].kind == TILE_LIMIT_NOTHING && at > now.us) {
                next = earlier(next, at);
            }
        }
    }
    return next;
}

/* The level whose switch the other one follows where a tile has no warn is critical. */
int trouble_level(const struct trouble *trouble, const struct tile_thresholds *thresholds)
{
    if (trouble->switches[TILE_CRITICAL].on) {
        return TILE_CRITICAL;
    }
    const bool warns = thresholds->levels[TILE_WARN].count != 0;
    return warns && trouble->switches[TILE_WARN].on ? TILE_WARN : -1;
}

/* Lets a switch follow its conditions. *changed_us becomes when it was thrown, if it was. Returns
 * true when it waits, or waits no longer. */
static bool follow(struct trouble_switch *one, bool wanted, int64_t delay_us, int64_t now_us,
                   int64_t *changed_us)
{
    const int64_t before = one->differs_us;
    if (one->on == wanted) {
        one->differs_us = 0;
        return before != 0;
    }
    one->differs_us = before == 0 ? now_us : earlier(before, now_us);
    if (now_us - one->differs_us >= delay_us) {
        *changed_us = one->differs_us + delay_us;
        one->differs_us = 0;
        one->on = wanted;
        return true;
    }
    return one->differs_us != before;
}

static int64_t delay_of(const struct tile_thresholds *thresholds, bool worse)
{
    return (worse ? thresholds->for_ms : thresholds->clear_ms) * US_PER_MS;
}

enum trouble_change trouble_update(struct trouble *trouble,
                                   const struct tile_thresholds *thresholds,
                                   const struct trouble_view *view, wall_time now)
{
    struct trouble_switch *switches = trouble->switches;
    const int64_t now_us = civil_floor_div(now.us, US_PER_MS) * US_PER_MS;
    const int before = trouble_level(trouble, thresholds);
    int64_t changed_us = now_us;
    bool wanted[TILE_LEVELS];
    bool waits = false;
    switches[TILE_WARN].on = switches[TILE_WARN].on || switches[TILE_CRITICAL].on;
    wanted[TILE_CRITICAL] =
        one_holds(thresholds, TILE_CRITICAL, switches[TILE_CRITICAL].on, view, now);
    wanted[TILE_WARN] = wanted[TILE_CRITICAL] ||
                        one_holds(thresholds, TILE_WARN, switches[TILE_WARN].on, view, now);
    trouble->next_us = earlier(view->next.us, next_silence(thresholds, view, now));
    for (size_t level = 0; level < TILE_LEVELS; level++) {
        const int64_t delay_us = delay_of(thresholds, wanted[level]);
        waits = follow(&switches[level], wanted[level], delay_us, now_us, &changed_us) || waits;
        if (switches[level].differs_us != 0) {
            trouble->next_us = earlier(trouble->next_us, switches[level].differs_us + delay_us);
        }
    }
    if (!trouble->known || trouble_level(trouble, thresholds) != before) {
        trouble->known = true;
        trouble->since_us = changed_us;
        return TROUBLE_CHANGED;
    }
    return waits ? TROUBLE_WAITS : TROUBLE_SAME;
}

static void put_time(struct buf *out, int64_t us)
{
    char time[WALL_TEXT_SIZE];
    mp_put_text(out, wall_format((wall_time){us}, time));
}

size_t trouble_write(const struct trouble *trouble, const struct tile_thresholds *thresholds,
                     struct buf *out)
{
    const int level = trouble_level(trouble, thresholds);
    mp_put_text(out, "status");
    mp_put_text(out, level < 0 ? "ok" : tile_level_name((enum tile_level)level));
    mp_put_text(out, "status_since");
    put_time(out, trouble->since_us);
    size_t waiting = 0;
    for (size_t i = 0; i < TILE_LEVELS; i++) {
        waiting += thresholds->levels[i].count != 0 && trouble->switches[i].differs_us != 0;
    }
    if (waiting == 0) {
        return 2;
    }
    mp_put_text(out, "status_pending");
    mp_put_map(out, waiting);
    for (size_t i = 0; i < TILE_LEVELS; i++) {
        if (thresholds->levels[i].count != 0 && trouble->switches[i].differs_us != 0) {
            mp_put_text(out, tile_level_name((enum tile_level)i));
            put_time(out, trouble->switches[i].differs_us);
        }
    }
    return 3;
}

void trouble_save(const struct trouble *trouble, struct buf *out)
{
    if (!trouble->known) {
        mp_put_nil(out);
        return;
    }
    mp_put_array(out, 2 * TILE_LEVELS + 1);
    for (size_t i = 0; i < TILE_LEVELS; i++) {
        mp_put_bool(out, trouble->switches[i].on);
        mp_put_int(out, trouble->switches[i].differs_us);
    }
    mp_put_int(out, trouble->since_us);
}

struct trouble trouble_load(const mp_value *value)
{
    struct trouble trouble = {.known = true};
    bool good = mp_as_int(mp_at(value, 2 * (size_t)TILE_LEVELS), &trouble.since_us);
    for (size_t i = 0; i < TILE_LEVELS && good; i++) {
        good = mp_as_bool(mp_at(value, 2 * i), &trouble.switches[i].on) &&
               mp_as_int(mp_at(value, 2 * i + 1), &trouble.switches[i].differs_us);
    }
    return good ? trouble : (struct trouble){0};
}
