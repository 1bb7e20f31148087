/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns that a source selects, and how the texts of a row become an event. All sources select
 * the same list: the seven fields of an event in their order (common/base/event_fields.h), then the
 * columns that the user added.
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_COLUMNS_H
#define INGESTOR_SOURCE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/event_fields.h"
#include "common/config/config.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/unusable.h"

struct columns_entry {
    const char *field; /* its name in events */
    const char *name;  /* in the table; NULL: the configuration says that there is none */
    bool needed;       /* the table has to have it */
};

/* How many are selected: at most EVENT_FIELDS + CONFIG_EXTRAS_MAX. */
size_t columns_count(const struct config_source *source);

/* The index-th of them, below columns_count. Its texts are the configuration's. */
struct columns_entry columns_at(const struct config_source *source, size_t index);

/* True when the event's timestamp is the cursor's column, whose time is known before. */
static inline bool columns_time_is_known(const struct config_source *source)
{
    return source->columns[EVENT_TIMESTAMP].name == source->cursor;
}

/* The error of a needed column that the table lacks: STATUS_NOT_FOUND, and what to do. names: the
 * columns that the table has. */
int columns_missing(const struct config_source *source, const struct columns_entry *column,
                    const char *names, struct error *err);

/* Where struct event keeps the texts of its fields. */
extern const size_t columns_member_at[EVENT_FIELDS];

/*
 * Copies a row's texts into the last event of the batch. text_of gives the text of the index-th
 * column, STR_NULL for NULL; it is not asked for those of id and timestamp. Returns why the row
 * cannot be used, or UNUSABLE_KINDS when it can. Each row of a catch-up comes by here: inline, it
 * becomes one loop with the source's own text_of.
 */
static inline enum unusable columns_fill(const struct config_source *source,
                                         struct str (*text_of)(void *row, size_t index), void *row,
                                         struct batch *batch, struct event *event)
{
    for (size_t i = EVENT_TYPE; i < EVENT_FIELDS; i++) {
        struct str *member = (void *)((char *)event + columns_member_at[i]);
        const struct str text = text_of(row, i);
        if (text.len > BATCH_TEXT_MAX) {
            return UNUSABLE_TOO_LONG;
        }
        *member = batch_text(batch, text);
    }
    if (event->event_type.p == NULL) {
        return UNUSABLE_EVENT_TYPE;
    }
    for (size_t i = 0; i < source->extra_count; i++) {
        const struct str text = text_of(row, EVENT_FIELDS + i);
        if (text.len > BATCH_TEXT_MAX) {
            return UNUSABLE_TOO_LONG;
        }
        batch_extras(batch, event)[i] =
            (struct event_extra){source->extras[i].field, batch_text(batch, text)};
    }
    return UNUSABLE_KINDS;
}

#endif
