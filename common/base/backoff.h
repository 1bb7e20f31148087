/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exponential backoff with jitter ("full jitter" of Marc Brooker, "Exponential Backoff And Jitter",
 * AWS 2015, with a floor of half): after n failures wait between half of min(max, first * 2^n) and
 * all of it.
 */
#ifndef COMMON_BASE_BACKOFF_H
#define COMMON_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t first_ms; /* > 0 */
    int64_t max_ms;   /* >= first_ms */
    unsigned failures;
    uint64_t random; /* state of the generator; any seed */
};

/* Milliseconds to wait after one more failure. */
int64_t backoff_next_ms(struct backoff *backoff);

/* It worked: begin from the start next time. */
static inline void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}

#endif
