/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration has to know of a type of tile. Each type is a file in this folder, which
 * defines one struct tile_rules; tile_types.c in common/config is the table of all. Private to
 * common/config.
 */
#ifndef COMMON_CONFIG_TYPES_TILE_RULES_H
#define COMMON_CONFIG_TYPES_TILE_RULES_H

#include "common/config/file/keys.h"

#define TILE_METRIC_MAX 256                 /* bytes of a metric's name */
#define TILE_UNIT_MAX 32                    /* bytes of a unit */
#define TILE_ANNOTATIONS_MAX 256            /* bytes of a pattern of event types */
#define TILE_WINDOW_MAX (3660 * MS_PER_DAY) /* of a window, and of a deadline */
#define TILE_STEP_MAX (366 * MS_PER_DAY)    /* of a bucket, and of a quiet member of a family */

/* A tile whose keys are all read, to be checked. */
struct tile_reading {
    struct config_reader *r;        /* where messages go */
    const struct yaml_node *node;   /* the tile in the file */
    const struct tile_rules *rules; /* the rules of its type */
    struct tile_config *tile;       /* what is filled in */
};

struct tile_rules {
    const char *name; /* as the file and the served tiles have it: "sla_risk" */
    /* The keys that such a tile may have beside those of every tile. It has to have those whose
     * row says `needed`, which is checked before `check` is called. */
    struct config_table table;
    /* The members of `data` that a status may be worked out by, NULL at the end; the first is what
     * a condition without a name is about. NULL: `value` alone. A list that ends at once: none. */
    const char *const *figures;
    /* False when a tile like this one never has that one of `figures`. NULL: each has all. */
    bool (*has_figure)(const struct tile_config *tile, const char *figure);
    /* Checks what has to fit together, and computes defaults that follow from other keys. NULL
     * when each key is right by itself. */
    int (*check)(const struct tile_reading *t);
};

/* tile_rules_NAME of each type, which NAME.c defines. */
#define TILE_RULES_DECLARE(value, number, type) extern const struct tile_rules tile_rules_##type;
TILE_TYPE_LIST(TILE_RULES_DECLARE)
#undef TILE_RULES_DECLARE

/* The value of a key as the file has it, or NULL. */
const struct yaml_node *tile_rules_given(const struct tile_reading *t, const char *key);

/* Reads one of key->choices, which stand for the periods from TILE_PERIOD_DAY on, or else a
 * duration into the member that the key stands for. *period is NONE if it is a duration. */
int tile_rules_read_span(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target, enum tile_period *period);

/* Reads a window: a duration, or one of the periods of the calendar that tile_rules_windows
 * names. */
config_read_fn tile_rules_read_window;
extern const char *const tile_rules_windows[];

/* Fails unless the key is there. */
int tile_rules_need(const struct tile_reading *t, const char *key, const char *example);

/* Fails when both keys are there. */
int tile_rules_exclude(const struct tile_reading *t, const char *key, const char *other,
                       const char *reason);

/* Fails when the first key is there without the second. */
int tile_rules_together(const struct tile_reading *t, const char *key, const char *other);

#endif
