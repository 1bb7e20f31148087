/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/backoff.h"

/* SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014), which
 * is good enough to spread retries. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t backoff_next_ms(struct backoff *backoff)
{
    int64_t limit = backoff->first_ms;
    for (unsigned i = 0; i < backoff->failures && limit < backoff->max_ms; i++) {
        limit *= 2;
    }
    limit = limit < backoff->max_ms ? limit : backoff->max_ms;
    backoff->failures++;
    const int64_t half = limit / 2;
    return half + (int64_t)(next_random(&backoff->random) % (uint64_t)(limit - half + 1));
}
