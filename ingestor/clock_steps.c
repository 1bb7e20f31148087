/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/clock_steps.h"

static bool is_near(int64_t a_us, int64_t b_us)
{
    const int64_t away_us = a_us - b_us;
    return away_us <= CLOCK_STEP_US && away_us >= -CLOCK_STEP_US;
}

wall_time clock_steps_now(struct clock_steps *clock, wall_time wall, boot_time boot,
                          enum clock_step *step)
{
    const int64_t offset_us = wall.us - boot.us;
    *step = CLOCK_STEP_NONE;
    if (!clock->begun || is_near(offset_us, clock->offset_us)) {
        *step = clock->held ? CLOCK_STEP_OVER : CLOCK_STEP_NONE;
        clock->begun = true;
        clock->held = false;
        clock->offset_us = offset_us;
        return wall;
    }
    if (!clock->held || !is_near(offset_us, clock->held_offset_us)) {
        *step = clock->held ? CLOCK_STEP_NONE : CLOCK_STEP_HELD;
        clock->held = true;
        clock->held_offset_us = offset_us;
        clock->held_since = boot;
        clock->steps++;
    } else if (boot.us - clock->held_since.us >= CLOCK_HOLD_US) {
        *step = offset_us > clock->offset_us ? CLOCK_STEP_AHEAD : CLOCK_STEP_BACK;
        clock->held = false;
        clock->offset_us = offset_us;
        return wall;
    }
    return (wall_time){boot.us + clock->offset_us};
}
