/* SPDX-License-Identifier: Apache-2.0 */
/* What every command of `tilewire` is given: whom to ask, and where and how to print. */
#ifndef CTL_BASE_CTL_H
#define CTL_BASE_CTL_H

#include <stdbool.h>
#include <stdio.h>

#include "common/config/config.h"

/* All of it is borrowed from main. */
struct ctl {
    const struct config *config; /* borrowed */
    const char *query;           /* the address to connect to for queries */
    const char *publish;         /* the address to connect to for deltas */
    struct config_server server; /* who has to be there */
    bool json;                   /* True when JSON is printed, for programs. */
    bool colour;    /* True when out is a terminal, and the user has not set NO_COLOR. */
    int timeout_ms; /* how long nothing may come of an answer; above 0 */
    FILE *out;      /* where results go */
    FILE *err;      /* where errors go */
};

/* Prints `tilewire: MESSAGE` to err and returns 1, the exit status of what failed. */
int ctl_fail(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
