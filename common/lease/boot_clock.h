/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of the lease (CLOCK_BOOTTIME). It never jumps, like CLOCK_MONOTONIC, and goes on while
 * the machine sleeps, unlike it. So its times are of a type of their own: comparing them with a
 * mono_time does not compile. Pure code is given `now`.
 */
#ifndef COMMON_LEASE_BOOT_CLOCK_H
#define COMMON_LEASE_BOOT_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "common/base/time/clock.h"

/* Microseconds since an arbitrary start; only differences mean something. */
typedef struct {
    int64_t us; /* Microseconds since the machine began, those included in which it slept. */
} boot_time;

static inline boot_time boot_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (boot_time){(int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000};
}

static inline boot_time boot_add_ms(boot_time t, int64_t ms)
{
    return (boot_time){t.us + ms * US_PER_MS};
}

#endif
