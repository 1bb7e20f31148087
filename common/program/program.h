/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs have in common at their start: the command line, the configuration, the log,
 * signals.
 */
#ifndef COMMON_PROGRAM_PROGRAM_H
#define COMMON_PROGRAM_PROGRAM_H

#include <stdbool.h>

#include "common/config/config.h"

#define EXIT_FAILED 1 /* it failed */
#define EXIT_USAGE 2  /* wrong usage or configuration */

struct program {
    const char *name; /* in log lines: "cache" */
    const char *doc;  /* for --help */
    bool has_listen;  /* takes --listen ADDR */

    /* Filled by program_start. */
    struct config *config; /* owned; program_finish frees it */
    const char *config_path;
    const char *listen; /* NULL: not given */
    int signals;        /* a signalfd with SIGTERM, SIGINT and SIGHUP, which are blocked */
};

/* Reads the command line and the configuration, sets up the log and the signals. Ends the process,
 * with a message, when the command line or the configuration is wrong (status 2), or it was only
 * asked for help. Call it before any thread starts. */
void program_start(struct program *program, int argc, char **argv);
void program_finish(struct program *program);

/* The next signal that came, or 0. Does not wait. */
int program_signal(const struct program *program);

#endif
