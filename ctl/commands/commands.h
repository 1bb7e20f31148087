/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `tilewire`. Each takes the command line from its own name on, does its work, and
 * returns the exit status: 0, 1 (it failed), or 2 (wrong usage; argp has said so). */
#ifndef CTL_COMMANDS_COMMANDS_H
#define CTL_COMMANDS_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/base/ctl.h"

struct tail_options {
    const char *prefix; /* of keys; "" is all */
    bool events;        /* raw events, too */
    uint64_t count;     /* end after so many lines; 0: never */
};
int cmd_tail(const struct ctl *ctl, const struct tail_options *options);

int cmd_get(const struct ctl *ctl, const char *key);
int cmd_ls(const struct ctl *ctl, const char *prefix);

struct events_options {
    uint64_t count;    /* the newest so many */
    const char *types; /* comma-separated, with `*`; NULL: all */
};
int cmd_events(const struct ctl *ctl, const struct events_options *options);

int cmd_stats(const struct ctl *ctl);

struct verify_options {
    int64_t timeout_ms; /* how long tiles may take to become right */
    bool allow_stale;
};
int cmd_verify(const struct ctl *ctl, const struct verify_options *options);

int cmd_install_trigger(const struct ctl *ctl, bool remove);

#endif
