/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway's loop says to its parts. The loop alone writes it, at the beginning of each
 * turn; the parts hold a pointer to it for as long as they live. One thread.
 */
#ifndef GATEWAY_BASE_TURN_H
#define GATEWAY_BASE_TURN_H

#include <stdbool.h>

#include "common/base/time/clock.h"

struct turn {
    mono_time now; /* The time at which the turn began; the clock is read once a turn. */
    bool draining; /* True once the gateway was told to end: nothing new begins, nothing waits. */
};

#endif
