/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the events table for the oracle: plain SQL in pages, all rows, none of the ingestor's
 * reading code.
 */
#ifndef CTL_ORACLE_SOURCE_H
#define CTL_ORACLE_SOURCE_H

#include <stdint.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "ctl/oracle/rows.h"

#define ORACLE_PAGE_ROWS 20000        /* rows read at once, so that writers never wait for long */
#define ORACLE_TEXT_MAX (1024 * 1024) /* bytes of a column; a row with more is unusable */

/* What a source counts; all else about it is private to its file. */
struct oracle_source {
    int64_t newest;    /* greatest id in the table when it was last read; 0 when it is empty */
    uint64_t unusable; /* rows passed over, by the rules of docs/sources.md */

    int (*load)(struct oracle_source *source, struct oracle_rows *rows, struct error *err);
    void (*close)(struct oracle_source *source);
};

/* config has a source. The caller closes it with oracle_source_close. */
int oracle_source_open(const struct config *config, struct oracle_source **out, struct error *err);
void oracle_source_close(struct oracle_source **source);

/* Brings rows up to date with the table: adds what is new. Rows that appeared among older ones
 * (PostgreSQL: ids do not commit in order) make it read all again. */
int oracle_source_load(struct oracle_source *source, struct oracle_rows *rows, struct error *err);

/* Private: the two kinds. */
int oracle_sqlite_open(const struct config *config, struct oracle_source **out, struct error *err);
int oracle_postgres_open(const struct config *config, struct oracle_source **out,
                         struct error *err);

/* The table's columns for each of an event's fields, in the order id, timestamp, event_type,
 * actor_id, target_id, summary, payload, then config's extras. */
#define ORACLE_FIXED_COLUMNS 7
size_t oracle_column_count(const struct config_source *source);
const char *oracle_column(const struct config_source *source, size_t index);

/* there: which of them the table has. STATUS_NOT_FOUND when one that is needed is missing. */
int oracle_check_columns(const struct config_source *source, const bool *there, struct error *err);

/* Checks an event read from the columns' texts, and adds it. Sets *usable to false when it breaks a
 * rule and was passed over. */
void oracle_add_event(struct oracle_rows *rows, const struct config_source *source, int64_t id,
                      const wall_time *timestamp, const struct str *texts, bool *usable);

#endif
