/* SPDX-License-Identifier: Apache-2.0 */
/* The columns that the oracle reads, which all kinds of source have in common, and the check that a
 * row has to pass. */
#ifndef CTL_ORACLE_COLUMNS_H
#define CTL_ORACLE_COLUMNS_H

#include "common/base/event_fields.h"
#include "ctl/oracle/source.h"

#define ORACLE_COLUMNS_MAX (EVENT_FIELDS + CONFIG_EXTRAS_MAX)
#define ORACLE_TEXT_MAX ((size_t)1024 * 1024) /* bytes of a column; a row with more is unusable */

/* Columns are counted in the order of enum event_field, with the configuration's extras behind
 * them. */
size_t oracle_column_count(const struct config_source *source);

/* The column's name in the table; NULL when the configuration says that there is none. */
const char *oracle_column(const struct config_source *source, size_t index);

/* there[i] is true when the table has column i. STATUS_NOT_FOUND when one that is needed is
 * missing. */
int oracle_check_columns(const struct config_source *source, const bool *there, struct error *err);

/* Checks a row, whose texts are indexed like the columns (the id's and the timestamp's are not
 * read), and adds it to rows. timestamp is NULL when the row has none that can be understood.
 * Returns false when the row breaks a rule and was passed over. */
bool oracle_add_event(struct oracle_rows *rows, const struct config_source *source, int64_t id,
                      const wall_time *timestamp, const struct str *texts);

#endif
