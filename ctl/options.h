/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `tilewire`: `tilewire [OPTION…] COMMAND [OPTION…] [ARGUMENT]`. Options that
 * all commands have may stand on either side of the command's name. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "ctl/commands/commands.h"

enum command {
    COMMAND_NONE,
    COMMAND_TAIL,
    COMMAND_GET,
    COMMAND_LS,
    COMMAND_EVENTS,
    COMMAND_STATS,
    COMMAND_VERIFY,
    COMMAND_CHECK,
    COMMAND_INSTALL_TRIGGER,
};

struct options {
    enum command command;
    const char *argument; /* KEY, PREFIX or FILE; NULL: not given */
    const char *config_path;
    bool config_given; /* else it is the default */
    bool from_ingestor;
    const char *query;   /* NULL: as the configuration says */
    const char *publish; /* likewise */
    bool json;
    int64_t timeout_ms; /* 0: not given */
    uint64_t count;     /* -n; 0: not given */
    bool events;
    const char *types;
    bool allow_stale;
    bool remove;
};

/* Ends the process, with status 2 and a message, when the command line is wrong, or with 0 when it
 * asked for help or the version. Texts are borrowed from argv. */
void options_parse(struct options *options, int argc, char **argv);

/* Where to connect to, for an address that a server binds: `*`, 0.0.0.0 and [::] become this
 * machine. The caller frees it. */
char *address_to_connect(const char *bound);

#endif
