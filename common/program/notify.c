/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/notify.h"

#if TILEWIRE_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

#define UNKNOWN (-1)
#define PARTS                                                                                      \
    2 /* of the time after which a silent process is killed: so often it says that it lives */

/* Of the main thread. */
static int64_t interval_us = UNKNOWN; /* between two signs of life; 0: nobody waits for them */
static mono_time alive_at;            /* when the next one is due */

void notify_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void notify_alive(mono_time now)
{
    if (interval_us == UNKNOWN) {
        uint64_t limit_us = 0;
        const bool wanted = sd_watchdog_enabled(0, &limit_us) > 0 && limit_us < INT64_MAX;
        interval_us = wanted ? (int64_t)limit_us / PARTS : 0;
    }
    if (interval_us > 0 && now.us >= alive_at.us) {
        alive_at.us = now.us + interval_us;
        (void)sd_notify(0, "WATCHDOG=1");
    }
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=ending");
}

#else

void notify_ready(const char *status)
{
    (void)status;
}

void notify_status(const char *status)
{
    (void)status;
}

void notify_alive(mono_time now)
{
    (void)now;
}

void notify_stopping(void)
{
}

#endif
