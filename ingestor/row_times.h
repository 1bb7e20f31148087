/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks of those who write the rows, as far as rows show them: a row's timestamp against the
 * moment when it was read. A row that is ahead shows that the writer's clock is, or ours is behind;
 * how old rows usually are shows how late they are committed and read, or that a clock is behind.
 *
 * Pure: the caller reads the clocks. One thread. Zeroed memory has seen no row.
 */
#ifndef INGESTOR_ROW_TIMES_H
#define INGESTOR_ROW_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/time/clock.h"

#define ROW_TIMES_NEWEST 512 /* rows whose age the median is of */
#define ROW_TIMES_MINUTES 5  /* for so long it is remembered how far rows were ahead */

struct row_times {
    uint64_t ahead;                 /* Rows that were ahead of their arrival, since the start. */
    int64_t ages[ROW_TIMES_NEWEST]; /* A ring, in microseconds; below 0 for rows ahead. */
    size_t count;                   /* How many it holds. */
    size_t next;                    /* Where the next one goes. */
    struct {
        int64_t minute;           /* Of the monotonic clock. */
        int64_t ahead_us;         /* The farthest row of that minute. */
    } minutes[ROW_TIMES_MINUTES]; /* A ring: each has a place of its own. */
};

/* Takes a row in, which was read at `arrival`. */
void row_times_add(struct row_times *times, wall_time timestamp, wall_time arrival, mono_time now);

/* How far the farthest row of the last minutes was ahead, in microseconds; 0 when none was. */
int64_t row_times_ahead_us(const struct row_times *times, mono_time now);

/* The median of the newest rows' ages, in microseconds, negative if rows are ahead. False when no
 * row was seen. */
bool row_times_age_us(const struct row_times *times, int64_t *out);

#endif
