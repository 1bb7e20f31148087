/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key of the configuration is one row of one table: its name, how it is read and where it goes,
 * its range, its default and its line of help. Reading, defaults, messages and the check of
 * docs/configuration.md are all made from these rows. Private to common/config.
 *
 *   static const struct config_key rows[] = {
 *       {CONFIG_DURATION("poll_interval", struct config_source, poll_interval_ms, 10, MS_PER_HOUR),
 *        .default_value = "2s", .help = "How often …."},
 *       …
 *   };
 *   const struct config_table config_source_table = CONFIG_TABLE(rows);
 */
#ifndef COMMON_CONFIG_FILE_KEYS_H
#define COMMON_CONFIG_FILE_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "common/config/file/reader.h"

struct config_key;

/* Reads a value into the member of target that the key stands for. The target is the struct that
 * the rows of the key's table name. Returns STATUS_OK, or STATUS_INVALID with a message. */
typedef int config_read_fn(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target);

/* What a key's min and max count. */
enum config_measure {
    CONFIG_UNMEASURED, /* the key has no range */
    CONFIG_MS,         /* milliseconds of a duration */
    CONFIG_BYTES,      /* bytes of a size */
    CONFIG_WHOLE,      /* a whole number */
    CONFIG_POSITIVE,   /* a number above zero, perhaps a fraction; min is 0 */
    CONFIG_LENGTH,     /* bytes of a text */
    CONFIG_ENTRIES,    /* entries of a list */
};

/* The rows of one map of the file. */
struct config_table {
    const struct config_key *rows; /* constant; in the order of the documentation */
    size_t count;                  /* how many there are */
};

struct config_key {
    const char *name;     /* as it is written in the file */
    config_read_fn *read; /* never NULL */
    size_t offset;        /* where the member is in the target, in bytes */
    size_t size;          /* how large the member is, in bytes */

    enum config_measure measure; /* the unit that min and max are in, and how values are written */
    int64_t min;                 /* the least value; only with a measure */
    int64_t max;                 /* the greatest value; only with a measure */
    const char *range;           /* in words: what the range is beyond min and max; NULL: nothing */
    const char *const *choices;  /* the words that a value may be, NULL at the end; NULL: any */

    const char *default_value; /* the default as the file would have it; NULL: none */
    const char *default_words; /* the default in words, where it follows from other things */
    const char *needed; /* what to write when the file has to have the key; NULL: it need not */

    const struct config_table *table; /* the rows of a section in the section; else NULL */
    const char *help;                 /* one sentence for people, in Markdown; never NULL */
};

#define CONFIG_TABLE(rows)                                                                         \
    {                                                                                              \
        rows, COUNT_OF(rows)                                                                       \
    }

/*
 * How a row begins: the name, how the value is read, where it goes, and its range. CONFIG_CUSTOM
 * and CONFIG_LIST are for values that only one key has, whose function finds the member by itself;
 * the others store into TYPE.MEMBER.
 */
#define CONFIG_CUSTOM(key, function) .name = (key), .read = (function)
#define CONFIG_LIST(key, function, most)                                                           \
    CONFIG_CUSTOM(key, function), .measure = CONFIG_ENTRIES, .min = 1, .max = (most)
/* NOLINTBEGIN(bugprone-macro-parentheses): the name of a type or member cannot stand in them. */
#define CONFIG_MEMBER(key, function, type, member)                                                 \
    .name = (key), .read = (function), .offset = offsetof(type, member),                           \
    .size = sizeof(((type *)0)->member)
/* NOLINTEND(bugprone-macro-parentheses) */
#define CONFIG_MEASURED(key, function, type, member, unit, low, high)                              \
    CONFIG_MEMBER(key, function, type, member), .measure = (unit), .min = (low), .max = (high)

#define CONFIG_BOOL(key, type, member) CONFIG_MEMBER(key, config_read_bool, type, member)
#define CONFIG_CHOICE(key, type, member) CONFIG_MEMBER(key, config_read_choice, type, member)
#define CONFIG_TEXT(key, type, member, longest)                                                    \
    CONFIG_MEASURED(key, config_read_text, type, member, CONFIG_LENGTH, 1, longest)
#define CONFIG_PATH(key, type, member)                                                             \
    CONFIG_MEASURED(key, config_read_path, type, member, CONFIG_LENGTH, 1, 4095)
#define CONFIG_COUNT(key, type, member, low, high)                                                 \
    CONFIG_MEASURED(key, config_read_whole, type, member, CONFIG_WHOLE, low, high)
#define CONFIG_RATE(key, type, member, high)                                                       \
    CONFIG_MEASURED(key, config_read_positive, type, member, CONFIG_POSITIVE, 0, high)
#define CONFIG_DURATION(key, type, member, low, high)                                              \
    CONFIG_MEASURED(key, config_read_duration, type, member, CONFIG_MS, low, high)
#define CONFIG_SIZE(key, type, member, low, high)                                                  \
    CONFIG_MEASURED(key, config_read_size, type, member, CONFIG_BYTES, low, high)

/* A section in the section, read into a struct; and one whose keys belong to the target itself. */
#define CONFIG_SECTION(key, type, member, rows_of_it)                                              \
    CONFIG_MEMBER(key, config_read_subsection, type, member), .table = &rows_of_it
#define CONFIG_SAME_SECTION(key, rows_of_it)                                                       \
    CONFIG_CUSTOM(key, config_read_subsection), .table = &rows_of_it

config_read_fn config_read_text;       /* const char *; any scalar but null, as written */
config_read_fn config_read_path;       /* const char *; relative ones get the file's folder */
config_read_fn config_read_bool;       /* bool */
config_read_fn config_read_whole;      /* unsigned, uint32_t or size_t */
config_read_fn config_read_positive;   /* double */
config_read_fn config_read_duration;   /* int64_t, in ms */
config_read_fn config_read_size;       /* size_t, in bytes */
config_read_fn config_read_choice;     /* an enum, whose values are the indices of the choices */
config_read_fn config_read_subsection; /* a struct, by the rows of key->table */

/* The member of the target that a key stands for. */
void *config_member(void *target, const struct config_key *key);

/* Finds which of the names a value is; else fails and suggests one. */
int config_choose(struct config_reader *r, const char *key, const struct yaml_node *value,
                  const char *const *names, size_t count, size_t *out);

/* The row with that name, or NULL. */
const struct config_key *config_find_key(const struct config_table *table, struct str name);

/* Fails because no row of the tables has that name, and suggests one. */
int config_unknown_key(struct config_reader *r, const struct yaml_node *name,
                       const struct config_table *const *tables, size_t table_count);

/* Reads the entries of a map in the order of the file into target. */
int config_read_map(struct config_reader *r, const struct yaml_node *node,
                    const struct config_table *table, void *target);

/* The same for a section of the section: name is added to the context meanwhile. A section that
 * holds nothing keeps its defaults. */
int config_read_section(struct config_reader *r, const char *name, const struct yaml_node *node,
                        const struct config_table *table, void *target);

/* Gives each member of target its default, those of the sections in it too. Keys whose default is
 * only said in words are left alone: that is computed where all that it follows from is known. */
void config_apply_defaults(struct config_reader *r, const struct config_table *table, void *target);

/* The range of a key's values as min and max say it: "10ms to 1h". Empty when it has none. */
#define CONFIG_RANGE_SIZE 96
char *config_measured_range(const struct config_key *key, char out[CONFIG_RANGE_SIZE]);

#endif
