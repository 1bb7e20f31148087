/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/columns.h"

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
    return error_set(err, STATUS_NOT_FOUND,
                     "table \"%s\"%s%s has no column \"%s\" for %s; its columns are %s; set "
                     "source.columns.%s to the one that holds it",
                     source->table, source->path != NULL ? " of " : "",
                     source->path != NULL ? source->path : "", column->name, column->field, names,
                     column->field);
}

enum unusable columns_fill(const struct config_source *source, const struct str *texts,
                           struct batch *batch, struct event *event)
{
    struct str *const members[EVENT_FIELDS] = {
        [EVENT_TYPE] = &event->event_type,  [EVENT_ACTOR] = &event->actor_id,
        [EVENT_TARGET] = &event->target_id, [EVENT_SUMMARY] = &event->summary,
        [EVENT_PAYLOAD] = &event->payload,
    };
    for (size_t i = EVENT_TYPE; i < EVENT_FIELDS; i++) {
        if (texts[i].len > BATCH_TEXT_MAX) {
            return UNUSABLE_TOO_LONG;
        }
        *members[i] = batch_text(batch, texts[i]);
    }
    if (event->event_type.p == NULL) {
        return UNUSABLE_EVENT_TYPE;
    }
    for (size_t i = 0; i < source->extra_count; i++) {
        const struct str text = texts[EVENT_FIELDS + i];
        if (text.len > BATCH_TEXT_MAX) {
            return UNUSABLE_TOO_LONG;
        }
        batch_extras(batch, event)[i] =
            (struct event_extra){source->extras[i].field, batch_text(batch, text)};
    }
    return UNUSABLE_KINDS;
}
