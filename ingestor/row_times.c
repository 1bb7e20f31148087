/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/row_times.h"

#include <stdlib.h>
#include <string.h>

static int64_t minute_of(mono_time now)
{
    return now.us / (60 * US_PER_S);
}

static void note_ahead(struct row_times *times, int64_t ahead_us, mono_time now)
{
    const int64_t minute = minute_of(now);
    const size_t place = (size_t)(minute % ROW_TIMES_MINUTES);
    times->ahead++;
    if (times->minutes[place].minute != minute) {
        times->minutes[place].minute = minute;
        times->minutes[place].ahead_us = 0;
    }
    if (ahead_us > times->minutes[place].ahead_us) {
        times->minutes[place].ahead_us = ahead_us;
    }
}

void row_times_add(struct row_times *times, wall_time timestamp, wall_time arrival, mono_time now)
{
    const int64_t age_us = arrival.us - timestamp.us;
    times->ages[times->next] = age_us;
    times->next = (times->next + 1) % ROW_TIMES_NEWEST;
    times->count += times->count < ROW_TIMES_NEWEST;
    if (age_us < 0) {
        note_ahead(times, -age_us, now);
    }
}

int64_t row_times_ahead_us(const struct row_times *times, mono_time now)
{
    int64_t ahead_us = 0;
    for (size_t i = 0; i < ROW_TIMES_MINUTES; i++) {
        if (times->minutes[i].ahead_us > ahead_us &&
            minute_of(now) - times->minutes[i].minute < ROW_TIMES_MINUTES) {
            ahead_us = times->minutes[i].ahead_us;
        }
    }
    return ahead_us;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

bool row_times_age_us(const struct row_times *times, int64_t *out)
{
    int64_t sorted[ROW_TIMES_NEWEST];
    if (times->count == 0) {
        return false;
    }
    memcpy(sorted, times->ages, times->count * sizeof *sorted);
    qsort(sorted, times->count, sizeof *sorted, compare);
    *out = sorted[times->count / 2];
    return true;
}
