/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The definition of a tile, as the configuration file gives it: checked and compiled, ready for the
 * fold. A definition is read-only once it is loaded, and belongs to struct config with all that it
 * points to. docs/configuration.md describes the keys of the file.
 */
#ifndef COMMON_CONFIG_TILES_H
#define COMMON_CONFIG_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/business.h"
#include "common/base/time/zone.h"

#define TILE_KEY_MAX 128       /* bytes */
#define TILE_LENGTH_MAX 10000  /* buckets of a trend */
#define TILE_STATES_MAX 64     /* different states of a backlog */
#define TILE_GROUPS_MAX 100000 /* members of a family */
#define TILE_WORST_ITEMS 5     /* items that an SLA or presence tile lists */
#define TILE_STEADY_LATES 8    /* `steady` of a presence tile is so many times `late` at most */
#define CONFIG_TILES_MAX 10000 /* tile definitions in a file */
#define TILE_LIMITS_MAX 8      /* conditions of a status */
#define TILE_TARGETS_MAX 64    /* priorities of an SLA tile */
#define TILE_SHOW_MAX 16       /* fields that a table of rows shows */
#define TILE_ROWS_MAX 100      /* rows in a table of rows */
#define TILE_HEATMAP_WEEKS 53  /* weeks of a heatmap */

/* Where in an event a value is. */
enum tile_field_kind {
    TILE_FIELD_NONE, /* not configured */
    TILE_FIELD_EVENT_TYPE,
    TILE_FIELD_ACTOR_ID,
    TILE_FIELD_TARGET_ID,
    TILE_FIELD_SUMMARY,
    TILE_FIELD_EXTRA,   /* a column that the user added to the mapping */
    TILE_FIELD_PAYLOAD, /* a member of the payload */
};

struct tile_field {
    enum tile_field_kind kind; /* where the value is */
    const char *text;          /* as written: "payload.team"; NULL for TILE_FIELD_NONE */
    size_t extra; /* the index into config_source.extras and event.extras, for TILE_FIELD_EXTRA */
    struct str
        path; /* names of members joined by dots, "team"; for TILE_FIELD_PAYLOAD, never empty */
};

enum tile_pattern_kind {
    TILE_PATTERN_TEXT,   /* equal to text */
    TILE_PATTERN_GLOB,   /* text has at least one `*`, which stands for any run of characters */
    TILE_PATTERN_NUMBER, /* a JSON number equal to number; only for TILE_FIELD_PAYLOAD */
    TILE_PATTERN_BOOL,   /* a JSON boolean; only for TILE_FIELD_PAYLOAD */
};

struct tile_pattern {
    enum tile_pattern_kind kind; /* what it is compared as */
    struct str text;             /* as written; NUL-terminated */
    double number;               /* of TILE_PATTERN_NUMBER */
    bool boolean;                /* of TILE_PATTERN_BOOL */
};

/* What a condition asks. A field that is missing passes TILE_TEST_ABSENT alone. */
enum tile_test {
    /* The value is like any of the patterns. For fields that are not in the payload all of these
     * are TILE_PATTERN_TEXT or TILE_PATTERN_GLOB, because columns are compared as text. */
    TILE_TEST_LIKE,
    /* The value is like any of the patterns, which have types for columns, too: a number is like
     * all that is a number, also in a text. */
    TILE_TEST_IN,
    TILE_TEST_NOT_IN,         /* the value is like none of them */
    TILE_TEST_ABOVE,          /* the value is > bound */
    TILE_TEST_ABOVE_OR_EQUAL, /* the value is >= bound */
    TILE_TEST_BELOW,          /* the value is < bound */
    TILE_TEST_BELOW_OR_EQUAL, /* the value is <= bound */
    TILE_TEST_EXISTS,         /* the field is there, and not null */
    TILE_TEST_ABSENT,         /* the field is missing, or null */
    TILE_TEST_ANY,            /* one of the matches fits */
};

/* What the order of a value is told by. A value that is nothing of the kind passes no test. */
enum tile_bound_kind { TILE_BOUND_NUMBER, TILE_BOUND_TIME, TILE_BOUND_TEXT };

struct zone;

/* What a value is compared with. */
struct tile_bound {
    enum tile_bound_kind kind; /* what it is */
    struct str text;           /* as written; NUL-terminated; compared by its bytes */
    double number;             /* of TILE_BOUND_NUMBER: the nearest double; finite */
    int64_t integer;           /* of TILE_BOUND_NUMBER: the number itself, if `whole` */
    bool whole;                /* of TILE_BOUND_NUMBER: it is an integer of int64 */
    int64_t time_us;           /* of TILE_BOUND_TIME: since 1970 */
    const struct zone *zone;   /* of TILE_BOUND_TIME: of values that name none; NULL: UTC */
};

struct tile_match;

struct tile_condition {
    enum tile_test test;       /* what is asked */
    struct tile_field field;   /* the field that is asked about; of TILE_TEST_ANY none */
    struct tile_pattern *any;  /* of TILE_TEST_LIKE, _IN and _NOT_IN: the patterns */
    size_t any_count;          /* how many; >= 1 where there are any */
    struct tile_bound bound;   /* of the four comparisons */
    struct tile_match *either; /* of TILE_TEST_ANY: the matches, one of which has to fit */
    size_t either_count;       /* how many; >= 1 where there are any */
};

/* An event matches when all conditions hold; when there are none, every event matches. */
struct tile_match {
    struct tile_condition *all; /* the conditions, all of which have to hold */
    size_t count;               /* how many there are; 0: every row fits */
};

/*
 * The types of tile, one line each, in the order in which people are told of them: the value of
 * enum tile_type, its number, and the name in the file and in the served tiles. All tables of types
 * are made from these lines, so a new type is a line here and a file NAME.c in each of
 * common/config/types, ingestor/fold/types and ctl/oracle/types; tests/tree/check_tile_types.py
 * names what else there is to do. The numbers go from 0 up without gaps, and the next one is 15. A
 * number is never changed, because saved states hold digests of definitions that were made with it.
 */
#define TILE_TYPE_LIST(EACH)                                                                       \
    EACH(TILE_COUNT, 0, count)                                                                     \
    EACH(TILE_NUMBER, 5, number)                                                                   \
    EACH(TILE_RATIO, 7, ratio)                                                                     \
    EACH(TILE_PERCENTILE, 8, percentile)                                                           \
    EACH(TILE_DISTINCT, 11, distinct)                                                              \
    EACH(TILE_TOP, 12, top)                                                                        \
    EACH(TILE_RATE, 13, rate)                                                                      \
    EACH(TILE_TREND, 1, trend)                                                                     \
    EACH(TILE_HEATMAP, 14, heatmap)                                                                \
    EACH(TILE_GAUGE, 4, gauge)                                                                     \
    EACH(TILE_DURATION, 9, duration)                                                               \
    EACH(TILE_PRESENCE, 10, presence)                                                              \
    EACH(TILE_SLA_RISK, 2, sla_risk)                                                               \
    EACH(TILE_BACKLOG, 3, backlog)                                                                 \
    EACH(TILE_LATEST, 6, latest)

#define TILE_TYPE_VALUE(value, number, name) value = (number),
enum tile_type { TILE_TYPE_LIST(TILE_TYPE_VALUE) };
#undef TILE_TYPE_VALUE

/* How many types there are. It is no member of the enum, all of whose members switches cover. */
#define TILE_TYPE_COUNTED(value, number, name) value##_COUNTED,
enum { TILE_TYPE_LIST(TILE_TYPE_COUNTED) TILE_TYPES };
#undef TILE_TYPE_COUNTED

enum tile_aggregate {
    TILE_AGGREGATE_COUNT,
    TILE_AGGREGATE_SUM,
    TILE_AGGREGATE_AVG,
    TILE_AGGREGATE_MIN,
    TILE_AGGREGATE_MAX,
    TILE_AGGREGATE_LAST, /* by (timestamp, id) */
    TILE_AGGREGATE_P50,  /* the percentiles: as far as a sketch tells them */
    TILE_AGGREGATE_P90,
    TILE_AGGREGATE_P95,
    TILE_AGGREGATE_P99,
    TILE_AGGREGATE_DISTINCT, /* how many different values; of the type distinct alone */
    TILE_AGGREGATE_RANKING,  /* which groups have most; of the type top alone */
};

/* 95 of TILE_AGGREGATE_P95; 0: it is no percentile. */
static inline unsigned tile_aggregate_percent(enum tile_aggregate aggregate)
{
    static const unsigned percents[] = {[TILE_AGGREGATE_P50] = 50,
                                        [TILE_AGGREGATE_P90] = 90,
                                        [TILE_AGGREGATE_P95] = 95,
                                        [TILE_AGGREGATE_P99] = 99,
                                        [TILE_AGGREGATE_RANKING] = 0};
    return percents[aggregate];
}

/* A period of the calendar, in the zone of the file's source. */
enum tile_period { TILE_PERIOD_NONE, TILE_PERIOD_DAY, TILE_PERIOD_WEEK, TILE_PERIOD_MONTH };

/* A day of the week, counted from Monday. */
enum config_weekday {
    CONFIG_MONDAY,
    CONFIG_TUESDAY,
    CONFIG_WEDNESDAY,
    CONFIG_THURSDAY,
    CONFIG_FRIDAY,
    CONFIG_SATURDAY,
    CONFIG_SUNDAY,
};

/* "monday" */
const char *config_weekday_name(enum config_weekday day);

struct config_source;

/* What local time is, for the source and all tiles of a file. */
struct config_local_time {
    const char *time_zone;           /* its name in the IANA database; "UTC" */
    const struct zone *zone;         /* NULL: UTC */
    enum config_weekday week_starts; /* the first day of a week */
};

/* From which row that opens an item its deadline is counted. */
enum tile_reopen {
    TILE_REOPEN_RENEW, /* the latest one */
    TILE_REOPEN_KEEP,  /* the first one */
};

enum tile_refresh_policy { TILE_REFRESH_ON_EVENT, TILE_REFRESH_INTERVAL };

/* An event whose type is like the pattern puts its item into a state. */
struct tile_state_rule {
    struct tile_pattern event_type; /* TILE_PATTERN_TEXT or TILE_PATTERN_GLOB */
    int state;                      /* index into states, or TILE_STATE_CLOSED */
};
#define TILE_STATE_CLOSED (-1)

/* An item whose priority is like the pattern has so much time. */
struct tile_target {
    struct str priority; /* text, in which `*` stands for any characters; NUL-terminated */
    int64_t within_ms;   /* 1 ms to 3660 d */
};

/* A status that a tile may have, but for that all is well. */
enum tile_level { TILE_WARN, TILE_CRITICAL };
#define TILE_LEVELS 2

enum tile_limit_kind {
    TILE_LIMIT_ABOVE,          /* the figure is > number */
    TILE_LIMIT_ABOVE_OR_EQUAL, /* the figure is >= number */
    TILE_LIMIT_BELOW,          /* the figure is < number */
    TILE_LIMIT_BELOW_OR_EQUAL, /* the figure is <= number */
    TILE_LIMIT_NOTHING,        /* no row has a timestamp of the last nothing_ms */
};

/* One condition of a status. */
struct tile_limit {
    enum tile_limit_kind kind; /* what is compared */
    /* A member of `data`, or of that map in it; NULL for TILE_LIMIT_NOTHING. */
    const char *figure;
    const char *map;    /* the member of `data` that has the figure; NULL: `data` itself has it */
    double number;      /* what the figure is compared with; finite */
    int64_t nothing_ms; /* of TILE_LIMIT_NOTHING: 1 ms to 366 d */
};

/* The conditions of one level, of which one has to hold. */
struct tile_limits {
    struct tile_limit *list; /* in the order of the file */
    size_t count;            /* 0 to TILE_LIMITS_MAX; 0: the tile is never at that level */
};

/* When a tile is in trouble. */
struct tile_thresholds {
    bool any;                               /* True when a level has conditions. */
    struct tile_limits levels[TILE_LEVELS]; /* by enum tile_level */
    int64_t for_ms;   /* how long a condition has to hold before the status is worse; 0 to 7 d */
    int64_t clear_ms; /* how long it must not hold before the status is better; 0 to 7 d */
    double margin;    /* how far a figure has to be back for its condition not to hold; >= 0 */
};

/* The time that a rate is of. */
enum tile_per { TILE_PER_SECOND, TILE_PER_MINUTE, TILE_PER_HOUR };

static inline int64_t tile_per_ms(enum tile_per per)
{
    static const int64_t lengths[] = {
        [TILE_PER_SECOND] = 1000, [TILE_PER_MINUTE] = 60000, [TILE_PER_HOUR] = 3600000};
    return lengths[per];
}

/* How people read a tile's number. */
enum tile_format {
    TILE_FORMAT_NUMBER,   /* as it is */
    TILE_FORMAT_BYTES,    /* bytes, in the unit of their size */
    TILE_FORMAT_PERCENT,  /* a share: 0.93 is 93 % */
    TILE_FORMAT_DURATION, /* seconds, or what the unit says, as "1m 15s" */
    TILE_FORMAT_CURRENCY, /* money of the unit, which is a code of ISO 4217 */
};

/* How people see a tile. The digest of a tile does not cover it. */
struct tile_display {
    uint32_t order;          /* its place in the file, from 0 */
    const char *group;       /* the heading that it stands under, 1 to 128 bytes; NULL: none */
    enum tile_format format; /* how its number is written */
    bool has_decimals;       /* False: as many decimals as the number needs. */
    uint32_t decimals;       /* 0 to 10; means something only with has_decimals */
    const char *link;        /* where the tile leads to; NULL: nowhere */
    const char *annotations; /* the event types that mark its line, "deploy.*"; NULL: none */
    const char *item_link; /* where its items lead to, with {id} for an item's id; NULL: nowhere */
};

/*
 * Which members mean something for which type. The others are zero, NULL or TILE_FIELD_NONE, but
 * for `length`, `aggregate` and `rows`, which every tile has with their defaults: the digest of a
 * tile covers the first two.
 *
 *   all       key, title, refresh, min_interval_ms, ttl_ms, grace_ms, local, source, thresholds,
 *             display, unit;
 *             group_by with idle_ms, max_groups and partition
 *   count     match or metric + labels; window_ms or window_period, without metric only
 *   number    match or metric + labels; window_ms or window_period; aggregate, never count; value
 *             unless there is a metric; unit
 *   ratio     match (always), of; window_ms or window_period
 *   percentile  match or metric + labels; window_ms or window_period; value unless there is a
 *             metric
 *   distinct  match; item (always); window_ms or window_period; unit
 *   top       match; item, rows (always); aggregate, count or sum; value with sum only;
 *             window_ms or window_period; unit
 *   rate      match or metric + labels; window_ms (always), per; value or a metric of counters,
 *             and item with these only; unit
 *   trend     match or metric + labels; step_ms, step_period, length, aggregate;
 *             value for all aggregates but count, unless there is a metric
 *   heatmap   match or metric + labels; aggregate, count, sum, avg, min or max; value for all
 *             but count, unless there is a metric; window_ms, whole weeks; unit
 *   gauge     metric (always), labels
 *   duration  opens, closes, item (always); window_ms or window_period (one of them always);
 *             calendar
 *   presence  match; item, late_ms, missing_ms, forget_ms (always); steady_ms
 *   sla_risk  opens, closes, item (always); one of due, within_ms and priority
 *             with targets; at_risk_ms; calendar; pausable with pauses and resumes; reopen
 *   backlog   item, states, rules (always); breakdown
 *   latest    match; show, rows (always)
 */
struct tile_config {
    const char *key;     /* letters, digits, `.`, `_`, `-`; 1 to TILE_KEY_MAX; unique in the file */
    const char *title;   /* 1 to 256 bytes; the key when the file gives none */
    enum tile_type type; /* what the tile shows */
    int line;            /* of the definition in the file, for messages; from 1 */
    const char *definition; /* the definition as JSON, for people who ask what a tile shows */

    const struct config_local_time *local; /* of the tile's source; never NULL */
    /* The only one of `sources` whose rows count; NULL: those of all do. */
    const struct config_source *source;

    struct tile_match match; /* which rows count */
    struct tile_match of;    /* of a ratio: the rows of which those that match are a part */
    /* NULL: none. With a metric, match is empty, and only metric events of that name count. */
    const char *metric;
    struct tile_match labels; /* conditions on payload.labels.NAME, beside the metric's name */

    int64_t window_ms;              /* of a sliding window: 1 ms to 3660 d; 0: it does not slide */
    enum tile_period window_period; /* the window is this period so far; NONE: it is none */
    int64_t step_ms; /* the length of a bucket: 1 ms to 366 d; of a period about its length */
    enum tile_period step_period;  /* a bucket is such a period; NONE: all are equally long */
    uint32_t length;               /* buckets: 1 to TILE_LENGTH_MAX */
    enum tile_aggregate aggregate; /* what a bucket shows of its rows */
    struct tile_field value;       /* what is aggregated */
    enum tile_per per;             /* of a rate */
    const char *unit;              /* 1 to 32 bytes; NULL: none */

    struct tile_match opens;  /* rows that open an item */
    struct tile_match closes; /* rows that close an item */
    struct tile_field item;   /* which item an event is about */
    struct tile_field
        due;            /* the deadline in the opening event; TILE_FIELD_NONE: within_ms counts */
    int64_t within_ms;  /* the deadline after the opening event: 1 ms to 3660 d; 0: due counts */
    int64_t at_risk_ms; /* how long before it is due an item is at risk: 0 to 3660 d */

    int64_t late_ms;    /* an item not heard of for so long is late: 1 ms to 3660 d */
    int64_t missing_ms; /* and for so long is missing: more than late_ms, to 3660 d */
    int64_t forget_ms;  /* and for so long is forgotten: more than missing_ms, to 3660 d */
    int64_t steady_ms;  /* it is up again when it was heard of for so long: 0 to 8 late_ms */

    struct tile_field priority;  /* of the opening event: which of targets counts */
    struct tile_target *targets; /* in the order of the file: the first that fits counts */
    size_t target_count;         /* 1 to TILE_TARGETS_MAX; 0: due or within_ms counts */
    /* The calendar whose business time within_ms, targets and at_risk_ms are in, or durations;
     * NULL: all time counts. */
    const struct business_calendar *calendar;

    enum tile_reopen reopen;   /* what the deadline of an item is that was opened more than once */
    bool pausable;             /* there are pauses and resumes; never with due */
    struct tile_match pauses;  /* rows that stop an item's clock */
    struct tile_match resumes; /* rows that let it run again, unless they are pauses */

    const char **states;           /* different names, in the order of the file */
    size_t state_count;            /* 1 to TILE_STATES_MAX */
    struct tile_state_rule *rules; /* in the order of the file: the first that fits counts */
    size_t rule_count;             /* 1 to 1,000 */
    struct tile_field
        breakdown; /* counts are divided by its values; TILE_FIELD_NONE: they are not */

    struct tile_field *show; /* the fields that are shown of each row; all differ in `text` */
    size_t show_count;       /* 1 to TILE_SHOW_MAX; 0: the tile is no table of rows */
    uint32_t rows;           /* how many rows are shown: 1 to TILE_ROWS_MAX */

    struct tile_field
        group_by;        /* makes a family of tiles; TILE_FIELD_NONE: this is a single tile */
    int64_t idle_ms;     /* a member without a row for so long is dropped: 1 ms to 366 d */
    uint32_t max_groups; /* members at once: 1 to TILE_GROUPS_MAX */
    bool partition;      /* The key of a message is the group, so a member is of one partition. */

    enum tile_refresh_policy refresh; /* when it is published */
    int64_t min_interval_ms;          /* 1 ms to 1 h */
    int64_t ttl_ms;                   /* a tile that is quiet for so long is stale: 100 ms to 7 d */
    int64_t grace_ms;                 /* a tile that is stale for so long is gone: 1 ms to 30 d */

    /* What its status is worked out by. The digest of a tile does not cover it. */
    struct tile_thresholds thresholds;
    struct tile_display display; /* how people see it */
};

/* The words of the configuration file and of the tiles as served: "count", "sla_risk"; "avg";
 * "on_event". */
const char *tile_type_name(enum tile_type type);
const char *tile_aggregate_name(enum tile_aggregate aggregate);
const char *tile_per_name(enum tile_per per);          /* "second" */
const char *tile_window_name(enum tile_period period); /* "today"; the period is not NONE */
const char *tile_step_name(enum tile_period period);   /* "1d"; the period is not NONE */
const char *tile_refresh_policy_name(enum tile_refresh_policy policy);
const char *tile_level_name(enum tile_level level);    /* "critical" */
const char *tile_format_name(enum tile_format format); /* "percent" */

#endif
