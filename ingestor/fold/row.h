/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as the fold's tiles look at it: fields by name, the payload parsed when the first of
 * them asks for it, and once only.
 */
#ifndef INGESTOR_FOLD_ROW_H
#define INGESTOR_FOLD_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/codec/json.h"
#include "common/config/tiles.h"
#include "common/store/event.h"
#include "ingestor/fold/fold.h"

#define PAYLOAD_MAX                                                                                \
    (1024 * 1024)        /* bytes of a payload that is parsed; a longer one counts as bad */
#define FIELD_SCRATCH 32 /* bytes that a number takes as text */

enum payload_state { PAYLOAD_UNREAD, PAYLOAD_READ, PAYLOAD_BAD };

struct row {
    const struct event *event;
    struct fold_counters *counters;
    enum payload_state payload_state;
    struct json_value *payload; /* NULL unless PAYLOAD_READ */
};

static inline struct row row_of(const struct event *event, struct fold_counters *counters)
{
    return (struct row){event, counters, PAYLOAD_UNREAD, NULL};
}

void row_finish(struct row *row);

/* The member of the payload at that path (STR("") is the payload itself), or NULL. Borrowed from
 * the row. */
const struct json_value *row_payload(struct row *row, struct str path);

/* The field as text; numbers and booleans of the payload as JSON writes them. False when it is
 * absent, null, a map or a list. The text is borrowed from the row or in scratch. */
bool row_text(struct row *row, const struct field *field, char scratch[FIELD_SCRATCH],
              struct str *out);

/* The field as a number: a number of the payload, or text that is one. What is there but no number
 * is counted. */
bool row_number(struct row *row, const struct field *field, double *out);

/* The field as a moment: text or a number as wall_parse takes it. */
bool row_time(struct row *row, const struct field *field, wall_time *out);

/* Do all conditions hold? skip_type: those on event_type are known to. */
bool row_matches(struct row *row, const struct match *match, bool skip_type);

/* Is it this metric, with these labels? Its value then. */
bool row_metric(struct row *row, const char *metric, const struct match *labels, double *value);

/* Does the text fit the pattern (which is for text)? */
bool pattern_fits(const struct pattern *pattern, struct str text);

/* Could an event of that type match: do the conditions on event_type hold? */
bool match_admits_type(const struct match *match, struct str event_type);

#endif
