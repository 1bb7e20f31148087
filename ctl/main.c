/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "common/config/file/values.h"
#include "common/net/sockets.h"
#include "common/program/arguments.h"
#include "common/program/log.h"
#include "common/program/program.h"
#include "ctl/base/print.h"
#include "ctl/options.h"

#define ANSWER_TIMEOUT_MS 2000

/* For addresses the defaults do when the file is not there, nobody has named it, and an address is
 * given. */
static bool config_needed(const struct options *options)
{
    switch (options->command->config) {
    case COMMAND_CONFIG_UNUSED:
        return false;
    case COMMAND_CONFIG_NEEDED:
        return true;
    case COMMAND_CONFIG_ADDRESSES:
        break;
    }
    return options->config_given || access(options->line.config_path, F_OK) == 0 ||
           (options->query == NULL && options->publish == NULL);
}

static int load_config(const struct options *options, struct config **out, struct error *err)
{
    static const char nothing[] = "gateway:\n";
    return config_needed(options)
               ? config_load(options->line.config_path, out, err)
               : config_parse(nothing, sizeof nothing - 1, "tilewire.yaml", out, err);
}

/* Whom the commands expect, by the command line or else by what is asked. */
static struct config_server expected(const struct options *options)
{
    struct config_server server = {.role = options->from_ingestor ? CONFIG_CLIENT_INGESTOR
                                                                  : CONFIG_CLIENT_CACHE};
    if (options->server != NULL && config_curve_key_valid(str_of(options->server))) {
        server.key = options->server;
    } else {
        server.name = options->server;
    }
    return server;
}

static int run(const struct options *options, const struct config *config)
{
    const struct config_cache *cache = &config->cache;
    const struct config_ingestor *ingestor = &config->ingestor;
    const bool own_timeout = options->line.timeout_ms != 0 && !options->command->bounds_itself;
    char *query = options_address(options->query != NULL   ? options->query
                                  : options->from_ingestor ? ingestor->query
                                                           : cache->query);
    char *publish = options_address(options->publish != NULL ? options->publish
                                    : options->from_ingestor ? ingestor->publish
                                                             : cache->publish);
    const struct ctl ctl = {
        .config = config,
        .query = query,
        .publish = publish,
        .server = expected(options),
        .json = options->json,
        .colour = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL,
        .timeout_ms = own_timeout ? (int)options->line.timeout_ms : ANSWER_TIMEOUT_MS,
        .out = stdout,
        .err = stderr,
    };
    const int status = options->command->run(&ctl, &options->line);
    free(query);
    free(publish);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct config *config = NULL;
    struct error err = {{0}};
    int status = PROGRAM_EXIT_USAGE;
    if (!arguments_check(argc, argv)) {
        return PROGRAM_EXIT_USAGE;
    }
    options_parse(&options, argc, argv);
    log_init("tilewire", LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    if (load_config(&options, &config, &err) == STATUS_OK) {
        config->insecure = config->insecure || options.insecure;
        status = run(&options, config);
    } else {
        print_text(stderr, str_of(err.text));
        fputc('\n', stderr);
    }
    sockets_term();
    config_destroy(&config);
    options_finish(&options);
    return status;
}
