/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the service manager (systemd, with Type=notify and WatchdogSec=) how the process is doing.
 * Only the main thread calls it, for it is the main loop that has to go on. Without a service
 * manager, or built without libsystemd, each function does nothing.
 */
#ifndef COMMON_PROGRAM_NOTIFY_H
#define COMMON_PROGRAM_NOTIFY_H

#include "common/base/time/clock.h"

/* The process serves. `status` is what `systemctl status` shows of it: one line. */
void notify_ready(const char *status);

/* What `systemctl status` shows from now on: one line. */
void notify_status(const char *status);

/* The main loop goes on. It is called each second at least, and says so half as often as the
 * service manager wants to hear it, or more often. */
void notify_alive(mono_time now);

/* The process is about to end, by itself or because it was told to. */
void notify_stopping(void);

#endif
