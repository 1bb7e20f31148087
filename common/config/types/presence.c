/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of type presence: which items are still heard of. */
#include "common/config/match.h"
#include "common/config/types/tile_rules.h"

#define MISSING_LATES 5 /* of `late`, when `missing` is not given */
#define FORGET (7 * MS_PER_DAY)

/* Refuses a length of time that is not longer than another one. */
static int check_longer(const struct tile_reading *t, const char *key, int64_t ms, const char *than,
                        int64_t than_ms)
{
    const struct yaml_node *value = tile_rules_given(t, key);
    return ms > than_ms ? STATUS_OK
                        : config_fail(t->r, value != NULL ? value : t->node, key,
                                      "expected more than %s, which comes before it", than);
}

static int check(const struct tile_reading *t)
{
    struct tile_config *tile = t->tile;
    const struct yaml_node *steady = tile_rules_given(t, "steady");
    if (tile_rules_given(t, "missing") == NULL) {
        tile->missing_ms = tile->late_ms <= TILE_WINDOW_MAX / MISSING_LATES
                               ? MISSING_LATES * tile->late_ms
                               : TILE_WINDOW_MAX;
    }
    if (tile_rules_given(t, "forget") == NULL && tile->missing_ms >= FORGET) {
        return config_fail(t->r, t->node, "forget",
                           "needed here, since items are missing only after 7d or more, after "
                           "which they are forgotten by default");
    }
    int status = check_longer(t, "missing", tile->missing_ms, "late", tile->late_ms);
    if (status == STATUS_OK) {
        status = check_longer(t, "forget", tile->forget_ms, "missing", tile->missing_ms);
    }
    if (status == STATUS_OK && tile->steady_ms > TILE_STEADY_LATES * tile->late_ms) {
        status = config_fail(t->r, steady, "steady", "expected %d times late at most",
                             TILE_STEADY_LATES);
    }
    return status;
}

static const struct config_key rows[] = {
    {CONFIG_MEMBER("item", config_read_field, struct tile_config, item), .range = "a field",
     .needed = "item: target_id", .help = "The field that says which item an event is about."},
    {CONFIG_DURATION("late", struct tile_config, late_ms, 1, TILE_WINDOW_MAX), .needed = "late: 2m",
     .help = "An item without an event for so long is late."},
    {CONFIG_DURATION("missing", struct tile_config, missing_ms, 1, TILE_WINDOW_MAX),
     .default_words = "five times `late`", .range = "more than `late`",
     .help = "An item without an event for so long is missing."},
    {CONFIG_DURATION("forget", struct tile_config, forget_ms, 1, TILE_WINDOW_MAX),
     .default_value = "7d", .range = "more than `missing`",
     .help = "An item without an event for so long is forgotten: it was taken out of service."},
    {CONFIG_DURATION("steady", struct tile_config, steady_ms, 0, TILE_WINDOW_MAX),
     .default_value = "0s", .range = "at most 8 times `late`",
     .help = "An item that was late is up again when its events have come for so long without one "
             "being late."},
    {CONFIG_MEMBER("match", config_read_match, struct tile_config, match), .range = "conditions",
     .default_words = "every event", .help = "The events that are signs of life."},
};

static const char *const figures[] = {"missing", "late", "up", NULL};

const struct tile_rules tile_rules_presence = {
    .name = "presence",
    .figures = figures,
    .table = CONFIG_TABLE(rows),
    .check = check,
};
