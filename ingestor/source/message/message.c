/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/message/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/config/message_place.h"
#include "ingestor/source/columns.h"
#include "ingestor/source/message/envelope.h"

/* A field of events and where it is found. */
struct field_place {
    struct message_place place;
    bool configured;
};

struct message_reader {
    const struct config_source *source;
    struct field_place fields[EVENT_FIELDS];
    struct message_place extras[CONFIG_EXTRAS_MAX];
    struct envelope envelope; /* of the message in hand */
};

static struct field_place place_of(const struct config_source *source, size_t field)
{
    const struct config_column *column = &source->columns[field];
    struct field_place out = {.configured = column->configured};
    if (column->name == NULL ||
        !message_place_parse(str_of(column->name), source->format, &out.place)) {
        out.place.kind = PLACE_NONE;
    }
    return out;
}

struct message_reader *message_reader_create(const struct config_source *source)
{
    struct message_reader *reader = x_calloc(1, sizeof *reader);
    reader->source = source;
    for (size_t i = EVENT_TIMESTAMP; i < EVENT_FIELDS; i++) {
        reader->fields[i] = place_of(source, i);
    }
    for (size_t i = 0; i < source->extra_count; i++) {
        (void)message_place_parse(str_of(source->extras[i].column), source->format,
                                  &reader->extras[i]);
    }
    return reader;
}

void message_reader_destroy(struct message_reader **reader_p)
{
    struct message_reader *reader = *reader_p;
    if (reader != NULL) {
        envelope_close(&reader->envelope);
        envelope_free(&reader->envelope);
        free(reader);
        *reader_p = NULL;
    }
}

/* ---- The time ---- */

/* A time is a number or a text, as in a table. */
static bool time_of_json(struct envelope *e, const struct json_node *value, const struct zone *zone,
                         wall_time *out)
{
    struct str text;
    int64_t integer;
    double number;
    if (json_outline_text(&e->outline, value, &e->scratch, &text)) {
        return wall_parse(text.p, text.len, zone, out);
    }
    if (json_outline_integer(&e->outline, value, &integer)) {
        return wall_from_integer(integer, zone, out);
    }
    return json_outline_number(&e->outline, value, &number) && wall_from_number(number, zone, out);
}

/* The message's own time serves where the file names no place for it and the message has none. */
static bool time_of(struct message_reader *reader, wall_time *out)
{
    struct envelope *e = &reader->envelope;
    const struct field_place *field = &reader->fields[EVENT_TIMESTAMP];
    const struct zone *zone = reader->source->local.zone;
    const struct json_node *json = envelope_json(e, &field->place);
    struct str text = STR_NULL;
    if (json == NULL && field->place.kind != PLACE_TIME) {
        text = envelope_text(e, &field->place);
    }
    if (!json_outline_absent(json)) {
        return time_of_json(e, json, zone, out);
    }
    if (text.p != NULL) {
        return wall_parse(text.p, text.len, zone, out);
    }
    *out = e->message->time;
    return (field->place.kind == PLACE_TIME || !field->configured) && out->us != WALL_NEVER.us;
}

/* ---- The texts ---- */

static bool fits(struct str text)
{
    return text.len <= BATCH_TEXT_MAX;
}

/* Returns why the message cannot be used, or UNUSABLE_KINDS when it can. */
static enum unusable fill_texts(struct message_reader *reader, struct batch *batch,
                                struct event *event)
{
    const struct config_source *source = reader->source;
    for (size_t i = EVENT_TYPE; i < EVENT_FIELDS; i++) {
        struct str *member = (void *)((char *)event + columns_member_at[i]);
        const struct message_place *place = &reader->fields[i].place;
        const struct str text = i == EVENT_PAYLOAD ? envelope_payload(&reader->envelope, place,
                                                                      reader->fields[i].configured)
                                                   : envelope_text(&reader->envelope, place);
        if (!fits(text)) {
            return UNUSABLE_TOO_LONG;
        }
        *member = batch_text(batch, text);
    }
    if (event->event_type.p == NULL) {
        return UNUSABLE_EVENT_TYPE;
    }
    for (size_t i = 0; i < source->extra_count; i++) {
        const struct str text = envelope_text(&reader->envelope, &reader->extras[i]);
        if (!fits(text)) {
            return UNUSABLE_TOO_LONG;
        }
        batch_extras(batch, event)[i] =
            (struct event_extra){source->extras[i].field, batch_text(batch, text)};
    }
    return UNUSABLE_KINDS;
}

enum message_verdict message_fill(struct message_reader *reader, const struct message *message,
                                  struct batch *batch, struct event *event, enum unusable *why)
{
    struct envelope *e = &reader->envelope;
    enum message_verdict verdict = MESSAGE_UNUSABLE;
    *why = UNUSABLE_TOO_LONG;
    if (message->value.len > MESSAGE_VALUE_MAX) {
        return MESSAGE_UNUSABLE;
    }
    switch (envelope_open(e, reader->source->format, message)) {
    case ENVELOPE_NOTHING:
        verdict = MESSAGE_NOTHING;
        break;
    case ENVELOPE_NOT_JSON:
        *why = UNUSABLE_NOT_JSON;
        break;
    case ENVELOPE_OPEN:
        *why = time_of(reader, &event->timestamp) ? fill_texts(reader, batch, event)
                                                  : UNUSABLE_TIMESTAMP;
        verdict = *why == UNUSABLE_KINDS ? MESSAGE_USABLE : MESSAGE_UNUSABLE;
        break;
    }
    envelope_close(e);
    return verdict;
}
