/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall clock, mistrusted. What a tile forgets as time passes does not come back when the clock
 * turns out to have been wrong for a moment: so a step of the clock is believed only when it has
 * lasted. Steps are noticed by comparing the wall clock with the boot clock, which never jumps.
 *
 *   wall clock    ────┐                    ┌──── ahead for a moment: never believed
 *   (less boot)       └── … ───────────────┘
 *
 *                          ┌──────────────────── ahead for good: believed after CLOCK_HOLD_US
 *                 ─────────┘    ╎
 *   believed      ──────────────┐
 *                               └───────────────
 *
 * A step of up to CLOCK_STEP_US is believed at once, since whatever goes wrong by it is right again
 * after that time. Pure: the caller reads the clocks. One thread.
 */
#ifndef INGESTOR_CLOCK_STEPS_H
#define INGESTOR_CLOCK_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time/clock.h"
#include "common/lease/boot_clock.h"

#define CLOCK_STEP_US (60 * US_PER_S)
#define CLOCK_HOLD_US (30 * US_PER_S)

enum clock_step {
    CLOCK_STEP_NONE,
    CLOCK_STEP_HELD,  /* it jumped, and is not believed yet */
    CLOCK_STEP_OVER,  /* it is back where it was before it jumped */
    CLOCK_STEP_AHEAD, /* from now on it is believed, and was set ahead */
    CLOCK_STEP_BACK,  /* from now on it is believed, and was set back */
};

/* Zeroed memory believes the first time that it gets. */
struct clock_steps {
    bool begun;             /* a moment was given once */
    bool held;              /* the clock jumped, and is not believed */
    int64_t offset_us;      /* what is believed, less the boot clock */
    int64_t held_offset_us; /* where the clock jumped to, less the boot clock */
    boot_time held_since;   /* when the jump was seen */
    uint64_t steps;         /* how often it jumped */
};

/* The time that is believed. wall and boot were read together. */
wall_time clock_steps_now(struct clock_steps *clock, wall_time wall, boot_time boot,
                          enum clock_step *step);

#endif
