/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a field of an event is found in a message of a bus. A table has columns; a message has
 * places, which `source.fields` names:
 *
 *   value               the whole value         key         the message's key
 *   value.customer.id   a member of it          header.X    a header
 *   ce.type             an attribute of a       topic       where the message was: topic, subject
 *                       CloudEvent                          or stream
 *   change.type         what Debezium says      partition   of the topic
 *   change.time         of a changed row        timestamp   the message's own time
 *   change.row.id       a column of it
 *
 * docs/messages.md says what each is in each format. Pure.
 */
#ifndef COMMON_CONFIG_MESSAGE_PLACE_H
#define COMMON_CONFIG_MESSAGE_PLACE_H

#include <stdbool.h>

#include "common/base/str.h"

/* What a message's value is, by `source.format`; the values are the indices of its choices. */
enum message_format { MESSAGE_JSON, MESSAGE_CLOUDEVENTS, MESSAGE_DEBEZIUM };
#define MESSAGE_FORMATS 3

enum message_place_kind {
    PLACE_NONE, /* The event has no such field. */
    PLACE_VALUE,
    PLACE_KEY,
    PLACE_HEADER,
    PLACE_TOPIC,
    PLACE_PARTITION,
    PLACE_TIME,
    PLACE_ATTRIBUTE,
    PLACE_CHANGE_TYPE,
    PLACE_CHANGE_TIME,
    PLACE_CHANGE_ROW,
};

struct message_place {
    enum message_place_kind kind; /* which part of the message */
    /* Borrowed from the text: the path of PLACE_VALUE and PLACE_CHANGE_ROW, "" for all of it; the
     * name of PLACE_HEADER and PLACE_ATTRIBUTE; else "". */
    struct str name;
};

/* Reads a place as it is written. False when it is none, or one that the format does not have. */
bool message_place_parse(struct str text, enum message_format format, struct message_place *out);

/* What may be written, for people. */
const char *message_place_words(enum message_format format);

#endif
