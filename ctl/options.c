/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/xalloc.h"
#include "common/program/config_path.h"
#include "common/program/program.h"
#include "ctl/commands/commands.h"

#define TIMEOUT_MAX_S 86400

enum {
    OPTION_FROM = 256,
    OPTION_QUERY,
    OPTION_PUBLISH,
    OPTION_SERVER,
    OPTION_INSECURE,
    OPTION_JSON,
    OPTION_TIMEOUT
};

const char *argp_program_version = "tilewire " TILEWIRE_VERSION;

/* ---- Options of all commands ---- */

/* Reads a duration in ms: "5s", "500ms", "1m", or a number of seconds. */
static int64_t parse_timeout(const char *text, struct argp_state *state)
{
    char *unit;
    errno = 0;
    const double number = strtod(text, &unit);
    const double ms = strcmp(unit, "ms") == 0                   ? 1
                      : *unit == '\0' || strcmp(unit, "s") == 0 ? 1000
                      : strcmp(unit, "m") == 0                  ? 60000
                                                                : 0;
    if (unit == text || errno != 0 || !(number * ms >= 1) ||
        !(number * ms <= TIMEOUT_MAX_S * 1000.0)) {
        argp_error(state, "--timeout is a duration such as 500ms, 5s or 1m, not '%s'", text);
    }
    return (int64_t)(number * ms);
}

static error_t parse_common(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'c':
        options->line.config_path = value;
        options->config_given = true;
        return 0;
    case OPTION_FROM:
        options->from_ingestor = strcmp(value, "ingestor") == 0;
        if (!options->from_ingestor && strcmp(value, "cache") != 0) {
            argp_error(state, "--from is cache or ingestor, not '%s'", value);
        }
        return 0;
    case OPTION_QUERY:
        options->query = value;
        return 0;
    case OPTION_PUBLISH:
        options->publish = value;
        return 0;
    case OPTION_SERVER:
        options->server = value;
        return 0;
    case OPTION_INSECURE:
        options->insecure = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_TIMEOUT:
        options->line.timeout_ms = parse_timeout(value, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option common_options[] = {
    {NULL, 0, NULL, 0, "Common to all commands:", 10},
    {"config", 'c', "FILE", 0, CONFIG_PATH_HELP, 10},
    {"from", OPTION_FROM, "PROGRAM", 0, "Whom to ask: cache (default) or ingestor", 10},
    {"query", OPTION_QUERY, "ADDRESS", 0, "Ask there, whatever the configuration says", 10},
    {"publish", OPTION_PUBLISH, "ADDRESS", 0, "Listen there, likewise", 10},
    {"server", OPTION_SERVER, "NAME", 0, "With keys: who has to be there, or its public key", 10},
    {"insecure", OPTION_INSECURE, NULL, 0, "Ask another machine without keys", 10},
    {"timeout", OPTION_TIMEOUT, "TIME", 0, "Wait so long (default: 2s; verify, state: 5s)", 10},
    {"json", OPTION_JSON, NULL, 0, "Print JSON", 10},
    {0},
};

static const struct argp common_argp = {.options = common_options, .parser = parse_common};

/* ---- Commands ---- */

#define COMMAND_ADDRESS(name) &command_##name,
static const struct command *const commands[] = {COMMANDS(COMMAND_ADDRESS) NULL};

static error_t parse_argument(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    const struct command *command = options->command;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = options;
        if (options->line.options != NULL) {
            state->child_inputs[1] = options->line.options;
        }
        return 0;
    case ARGP_KEY_ARG:
        if (command->argument != NULL && options->line.argument == NULL) {
            options->line.argument = value;
        } else if (command->takes_two && options->line.second == NULL) {
            options->line.second = value;
        } else {
            argp_error(state, "'%s' is one argument too many", value);
        }
        return 0;
    case ARGP_KEY_END:
        if (command->argument_needed && options->line.argument == NULL) {
            argp_error(state, "%s is missing", command->argument);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Reads the rest of the line, from the command's name in argv[0] on. */
static void parse_command(struct options *options, const struct command *command,
                          const char *program, int argc, char **argv)
{
    const struct argp own = {.options = command->options, .parser = command->parse};
    const struct argp_child children[] = {
        {&common_argp, 0, NULL, 0}, {command->options != NULL ? &own : NULL, 0, NULL, 0}, {0}};
    const struct argp argp = {
        .parser = parse_argument,
        .args_doc = command->argument,
        .doc = command->doc,
        .children = children,
    };
    char *name = x_asprintf("%s %s", program, command->name);
    char *const own_name = argv[0];
    options->command = command;
    if (command->options_size != 0) {
        options->line.options = x_calloc(1, command->options_size);
    }
    argv[0] = name; /* argp begins its messages with it */
    argp_parse(&argp, argc, argv, 0, NULL, options);
    argv[0] = own_name;
    free(name);
}

/* Finds the command's name; the rest of the line is the command's. */
static error_t parse_program_option(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = options;
        return 0;
    case ARGP_KEY_ARG:
        for (size_t i = 0; commands[i] != NULL; i++) {
            if (strcmp(value, commands[i]->name) == 0) {
                parse_command(options, commands[i], state->name, state->argc - state->next + 1,
                              &state->argv[state->next - 1]);
                state->next = state->argc;
                return 0;
            }
        }
        argp_error(state, "there is no command '%s'", value);
        return EINVAL;
    case ARGP_KEY_END:
        if (options->command == NULL) {
            argp_error(state, "which command? --help lists them");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The text of `tilewire --help` around its options. The caller frees it. */
static char *program_doc(void)
{
    struct buf doc = {0};
    buf_append_text(&doc, "Look at live tiles and at how they come about.\vCommands:\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        const char *argument = commands[i]->argument;
        char *usage = x_asprintf("%s %s", commands[i]->name, argument != NULL ? argument : "");
        buf_printf(&doc, "  %-18s%s\n", usage, commands[i]->brief);
        free(usage);
    }
    buf_append_text(&doc, "\n`tilewire COMMAND --help` says more. Exit status: 0; 1, it failed; 2, "
                          "wrong usage or configuration.");
    (void)buf_cstr(&doc);
    return buf_take(&doc);
}

void options_parse(struct options *options, int argc, char **argv)
{
    const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
    char *doc = program_doc();
    const struct argp argp = {
        .parser = parse_program_option,
        .args_doc = "COMMAND [ARGUMENT]",
        .doc = doc,
        .children = children,
    };
    *options = (struct options){.line.config_path =
                                    config_path_first(CONFIG_PATH_HERE, CONFIG_PATH_SYSTEM)};
    argp_err_exit_status = PROGRAM_EXIT_USAGE;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, options);
    options->from_ingestor = options->from_ingestor || options->command->of_ingestor;
    free(doc);
}

void options_finish(struct options *options)
{
    free(options->line.options);
    options->line.options = NULL;
}

char *options_address(const char *bound)
{
    static const char *const any[] = {"tcp://*:", "tcp://0.0.0.0:", "tcp://[::]:"};
    for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
        if (strncmp(bound, any[i], strlen(any[i])) == 0) {
            return x_asprintf("tcp://127.0.0.1:%s", bound + strlen(any[i]));
        }
    }
    return x_strdup(bound);
}
