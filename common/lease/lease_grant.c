/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lease/lease_grant.h"

#include "common/base/time/clock.h"

uint64_t lease_epoch_after(uint64_t before)
{
    const uint64_t now_ms = (uint64_t)(clock_wall().us / US_PER_MS);
    return now_ms > before ? now_ms : before + 1;
}
