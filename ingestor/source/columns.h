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

#define COLUMNS_MAX (EVENT_FIELDS + CONFIG_EXTRAS_MAX)

struct columns_entry {
    const char *field; /* its name in events */
    const char *name;  /* in the table; NULL: the configuration says that there is none */
    bool needed;       /* the table has to have it */
};

/* How many are selected: at most COLUMNS_MAX. */
size_t columns_count(const struct config_source *source);

/* The index-th of them, below columns_count. Its texts are the configuration's. */
struct columns_entry columns_at(const struct config_source *source, size_t index);

/* The error of a needed column that the table lacks: STATUS_NOT_FOUND, and what to do. names: the
 * columns that the table has. */
int columns_missing(const struct config_source *source, const struct columns_entry *column,
                    const char *names, struct error *err);

/* Copies a row's texts into the last event of the batch. texts has columns_count entries, STR_NULL
 * for NULL; those of id and timestamp are ignored. Returns why the row cannot be used, or
 * UNUSABLE_KINDS when it can. */
enum unusable columns_fill(const struct config_source *source, const struct str *texts,
                           struct batch *batch, struct event *event);

#endif
