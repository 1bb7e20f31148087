/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lease/lease_watch.h"

#include "common/lease/lease.h"

bool lease_watch_expired(struct lease_watch *watch, uint64_t number, uint64_t heartbeat,
                         boot_time now)
{
    if (watch->number != number || watch->heartbeat != heartbeat) {
        *watch = (struct lease_watch){number, heartbeat, now, 0};
    }
    const int64_t passed_us = now.us - watch->polled_at.us;
    const int64_t most_us = LEASE_BLINK_MS * US_PER_MS;
    watch->still_us += passed_us < most_us ? passed_us : most_us;
    watch->polled_at = now;
    return number == 0 || watch->still_us >= LEASE_EXPIRE_MS * US_PER_MS;
}

void lease_watch_forget(struct lease_watch *watch)
{
    *watch = (struct lease_watch){0};
}
