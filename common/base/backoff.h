/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exponential backoff with jitter: after n failures in a row the wait is chosen at random between
 * half of min(max, first * 2^n) and all of it, so that clients which failed together do not come
 * back together. This is the "equal jitter" of Marc Brooker, "Exponential Backoff And Jitter", AWS
 * 2015.
 *
 *   failures before   0      1         2              3, and max is reached
 *   wait              [f/2 f][f    2f] [2f        4f] [max/2           max]
 *
 * Pure: the caller owns the struct, seeds it, and does the waiting.
 */
#ifndef COMMON_BASE_BACKOFF_H
#define COMMON_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t first_ms;  /* > 0 */
    int64_t max_ms;    /* >= first_ms */
    unsigned failures; /* in a row; 0 to begin with */
    uint64_t random;   /* state of the generator; any seed will do */
};

/* Counts one more failure, and returns how many milliseconds to wait before the next try. */
int64_t backoff_next_ms(struct backoff *backoff);

/* Forgets the failures, because a try succeeded. */
static inline void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}

#endif
