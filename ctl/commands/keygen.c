/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire keygen` makes a pair of keys for CURVE, and names its owner in a file of clients. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/own_file.h"
#include "common/base/xalloc.h"
#include "common/net/curve.h"
#include "common/program/program.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"

enum { OPTION_ADD = 256, OPTION_ROLE, OPTION_NAME, OPTION_MAY };

struct keygen_options {
    const char *add;  /* the file of clients; NULL: none */
    const char *role; /* as given */
    const char *name; /* as given; NULL: as the files are called */
    unsigned may;     /* CONFIG_MAY_…; 0: not given */
};

static const struct argp_option options_known[] = {
    {"add", OPTION_ADD, "CLIENTS", 0, "Name the new key in this file (curve.clients_file)", 1},
    {"role", OPTION_ROLE, "ROLE", 0, "There: ingestor, cache, gateway or reader", 1},
    {"name", OPTION_NAME, "NAME", 0, "There: the name (default: as the files are called)", 1},
    {"may", OPTION_MAY, "RIGHTS", 0,
     "There: what it may do (default: subscribe,query); with push also to push events", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct keygen_options *options = state->input;
    enum config_client_role role;
    switch (key) {
    case OPTION_ADD:
        options->add = value;
        return 0;
    case OPTION_ROLE:
        if (config_client_role_parse(value, &role) != STATUS_OK) {
            argp_error(state, "--role is ingestor, cache, gateway or reader, not '%s'", value);
        }
        options->role = value;
        return 0;
    case OPTION_NAME:
        options->name = value;
        return 0;
    case OPTION_MAY:
        if (config_client_may_parse(value, &options->may) != STATUS_OK) {
            argp_error(state, "--may is a list of subscribe, query and push, such as query,push");
        }
        return 0;
    case ARGP_KEY_END:
        if ((options->add == NULL) != (options->role == NULL)) {
            argp_error(state, "--add and --role belong together");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Writes a key and a line end into a file that was not there. */
static int write_key(const char *path, mode_t mode, const char *key, struct error *err)
{
    char line[CONFIG_CURVE_KEY_SIZE + 1];
    snprintf(line, sizeof line, "%s\n", key);
    const int status = own_file_create(path, mode, str_of(line), err);
    explicit_bzero(line, sizeof line);
    return status;
}

static int add_client(const struct keygen_options *options, const char *path,
                      const char *public_key, struct error *err)
{
    const char *slash = strrchr(path, '/');
    struct config_client client = {
        .name = options->name != NULL ? options->name
                : slash != NULL       ? slash + 1
                                      : path,
        .key = public_key,
        .may = options->may,
    };
    (void)config_client_role_parse(options->role, &client.role);
    return config_clients_add(options->add, &client, err);
}

/* All of it, or nothing. */
static int make(const char *path, const struct keygen_options *options,
                struct config_curve_pair *keys, struct error *err)
{
    char *secret = x_asprintf("%s.key", path);
    char *public = x_asprintf("%s.pub", path);
    int status = curve_make_pair(keys, err);
    if (status == STATUS_OK) {
        status = write_key(secret, 0600, keys->secret_key, err);
    }
    if (status == STATUS_OK) {
        status = write_key(public, 0644, keys->public_key, err);
        if (status == STATUS_OK && options->add != NULL) {
            status = add_client(options, path, keys->public_key, err);
            (void)(status == STATUS_OK || unlink(public));
        }
        (void)(status == STATUS_OK || unlink(secret));
    }
    free(secret);
    free(public);
    return status;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    struct config_curve_pair keys;
    struct error err = {{0}};
    int result = EXIT_SUCCESS;
    if (make(line->argument, line->options, &keys, &err) == STATUS_OK) {
        fprintf(ctl->out, "%s\n", keys.public_key);
    } else {
        result = ctl_fail(ctl, "%s", err.text);
    }
    explicit_bzero(&keys, sizeof keys);
    return result;
}

const struct command command_keygen = {
    .name = "keygen",
    .argument = "PATH",
    .argument_needed = true,
    .brief = "a pair of keys for CURVE",
    .doc = "Make a pair of keys: the secret one in PATH.key, which you alone can read, and the "
           "public one in PATH.pub and on standard output. Nothing is overwritten.",
    .config = COMMAND_CONFIG_UNUSED,
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct keygen_options),
    .run = run,
};
