/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/row.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "ingestor/fold/match.h"

void row_finish(struct row *row)
{
    json_free(row->payload);
    row->payload = NULL;
}

/* Takes the JSON that a string holds in place of the string, when it is a map or a list: some
 * writers encode a payload twice. False when it looks like that, but is no JSON. */
static bool unwrap(struct json_value **payload)
{
    struct str text;
    if (!json_as_str(*payload, &text)) {
        return true;
    }
    const size_t begin = strspn(text.p, " \t\r\n"); /* jansson's strings end with a NUL */
    if (text.p[begin] != '{' && text.p[begin] != '[') {
        return true;
    }
    struct json_value *inner;
    const int status = json_parse_usable(text, ROW_PAYLOAD_MAX, &inner);
    json_free(*payload);
    *payload = inner;
    return status == STATUS_OK;
}

static bool read_payload(struct str text, struct json_value **out)
{
    return json_parse_usable(text, ROW_PAYLOAD_MAX, out) == STATUS_OK && unwrap(out);
}

const struct json_value *row_payload(struct row *row, struct str path)
{
    if (row->payload_state == ROW_PAYLOAD_UNREAD) {
        row->payload_state = ROW_PAYLOAD_BAD;
        if (row->event->payload.p == NULL) {
            return NULL; /* no payload is no mistake */
        }
        if (read_payload(row->event->payload, &row->payload)) {
            row->payload_state = ROW_PAYLOAD_READ;
        } else {
            row->counters->bad_payloads++;
        }
    }
    return json_at(row->payload, path);
}

static struct str column(const struct event *event, const struct tile_field *field)
{
    switch (field->kind) {
    case TILE_FIELD_EVENT_TYPE:
        return event->event_type;
    case TILE_FIELD_ACTOR_ID:
        return event->actor_id;
    case TILE_FIELD_TARGET_ID:
        return event->target_id;
    case TILE_FIELD_SUMMARY:
        return event->summary;
    case TILE_FIELD_EXTRA:
        return field->extra < event->extra_count ? event->extras[field->extra].value : STR_NULL;
    case TILE_FIELD_NONE:
    case TILE_FIELD_PAYLOAD:
        break;
    }
    return STR_NULL;
}

static bool scalar_text(const struct json_value *value, char scratch[ROW_SCRATCH], struct str *out)
{
    int64_t integer;
    double number;
    bool boolean;
    if (json_as_str(value, out)) {
        return true;
    }
    if (json_as_bool(value, &boolean)) {
        *out = boolean ? STR("true") : STR("false");
        return true;
    }
    size_t len;
    if (json_as_digits(value, out)) {
        return true;
    }
    if (json_as_int(value, &integer)) {
        len = (size_t)snprintf(scratch, ROW_SCRATCH, "%lld", (long long)integer);
    } else if (json_as_number(value, &number)) {
        len = json_number_text(number, scratch);
    } else {
        return false;
    }
    *out = (struct str){scratch, len};
    return true;
}

bool row_text(struct row *row, const struct tile_field *field, char scratch[ROW_SCRATCH],
              struct str *out)
{
    if (field->kind == TILE_FIELD_PAYLOAD) {
        const struct json_value *value = row_payload(row, field->path);
        row->counters->bad_fields += json_is_unusable(value);
        return scalar_text(value, scratch, out);
    }
    *out = column(row->event, field);
    return out->p != NULL;
}

bool row_number(struct row *row, const struct tile_field *field, struct number *out)
{
    struct str text = STR_NULL;
    bool there;
    if (field->kind == TILE_FIELD_PAYLOAD) {
        const struct json_value *value = row_payload(row, field->path);
        if (number_of_json(value, out)) {
            return true;
        }
        there = !json_absent(value);
        (void)json_as_str(value, &text);
    } else {
        text = column(row->event, field);
        there = text.p != NULL;
    }
    if (text.p != NULL && number_of_text(text, out)) {
        return true;
    }
    row->counters->bad_fields += there;
    return false;
}

bool row_time(struct row *row, const struct tile_field *field, const struct zone *zone,
              wall_time *out)
{
    struct str text = STR_NULL;
    bool there;
    if (field->kind == TILE_FIELD_PAYLOAD) {
        const struct json_value *value = row_payload(row, field->path);
        int64_t integer;
        double number;
        if (json_as_int(value, &integer)) {
            return wall_from_integer(integer, zone, out);
        }
        if (json_as_number(value, &number)) {
            return wall_from_number(number, zone, out);
        }
        there = !json_absent(value);
        (void)json_as_str(value, &text);
    } else {
        text = column(row->event, field);
        there = text.p != NULL;
    }
    if (text.p != NULL && wall_parse(text.p, text.len, zone, out)) {
        return true;
    }
    row->counters->bad_fields += there;
    return false;
}

static bool condition_holds(struct row *row, const struct tile_condition *condition)
{
    if (condition->test == TILE_TEST_ANY) {
        for (size_t i = 0; i < condition->either_count; i++) {
            if (row_matches(row, &condition->either[i], false)) {
                return true;
            }
        }
        return false;
    }
    if (condition->field.kind != TILE_FIELD_PAYLOAD) {
        return match_holds_text(condition, column(row->event, &condition->field));
    }
    const struct json_value *value = row_payload(row, condition->field.path);
    row->counters->bad_fields += json_is_unusable(value);
    return match_holds_json(condition, value);
}

bool row_matches(struct row *row, const struct tile_match *match, bool skip_type)
{
    for (size_t i = 0; i < match->count; i++) {
        const struct tile_condition *condition = &match->all[i];
        const bool known = skip_type && condition->field.kind == TILE_FIELD_EVENT_TYPE;
        if (!known && !condition_holds(row, condition)) {
            return false;
        }
    }
    return true;
}

bool row_metric(struct row *row, const char *metric, const struct tile_match *labels,
                struct number *value)
{
    static const struct tile_field value_field = {
        .kind = TILE_FIELD_PAYLOAD, .text = "payload.value", .path = {"value", 5}};
    struct str name;
    return json_as_str(row_payload(row, STR("metric")), &name) && str_is(name, metric) &&
           row_matches(row, labels, false) && row_number(row, &value_field, value);
}
