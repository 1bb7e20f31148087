/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/source.h"

int oracle_source_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    return config->source.kind == SOURCE_SQLITE ? oracle_sqlite_open(config, out, err)
                                                : oracle_postgres_open(config, out, err);
}

void oracle_source_close(struct oracle_source **source)
{
    if (*source != NULL) {
        (*source)->close(*source);
        *source = NULL;
    }
}

int oracle_source_load(struct oracle_source *source, struct oracle_rows *rows, struct error *err)
{
    return source->load(source, rows, err);
}

size_t oracle_column_count(const struct config_source *source)
{
    return ORACLE_FIXED_COLUMNS + source->extra_count;
}

const char *oracle_column(const struct config_source *source, size_t index)
{
    const char *const fixed[ORACLE_FIXED_COLUMNS] = {
        source->columns.id.name,         source->columns.timestamp.name,
        source->columns.event_type.name, source->columns.actor_id.name,
        source->columns.target_id.name,  source->columns.summary.name,
        source->columns.payload.name,
    };
    return index < ORACLE_FIXED_COLUMNS ? fixed[index]
                                        : source->extras[index - ORACLE_FIXED_COLUMNS].column;
}

static const char *const field_names[ORACLE_FIXED_COLUMNS] = {
    "id", "timestamp", "event_type", "actor_id", "target_id", "summary", "payload"};

/* The first three, and what the configuration names. */
static bool column_needed(const struct config_source *source, size_t index)
{
    const bool configured[ORACLE_FIXED_COLUMNS] = {
        true,
        true,
        true,
        source->columns.actor_id.configured,
        source->columns.target_id.configured,
        source->columns.summary.configured,
        source->columns.payload.configured,
    };
    return oracle_column(source, index) != NULL &&
           (index >= ORACLE_FIXED_COLUMNS || configured[index]);
}

int oracle_check_columns(const struct config_source *source, const bool *there, struct error *err)
{
    for (size_t i = 0; i < oracle_column_count(source); i++) {
        if (!there[i] && column_needed(source, i)) {
            const char *field = i < ORACLE_FIXED_COLUMNS
                                    ? field_names[i]
                                    : source->extras[i - ORACLE_FIXED_COLUMNS].field;
            return error_set(err, STATUS_NOT_FOUND,
                             "table \"%s\" has no column \"%s\" for %s; set source.columns.%s to "
                             "the one that holds it",
                             source->table, oracle_column(source, i), field, field);
        }
    }
    return STATUS_OK;
}

void oracle_add_event(struct oracle_rows *rows, const struct config_source *source, int64_t id,
                      const wall_time *timestamp, const struct str *texts, bool *usable)
{
    struct event_extra extras[CONFIG_EXTRAS_MAX];
    struct event event = {
        .id = id,
        .event_type = texts[2],
        .actor_id = texts[3],
        .target_id = texts[4],
        .summary = texts[5],
        .payload = texts[6],
        .extras = extras,
        .extra_count = source->extra_count,
    };
    *usable = id > 0 && timestamp != NULL && event.event_type.p != NULL;
    for (size_t i = 2; i < oracle_column_count(source); i++) {
        *usable = *usable && texts[i].len <= ORACLE_TEXT_MAX;
    }
    if (!*usable) {
        return;
    }
    for (size_t i = 0; i < source->extra_count; i++) {
        extras[i] = (struct event_extra){source->extras[i].field, texts[ORACLE_FIXED_COLUMNS + i]};
    }
    event.timestamp = *timestamp;
    oracle_rows_add(rows, &event);
}
