/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire verify`: whether every tile is what the rows have said, as far as the table shows. */
#ifndef CTL_VERIFY_VERIFY_H
#define CTL_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/base/ctl.h"

struct verify_options {
    int64_t timeout_ms; /* how long tiles may take to become right */
    bool allow_stale;   /* True when a stale tile is no failure. */

    /* Each is borrowed, and may be NULL. */
    const char *http;       /* the URL of a gateway, whose answers are compared, too */
    const char *token_file; /* of whom it is asked as */
    const char *ca_file;    /* whose certificates are trusted */
};

/* The exit status when nothing is wrong, but something cannot be proved. */
#define VERIFY_EXIT_UNPROVABLE 3

/* Prints what it finds to ctl->out. Returns the exit status: 0 when every tile is right,
 * PROGRAM_EXIT_FAILED when one is wrong, or when nothing can be found out, and else
 * VERIFY_EXIT_UNPROVABLE. */
int verify_run(const struct ctl *ctl, const struct verify_options *options);

#endif
