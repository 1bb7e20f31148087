/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of a database's server against ours. The server is asked for its time together with
 * rows; it looked at its clock at some moment between question and answer, at best in the middle:
 *
 *   ours      asked ├───────────┼───────────┤ answered
 *   theirs                      ▲ its time belongs here, give or take half the way
 *
 * Of the measurements of a minute the one with the shortest way is kept, for it is the least
 * uncertain. Pure. One thread.
 */
#ifndef INGESTOR_SOURCE_DATABASE_CLOCK_H
#define INGESTOR_SOURCE_DATABASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time/clock.h"

#define DATABASE_CLOCK_KEPT_US (60 * US_PER_S)

/* Zeroed memory knows nothing. */
struct database_clock {
    bool known;            /* it was measured; nothing else means anything without */
    int64_t ahead_us;      /* theirs less ours */
    int64_t uncertain_us;  /* it may be off by so much */
    mono_time measured_at; /* when that was */
};

/* Takes a measurement in. asked, answered: our clocks before and after. */
void database_clock_measure(struct database_clock *clock, wall_time theirs, mono_time asked,
                            struct moment answered);

#endif
