/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones of the IANA database: what a clock on the wall of a place shows at an instant, and
 * when it shows a time. Where a zone is asked for, NULL is UTC.
 *
 * A local time is written as the µs since 1970 at which a clock of UTC shows the same. When clocks
 * are put back, it comes twice; when they are put forward, some do not come at all:
 *
 *     Berlin      01:00    02:00    02:59│02:00    02:59    03:00       put back
 *     UTC         23:00    00:00    00:59│01:00    01:59    02:00
 *
 *     Berlin      01:00    01:59│03:00    04:00                         put forward: no 02:30
 *     UTC         00:00    00:59│01:00    02:00
 *
 * A zone never changes once it is loaded, so threads may share it.
 */
#ifndef COMMON_BASE_TIME_ZONE_H
#define COMMON_BASE_TIME_ZONE_H

#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"

struct zone;

/*
 * Reads the zone of that name, "Europe/Berlin", from the C library's files: $TZDIR, or else
 * /usr/share/zoneinfo. The arena owns it. STATUS_NOT_FOUND: there is no zone of that name, or no
 * database at all. STATUS_INVALID: the file is none that can be used.
 */
int zone_load(const char *name, struct arena *memory, const struct zone **out, struct error *err);

/* The local time at an instant. Both are µs since 1970, and within 73,000 years of it, here and
 * below. */
int64_t zone_local_us(const struct zone *zone, int64_t us);

/* The instant of a local time, by the rule of RFC 5545 (3.3.5): the first one, if it comes twice;
 * and if it never comes, that which it would have been had the clock not been put forward. */
int64_t zone_instant_us(const struct zone *zone, int64_t local_us);

/* The first instant at which the clock shows that local time, or a later one because it is put
 * forward over it. So a day begins, whether there is a midnight or not. */
int64_t zone_first_us(const struct zone *zone, int64_t local_us);

#endif
