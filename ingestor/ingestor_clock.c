/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_clock.h"

#include "common/program/log.h"

static double seconds(int64_t us)
{
    return (double)us / (double)US_PER_S;
}

static void log_step(enum clock_step step, wall_time wall, wall_time believed)
{
    char text[WALL_TEXT_SIZE];
    switch (step) {
    case CLOCK_STEP_NONE:
        break;
    case CLOCK_STEP_HELD:
        log_warn(
            "the wall clock jumped by %+.1f s; tiles go on by the time before, %s, until it is "
            "back or has stayed there for %lld s",
            seconds(wall.us - believed.us), wall_format(believed, text),
            (long long)(CLOCK_HOLD_US / US_PER_S));
        break;
    case CLOCK_STEP_OVER:
        log_info("the wall clock is right again");
        break;
    case CLOCK_STEP_AHEAD:
    case CLOCK_STEP_BACK:
        log_warn("the wall clock was set %s: tiles go on at %s",
                 step == CLOCK_STEP_AHEAD ? "ahead" : "back", wall_format(believed, text));
        break;
    }
}

struct moment ingestor_now(struct ingestor *ingestor)
{
    enum clock_step step;
    const wall_time wall = clock_wall();
    const wall_time believed = clock_steps_now(&ingestor->clock.steps, wall, boot_clock(), &step);
    log_step(step, wall, believed);
    return (struct moment){believed, clock_mono()};
}

struct wire_clocks ingestor_clocks(const struct ingestor *ingestor, mono_time now)
{
    const struct ingestor_clock *clock = &ingestor->clock;
    struct wire_clocks out = {
        .database_known = clock->database.known,
        .database_ahead_us = clock->database.ahead_us,
        .rows_ahead_us = row_times_ahead_us(&clock->rows, now),
        .steps = clock->steps.steps,
        .held = clock->steps.held,
    };
    out.rows_known = row_times_age_us(&clock->rows, &out.row_age_us);
    return out;
}

bool ingestor_is_ahead(struct ingestor *ingestor, wall_time as_of)
{
    return as_of.us > ingestor_now(ingestor).wall.us + CLOCK_STEP_US;
}

int ingestor_check_clock(struct ingestor *ingestor)
{
    const bool ahead = ingestor_is_ahead(ingestor, ingestor->clock.reached);
    if (ingestor->fold == NULL || !ahead) {
        return 0;
    }
    log_warn("the tiles are those of a wrong clock: starting again, to build what it spoiled");
    ingestor->saving.unsaved = true; /* so that the state says which clock it is of */
    ingestor->start_again = true;
    return -1;
}
