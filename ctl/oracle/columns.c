/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/columns.h"

size_t oracle_column_count(const struct config_source *source)
{
    return EVENT_FIELDS + source->extra_count;
}

const char *oracle_column(const struct config_source *source, size_t index)
{
    return index < EVENT_FIELDS ? source->columns[index].name
                                : source->extras[index - EVENT_FIELDS].column;
}

/* What an events table cannot do without, and what the configuration names. */
static bool column_needed(const struct config_source *source, size_t index)
{
    return oracle_column(source, index) != NULL &&
           (index >= EVENT_FIELDS || !event_fields[index].optional ||
            source->columns[index].configured);
}

int oracle_check_columns(const struct config_source *source, const bool *there, struct error *err)
{
    for (size_t i = 0; i < oracle_column_count(source); i++) {
        if (!there[i] && column_needed(source, i)) {
            const char *field =
                i < EVENT_FIELDS ? event_fields[i].name : source->extras[i - EVENT_FIELDS].field;
            return error_set(err, STATUS_NOT_FOUND,
                             "table \"%s\" has no column \"%s\" for %s; set source.columns.%s to "
                             "the one that holds it",
                             source->table, oracle_column(source, i), field, field);
        }
    }
    return STATUS_OK;
}

bool oracle_add_event(struct oracle_rows *rows, const struct config_source *source, int64_t id,
                      const wall_time *timestamp, const struct str *texts)
{
    if (id <= 0 || timestamp == NULL || texts[EVENT_TYPE].p == NULL) {
        return false;
    }
    for (size_t i = EVENT_TYPE; i < oracle_column_count(source); i++) {
        if (texts[i].len > ORACLE_TEXT_MAX) {
            return false;
        }
    }
    struct event_extra extras[CONFIG_EXTRAS_MAX];
    for (size_t i = 0; i < source->extra_count; i++) {
        extras[i] = (struct event_extra){source->extras[i].field, texts[EVENT_FIELDS + i]};
    }
    const struct event event = {
        .id = {.number = id},
        .timestamp = *timestamp,
        .event_type = texts[EVENT_TYPE],
        .actor_id = texts[EVENT_ACTOR],
        .target_id = texts[EVENT_TARGET],
        .summary = texts[EVENT_SUMMARY],
        .payload = texts[EVENT_PAYLOAD],
        .extras = extras,
        .extra_count = source->extra_count,
    };
    oracle_rows_add(rows, &event);
    return true;
}
