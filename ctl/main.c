/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/sockets.h"
#include "common/program/log.h"
#include "common/program/program.h"
#include "ctl/commands/check.h"
#include "ctl/options.h"

#define ANSWER_TIMEOUT_MS 2000
#define VERIFY_TIMEOUT_MS 5000
#define EVENTS_SHOWN 20

/* Without a file nobody named, the defaults do, if the addresses are given. */
static int load_config(const struct options *options, struct config **out, struct error *err)
{
    static const char nothing[] = "gateway:\n";
    const bool needed = options->config_given || access(options->config_path, F_OK) == 0 ||
                        options->command == COMMAND_VERIFY ||
                        options->command == COMMAND_INSTALL_TRIGGER ||
                        (options->query == NULL && options->publish == NULL);
    return needed ? config_load(options->config_path, out, err)
                  : config_parse(nothing, sizeof nothing - 1, "tilewire.yaml", out, err);
}

static int run(const struct ctl *ctl, const struct options *options)
{
    const char *prefix = options->argument != NULL ? options->argument : "";
    switch (options->command) {
    case COMMAND_TAIL:
        return cmd_tail(ctl, &(struct tail_options){prefix, options->events, options->count});
    case COMMAND_GET:
        return cmd_get(ctl, options->argument);
    case COMMAND_LS:
        return cmd_ls(ctl, prefix);
    case COMMAND_EVENTS:
        return cmd_events(
            ctl, &(struct events_options){options->count != 0 ? options->count : EVENTS_SHOWN,
                                          options->types});
    case COMMAND_STATS:
        return cmd_stats(ctl);
    case COMMAND_VERIFY:
        return cmd_verify(ctl,
                          &(struct verify_options){options->timeout_ms != 0 ? options->timeout_ms
                                                                            : VERIFY_TIMEOUT_MS,
                                                   options->allow_stale});
    case COMMAND_INSTALL_TRIGGER:
        return cmd_install_trigger(ctl, options->remove);
    case COMMAND_CHECK:
    case COMMAND_NONE:
        break;
    }
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options options;
    struct config *config = NULL;
    struct error err = {{0}};
    options_parse(&options, argc, argv);
    log_init("tilewire", LEVEL_WARN, LOG_FORMAT_TEXT);
    if (options.command == COMMAND_CHECK) {
        return cmd_check(options.argument != NULL ? options.argument : options.config_path, stdout,
                         stderr);
    }
    if (load_config(&options, &config, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_USAGE;
    }
    const struct config_cache *cache = &config->cache;
    const struct config_ingestor *ingestor = &config->ingestor;
    char *query = address_to_connect(options.query != NULL   ? options.query
                                     : options.from_ingestor ? ingestor->query
                                                             : cache->query);
    char *publish = address_to_connect(options.publish != NULL ? options.publish
                                       : options.from_ingestor ? ingestor->publish
                                                               : cache->publish);
    const struct ctl ctl = {
        .config = config,
        .query = query,
        .publish = publish,
        .json = options.json,
        .colour = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL,
        .timeout_ms = options.timeout_ms != 0 && options.command != COMMAND_VERIFY
                          ? (int)options.timeout_ms
                          : ANSWER_TIMEOUT_MS,
        .out = stdout,
        .err = stderr,
    };
    const int status = run(&ctl, &options);
    sockets_term();
    free(query);
    free(publish);
    config_destroy(&config);
    return status;
}
