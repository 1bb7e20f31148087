/* SPDX-License-Identifier: Apache-2.0 */
/* All keys of the configuration for people: what docs/configuration.md is held against, and what a
 * program could print. */
#ifndef COMMON_CONFIG_HELP_H
#define COMMON_CONFIG_HELP_H

#include <stdbool.h>

/* A key that holds a value. Its texts are valid while config_each_key runs. */
struct config_key_help {
    /* Where the key stands: "gateway.limits.streams". "upstreams.query" is the key of an entry of
     * any list of upstreams, and "tiles.window" that of an entry of the list of tiles. */
    const char *path;
    const char *tile_type;     /* the type of tile that alone has the key; NULL: no such limit */
    const char *range;         /* in words and Markdown; empty when there is nothing to say */
    bool needed;               /* True when the file has to have the key; it has no default then. */
    const char *default_value; /* as the file would have it; NULL: none */
    const char *default_words; /* what counts by default when it is no value; NULL: nothing does */
    const char *help;          /* one sentence, Markdown */
};

typedef void config_key_fn(const struct config_key_help *key, void *arg);

/* Calls fn for each key once, in the order of the sections and of their rows. */
void config_each_key(config_key_fn *fn, void *arg);

#endif
