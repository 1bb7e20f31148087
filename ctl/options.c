/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/program/program.h"

#define TIMEOUT_MAX_S 86400

enum {
    OPTION_FROM = 256,
    OPTION_QUERY,
    OPTION_PUBLISH,
    OPTION_JSON,
    OPTION_TIMEOUT,
    OPTION_EVENTS,
    OPTION_TYPES,
    OPTION_ALLOW_STALE,
    OPTION_REMOVE,
};

const char *argp_program_version = "tilewire " TILEWIRE_VERSION;

/* ---- Options of all commands ---- */

/* "5s", "500ms", "1m", or a number of seconds. */
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
        options->config_path = value;
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
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_TIMEOUT:
        options->timeout_ms = parse_timeout(value, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option common_options[] = {
    {NULL, 0, NULL, 0, "Common to all commands:", 10},
    {"config", 'c', "FILE", 0, "Configuration (default: tilewire.yaml)", 10},
    {"from", OPTION_FROM, "PROGRAM", 0, "Whom to ask: cache (default) or ingestor", 10},
    {"query", OPTION_QUERY, "ADDRESS", 0, "Ask there, whatever the configuration says", 10},
    {"publish", OPTION_PUBLISH, "ADDRESS", 0, "Listen there, likewise", 10},
    {"timeout", OPTION_TIMEOUT, "TIME", 0, "Wait so long (default: 2s; verify: 5s)", 10},
    {"json", OPTION_JSON, NULL, 0, "Print JSON", 10},
    {0},
};

static const struct argp common_argp = {.options = common_options, .parser = parse_common};
static const struct argp_child common_child[] = {{&common_argp, 0, NULL, 0}, {0}};

/* ---- Commands ---- */

static const struct argp_option tail_options[] = {
    {"events", OPTION_EVENTS, NULL, 0, "Raw events, too", 1},
    {"count", 'n', "N", 0, "End after N lines", 1},
    {0},
};
static const struct argp_option events_options[] = {
    {"count", 'n', "N", 0, "The newest N (default: 20)", 1},
    {"types", OPTION_TYPES, "TYPES", 0, "Of these types, such as order.*,ticket.opened", 1},
    {0},
};
static const struct argp_option verify_options[] = {
    {"allow-stale", OPTION_ALLOW_STALE, NULL, 0, "A stale tile is no failure", 1},
    {0},
};
static const struct argp_option trigger_options[] = {
    {"remove", OPTION_REMOVE, NULL, 0, "Remove it", 1},
    {0},
};

struct command_usage {
    enum command command;
    const char *name;
    const char *argument; /* for --help; NULL: takes none */
    bool argument_needed;
    const char *doc;
    const struct argp_option *options;
};

static const struct command_usage usages[] = {
    {COMMAND_TAIL, "tail", "[PREFIX]", false,
     "Print each change of a tile (whose key begins with PREFIX) as a line of JSON, until "
     "interrupted. Gaps are announced.",
     tail_options},
    {COMMAND_GET, "get", "KEY", true, "Print one tile.", NULL},
    {COMMAND_LS, "ls", "[PREFIX]", false, "List the tiles (whose keys begin with PREFIX).", NULL},
    {COMMAND_EVENTS, "events", NULL, false, "Print the newest raw events, oldest first.",
     events_options},
    {COMMAND_STATS, "stats", NULL, false, "Print how a cache or an ingestor is doing.", NULL},
    {COMMAND_VERIFY, "verify", NULL, false,
     "Compute every tile anew from the events table and compare. Exits 1 and prints what differs, "
     "if anything does.",
     verify_options},
    {COMMAND_CHECK, "check", "[FILE]", false, "Check a configuration.", NULL},
    {COMMAND_INSTALL_TRIGGER, "install-trigger", NULL, false,
     "Install the trigger by which PostgreSQL tells the ingestor of new rows.", trigger_options},
};

static uint64_t parse_count(const char *text, struct argp_state *state)
{
    char *end;
    const unsigned long long count = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || count == 0) {
        argp_error(state, "-n is a number above 0, not '%s'", text);
    }
    return count;
}

static error_t parse_command_option(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    const struct command_usage *usage = &usages[options->command - COMMAND_TAIL];
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = options;
        return 0;
    case 'n':
        options->count = parse_count(value, state);
        return 0;
    case OPTION_EVENTS:
        options->events = true;
        return 0;
    case OPTION_TYPES:
        options->types = value;
        return 0;
    case OPTION_ALLOW_STALE:
        options->allow_stale = true;
        return 0;
    case OPTION_REMOVE:
        options->remove = true;
        return 0;
    case ARGP_KEY_ARG:
        if (usage->argument == NULL || options->argument != NULL) {
            argp_error(state, "'%s' is one argument too many", value);
        }
        options->argument = value;
        return 0;
    case ARGP_KEY_END:
        if (usage->argument_needed && options->argument == NULL) {
            argp_error(state, "%s is missing", usage->argument);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* argv[0] is the command's name. */
static void parse_command(struct options *options, const struct command_usage *usage,
                          const char *program, int argc, char **argv)
{
    const struct argp argp = {
        .options = usage->options,
        .parser = parse_command_option,
        .args_doc = usage->argument,
        .doc = usage->doc,
        .children = common_child,
    };
    char *name = x_asprintf("%s %s", program, usage->name);
    char *const own_name = argv[0];
    options->command = usage->command;
    argv[0] = name; /* for argp's messages */
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
        for (size_t i = 0; i < sizeof usages / sizeof *usages; i++) {
            if (strcmp(value, usages[i].name) == 0) {
                parse_command(options, &usages[i], state->name, state->argc - state->next + 1,
                              &state->argv[state->next - 1]);
                state->next = state->argc;
                return 0;
            }
        }
        argp_error(state, "there is no command '%s'", value);
        return EINVAL;
    case ARGP_KEY_END:
        if (options->command == COMMAND_NONE) {
            argp_error(state, "which command? --help lists them");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_parse(struct options *options, int argc, char **argv)
{
    static const char doc[] =
        "Look at live tiles and at how they come about.\v"
        "Commands:\n"
        "  tail [PREFIX]     changes of tiles, as lines of JSON\n"
        "  get KEY           one tile\n"
        "  ls [PREFIX]       all tiles\n"
        "  events            the newest raw events\n"
        "  stats             how a cache or an ingestor is doing\n"
        "  verify            compute every tile anew from the table, and compare\n"
        "  check [FILE]      is a configuration right?\n"
        "  install-trigger   let PostgreSQL tell the ingestor of new rows\n"
        "\n"
        "`tilewire COMMAND --help` says more. Exit status: 0; 1, it failed; 2, wrong usage or "
        "configuration.";
    const struct argp argp = {
        .parser = parse_program_option,
        .args_doc = "COMMAND [ARGUMENT]",
        .doc = doc,
        .children = common_child,
    };
    *options = (struct options){.config_path = "tilewire.yaml"};
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, options);
}

char *address_to_connect(const char *bound)
{
    static const char *const any[] = {"tcp://*:", "tcp://0.0.0.0:", "tcp://[::]:"};
    for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
        if (strncmp(bound, any[i], strlen(any[i])) == 0) {
            return x_asprintf("tcp://127.0.0.1:%s", bound + strlen(any[i]));
        }
    }
    return x_strdup(bound);
}
