/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/sla_clock.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/time/clock.h"
#include "common/base/xalloc.h"

#define MARKS_AT_FIRST 4

struct sla_clock *sla_clock_create(void)
{
    struct sla_clock *clock = x_calloc(1, sizeof *clock);
    clock->from = RANK_NONE;
    clock->due_us = INT64_MAX;
    return clock;
}

/* Drops the first marks. */
static void drop(struct sla_clock *clock, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rank_free(&clock->marks[i].at);
    }
    clock->count -= count;
    if (clock->count == 0) {
        free(clock->marks);
        clock->marks = NULL;
        clock->cap = 0;
        return;
    }
    memmove(clock->marks, clock->marks + count, clock->count * sizeof *clock->marks);
}

void sla_clock_destroy(struct sla_clock **clock)
{
    if (*clock != NULL) {
        drop(*clock, (*clock)->count);
        rank_free(&(*clock)->from);
        free(*clock);
        *clock = NULL;
    }
}

bool sla_clock_is_later(const struct sla_clock *clock, const struct event *event)
{
    return clock->from.us == INT64_MIN || !rank_is_before(&clock->from, event);
}

void sla_clock_count_from(struct sla_clock *clock, const struct event *event, int64_t within_us,
                          int64_t due_us)
{
    rank_set(&clock->from, event);
    clock->within_us = within_us;
    clock->due_us = due_us;
}

static bool is_before(const struct rank *a, const struct rank *b)
{
    return a->us != b->us ? a->us < b->us : rank_id_is_before(a, b);
}

/* Makes room for one mark more. */
static void grow(struct sla_clock *clock)
{
    if (clock->count == clock->cap) {
        clock->cap = clock->cap == 0 ? MARKS_AT_FIRST : 2 * clock->cap;
        clock->marks = x_reallocarray(clock->marks, clock->cap, sizeof *clock->marks);
    }
}

bool sla_clock_mark(struct sla_clock *clock, const struct event *event, bool pauses)
{
    size_t at = clock->count;
    while (at > 0 && !rank_is_before(&clock->marks[at - 1].at, event)) {
        at--;
    }
    const bool full = clock->count == SLA_MARKS_MAX;
    if (full && at == 0) {
        return false;
    }
    if (full) {
        drop(clock, 1);
        at--;
    }
    grow(clock);
    memmove(clock->marks + at + 1, clock->marks + at, (clock->count - at) * sizeof *clock->marks);
    clock->marks[at] = (struct sla_mark){RANK_NONE, pauses};
    rank_set(&clock->marks[at].at, event);
    clock->count++;
    return !full;
}

void sla_clock_forget_before(struct sla_clock *clock, const struct rank *row)
{
    size_t count = 0;
    while (count < clock->count && is_before(&clock->marks[count].at, row)) {
        count++;
    }
    if (count > 0) {
        drop(clock, count);
    }
}

static int64_t after_us(const struct tile_config *config, int64_t from_us, int64_t us)
{
    return config->calendar != NULL ? business_after(config->calendar, from_us, us)
                                    : wall_add_us((wall_time){from_us}, us).us;
}

/* The deadline lies behind to_us, so that is never further away than a deadline may be. */
static int64_t between_us(const struct tile_config *config, int64_t from_us, int64_t to_us)
{
    return config->calendar != NULL ? business_between(config->calendar, from_us, to_us)
                                    : to_us - from_us;
}

int64_t sla_clock_due(const struct sla_clock *clock, const struct tile_config *config, bool *paused)
{
    *paused = false;
    if (clock->within_us == 0) {
        return clock->due_us;
    }
    int64_t from_us = clock->from.us;
    int64_t left_us = clock->within_us;
    int64_t due_us = after_us(config, from_us, left_us);
    for (size_t i = 0; i < clock->count; i++) {
        const struct sla_mark *mark = &clock->marks[i];
        if (mark->pauses == *paused || is_before(&mark->at, &clock->from)) {
            continue;
        }
        if (*paused) {
            from_us = mark->at.us;
            due_us = after_us(config, from_us, left_us);
        } else if (due_us <= mark->at.us || due_us == INT64_MAX) {
            break; /* What comes after the deadline does not move it. */
        } else {
            left_us -= between_us(config, from_us, mark->at.us);
        }
        *paused = mark->pauses;
    }
    return *paused ? INT64_MAX : due_us;
}

/* ---- Saving and loading: [from_us, from_id, within_us, due_us, marks], and each mark as [us, id,
 * pauses] ---- */

void sla_clock_save(const struct sla_clock *clock, struct buf *out)
{
    mp_put_array(out, 5);
    rank_save(&clock->from, out);
    mp_put_int(out, clock->within_us);
    mp_put_int(out, clock->due_us);
    mp_put_array(out, clock->count);
    for (size_t i = 0; i < clock->count; i++) {
        mp_put_array(out, 3);
        rank_save(&clock->marks[i].at, out);
        mp_put_bool(out, clock->marks[i].pauses);
    }
}

static bool load_marks(struct sla_clock *clock, const mp_value *marks)
{
    if (!mp_is_array(marks) || mp_count(marks) > SLA_MARKS_MAX) {
        return false;
    }
    for (size_t i = 0; i < mp_count(marks); i++) {
        const mp_value *saved = mp_at(marks, i);
        struct sla_mark mark = {.at = RANK_NONE};
        if (!mp_as_bool(mp_at(saved, 2), &mark.pauses) || !rank_load(&mark.at, saved, 0)) {
            return false;
        }
        grow(clock);
        clock->marks[clock->count++] = mark;
    }
    return true;
}

struct sla_clock *sla_clock_load(const mp_value *saved)
{
    struct sla_clock *clock = sla_clock_create();
    if (!rank_load(&clock->from, saved, 0) || !mp_as_int(mp_at(saved, 2), &clock->within_us) ||
        !mp_as_int(mp_at(saved, 3), &clock->due_us) || clock->within_us < 0 ||
        !load_marks(clock, mp_at(saved, 4))) {
        sla_clock_destroy(&clock);
    }
    return clock;
}
