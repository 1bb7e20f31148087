/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/columns.h"

#include <string.h>

size_t columns_count(const struct config_source *source)
{
    return EVENT_FIELDS + source->extra_count;
}

struct columns_entry columns_at(const struct config_source *source, size_t index)
{
    if (index >= EVENT_FIELDS) {
        const size_t extra = index - EVENT_FIELDS;
        return (struct columns_entry){source->extras[extra].field, source->extras[extra].column,
                                      true};
    }
    const struct config_column *column = &source->columns[index];
    return (struct columns_entry){
        .field = event_fields[index].name,
        .name = column->name,
        .needed = !event_fields[index].optional || (column->configured && column->name != NULL),
    };
}

int columns_missing(const struct config_source *source, const struct columns_entry *column,
                    const char *names, struct error *err)
{
    const bool of_cursor =
        source->cursor != NULL && (strcmp(column->name, source->cursor) == 0 ||
                                   strcmp(column->field, event_fields[EVENT_ID].name) == 0);
    if (of_cursor) {
        return error_set(err, STATUS_NOT_FOUND,
                         "table \"%s\"%s%s has no column \"%s\" for source.cursor; its columns are "
                         "%s; write the one that rows are in the order of, and the one of the id: "
                         "source.cursor: [created_at, id]",
                         source->table, source->path != NULL ? " of " : "",
                         source->path != NULL ? source->path : "", column->name, names);
    }
    return error_set(err, STATUS_NOT_FOUND,
                     "table \"%s\"%s%s has no column \"%s\" for %s; its columns are %s; set "
                     "source.columns.%s to the one that holds it",
                     source->table, source->path != NULL ? " of " : "",
                     source->path != NULL ? source->path : "", column->name, column->field, names,
                     column->field);
}

const size_t columns_member_at[EVENT_FIELDS] = {
    [EVENT_TYPE] = offsetof(struct event, event_type),
    [EVENT_ACTOR] = offsetof(struct event, actor_id),
    [EVENT_TARGET] = offsetof(struct event, target_id),
    [EVENT_SUMMARY] = offsetof(struct event, summary),
    [EVENT_PAYLOAD] = offsetof(struct event, payload),
};
