/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire verify` compares the served tiles with those that the oracle computes. */
#include "ctl/verify/verify.h"

#include "ctl/commands/commands.h"

#define VERIFY_TIMEOUT_MS 5000

enum { OPTION_ALLOW_STALE = 256 };

static const struct argp_option options_known[] = {
    {"allow-stale", OPTION_ALLOW_STALE, NULL, 0, "A stale tile is no failure", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    (void)value;
    struct verify_options *options = state->input;
    if (key != OPTION_ALLOW_STALE) {
        return ARGP_ERR_UNKNOWN;
    }
    options->allow_stale = true;
    return 0;
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
        "or it is being built: then it prints what is proved of it.",
    .bounds_itself = true,
    .config = COMMAND_CONFIG_NEEDED,
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct verify_options),
    .run = run,
};
