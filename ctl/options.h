/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `tilewire`: `tilewire [OPTION…] COMMAND [OPTION…] [ARGUMENT]`. Options that
 * all commands have may stand on either side of the command's name. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>

#include "ctl/commands/command.h"

/* Texts are borrowed from argv. */
struct options {
    const struct command *command; /* never NULL once options_parse has returned */
    struct command_line line;      /* what the command is run with */
    bool config_given;   /* True when the file was named; else line.config_path is the default. */
    bool from_ingestor;  /* True when the ingestor is asked, false when a cache is. */
    bool json;           /* True when JSON is printed. */
    const char *query;   /* where to ask; NULL: as the configuration says */
    const char *publish; /* where to listen; NULL: as the configuration says */
    const char *server;  /* the name or key of whom is asked; NULL: as the configuration says */
    bool insecure;       /* True when another machine may be asked without keys. */
};

/* Ends the process, with status 2 and a message, when the command line is wrong, or with 0 when it
 * asked for help or the version. What it fills is freed with options_finish. */
void options_parse(struct options *options, int argc, char **argv);
void options_finish(struct options *options);

/* Where to connect to, for an address that a server binds: `*`, 0.0.0.0 and [::] become this
 * machine. The caller frees it. */
char *options_address(const char *bound);

#endif
