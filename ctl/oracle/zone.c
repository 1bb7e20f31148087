/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MILLION INT64_C(1000000)
#define FAR_S (27 * INT64_C(3600)) /* further than any zone's clock is from UTC */
#define STEP_S INT64_C(3600)       /* no offset holds for less */

static bool is_utc(const char *zone)
{
    return strcmp(zone, "UTC") == 0;
}

/* Makes the zone the C library's. The colon says that it is the name of a file. */
static void use(const char *zone)
{
    static char used[300];
    char wanted[sizeof used];
    snprintf(wanted, sizeof wanted, ":%s", zone);
    if (strcmp(used, wanted) != 0) {
        memcpy(used, wanted, sizeof used);
        (void)setenv("TZ", used, 1); /* It fails only without memory. */
        tzset();
    }
}

int64_t oracle_zone_shown(const char *zone, int64_t instant_s)
{
    const time_t at = instant_s;
    struct tm tm = {0};
    if (is_utc(zone)) {
        return instant_s;
    }
    use(zone);
    (void)localtime_r(&at, &tm);
    return instant_s + tm.tm_gmtoff;
}

static int64_t offset_at(const char *zone, int64_t instant_s)
{
    return oracle_zone_shown(zone, instant_s) - instant_s;
}

/* The first second between the two, from where on the offset is another; there is one. */
static int64_t find_change(const char *zone, int64_t before, int64_t after)
{
    const int64_t old = offset_at(zone, before);
    while (after - before > 1) {
        const int64_t middle = before + (after - before) / 2;
        if (offset_at(zone, middle) == old) {
            before = middle;
        } else {
            after = middle;
        }
    }
    return after;
}

/*
 * All offsets that hold near the local time are tried, hour by hour: the time is an instant where
 * the clock, put so, shows it. If none does, it is skipped: then *change is set to the second when
 * that happens, and the instant is that of the offset before.
 */
static int64_t find_instant(const char *zone, int64_t local_s, int64_t *change)
{
    const int64_t early = local_s - FAR_S;
    int64_t offset = offset_at(zone, early);
    *change = INT64_MIN;
    if (offset_at(zone, local_s + FAR_S) == offset) {
        return local_s - offset;
    }
    int64_t first = INT64_MAX;
    for (int64_t at = early; at <= local_s + FAR_S; at += STEP_S) {
        const int64_t tried = local_s - offset_at(zone, at);
        if (tried < first && oracle_zone_shown(zone, tried) == local_s) {
            first = tried;
        }
    }
    if (first != INT64_MAX) {
        return first;
    }
    for (int64_t at = early; at <= local_s + FAR_S; at += STEP_S) {
        const int64_t here = offset_at(zone, at);
        if (here > offset) {
            *change = find_change(zone, at - STEP_S, at);
            if (*change + offset <= local_s && local_s < *change + here) {
                break; /* The clock is put forward from before the time to behind it. */
            }
        }
        offset = here;
    }
    return local_s - offset;
}

int64_t oracle_zone_instant_us(const char *zone, int64_t local_us)
{
    const int64_t part = (local_us % MILLION + MILLION) % MILLION;
    int64_t change;
    if (is_utc(zone)) {
        return local_us;
    }
    return find_instant(zone, (local_us - part) / MILLION, &change) * MILLION + part;
}

int64_t oracle_zone_begin_s(const char *zone, int64_t local_s)
{
    int64_t change = INT64_MIN;
    const int64_t instant = is_utc(zone) ? local_s : find_instant(zone, local_s, &change);
    return change != INT64_MIN ? change : instant;
}
