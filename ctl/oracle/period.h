/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's days, weeks and months, by docs/tiles.md: found with the C library's calendar and
 * zones (zone.h), and with no code of the ingestor. */
#ifndef CTL_ORACLE_PERIOD_H
#define CTL_ORACLE_PERIOD_H

#include <stdint.h>

#include "common/config/tiles.h"

/* When the period begins that is `later` periods after the one with that instant, before it if
 * `later` is below 0; in µs since 1970, as the instant is. */
int64_t oracle_period_begin_us(const struct config_local_time *local, enum tile_period period,
                               int64_t instant_us, int later);

#endif
