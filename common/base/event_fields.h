/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seven fields of an event, which are the columns that a table of events may have: their names
 * and their one order. The configuration (`source.columns`), the queries of both sources and the
 * oracle are made from this table; columns that a user adds follow after these.
 *
 * Constant data, which any thread may read.
 */
#ifndef COMMON_BASE_EVENT_FIELDS_H
#define COMMON_BASE_EVENT_FIELDS_H

#include <stdbool.h>

enum event_field {
    EVENT_ID,
    EVENT_TIMESTAMP,
    EVENT_TYPE,
    EVENT_ACTOR,
    EVENT_TARGET,
    EVENT_SUMMARY,
    EVENT_PAYLOAD,
    EVENT_FIELDS, /* how many there are */
};

struct event_field_info {
    const char *name; /* as the configuration and the wire call it; a column's name by default */
    bool optional;    /* True when a table of events may lack the column. */
};

/* Indexed by enum event_field. */
extern const struct event_field_info event_fields[EVENT_FIELDS];

#endif
