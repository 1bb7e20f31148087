/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire verify` compares the served tiles with those that the oracle computes. */
#include "ctl/verify/verify.h"

#include "ctl/commands/commands.h"

#define VERIFY_TIMEOUT_MS 5000

enum { OPTION_ALLOW_STALE = 256, OPTION_HTTP, OPTION_TOKEN_FILE, OPTION_CA_FILE };

static const struct argp_option options_known[] = {
    {"allow-stale", OPTION_ALLOW_STALE, NULL, 0, "A stale tile is no failure", 1},
    {"http", OPTION_HTTP, "URL", 0, "Compare what this gateway shows, too", 1},
    {"token-file", OPTION_TOKEN_FILE, "FILE", 0, "With --http: the token to ask with", 1},
    {"ca-file", OPTION_CA_FILE, "FILE", 0, "With --http: whose certificates are trusted", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct verify_options *options = state->input;
    switch (key) {
    case OPTION_ALLOW_STALE:
        options->allow_stale = true;
        return 0;
    case OPTION_HTTP:
        options->http = value;
        return 0;
    case OPTION_TOKEN_FILE:
        options->token_file = value;
        return 0;
    case OPTION_CA_FILE:
        options->ca_file = value;
        return 0;
    case ARGP_KEY_END:
        if (options->http == NULL && (options->token_file != NULL || options->ca_file != NULL)) {
            argp_error(state, "--token-file and --ca-file need --http");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    struct verify_options *options = line->options;
    options->timeout_ms = line->timeout_ms != 0 ? line->timeout_ms : VERIFY_TIMEOUT_MS;
    return verify_run(ctl, options);
}

const struct command command_verify = {
    .name = "verify",
    .brief = "compute every tile anew from the table, and compare",
    .doc =
        "Compute every tile anew from the events table, and compare: each with the rows that had "
        "been delivered at the position that it names. Rows may come meanwhile. Exits 0 when "
        "all are equal; 1 when a tile is wrong, and prints what differs; 3 when nothing is "
        "wrong, but something cannot be proved, because rows that a tile was made of are gone "
        "or it is being built: then it prints what is proved of it. With --http, what a gateway "
        "shows is compared, too: every tile that the bearer of the token may see has to be shown "
        "as it is, and no other. The token of --token-file says what that is, by its claim or by "
        "the roles of its groups.",
    .bounds_itself = true,
    .config = COMMAND_CONFIG_NEEDED,
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct verify_options),
    .run = run,
};
