/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemons have in common at their start and end: the command line, the configuration, the
 * log, the signals.
 *
 *   struct program program = {.name = "cache", .doc = "…"};
 *   program_start(&program, argc, argv);      may end the process
 *   … run until program_signal() says SIGTERM or SIGINT …
 *   program_finish(&program);
 *
 * The folder common/program is what a process needs to be one of Tilewire's: this, the log and the
 * metrics. It stands on common/base, common/codec and common/config.
 *
 * A struct program belongs to the main thread.
 */
#ifndef COMMON_PROGRAM_PROGRAM_H
#define COMMON_PROGRAM_PROGRAM_H

#include <stdbool.h>

#include "common/config/config.h"

/* Exit statuses, besides 0. */
#define PROGRAM_EXIT_FAILED 1 /* the program failed at what it was asked for */
#define PROGRAM_EXIT_USAGE 2  /* the command line or the configuration is wrong */

struct program {
    /* Set by main. */
    const char *name; /* as log lines show it: "cache" */
    const char *doc;  /* what --help says, in argp's form */
    bool has_listen;  /* True when the program takes --listen, --port and --admin-listen. */

    /* Filled by program_start. */
    struct config *config;    /* owned; program_finish frees it */
    const char *config_path;  /* part of argv, or one of config_path.h */
    const char *listen;       /* part of argv; NULL when --listen was not given */
    const char *port;         /* the same for --port, not looked at yet */
    const char *admin_listen; /* the same for --admin-listen */
    int signals;              /* a signalfd of SIGTERM, SIGINT and SIGHUP, which are blocked */
};

/* Reads the command line and the configuration, and sets up the log and the signals. Ends the
 * process, with a message, when the command line or the configuration is wrong
 * (PROGRAM_EXIT_USAGE), and when it was only asked for help (0). It is called before any thread
 * starts, so that all threads inherit the blocked signals. */
void program_start(struct program *program, int argc, char **argv);

/* Frees the configuration and closes `signals`. */
void program_finish(struct program *program);

/* The number of the next signal that came, or 0 when there is none. Does not wait: poll `signals`
 * for that. */
int program_signal(const struct program *program);

#endif
