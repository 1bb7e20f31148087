/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How `tilewire check --connect` tries a source: one function for each kind, in
 * ctl/connect/sources/NAME.c. It connects as the ingestor would, reads what is needed to say what
 * it found, and changes nothing there. Each wait has an end, within seconds.
 */
#ifndef CTL_CONNECT_SOURCE_H
#define CTL_CONNECT_SOURCE_H

#include "common/config/config.h"
#include "common/config/source_built.h"
#include "ctl/connect/findings.h"

#define CONNECT_SOURCE "source" /* what findings of sources are about */
#define CONNECT_WAIT_MS 5000    /* for each answer of a source */

/* config has a source of that kind, and is borrowed during the call. */
typedef void connect_source_fn(const struct config *config, struct findings *out);

/* connect_NAME of each kind that is built. */
#define CONNECT_SOURCE_DECLARE(value, name) extern connect_source_fn connect_##name;
SOURCE_BUILT_LIST(CONNECT_SOURCE_DECLARE)
#undef CONNECT_SOURCE_DECLARE

/* Says which columns are there. there[i]: column i of ctl/oracle/columns.h; types[i]: its type, or
 * NULL. False when one that is needed is missing. */
bool connect_columns(const struct config_source *source, const bool *there,
                     const char *const *types, struct findings *out);

/* Says which fields the newest event has, by the texts of its columns. key: the key of `source`
 * that maps them, "columns" or "fields"; what: "row 17". timed: its time can be read. */
void connect_fields(const struct config_source *source, const char *key, const char *what,
                    const struct str *texts, bool timed, struct findings *out);

#endif
