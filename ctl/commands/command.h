/* SPDX-License-Identifier: Apache-2.0 */
/* What a command of `tilewire` says of itself. */
#ifndef CTL_COMMANDS_COMMAND_H
#define CTL_COMMANDS_COMMAND_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/base/ctl.h"

/* What a command needs the configuration for. */
enum command_config {
    COMMAND_CONFIG_ADDRESSES, /* for addresses: the defaults do when one is given and no file is */
    COMMAND_CONFIG_NEEDED,    /* for more: the file has to be there */
    COMMAND_CONFIG_UNUSED,    /* for nothing: the command is given the defaults */
};

/* What a command is run with, beside the ctl. Texts are borrowed from argv. */
struct command_line {
    const char *argument;    /* KEY, PREFIX or FILE; NULL when it was not given */
    const char *second;      /* what follows it, if the command takes two; NULL as well */
    const char *config_path; /* of --config, or its default */
    int64_t timeout_ms;      /* of --timeout; 0 when it was not given */
    void *options;           /* the command's own, as its parser has left them; NULL if none */
};

struct command {
    const char *name;           /* as it is typed */
    const char *argument;       /* as --help calls it; NULL when the command takes none */
    bool argument_needed;       /* True when the command fails without the argument. */
    bool takes_two;             /* True when a second argument may follow. */
    const char *brief;          /* its line in `tilewire --help` */
    const char *doc;            /* its text in `tilewire NAME --help` */
    bool bounds_itself;         /* True when --timeout bounds the whole command, not each answer. */
    bool of_ingestor;           /* True when the ingestor is asked, whatever --from says. */
    enum command_config config; /* what it needs of the configuration */

    /* Options that other commands do not have, all NULL and 0 when there are none. The parser is
     * argp's; its state->input is options_size bytes, zero at first, which run finds in
     * line->options. */
    const struct argp_option *options; /* of group 1: --help lists them first */
    argp_parser_t parse;               /* reads these options; NULL when there are none */
    size_t options_size;               /* bytes of what `parse` fills in */

    /* Returns the exit status: 0, PROGRAM_EXIT_FAILED or PROGRAM_EXIT_USAGE, the last two after
     * saying why. */
    int (*run)(const struct ctl *ctl, const struct command_line *line);
};

/* The value of -n, a number above 0. Ends the process, as argp does, when it is none. */
uint64_t command_parse_count(const char *text, struct argp_state *state);

/* The argument, or "" when there is none. */
const char *command_prefix(const struct command_line *line);

#endif
