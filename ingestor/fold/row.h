/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row: an event as the tiles read it, its fields by name. The payload is parsed when the first
 * tile asks for a member of it, and only once however many tiles ask.
 */
#ifndef INGESTOR_FOLD_ROW_H
#define INGESTOR_FOLD_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/json.h"
#include "common/config/tiles.h"
#include "common/store/event.h"
#include "common/wire/tally.h"
#include "ingestor/fold/fold_counters.h"
#include "ingestor/fold/number.h"

/* Bytes of a payload that is parsed. A longer one counts as unusable. */
#define ROW_PAYLOAD_MAX ((size_t)1024 * 1024)

/* Bytes that row_text needs to write a number. */
#define ROW_SCRATCH JSON_NUMBER_SIZE

enum row_payload_state { ROW_PAYLOAD_UNREAD, ROW_PAYLOAD_READ, ROW_PAYLOAD_BAD };

struct row {
    const struct event *event;            /* borrowed */
    struct fold_counters *counters;       /* what counts payloads that cannot be used; borrowed */
    enum row_payload_state payload_state; /* how far reading the payload has come */
    struct json_value *payload;           /* NULL unless ROW_PAYLOAD_READ */
    uint64_t tally; /* what it adds to the tally of each tile that it goes into */
};

/* Both are borrowed and must outlive the row. End it with row_finish. */
static inline struct row row_of(const struct event *event, struct fold_counters *counters)
{
    return (struct row){event, counters, ROW_PAYLOAD_UNREAD, NULL,
                        tally_of_row(tally_id(event->id), event->timestamp, event->event_type)};
}

void row_finish(struct row *row);

/* The member of the payload at that path, or NULL when there is none; STR("") is the payload
 * itself. A payload that is a string is the JSON that it holds. Borrowed from the row. */
const struct json_value *row_payload(struct row *row, struct str path);

/* The field as text; numbers and booleans of the payload are written as JSON writes them, and
 * integers that int64 cannot hold as they are written there. False when the field is absent, null,
 * a map or a list, and when it is unusable, which is counted in bad_fields. The text is borrowed
 * from the row, or stands in scratch. */
bool row_text(struct row *row, const struct tile_field *field, char scratch[ROW_SCRATCH],
              struct str *out);

/* The field as a number: a number of the payload, or text that number_of_text takes. False when it
 * is not; a field that is there but is no number is counted in bad_fields. */
bool row_number(struct row *row, const struct tile_field *field, struct number *out);

/* The field as a moment, in local time of `zone` if it names none: text as wall_parse takes it, or
 * a number of the payload as wall_from_integer and wall_from_number do. False when it is not; text
 * that is there but is no moment is counted in bad_fields. */
bool row_time(struct row *row, const struct tile_field *field, const struct zone *zone,
              wall_time *out);

/* True when all conditions hold. With skip_type those on event_type are taken to hold, because
 * match_admits_type was asked before. */
bool row_matches(struct row *row, const struct tile_match *match, bool skip_type);

/* True when the row is a measurement of that metric with those labels; *value is then what was
 * measured. */
bool row_metric(struct row *row, const char *metric, const struct tile_match *labels,
                struct number *value);

#endif
