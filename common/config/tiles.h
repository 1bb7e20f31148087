/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The definition of a tile, as the configuration file gives it: checked and compiled, ready for the
 * fold. Read-only after loading, and owned by struct config. docs/configuration.md describes the
 * file's keys.
 */
#ifndef COMMON_CONFIG_TILES_H
#define COMMON_CONFIG_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"

#define TILE_KEY_MAX 128       /* bytes */
#define TILE_LENGTH_MAX 10000  /* buckets of a trend */
#define TILE_STATES_MAX 64     /* different states of a backlog */
#define TILE_GROUPS_MAX 100000 /* members of a family */
#define TILE_WORST_ITEMS 5     /* items that an SLA tile lists */
#define CONFIG_TILES_MAX 10000 /* tile definitions in a file */

/* Where in an event a value stands. */
enum field_kind {
    FIELD_NONE, /* not configured */
    FIELD_EVENT_TYPE,
    FIELD_ACTOR_ID,
    FIELD_TARGET_ID,
    FIELD_SUMMARY,
    FIELD_EXTRA,   /* a column that the user added to the mapping */
    FIELD_PAYLOAD, /* a member of the payload */
};

struct field {
    enum field_kind kind;
    const char *text; /* as written: "payload.team"; NULL for FIELD_NONE */
    size_t extra;     /* FIELD_EXTRA: index into struct config_source.extras and event.extras */
    struct str path;  /* FIELD_PAYLOAD: member names joined by dots, "team"; never empty */
};

enum pattern_kind {
    PATTERN_TEXT,   /* equal to text */
    PATTERN_GLOB,   /* text has at least one `*`, which stands for any run of characters */
    PATTERN_NUMBER, /* a JSON number equal to number; only for FIELD_PAYLOAD */
    PATTERN_BOOL,   /* a JSON boolean; only for FIELD_PAYLOAD */
};

struct pattern {
    enum pattern_kind kind;
    struct str text; /* as written; NUL-terminated */
    double number;
    bool boolean;
};

/* The field has a value that is like any of the patterns. For fields that are not in the payload
 * all patterns are PATTERN_TEXT or PATTERN_GLOB, because columns are compared as text. */
struct condition {
    struct field field;
    struct pattern *any;
    size_t any_count; /* >= 1 */
};

/* All conditions hold. None at all: every event matches. */
struct match {
    struct condition *all;
    size_t count;
};

enum tile_type { TILE_COUNT, TILE_TREND, TILE_SLA_RISK, TILE_BACKLOG, TILE_GAUGE };
#define TILE_TYPES 5 /* how many there are; no member of the enum, which switches have to cover */

enum tile_aggregate {
    AGGREGATE_COUNT,
    AGGREGATE_SUM,
    AGGREGATE_AVG,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_LAST, /* by (timestamp, id) */
};

enum refresh_policy { REFRESH_ON_EVENT, REFRESH_INTERVAL };

/* An event whose type is like the pattern puts its item into a state. */
struct state_rule {
    struct pattern event_type; /* PATTERN_TEXT or PATTERN_GLOB */
    int state;                 /* index into states, or STATE_CLOSED */
};
#define STATE_CLOSED (-1)

/*
 * Which members mean something for which type (for the others they are zero, NULL or FIELD_NONE):
 *
 *   count     match | metric + labels;  window_ms (without metric only)
 *   trend     match | metric + labels;  step_ms, length, aggregate, value (for all aggregates but
 * count, unless there is a metric) gauge     metric (always), labels, unit sla_risk  opens, closes,
 * item (always); due or within_ms, exactly one; at_risk_ms backlog   item, states, rules (always);
 * breakdown all       key, title, group_by + idle_ms + max_groups, refresh, min_interval_ms,
 * ttl_ms, grace_ms
 */
struct tile_config {
    const char
        *key; /* letters, digits, `.`, `_`, `-`; 1 to TILE_KEY_MAX bytes; unique in the file */
    const char *title; /* the key if none is given */
    enum tile_type type;
    int line;               /* of the definition in the file, for messages; from 1 */
    const char *definition; /* the same as JSON, for people who ask what a tile shows */

    struct match match;
    const char
        *metric; /* NULL: none. Then match is empty, and only metric events of that name count */
    struct match labels; /* conditions on payload.labels.NAME, beside the metric's name */

    int64_t window_ms; /* 0: no window */
    int64_t step_ms;   /* > 0 */
    uint32_t length;   /* 1 to TILE_LENGTH_MAX buckets */
    enum tile_aggregate aggregate;
    struct field value;
    const char *unit; /* NULL: none */

    struct match opens;
    struct match closes;
    struct field item;
    struct field due;   /* FIELD_NONE: within_ms counts */
    int64_t within_ms;  /* > 0; 0: due counts */
    int64_t at_risk_ms; /* >= 0; an item is at risk that long before it is due */

    const char **states;      /* different names in the order of the file */
    size_t state_count;       /* 1 to TILE_STATES_MAX */
    struct state_rule *rules; /* in the order of the file: the first that fits counts */
    size_t rule_count;
    struct field breakdown; /* FIELD_NONE: none */

    struct field group_by; /* FIELD_NONE: a single tile, not a family */
    int64_t idle_ms;       /* > 0; a member without a row for so long is dropped */
    uint32_t max_groups;   /* 1 to TILE_GROUPS_MAX */

    enum refresh_policy refresh;
    int64_t min_interval_ms; /* > 0 */
    int64_t ttl_ms;          /* > 0; quiet for so long is stale */
    int64_t grace_ms;        /* > 0; stale for so long is gone */
};

/* The words of the configuration file and of the tiles as served: "count", "sla_risk"; "avg";
 * "on_event". */
const char *tile_type_name(enum tile_type type);
const char *tile_aggregate_name(enum tile_aggregate aggregate);
const char *refresh_policy_name(enum refresh_policy policy);

#endif
