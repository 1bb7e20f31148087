/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle's own reading of time zones, by docs/sources.md: the C library is asked what its clock
 * shows at instants, and times are found by trying. It shares no code with common/base/time/zone.h.
 *
 * The C library has one zone at a time, for the whole process; a call with another name changes it.
 * So only one thread may use this. A zone is a name of the IANA database that the configuration has
 * checked, and "UTC" is always known.
 */
#ifndef CTL_ORACLE_ZONE_H
#define CTL_ORACLE_ZONE_H

#include <stdint.h>

/* The local time at an instant, as seconds since 1970 at which a clock of UTC shows the same. */
int64_t oracle_zone_shown(const char *zone, int64_t instant_s);

/* The instant, in µs since 1970, of a local time: the first one if it comes twice; if it never
 * comes, that which the clock before it was put forward would have shown. */
int64_t oracle_zone_instant_us(const char *zone, int64_t local_us);

/* The first second at which the clock shows that local time or a later one. */
int64_t oracle_zone_begin_s(const char *zone, int64_t local_s);

#endif
