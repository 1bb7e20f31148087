/* SPDX-License-Identifier: Apache-2.0 */
/* What every command of `tilewire` is given, and what it may print with. */
#ifndef CTL_BASE_CTL_H
#define CTL_BASE_CTL_H

#include <stdbool.h>
#include <stdio.h>

#include "common/config/config.h"

struct ctl {
    const struct config *config;
    const char *query;   /* where to ask: an address to connect to */
    const char *publish; /* where to listen for deltas */
    bool json;
    bool colour;    /* out is a terminal, and the user has not said NO_COLOR */
    int timeout_ms; /* for one answer */
    FILE *out;
    FILE *err;
};

/* Prints `tilewire: MESSAGE` to err and returns 1, the exit status of what failed. */
int ctl_fail(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
