/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/command.h"

#include <stdlib.h>

uint64_t command_parse_count(const char *text, struct argp_state *state)
{
    char *end;
    const unsigned long long count = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || count == 0) {
        argp_error(state, "-n is a number above 0, not '%s'", text);
    }
    return count;
}

const char *command_prefix(const struct command_line *line)
{
    return line->argument != NULL ? line->argument : "";
}
