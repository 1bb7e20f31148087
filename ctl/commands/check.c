/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/check.h"

#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/program/program.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"
#include "ctl/connect/connect.h"

#define HEADER_BYTES 20
#define READ_VERSION 19 /* the byte of an SQLite database that is 2 in WAL mode */

/* In the other modes readers and writers wait for each other. A file that is not there yet, or is
 * none of SQLite's, is for the ingestor to name. */
static void advise_wal(const struct config_source *source, FILE *out)
{
    const char *path = source->path;
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
    for (size_t i = 0; i < config->source_count; i++) {
        if (config->sources[i].kind == SOURCE_SQLITE) {
            advise_wal(&config->sources[i], out);
        }
    }
    config_destroy(&config);
    return EXIT_SUCCESS;
}

/* ---- --connect ---- */

#define EXIT_WARNINGS 3 /* as verify ends when nothing is wrong, but not all is sure */

enum { OPTION_CONNECT = 256 };

struct check_options {
    bool connect;
};

static const struct argp_option options_known[] = {
    {"connect", OPTION_CONNECT, NULL, 0, "Try what the file names, and say what is found", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct check_options *options = state->input;
    (void)value;
    if (key != OPTION_CONNECT) {
        return ARGP_ERR_UNKNOWN;
    }
    options->connect = true;
    return 0;
}

/* The file is known to be right. */
static int connect_all(const struct ctl *ctl, const char *file)
{
    struct config *config = NULL;
    struct findings findings = {0};
    struct error err = {{0}};
    if (config_load(file, &config, &err) != STATUS_OK) {
        return ctl_fail(ctl, "%s", err.text);
    }
    struct ctl with_file = *ctl;
    with_file.config = config;
    connect_try(&with_file, &findings);
    if (ctl->json) {
        findings_print_json(&findings, ctl->out);
    } else {
        findings_print(&findings, ctl->out);
    }
    const int status = findings_count(&findings, FINDING_ERROR) != 0     ? PROGRAM_EXIT_FAILED
                       : findings_count(&findings, FINDING_WARNING) != 0 ? EXIT_WARNINGS
                                                                         : EXIT_SUCCESS;
    findings_free(&findings);
    config_destroy(&config);
    return status;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    const struct check_options *options = line->options;
    const char *file = line->argument != NULL ? line->argument : line->config_path;
    char *unused = NULL;
    size_t unused_len = 0;
    FILE *said = options->connect && ctl->json ? open_memstream(&unused, &unused_len) : ctl->out;
    int status = check_file(file, said, ctl->err);
    if (said != ctl->out) {
        fclose(said);
        free(unused);
    }
    if (status == EXIT_SUCCESS && options->connect) {
        status = connect_all(ctl, file);
    }
    return status;
}

const struct command command_check = {
    .name = "check",
    .argument = "[FILE]",
    .brief = "is a configuration right?",
    .doc = "Check a configuration. With --connect, what it names is tried, too: the source, the "
           "state and its lease, the programs that answer, ports, and files of keys. Nothing is "
           "changed there. Exits 0 when all is well, 1 when there is an error, 2 when the file is "
           "wrong, and 3 when there are only warnings. --json prints what is found for programs.",
    .config = COMMAND_CONFIG_UNUSED,
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct check_options),
    .run = run,
};
