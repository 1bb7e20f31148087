/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From nodes to struct members: tables of keys drive the reading, so that each section is a table
 * of what it may hold, with the ranges, and unknown keys are found in one place. Private to
 * common/config*.c.
 *
 *   static const struct config_key keys[] = {
 *       DURATION_KEY("poll_interval", struct config_source, poll_interval_ms, 10, MS_PER_HOUR),
 *       …
 *   };
 *   return read_map(r, node, keys, COUNT_OF(keys), 0, &r->config->source);
 */
#ifndef COMMON_CONFIG_READER_H
#define COMMON_CONFIG_READER_H

#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/config/yaml.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define MS_PER_DAY (24 * MS_PER_HOUR)

/* The state of reading one file. */
struct config_reader {
    struct config *config;
    struct arena *memory; /* of the configuration */
    const char *file;     /* for messages */
    struct str folder;    /* of the file, with the slash at its end; may be empty */
    struct error *err;
    /* What the current section is called in messages, with what joins it to a key's name:
     * "gateway.limits.", or `tile "orders.rate": `. Empty at the top. */
    const char *context;
};

struct config_key;

/* Reads a value into the member of target that the key stands for. STATUS_OK or STATUS_INVALID. */
typedef int read_fn(struct config_reader *r, const struct config_key *key,
                    const struct yaml_node *value, void *target);

struct config_key {
    const char *name;
    read_fn *read;
    size_t offset; /* of the member in the target */
    size_t size;   /* of the member */
    int64_t min;   /* range of numbers (ms, bytes), or of a text's length in bytes */
    int64_t max;
    unsigned scope; /* 0: everywhere; else bits of where the key may be used, see read_map */
    const char *const
        *words; /* what a text may be, NULL-terminated; the member is the index, an int */
};

#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define CUSTOM_KEY(name, read, type, member)                                                       \
    {                                                                                              \
        name, read, MEMBER(type, member), 0, 0, 0, NULL                                            \
    }
#define SECTION_KEY(name, read)                                                                    \
    {                                                                                              \
        name, read, 0, 0, 0, 0, 0, NULL                                                            \
    }
#define TEXT_KEY(name, type, member, max)                                                          \
    {                                                                                              \
        name, read_text, MEMBER(type, member), 1, max, 0, NULL                                     \
    }
#define PATH_KEY(name, type, member)                                                               \
    {                                                                                              \
        name, read_path, MEMBER(type, member), 1, 4095, 0, NULL                                    \
    }
#define BOOL_KEY(name, type, member)                                                               \
    {                                                                                              \
        name, read_bool, MEMBER(type, member), 0, 0, 0, NULL                                       \
    }
#define WHOLE_KEY(name, type, member, min, max)                                                    \
    {                                                                                              \
        name, read_whole, MEMBER(type, member), min, max, 0, NULL                                  \
    }
#define NUMBER_KEY(name, type, member, min, max)                                                   \
    {                                                                                              \
        name, read_number, MEMBER(type, member), min, max, 0, NULL                                 \
    }
#define DURATION_KEY(name, type, member, min, max)                                                 \
    {                                                                                              \
        name, read_duration, MEMBER(type, member), min, max, 0, NULL                               \
    }
#define SIZE_KEY(name, type, member, min, max)                                                     \
    {                                                                                              \
        name, read_size, MEMBER(type, member), min, max, 0, NULL                                   \
    }
#define WORD_KEY(name, type, member, words)                                                        \
    {                                                                                              \
        name, read_word, MEMBER(type, member), 0, 0, 0, words                                      \
    }

read_fn read_text;     /* const char *; any scalar but null, as written */
read_fn read_path;     /* const char *; relative ones are joined to the file's folder */
read_fn read_bool;     /* bool */
read_fn read_whole;    /* unsigned, uint32_t or size_t */
read_fn read_number;   /* double */
read_fn read_duration; /* int64_t, ms */
read_fn read_size;     /* size_t */
read_fn read_word;     /* an enum */

/* Where scopes say which keys belong: names[i] is what bit i stands for ("count"). */
struct scope {
    unsigned here;            /* the bit of the map being read */
    const char *const *names; /* NULL-terminated */
    const char *what;         /* what the names are: "a tile of type" */
};

/* Reads the entries of a map in the order of the file into target. scope is NULL where keys have
 * none. */
int read_map(struct config_reader *r, const struct yaml_node *node, const struct config_key *keys,
             size_t count, const struct scope *scope, void *target);

/* The same for a section of the section: name is added to the context meanwhile. A section that
 * holds nothing has its defaults. */
int read_section(struct config_reader *r, const char *name, const struct yaml_node *node,
                 const struct config_key *keys, size_t count, void *target);

/* Fails with `FILE:LINE:COLUMN: CONTEXT KEY: …`; key may be NULL. Returns STATUS_INVALID. */
int config_fail(struct config_reader *r, const struct yaml_node *at, const char *key,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "expected WHAT, but found …". */
int config_expected(struct config_reader *r, const struct yaml_node *at, const char *key,
                    const char *what);

/* What a node holds, for people: `"fast"`, `a list`, `nothing`. Belongs to the configuration. */
const char *config_found(struct config_reader *r, const struct yaml_node *node);

/* Fails unless the node is a list of 1 to max entries. */
int config_expect_list(struct config_reader *r, const struct yaml_node *node, const char *key,
                       size_t max);

/* A scalar that is not null, as text; else fails, saying that `what` was expected. */
int config_scalar(struct config_reader *r, const struct yaml_node *node, const char *key,
                  const char *what, struct str *out);

/* `; did you mean "x"?` when one of the names is similar to text, else the list of names behind
 * `prefix`. Belongs to the configuration. */
const char *config_suggest(struct config_reader *r, struct str text, const char *const *names,
                           size_t count, const char *prefix);

/* The sections, each in a file of its own. Defaults are set by the first, before anything is read.
 */
void config_source_defaults(struct config_reader *r);
void config_programs_defaults(struct config_reader *r);
void config_gateway_defaults(struct config_reader *r);
read_fn read_source;
read_fn read_ingestor;
read_fn read_cache;
read_fn read_gateway;
read_fn read_curve;
read_fn read_tiles;

/* What can be told only when all is read: defaults that follow from other sections, and rules that
 * span them. root is the whole file, for the places in messages. */
int config_programs_finish(struct config_reader *r, const struct yaml_node *root);

/* Parts of tiles: fields, conditions, the states of a backlog (whose target is the tile). */
read_fn read_field;
read_fn read_match;
read_fn read_labels;
read_fn read_states;

/* A glob or a plain text as a pattern. text is NUL-terminated and lives as long as the
 * configuration. */
struct pattern pattern_of_text(struct str text);

#endif
