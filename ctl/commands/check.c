/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/check.h"

#include <stdlib.h>

#include "common/config/config.h"
#include "common/program/program.h"
#include "ctl/commands/commands.h"

int check_file(const char *file, FILE *out, FILE *err)
{
    struct config *config = NULL;
    struct error error = {{0}};
    if (config_load(file, &config, &error) != STATUS_OK) {
        fprintf(err, "%s\n", error.text);
        return PROGRAM_EXIT_USAGE;
    }
    fprintf(out, "%s: ok, %zu tile%s%s\n", file, config->tile_count,
            config->tile_count == 1 ? "" : "s",
            config->has_source ? "" : ", no source (enough for a cache or a gateway)");
    config_destroy(&config);
    return EXIT_SUCCESS;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    return check_file(line->argument != NULL ? line->argument : line->config_path, ctl->out,
                      ctl->err);
}

const struct command command_check = {
    .name = "check",
    .argument = "[FILE]",
    .brief = "is a configuration right?",
    .doc = "Check a configuration.",
    .config = COMMAND_CONFIG_UNUSED,
    .run = run,
};
