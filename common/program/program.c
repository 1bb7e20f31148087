/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/program.h"
#include "common/base/buf.h"
#include "common/base/printable.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/program/arguments.h"
#include "common/program/config_path.h"
#include "common/program/log.h"

const char *argp_program_version = "tilewire " TILEWIRE_VERSION;

struct arguments {
    struct program *program;
    enum log_level level;
    enum log_format format;
};

enum { OPTION_LISTEN = 256, OPTION_PORT, OPTION_ADMIN_LISTEN, OPTION_LOG_LEVEL, OPTION_LOG_FORMAT };

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'c':
        arguments->program->config_path = value;
        return 0;
    case OPTION_LISTEN:
        if (!arguments->program->has_listen) {
            return ARGP_ERR_UNKNOWN;
        }
        arguments->program->listen = value;
        return 0;
    case OPTION_PORT:
        if (!arguments->program->has_listen) {
            return ARGP_ERR_UNKNOWN;
        }
        arguments->program->port = value;
        return 0;
    case OPTION_ADMIN_LISTEN:
        if (!arguments->program->has_listen) {
            return ARGP_ERR_UNKNOWN;
        }
        arguments->program->admin_listen = value;
        return 0;
    case OPTION_LOG_LEVEL:
        if (log_level_parse(value, &arguments->level) != STATUS_OK) {
            argp_error(state, "--log-level is error, warn, info or debug, not '%s'", value);
        }
        return 0;
    case OPTION_LOG_FORMAT:
        if (log_format_parse(value, &arguments->format) != STATUS_OK) {
            argp_error(state, "--log-format is text or json, not '%s'", value);
        }
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not an option; the configuration is given as -c FILE", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Blocks the signals that ask us for something, and returns a signalfd of them. */
static int catch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* writing to a file that may not grow then fails with EFBIG */
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void program_start(struct program *program, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"config", 'c', "FILE", 0, CONFIG_PATH_HELP, 0},
        {"log-level", OPTION_LOG_LEVEL, "LEVEL", 0, "error, warn, info (default) or debug", 0},
        {"log-format", OPTION_LOG_FORMAT, "FORMAT", 0, "text (default) or json", 0},
        {0},
    };
    static const struct argp_option with_listen[] = {
        {"config", 'c', "FILE", 0, CONFIG_PATH_HELP, 0},
        {"listen", OPTION_LISTEN, "ADDR", 0,
         "Address to serve browsers on, HOST:PORT or unix:/PATH", 0},
        {"port", OPTION_PORT, "PORT", 0, "Port to serve browsers on, at gateway.listen's address",
         0},
        {"admin-listen", OPTION_ADMIN_LISTEN, "ADDR", 0, "Address of /metrics, for operators", 0},
        {"log-level", OPTION_LOG_LEVEL, "LEVEL", 0, "error, warn, info (default) or debug", 0},
        {"log-format", OPTION_LOG_FORMAT, "FORMAT", 0, "text (default) or json", 0},
        {0},
    };
    const struct argp argp = {
        .options = program->has_listen ? with_listen : options,
        .parser = parse_option,
        .doc = program->doc,
    };
    struct arguments arguments = {program, LOG_LEVEL_INFO, LOG_FORMAT_TEXT};
    if (!arguments_check(argc, argv)) {
        exit(PROGRAM_EXIT_USAGE);
    }
    program->config_path = config_path_first(CONFIG_PATH_HERE, CONFIG_PATH_SYSTEM);
    program->signals = catch_signals();
    argp_err_exit_status = PROGRAM_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    log_init(program->name, arguments.level, arguments.format);

    struct error err = {{0}};
    if (config_load(program->config_path, &program->config, &err) != STATUS_OK) {
        struct buf line = {0};
        printable_append(&line, str_of(err.text));
        fprintf(stderr, "%s\n", buf_cstr(&line));
        buf_free(&line);
        exit(PROGRAM_EXIT_USAGE);
    }
    program->config->program = program->name;
}

void program_finish(struct program *program)
{
    config_destroy(&program->config);
    close(program->signals);
}

int program_signal(const struct program *program)
{
    struct signalfd_siginfo info;
    return read(program->signals, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}
