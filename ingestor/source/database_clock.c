/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/database_clock.h"

/* True when both cannot be right: one of the clocks was set in between. */
static bool contradict(const struct database_clock *a, const struct database_clock *b)
{
    const int64_t away_us = a->ahead_us - b->ahead_us;
    const int64_t room_us = a->uncertain_us + b->uncertain_us;
    return away_us > room_us || away_us < -room_us;
}

void database_clock_measure(struct database_clock *clock, wall_time theirs, mono_time asked,
                            struct moment answered)
{
    const int64_t half_us = (answered.mono.us - asked.us + 1) / 2;
    const struct database_clock measured = {true, theirs.us - (answered.wall.us - half_us), half_us,
                                            answered.mono};
    if (!clock->known || measured.uncertain_us <= clock->uncertain_us ||
        answered.mono.us - clock->measured_at.us >= DATABASE_CLOCK_KEPT_US ||
        contradict(clock, &measured)) {
        *clock = measured;
    }
}
