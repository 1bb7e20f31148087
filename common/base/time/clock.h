/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two kinds of time that do not mix. Wall time is what rows and people speak of; monotonic time is
 * what deadlines and intervals are measured with. They are different types, so that comparing one
 * with the other does not compile. Only programs' loops read the clocks; pure code is given `now`.
 */
#ifndef COMMON_BASE_TIME_CLOCK_H
#define COMMON_BASE_TIME_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/time/civil.h"

/* Microseconds since 1970-01-01T00:00:00Z; may be negative. */
typedef struct {
    int64_t us; /* Microseconds since 1970, UTC. */
} wall_time;

/* Microseconds since an arbitrary start (CLOCK_MONOTONIC); only differences mean something. */
typedef struct {
    int64_t us; /* Microseconds since some moment before the program began. */
} mono_time;

/* Later than any real moment; as a deadline they mean that there is none. */
#define WALL_NEVER ((wall_time){INT64_MAX})
#define MONO_NEVER ((mono_time){INT64_MAX})

/* Read the clocks. Any thread may call these; they cannot fail. */
wall_time clock_wall(void);
mono_time clock_mono(void);

/* Both clocks, read together. */
struct moment {
    wall_time wall; /* What the wall clock said. */
    mono_time mono; /* What the monotonic clock said at the same moment. */
};

static inline struct moment clock_now(void)
{
    return (struct moment){clock_wall(), clock_mono()};
}

static inline wall_time wall_add_us(wall_time t, int64_t us)
{
    return (wall_time){t.us + us};
}

static inline mono_time mono_add_us(mono_time t, int64_t us)
{
    return (mono_time){t.us + us};
}

static inline mono_time mono_add_ms(mono_time t, int64_t ms)
{
    return (mono_time){t.us + ms * US_PER_MS};
}

/* Whole milliseconds from now until the deadline, rounded up: 0 when it has passed, and at most
 * max_ms. It is what poll() takes as a timeout. */
static inline int mono_ms_until(mono_time now, mono_time deadline, int max_ms)
{
    if (deadline.us <= now.us) {
        return 0;
    }
    if (deadline.us == INT64_MAX || deadline.us - now.us > (int64_t)max_ms * US_PER_MS) {
        return max_ms;
    }
    return (int)((deadline.us - now.us + US_PER_MS - 1) / US_PER_MS);
}

#define WALL_TEXT_SIZE 32 /* bytes, the terminating NUL included */

/* Writes RFC 3339 in UTC with milliseconds, e.g. 2026-11-23T05:12:01.220Z, and returns out. Years
 * outside 0 to 9999 are clamped to that range. */
char *wall_format(wall_time t, char out[WALL_TEXT_SIZE]);

struct zone;

/*
 * Reads a moment as event tables hold it: RFC 3339, SQL ("2026-11-23 05:12:01.22+01", seconds and
 * zone optional) or ISO 8601 (also 20261123T051201Z, 2026-W48-1, 2026-327); or a plain number of
 * seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by magnitude. A number
 * of 7, 8, 12, 14 or 17 digits that begins with 19 or 20 is the date that its digits write
 * (20261123051201), or nothing. What names no zone is local time in `zone`, where NULL is UTC
 * (zone.h). text needs no terminating NUL.
 * Returns false when it is none of these, or lies outside the years 0 to 9999, and leaves *out
 * alone.
 */
bool wall_parse(const char *text, size_t len, const struct zone *zone, wall_time *out);

/* Reads a number that the database holds as a number, in the same way. False also for NaN, infinity
 * and magnitudes of 9e18 or more, which are beyond int64. */
bool wall_from_number(double number, const struct zone *zone, wall_time *out);
bool wall_from_integer(int64_t number, const struct zone *zone, wall_time *out);

/* True when the moment lies in the years 0 to 9999, which RFC 3339 can write. */
bool wall_has_text(wall_time t);

#endif
