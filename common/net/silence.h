/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a connection has been silent for too long, although something should have come over it: its
 * socket is then made anew.
 *
 *     heard      expected                      over             over
 *       ├───────────┼──────── patience ─────────┤── 2 patience ──┤ ...
 *
 * The patience is SILENCE_FIRST_MS after something was heard, and doubles each time that it was in
 * vain, up to SILENCE_MAX_MS: so nobody is disturbed for long who is slow and not silent, and a
 * peer that cannot speak is not connected to without a pause.
 *
 * Pure: the caller owns the struct and gives the time.
 */
#ifndef COMMON_NET_SILENCE_H
#define COMMON_NET_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time/clock.h"

/* Three heartbeats of an ingestor, or six pings, have then failed to come. */
#define SILENCE_FIRST_MS INT64_C(3000)
#define SILENCE_MAX_MS INT64_C(48000)

struct silence {
    mono_time since;     /* Since then nothing has come that should have. */
    int64_t patience_ms; /* SILENCE_FIRST_MS to SILENCE_MAX_MS */
};

/* Something was heard, or the connection is a new one to begin with. */
static inline void silence_heard(struct silence *silence, mono_time now)
{
    *silence = (struct silence){now, SILENCE_FIRST_MS};
}

/* The time up to now does not count: nothing was expected, or we ourselves did not run. */
static inline void silence_excuse(struct silence *silence, mono_time now)
{
    silence->since = now;
}

/* Returns true when the patience is at an end. It is then doubled, and begins anew. */
static inline bool silence_is_over(struct silence *silence, mono_time now)
{
    if (now.us - silence->since.us < silence->patience_ms * US_PER_MS) {
        return false;
    }
    const int64_t longer = 2 * silence->patience_ms;
    *silence = (struct silence){now, longer < SILENCE_MAX_MS ? longer : SILENCE_MAX_MS};
    return true;
}

#endif
