/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message opened: what its format wraps around the data, and the texts at its places.
 *
 *   json         the value is the data
 *   cloudevents  structured: the value is the envelope, and its member `data` the data;
 *                binary: headers `ce_…` or `ce-…` are the envelope, and the value is the data
 *                (CloudEvents 1.0.2, with the bindings for Kafka and NATS)
 *   debezium     the value is a row's change, with a schema around it or without (Debezium 2 and 3)
 *
 * Private to ingestor/source/message. Pure.
 */
#ifndef INGESTOR_SOURCE_MESSAGE_ENVELOPE_H
#define INGESTOR_SOURCE_MESSAGE_ENVELOPE_H

#include "common/base/buf.h"
#include "common/codec/json.h"
#include "common/codec/json_outline.h"
#include "common/config/message_place.h"
#include "ingestor/source/message/raw_message.h"

/* Zero-initialised: closed. */
struct envelope {
    enum message_format format;    /* how the message is to be understood */
    const struct message *message; /* borrowed */
    struct json_outline outline;   /* of the value; empty: it is no JSON */
    struct json_value *key;        /* the key's, where the format looks into it; owned, or NULL */
    bool binary;                   /* The attributes are headers. */
    const char *prefix;            /* of these headers */
    const struct json_node *data;  /* the data in the value; NULL: there is none */
    struct buf table;              /* scratch of a change's type */
    struct buf op;                 /* likewise */
    struct buf scratch;            /* texts that were made; the last one is there */
};

enum envelope_verdict { ENVELOPE_OPEN, ENVELOPE_NOT_JSON, ENVELOPE_NOTHING };

/* The caller closes it in any case. */
enum envelope_verdict envelope_open(struct envelope *e, enum message_format format,
                                    const struct message *message);
void envelope_close(struct envelope *e);

/* Gives back the memory that is kept from one message to the next. */
void envelope_free(struct envelope *e);

/* What stands at a place, if that is in JSON and there is something; else NULL. */
const struct json_node *envelope_json(const struct envelope *e, const struct message_place *place);

/* The text at a place: a string's own; numbers and booleans as SQL writes them; lists and maps as
 * JSON. STR_NULL: there is none. Valid until the next call of it. */
struct str envelope_text(struct envelope *e, const struct message_place *place);

/* The JSON of the payload. configured: the file names the place; else all of the data serves where
 * there is nothing at it. */
struct str envelope_payload(struct envelope *e, const struct message_place *place, bool configured);

#endif
