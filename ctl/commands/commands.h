/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `tilewire`, in the order of --help: command_NAME is defined in NAME.c (that of
 * silence in alerts.c). A new command is such a file and its line here. */
#ifndef CTL_COMMANDS_COMMANDS_H
#define CTL_COMMANDS_COMMANDS_H

#include "ctl/commands/command.h"

#define COMMANDS(X)                                                                                \
    X(tail)                                                                                        \
    X(get)                                                                                         \
    X(ls)                                                                                          \
    X(events)                                                                                      \
    X(stats)                                                                                       \
    X(verify)                                                                                      \
    X(check)                                                                                       \
    X(install_trigger)                                                                             \
    X(state)                                                                                       \
    X(token)                                                                                       \
    X(keygen)                                                                                      \
    X(push)                                                                                        \
    X(alerts)                                                                                      \
    X(silence)

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)

#endif
