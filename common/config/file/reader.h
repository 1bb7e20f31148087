/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of reading one file, and how to say what is wrong with it. Every message names the
 * place in the file, what was expected there and what was found. Private to common/config.
 */
#ifndef COMMON_CONFIG_FILE_READER_H
#define COMMON_CONFIG_FILE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/config/file/yaml.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define MS_PER_DAY (24 * MS_PER_HOUR)

/* Lives on the stack of config_parse; all that it points to outlives it. */
struct config_reader {
    struct config *config; /* what is being filled */
    /* Whose fields are meant: one of `sources` while that is read, or a tile of it alone. */
    const struct config_source *source;
    struct arena *memory; /* the configuration's own; whatever it keeps is allocated here */
    const char *file;     /* the file's name for messages */
    struct str folder;    /* the file's folder, with the slash at its end; may be empty */
    struct error *err;    /* where the one message goes; may be NULL */
    /* What the current section is called in messages, with what joins it to a key's name:
     * "gateway.limits.", or `tile "orders.rate": `. Empty at the top of the file. */
    const char *context;
};

/* Fails with `FILE:LINE:COLUMN: CONTEXT KEY: …`; key may be NULL. Returns STATUS_INVALID. */
int config_fail(struct config_reader *r, const struct yaml_node *at, const char *key,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Fails with "expected WHAT, but found …". Returns STATUS_INVALID. */
int config_expected(struct config_reader *r, const struct yaml_node *at, const char *key,
                    const char *what);

/* What a node holds, for people: `"fast"`, `a list`, `nothing`. Belongs to the configuration. */
const char *config_found(struct config_reader *r, const struct yaml_node *node);

/* A message quotes the file, whose keys and texts may be of several lines; each becomes a blank.
 * err may be NULL. */
void config_one_line(struct error *err);

/* STATUS_OK when the node is a list of 1 to max entries; else fails. */
int config_expect_list(struct config_reader *r, const struct yaml_node *node, const char *key,
                       size_t max);

/* Stores the text of a scalar that is not null; else fails, saying that `what` was expected. The
 * text belongs to the node. */
int config_scalar(struct config_reader *r, const struct yaml_node *node, const char *key,
                  const char *what, struct str *out);

/* Joins names for people: "a, b or c". Belongs to the configuration. */
const char *config_alternatives(struct config_reader *r, const char *const *names, size_t count);

/* Returns `; did you mean "x"?` when one of the names is similar to text, else all names behind
 * `prefix`. Belongs to the configuration. */
const char *config_suggest(struct config_reader *r, struct str text, const char *const *names,
                           size_t count, const char *prefix);

/* A copy of a text, NUL-terminated, which belongs to the configuration. */
const char *config_copy(struct config_reader *r, struct str text);

/* Resolves a path against the file's folder unless it is absolute. Belongs to the configuration. */
const char *config_path(struct config_reader *r, const char *path);

#endif
