/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/check.h"

#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/program/program.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"

#define HEADER_BYTES 20
#define READ_VERSION 19 /* the byte of an SQLite database that is 2 in WAL mode */

/* In the other modes readers and writers wait for each other. A file that is not there yet, or is
 * none of SQLite's, is for the ingestor to name. */
static void advise_wal(const struct config *config, FILE *out)
{
    const char *path = config->source.path;
    unsigned char header[HEADER_BYTES];
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return;
    }
    const bool read = fread(header, sizeof header, 1, file) == 1;
    fclose(file);
    if (read && memcmp(header, "SQLite format 3", 16) == 0 && header[READ_VERSION] != 2) {
        fprintf(out,
                "advice: %s has a rollback journal, so a writer without a busy timeout may find it "
                "locked; in WAL mode it never does: sqlite3 %s 'PRAGMA journal_mode=WAL'\n",
                path, path);
    }
}

int check_file(const char *file, FILE *out, FILE *err)
{
    struct config *config = NULL;
    struct error error = {{0}};
    if (config_load(file, &config, &error) != STATUS_OK) {
        print_text(err, str_of(error.text));
        fputc('\n', err);
        return PROGRAM_EXIT_USAGE;
    }
    if (config->has_source && config_need_source(config, &error) != STATUS_OK) {
        print_text(err, str_of(error.text));
        fputc('\n', err);
        config_destroy(&config);
        return PROGRAM_EXIT_USAGE;
    }
    fprintf(out, "%s: ok, %zu tile%s%s\n", file, config->tile_count,
            config->tile_count == 1 ? "" : "s",
            config->has_source ? "" : ", no source (enough for a cache or a gateway)");
    if (config->has_source && config->source.kind == SOURCE_SQLITE) {
        advise_wal(config, out);
    }
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
