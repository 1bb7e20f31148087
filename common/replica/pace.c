/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/pace.h"

#include "common/base/time/clock.h"

#define GROWTH 4 /* how much larger the next page may be */
#define CUT 8    /* how much smaller: a pause of the server says nothing of the way */

#define PAGE_US ((int64_t)PACE_PAGE_MS * US_PER_MS)

static size_t clamp(size_t bytes, size_t low, size_t high)
{
    low = low > PACE_MIN_BYTES ? low : PACE_MIN_BYTES;
    high = high < PACE_MAX_BYTES ? high : PACE_MAX_BYTES;
    return bytes < low ? low : bytes > high ? high : bytes;
}

void pace_init(struct pace *pace)
{
    *pace = (struct pace){PACE_FIRST_BYTES, INT64_MAX};
}

void pace_note_ping(struct pace *pace, int64_t us)
{
    pace->trip_us = us < pace->trip_us ? us : pace->trip_us;
}

void pace_note_page(struct pace *pace, size_t bytes, int64_t us)
{
    const int64_t trip_us = pace->trip_us != INT64_MAX ? pace->trip_us : 0;
    const int64_t waited = us > trip_us ? us - trip_us : 0;
    /* In floating point, for bytes times microseconds may be more than 64 bits hold. */
    const double fits = waited > 0 ? (double)bytes * (double)PAGE_US / (double)waited : 1e18;
    const size_t next = fits < (double)PACE_MAX_BYTES ? (size_t)fits : PACE_MAX_BYTES;
    if (waited > PAGE_US) {
        pace->bytes = clamp(next, pace->bytes / CUT, pace->bytes);
    } else if (bytes >= pace->bytes / 2) { /* a page that was not full says little */
        pace->bytes = clamp(next, pace->bytes, pace->bytes * GROWTH);
    }
}

void pace_note_timeout(struct pace *pace)
{
    pace->bytes = clamp(pace->bytes / 2, 0, PACE_MAX_BYTES);
}
